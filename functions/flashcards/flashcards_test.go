package flashcards_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/courses"
	"aksio.app/shared/flashcards"
	"aksio.app/shared/flashcards/fsrs"
	"aksio.app/shared/id"
)

const path = "/api/v1/assessments/flashcards/"

func newCourse(owner *apitest.Client) string {
	return owner.Post("/api/v1/courses/", map[string]any{"name": "Topology"}).Want(http.StatusCreated).ID()
}

func newCard(owner *apitest.Client, course string) map[string]any {
	return owner.Post(path, map[string]any{"course": course, "question": "What is compact?", "answer": "Every open cover has a finite subcover."}).
		Want(http.StatusCreated).Map()
}

func TestCardLifecycle(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := app.User("ada"), app.User("bob")
	course := newCourse(ada)
	card := newCard(ada, course)
	if card["generated_by_ai"] != false || card["is_due"] != true || card["mastery_level"] != "new" || card["ease_factor"] != 2.5 {
		t.Errorf("a new card: %v", card)
	}
	one := path + card["id"].(string) + "/"
	changed := ada.Patch(one, map[string]any{"is_starred": true, "answer": "New", "stability": 99}).Want(http.StatusOK).Map()
	if changed["is_starred"] != true || changed["answer"] != "New" || changed["stability"] != 0.0 {
		t.Errorf("changed: %v", changed)
	}
	long := strings.Repeat("ø", 20_000)
	for _, refused := range []*apitest.Response{
		ada.Patch(one, map[string]any{"question": long, "answer": long}),
		ada.Post(path, map[string]any{"course": course, "question": long, "answer": long}),
	} {
		if got := refused.Want(http.StatusBadRequest).Map(); got["code"] != "card_too_large" {
			t.Errorf("a large card: %v", got)
		}
	}
	ada.Patch(one, map[string]any{"section": id.New[flashcards.Card]()}).Want(http.StatusBadRequest)
	for _, resp := range []*apitest.Response{bob.Get(one), bob.Patch(one, map[string]any{}), bob.Delete(one), bob.Post(one+"review/", map[string]any{"rating": 3})} {
		resp.Want(http.StatusNotFound)
	}
	bob.Post(path, map[string]any{"course": course, "question": "q", "answer": "a"}).Want(http.StatusBadRequest)
	ada.Delete("/api/v1/courses/" + course + "/").Want(http.StatusNoContent)
	ada.Get(one).Want(http.StatusNotFound)
	if list := ada.Get(path).Want(http.StatusOK).Map(); list["count"] != 0.0 {
		t.Errorf("cards of a deleted course are listed: %v", list)
	}
}

func TestCardsAreListedPageByPage(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	course := newCourse(ada)
	if _, err := app.DB.Exec(t.Context(), `
		INSERT INTO flashcards (id, user_id, course_id, question, answer, next_review_date)
		SELECT gen_random_uuid(), $1, $2, 'q', 'a', now() + n / 10 * interval '1 day' FROM generate_series(1, 45) n`, ada.ID, course); err != nil {
		t.Fatal(err)
	}
	rows, _ := app.DB.Query(t.Context(), `SELECT id::text FROM flashcards ORDER BY next_review_date, id`)
	want, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		page  string
		items []string
	}{{"1", want[:20]}, {"2", want[20:40]}, {"3", want[40:]}, {"last", want[40:]}} {
		var list struct {
			Count          int
			Next, Previous *string
			Results        []struct{ ID string }
		}
		ada.Get(path + "?page=" + tc.page).Want(http.StatusOK).Into(&list)
		var got []string
		for _, card := range list.Results {
			got = append(got, card.ID)
		}
		if list.Count != 45 || !slices.Equal(got, tc.items) {
			t.Errorf("page %s of %d: got %v, want %v", tc.page, list.Count, got, tc.items)
		}
		if (list.Previous == nil) != (tc.page == "1") || (list.Next == nil) != (tc.page == "3" || tc.page == "last") {
			t.Errorf("page %s: previous %v, next %v", tc.page, list.Previous, list.Next)
		}
	}
	ada.Get(path + "?page=4").Want(http.StatusNotFound)
	if detail := ada.Get(path + "?page=5001").Want(http.StatusNotFound).Map()["detail"]; detail == "Invalid page." {
		t.Errorf("deeper than pages reach: %v; want that it says so", detail)
	}
	// With five fewer, the last page is full.
	if _, err := app.DB.Exec(t.Context(), `DELETE FROM flashcards WHERE id::text = ANY ($1)`, want[:5]); err != nil {
		t.Fatal(err)
	}
	if list := ada.Get(path + "?page=last").Want(http.StatusOK).Map(); len(list["results"].([]any)) != 20 || list["count"] != 40.0 {
		t.Errorf("a full last page: %d of %v", len(list["results"].([]any)), list["count"])
	}
}

