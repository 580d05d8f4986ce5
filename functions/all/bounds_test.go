package all_test

import (
	"net/http"
	"strings"
	"testing"

	"aksio.app/shared/api/apitest"
)

// Once, nothing kept a student from creating without end.
func TestNobodyFillsTheDatabase(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := app.User("ada"), app.User("bob")
	made := func(who *apitest.Client, path, body string) string {
		return who.Post(path, body).Want(http.StatusCreated).ID()
	}
	course, bobs := made(ada, coursesPath, `{"name":"Cells"}`), made(bob, coursesPath, `{"name":"Cells"}`)
	one := map[string]string{}
	for _, c := range created {
		one[c.path] = c.path + made(ada, c.path, fill(c.body, course, "one")) + "/"
	}
	attempt := func(quiz string) {
		t.Helper()
		made(ada, quiz+"questions/", `{"question_text":"Why?","question_type":"essay"}`)
		ada.Patch(quiz, `{"status":"published"}`).Want(http.StatusOK)
		begun := made(ada, quiz+"start_attempt/", ``)
		ada.Post("/api/v1/assessments/quiz-attempts/"+begun+"/complete/", nil).Want(http.StatusOK)
	}
	quiz := one["/api/v1/assessments/quizzes/"]
	attempt(quiz)
	if _, err := app.DB.Exec(t.Context(), `UPDATE list_counts SET items = most_items(list) WHERE user_id = $1`+
		` AND course_id = '00000000-0000-0000-0000-000000000000' AND most_items(list) IS NOT NULL`, ada.ID); err != nil {
		t.Fatal(err)
	}

	// Of these, each holds as much as any row: the quiz's questions and the answers.
	if mib := count(t, app, `SELECT most_items('quiz_attempts') * 2 * 262144 >> 20`); mib > 1024 {
		t.Errorf("the attempts of one student may hold %d MiB", mib)
	}

	// What no list bounds comes at a rate.
	review := func(who *apitest.Client, card string, key ...string) *apitest.Response {
		return who.Do(http.MethodPost, card+"review/", `{"rating":3}`, key...)
	}
	card := one["/api/v1/assessments/flashcards/"]
	review(ada, card, "Idempotency-Key", "the first").Want(http.StatusCreated)
	if _, err := app.DB.Exec(t.Context(), `UPDATE rate_limits SET ready = ready + interval '1 week'
		WHERE key = ANY (ARRAY['flashcard_reviews:' || $1, 'idempotency_keys:' || $1])`, ada.ID.String()); err != nil {
		t.Fatal(err)
	}
	for rows, key := range map[string][]string{
		`SELECT count(*) FROM flashcard_reviews`: nil,
		`SELECT count(*) FROM idempotency_keys`:  {"Idempotency-Key", "one too many"},
	} {
		before := count(t, app, rows)
		if refused := review(ada, card, key...).Want(http.StatusTooManyRequests); refused.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %s", rows, refused.Body)
		}
		if after := count(t, app, rows); after != before {
			t.Errorf("%s: %d were added", rows, after-before)
		}
	}
	review(ada, card, "Idempotency-Key", "the first").Want(http.StatusCreated) // the answer that was kept

	refuse := func(path, body, rows string) {
		t.Helper()
		before := count(t, app, rows)
		refused := ada.Post(path, body).Want(http.StatusConflict).Map()
		if said := refused["detail"].(string); refused["code"] != "too_many" || !strings.Contains(said, "000 ") || !strings.Contains(said, "Delete") {
			t.Errorf("%s: %v", path, refused)
		}
		if after := count(t, app, rows); after != before {
			t.Errorf("%s: %d were made", path, after-before)
		}
	}
	refuse(quiz+"start_attempt/", ``, `SELECT count(*) FROM quiz_attempts`)
	for _, c := range created {
		refuse(c.path, fill(c.body, course, "one too many"), c.rows)
		made(bob, c.path, fill(c.body, bobs, "bob's"))
		ada.Delete(one[c.path]).Want(http.StatusNoContent)
		one[c.path] = c.path + made(ada, c.path, fill(c.body, course, "instead")) + "/"
	}
	attempt(one["/api/v1/assessments/quizzes/"]) // the quiz that was deleted took its attempt along
}
