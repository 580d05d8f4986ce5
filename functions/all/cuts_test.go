package all_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"aksio.app/shared/api/apitest"
)

// creation is a way to create something, and how many there are of it.
type creation struct{ path, body, rows string }

// created is what students create.
var created = []creation{
	{coursesPath, `{"name":"%s"}`, `SELECT count(*) FROM courses WHERE name <> 'Cells'`},
	{"/api/v1/assessments/flashcards/", `{"course":"$course","question":"%s","answer":"a"}`, `SELECT count(*) FROM flashcards`},
	{"/api/v1/chat/chats/", `{"course":"$course","title":"%s"}`, `SELECT count(*) FROM chats`},
	{"/api/v1/assessments/quizzes/", `{"course":"$course","title":"%s"}`, `SELECT count(*) FROM quizzes`},
	{"/api/v1/assessments/", `{"course":"$course","title":"%s","assessment_type":"self_assessment"}`, `SELECT count(*) FROM assessments`},
}

// more is what they create in what they have.
var more = []creation{
	{"/api/v1/assessments/quizzes/$quiz/questions/", `{"question_text":"%s","question_type":"essay"}`, `SELECT count(*) FROM quiz_questions`},
	{"/api/v1/assessments/quizzes/$quiz/start_attempt/", ``, `SELECT count(*) FROM quiz_attempts`},
	{"/api/v1/assessments/flashcards/$card/review/", `{"rating":3}`, `SELECT count(*) FROM flashcard_reviews`},
	{coursesPath + "$course/documents/", `{"document_type":"text","name":"%s","text":"Cells divide."}`, `SELECT count(*) FROM documents`},
	{coursesPath + "$course/documents/", `{"document_type":"file","name":"%s","original_filename":"a.txt"}`, `SELECT count(*) FROM documents`},
	{"/api/v1/chat/chats/$chat/send_message/", `{"content":"%s"}`, `SELECT count(*) FROM chat_messages WHERE role = 'user'`},
}

// count returns what the query counts.
func count(t *testing.T, app *apitest.App, query string) (n int) {
	t.Helper()
	if err := app.DB.QueryRow(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestARepetitionAfterACutMakesNothingTwice cuts the connection to the database just
// after it has done one of the statements of a call, each in turn, and repeats the call.
// What a thing is counted in must count it once, too.
func TestARepetitionAfterACutMakesNothingTwice(t *testing.T) {
	t.Parallel()
	app, p := behindProxy(t, "DATABASE_POOL", "1")
	app.Races = true // a new connection prepares anew
	ada := app.User("ada")
	cut := cutter{app, p, ada}
	for i, c := range creations(ada) {
		statement := 0
		for !cut.try(t, c, statement, fmt.Sprint("cut ", i, " ", statement)) {
			statement++
		}
		if statement < 3 {
			t.Errorf("%s was cut %d times: its key is claimed and settled, and something is made between", c.path, statement)
		}
	}
	countsAgree(t, app)
}

// creations returns all ways to create something, once the student has what they need.
func creations(ada *apitest.Client) []creation {
	made := func(path, body string) string {
		return ada.Post(path, body).Want(http.StatusCreated).ID()
	}
	course := made(coursesPath, `{"name":"Cells"}`)
	quiz := made("/api/v1/assessments/quizzes/", `{"title":"Quiz","course":"`+course+`","max_attempts":100}`)
	made("/api/v1/assessments/quizzes/"+quiz+"/questions/", `{"question_text":"Why?","question_type":"essay"}`)
	ada.Patch("/api/v1/assessments/quizzes/"+quiz+"/", `{"status":"published"}`).Want(http.StatusOK)
	card := made("/api/v1/assessments/flashcards/", `{"course":"`+course+`","question":"Why?","answer":"Because."}`)
	chat := made("/api/v1/chat/chats/", `{"title":"Cells"}`)
	ids := strings.NewReplacer("$course", course, "$quiz", quiz, "$card", card, "$chat", chat)
	all := slices.Concat(created, more)
	for i, c := range all {
		all[i].path, all[i].body = ids.Replace(c.path), ids.Replace(c.body)
	}
	return all
}

// countsAgree fails the test unless quizzes and chats count what they have.
func countsAgree(t *testing.T, app *apitest.App) {
	t.Helper()
	if got := count(t, app, `SELECT sum(total_questions)::int - (SELECT count(*) FROM quiz_questions)::int FROM quizzes`); got != 0 {
		t.Errorf("quizzes count %d questions too many", got)
	}
	if got := count(t, app, `SELECT sum(message_count)::int - (SELECT count(*) FROM chat_messages)::int FROM chats`); got != 0 {
		t.Errorf("chats count %d messages too many", got)
	}
}

// abandonAttempts lets the next attempt at a quiz be a new one.
func abandonAttempts(t *testing.T, app *apitest.App) {
	t.Helper()
	if _, err := app.DB.Exec(t.Context(), `UPDATE quiz_attempts SET status = 'abandoned'`); err != nil {
		t.Fatal(err)
	}
}

// cutter cuts a student off in the midst of calls.
type cutter struct {
	app     *apitest.App
	proxy   *proxy // before the database
	student *apitest.Client
}

// try creates something, cuts the connection to the database just after the statement, and
// repeats the call. It was spared if the call has no such statement.
func (c cutter) try(t *testing.T, what creation, statement int, key string) (spared bool) {
	t.Helper()
	create := func(key string) *apitest.Response {
		return c.student.Do(http.MethodPost, what.path, strings.ReplaceAll(what.body, "%s", key), "Idempotency-Key", key)
	}
	create("before the " + key).Want(http.StatusCreated) // on a connection that knows the statements
	abandonAttempts(t, c.app)
	before := count(t, c.app, what.rows)
	c.proxy.cutAnswers(statement)
	first := create(key)
	if c.proxy.spared() {
		first.Want(http.StatusCreated)
		return true
	}
	if first.Status != http.StatusCreated { // it is when only the keeping of the answer was cut
		refused(t, first)
	}
	again := create(key).Want(http.StatusCreated)
	if got := count(t, c.app, what.rows) - before; got != 1 {
		t.Errorf("%s, cut at statement %d and repeated: %d were made", what.path, statement, got)
	}
	if third := create(key).Want(http.StatusCreated); madeID(third) != madeID(again) {
		t.Errorf("%s: answered with %v, then with %v", what.path, madeID(again), madeID(third))
	}
	return false
}

// madeID returns the id of what was created: of a message, the student's.
func madeID(resp *apitest.Response) any {
	made := resp.Map()
	if asked, ok := made["user_message"].(map[string]any); ok {
		return asked["id"]
	}
	return made["id"]
}

// TestACallerWhoLeavesDuringTheClaimLeavesTheKey has the claim of a key on its way to
// the database when its caller leaves. Were it given up with the caller, it would be
// stored after it was taken back, and every repetition refused.
func TestACallerWhoLeavesDuringTheClaimLeavesTheKey(t *testing.T) {
	t.Parallel()
	app, p := behindProxy(t, "DATABASE_POOL", "2")
	app.Races = true
	ada := app.User("ada")
	ada.Do(http.MethodPost, coursesPath, `{"name":"Cells"}`, "Idempotency-Key", "before").Want(http.StatusCreated)

	const key = "of who leaves"
	h := p.holdBack(key)
	ctx, leave := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, coursesPath, strings.NewReader(`{"name":"Atoms"}`))
	r.Header = http.Header{"Authorization": {"Bearer " + app.Token(ada.ID)}, "Content-Type": {"application/json"}, "Idempotency-Key": {key}}
	over := make(chan struct{})
	go func() {
		defer close(over)
		app.Gateway.ServeHTTP(httptest.NewRecorder(), r)
	}()
	closed(t, "the claim on its way", h.held)
	leave()
	// Only a call that gives its claim up ends before that is stored. Nothing but a while without
	// it shows that it doesn't; a slow machine sees less, and nothing false.
	select {
	case <-over:
		t.Error("the call is over while its claim is on the way")
	case <-time.After(100 * time.Millisecond):
	}
	close(h.free)
	closed(t, "the call", over)
	ada.Do(http.MethodPost, coursesPath, `{"name":"Atoms"}`, "Idempotency-Key", key).Want(http.StatusCreated)
}

// TestAKeyIsSettledOnceTheDatabaseIsBack: its answer is there for the repetition.
func TestAKeyIsSettledOnceTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	if _, err := app.DB.Exec(t.Context(), `
		CREATE SEQUENCE tries;
		CREATE FUNCTION fail_once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('tries') = 1 THEN RAISE 'shutting down' USING ERRCODE = '57P01'; END IF; -- which no rollback undoes
			RETURN NEW;
		END $$;
		CREATE TRIGGER fail_once BEFORE UPDATE OF answer ON idempotency_keys FOR EACH ROW EXECUTE FUNCTION fail_once()`); err != nil {
		t.Fatal(err)
	}
	ada := app.User("ada")
	for range 2 {
		ada.Do(http.MethodPost, coursesPath, `{"name":"Cells"}`, "Idempotency-Key", "k").Want(http.StatusCreated)
	}
	if got := names(t, app); len(got) != 1 {
		t.Errorf("courses %v, want one", got)
	}
}