func TestReviewSchedulesByFSRSOrSM2(t *testing.T) {
	t.Parallel()
	for scheduler, wants := range map[string][]float64{
		"fsrs": {0, 1, 1}, // at least so many days after again, easy and good; FSRS itself is tested elsewhere
		"sm2":  {1, 1, 6},
	} {
		app := apitest.New(t)
		ada := app.User("ada")
		if _, err := app.DB.Exec(t.Context(), `UPDATE users SET scheduler = $2 WHERE id = $1`, ada.ID, scheduler); err != nil {
			t.Fatal(err)
		}
		card := newCard(ada, newCourse(ada))
		review := path + card["id"].(string) + "/review/"
		again := ada.Post(review, map[string]any{"quality_response": 1}).Want(http.StatusCreated).Map()
		if again["scheduler"] != scheduler || again["rating"] != 1.0 || again["new_interval_days"] != wants[0] {
			t.Errorf("%s: again: %v", scheduler, again)
		}
		easy := ada.Post(review, map[string]any{"rating": "easy", "response_time_seconds": 4}).Want(http.StatusCreated).Map()
		if easy["quality_response"] != 5.0 || easy["new_interval_days"].(float64) < wants[1] || easy["ease_factor_before"] != again["ease_factor_after"] {
			t.Errorf("%s: easy: %v", scheduler, easy)
		}
		third := ada.Post(review, map[string]any{"rating": 3}).Want(http.StatusCreated).Map()
		if third["new_interval_days"].(float64) < wants[2] {
			t.Errorf("%s: good: %v", scheduler, third)
		}
		after := ada.Get(path + card["id"].(string) + "/").Want(http.StatusOK).Map()
		if after["total_reviews"] != 3.0 || after["total_correct"] != 2.0 || after["next_review_date"] != third["next_review_date"] {
			t.Errorf("%s: the card afterwards: %v", scheduler, after)
		}
		if due := ada.Get(path + "due/").Want(http.StatusOK); string(due.Body) != "[]\n" {
			t.Errorf("%s: it is still due: %s", scheduler, due.Body)
		}
	}
}

// TestDaysAreTheStudents reviews cards three hours after their last review, around the
// midnight of one student's time zone and at another's noon.
func TestDaysAreTheStudents(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := app.User("ada"), app.User("bob")
	stability := map[*apitest.Client]any{}
	for student, hour := range map[*apitest.Client]int{ada: 1, bob: 12} {
		east := (hour-time.Now().UTC().Hour()+36)%24 - 12 // of Greenwich, where it is that hour now
		zone := fmt.Sprintf("Etc/GMT%+d", -east)          // so POSIX has it
		student.Patch("/api/v1/accounts/profile/", map[string]any{"timezone": zone}).Want(http.StatusOK)
		card := path + newCard(student, newCourse(student))["id"].(string) + "/"
		student.Post(card+"review/", map[string]any{"rating": 4}).Want(http.StatusCreated)
		if _, err := app.DB.Exec(t.Context(), `UPDATE flashcards SET last_review = last_review - interval '3 h'`); err != nil {
			t.Fatal(err)
		}
		student.Post(card+"review/", map[string]any{"rating": 4}).Want(http.StatusCreated)
		stability[student] = student.Get(card).Want(http.StatusOK).Map()["stability"]
	}
	if stability[ada].(float64) <= stability[bob].(float64) {
		t.Errorf("a day later the card has stability %v, on the same day %v", stability[ada], stability[bob])
	}
}