// fill completes a body.
func fill(body, course, name string) string {
	return strings.NewReplacer("$course", course, "%s", name).Replace(body)
}

// TestAnUnreliableDatabaseLeavesNothingHalfDone has the connections late and cut by
// chance while a student works who repeats what failed.
func TestAnUnreliableDatabaseLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	app, p := behindProxy(t, "DATABASE_POOL", "2")
	app.Races = true
	ada := app.User("ada")
	course := ada.Post(coursesPath, map[string]any{"name": "Cells"}).Want(http.StatusCreated).ID()
	chance := rand.New(rand.NewPCG(1, 2))
	p.gamble(chance)
	failed, each := 0, 12
	for i := range each {
		for _, c := range created {
			key := fmt.Sprint("work ", i)
			for try := 0; ; try++ {
				resp := ada.Do(http.MethodPost, c.path, fill(c.body, course, key), "Idempotency-Key", key)
				if resp.Status == http.StatusCreated {
					break
				}
				failed++
				if resp.Status == http.StatusConflict { // the claim's end is known by its lease alone
					resp.Want(http.StatusConflict)
					if _, err := app.DB.Exec(t.Context(), `UPDATE idempotency_keys SET created_at = created_at - interval '1 min' WHERE answer IS NULL`); err != nil {
						t.Fatal(err)
					}
				} else {
					refused(t, resp)
				}
				if try > 50 {
					t.Fatalf("%s never succeeds: %d %s", c.path, resp.Status, resp.Body)
				}
			}
			if resp := ada.Get(c.path); resp.Status != http.StatusOK {
				failed++
				refused(t, resp)
			}
		}
	}
	p.gamble(nil)
	for _, c := range created {
		if got := count(t, app, c.rows); got != each {
			t.Errorf("%s: %d were made, want %d", c.path, got, each)
		}
		if listed := ada.Get(c.path).Want(http.StatusOK).Map()["count"]; c.path != coursesPath && listed != float64(each) {
			t.Errorf("%s lists %v, want %d", c.path, listed, each)
		}
	}
	if failed == 0 {
		t.Error("nothing failed: the proxy proves nothing")
	}
	t.Logf("%d calls failed on the way", failed)
}