func TestReviewRejects(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	review := path + newCard(ada, newCourse(ada))["id"].(string) + "/review/"
	for name, body := range map[string]map[string]any{
		"nothing": {}, "quality": {"quality_response": 6}, "rating": {"rating": 0}, "word": {"rating": "splendid"}, "seconds": {"rating": 3, "response_time_seconds": -1},
		"float": {"quality_response": 2.5}, "session": {"rating": 3, "study_session_id": "x"}, "list": {"rating": []int{3}},
		"contradiction": {"rating": "easy", "quality_response": 0}, "nearly": {"rating": 3, "quality_response": 3}, "a rating's word": {"quality_response": "good"},
	} {
		if resp := ada.Post(review, body); resp.Status != http.StatusBadRequest {
			t.Errorf("%s: got %d %s, want 400", name, resp.Status, resp.Body)
		}
	}
	const session = "0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c"
	for _, other := range []string{"{" + session + "}", "urn:uuid:" + session, strings.ReplaceAll(session, "-", "")} { // an id has one form
		for _, field := range []string{"id", "study_session_id"} {
			ada.Post(review, map[string]any{"rating": 3, field: other}).Want(http.StatusBadRequest)
		}
	}
	if r := ada.Post(review, map[string]any{"quality_response": "4", "study_session_id": strings.ToUpper(session)}).Want(http.StatusCreated).Map(); r["study_session_id"] != session {
		t.Errorf("got %v", r)
	}
	known := id.New[flashcards.Review]()
	for _, tc := range []struct {
		rating string
		want   int
	}{{"good", http.StatusCreated}, {"good", http.StatusCreated}, {"again", http.StatusBadRequest}} { // which was answered with good
		if resp := ada.Post(review, map[string]any{"id": known, "rating": tc.rating}); resp.Status != tc.want {
			t.Errorf("%s, under the id of good: got %d %s, want %d", tc.rating, resp.Status, resp.Body, tc.want)
		}
	}
	if r := ada.Post(review, map[string]any{"quality_response": 0, "rating": "again"}).Want(http.StatusCreated).Map(); r["quality_response"] != 0.0 || r["rating"] != 1.0 {
		t.Errorf("two grades that agree are stored as %v", r)
	}
}

// Students' clients give reviews their ids, which had to differ from everybody's.
func TestReviewsOfTwoStudentsMayHaveOneID(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	known := id.New[flashcards.Review]()
	for _, student := range []*apitest.Client{app.User("ada"), app.User("bob")} {
		course := newCourse(student)
		review := func() string { return path + newCard(student, course)["id"].(string) + "/review/" }
		student.Post(review(), map[string]any{"id": known, "rating": 3}).Want(http.StatusCreated)
		student.Post(review(), map[string]any{"id": known, "rating": 3}).Want(http.StatusBadRequest) // of another card of theirs
	}
}

func TestGeneratedCardsNeedAnOwnCourse(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := app.User("ada"), app.User("bob")
	var course courses.ID
	if err := course.UnmarshalText([]byte(newCourse(ada))); err != nil {
		t.Fatal(err)
	}
	for owner, want := range map[*apitest.Client]int{ada: 1, bob: 0} {
		err := pgx.BeginFunc(t.Context(), app.DB, func(tx pgx.Tx) error {
			cards, err := flashcards.NewStore(app.DB).Add(t.Context(), tx, owner.ID, course, []flashcards.New{{Question: "q", Answer: "a", Level: "easy"}})
			if len(cards) != want {
				t.Errorf("%d cards were added, want %d", len(cards), want)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// TestTheLogIsTheTruth reviews one card from many devices at once, some of them
// twice: each review counts once, and the schedule is what the log says.
func TestTheLogIsTheTruth(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	app.Races = true
	ada := app.User("ada")
	card := newCard(ada, newCourse(ada))["id"].(string)
	var devices sync.WaitGroup
	for i := range 10 {
		review := id.New[flashcards.Review]()
		for range 2 {
			devices.Go(func() {
				ada.Post(path+card+"/review/", map[string]any{"id": review, "rating": i%4 + 1}).Want(http.StatusCreated)
			})
		}
	}
	devices.Wait()

	rows, err := app.DB.Query(t.Context(), `SELECT id, rating, created_at FROM flashcard_reviews ORDER BY created_at, id`)
	if err != nil {
		t.Fatal(err)
	}
	parameters := fsrs.Defaults()
	parameters.MaximumInterval = 3650
	parameters.FuzzSeed = card
	var want fsrs.Card // as the log in its order says
	for rows.Next() {
		var review flashcards.ReviewID
		var rating int
		var at time.Time
		if err := rows.Scan(&review, &rating, &at); err != nil {
			t.Fatal(err)
		}
		want = parameters.Next(want, at, fsrs.Rating(rating))
	}
	if want.Reps != 10 {
		t.Fatalf("%d reviews are logged, want 10", want.Reps)
	}
	got := ada.Get(path + card + "/").Want(http.StatusOK).Map()
	if got["stability"] != want.Stability || got["difficulty"] != want.Difficulty || got["total_reviews"] != 10.0 || got["state"] != want.State.String() {
		t.Errorf("the card is %v, its log says %+v", got, want)
	}
}

// A card whose state has no name ended the instance that read it.
func TestEveryStateHasAName(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	card := path + newCard(ada, newCourse(ada))["id"].(string) + "/"
	for state, want := range map[int]string{-1: "", 0: "new", 3: "relearning", 4: ""} {
		_, err := app.DB.Exec(t.Context(), `UPDATE flashcards SET state = $1`, state)
		if refused := err != nil; refused != (state < 0 || state > 3) {
			t.Errorf("state %d: %v", state, err)
		}
		if got := ada.Get(card).Want(http.StatusOK).Map()["state"]; err == nil && got != want {
			t.Errorf("state %d is called %v", state, got)
		}
	}
}

func TestDueCardsComeLongestOverdueFirst(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	course, other := newCourse(ada), ada.Post("/api/v1/courses/", map[string]any{"name": "Other"}).Want(http.StatusCreated).ID()
	for name, due := range map[string]string{"second": "1 hour", "first": "2 hours", "not yet": "-1 hour", "inactive": "3 hours"} {
		id := newCard(ada, course)["id"].(string)
		if _, err := app.DB.Exec(t.Context(), `UPDATE flashcards SET question = $2, next_review_date = now() - $3::interval, is_active = $2 <> 'inactive' WHERE id = $1`, id, name, due); err != nil {
			t.Fatal(err)
		}
	}
	newCard(ada, other)
	var due []struct{ Question string }
	ada.Get(path + "due/?course=" + course).Want(http.StatusOK).Into(&due)
	if len(due) != 2 || due[0].Question != "first" || due[1].Question != "second" {
		t.Errorf("due in the course: %v", due)
	}
	ada.Get(path + "due/?limit=1").Want(http.StatusOK).Into(&due)
	if len(due) != 1 || due[0].Question != "first" {
		t.Errorf("the first due: %v", due)
	}
	ada.Get(path + "due/?course=x").Want(http.StatusBadRequest)
	ada.Get(path + "due/?limit=0").Want(http.StatusBadRequest)
}
