package all_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"

	"aksio.app/shared/api/apitest"
)

// created is what students create, and how many there are of it.
var created = []struct{ path, body, rows string }{
	{coursesPath, `{"name":"%s"}`, `SELECT count(*) FROM courses WHERE name <> 'Cells'`},
	{"/api/v1/assessments/flashcards/", `{"course":"$course","question":"%s","answer":"a"}`, `SELECT count(*) FROM flashcards`},
	{"/api/v1/chat/chats/", `{"course":"$course","title":"%s"}`, `SELECT count(*) FROM chats`},
	{"/api/v1/assessments/quizzes/", `{"course":"$course","title":"%s"}`, `SELECT count(*) FROM quizzes`},
	{"/api/v1/assessments/", `{"course":"$course","title":"%s","assessment_type":"self_assessment"}`, `SELECT count(*) FROM assessments`},
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
// after it has done one of the statements of a call, and repeats the call.
func TestARepetitionAfterACutMakesNothingTwice(t *testing.T) {
	t.Parallel()
	app, p := behindProxy(t, "DATABASE_POOL", "1")
	app.Races = true // a new connection prepares anew
	ada := app.User("ada")
	course := ada.Post(coursesPath, map[string]any{"name": "Cells"}).Want(http.StatusCreated).Map()["id"].(string)
	for _, c := range created {
		create := func(key string) *apitest.Response {
			return ada.Do(http.MethodPost, c.path, fill(c.body, course, key), "Idempotency-Key", key)
		}
		create("warm").Want(http.StatusCreated)
		for statement, what := range []string{"claimed", "created", "answered"} {
			create("warm again " + what).Want(http.StatusCreated) // on a connection that knows the statements
			before := count(t, app, c.rows)
			p.cutAnswers(statement)
			first := create(what)
			if first.Status != http.StatusCreated { // it is when only the keeping of the answer was cut
				refused(t, first)
			}
			again := create(what).Want(http.StatusCreated).Map()
			if got := count(t, app, c.rows) - before; got != 1 {
				t.Errorf("%s, cut when it was %s and repeated: %d were made", c.path, what, got)
			}
			if third := create(what).Want(http.StatusCreated).Map(); third["id"] != again["id"] {
				t.Errorf("%s: answered with %v, then with %v", c.path, again["id"], third["id"])
			}
		}
	}
}

// fill completes a body.
func fill(body, course, name string) string {
	return fmt.Sprintf(strings.ReplaceAll(body, "$course", course), name)
}

// TestAnUnreliableDatabaseLeavesNothingHalfDone has the connections late and cut by
// chance, the same each time, while a student works who repeats what failed.
func TestAnUnreliableDatabaseLeavesNothingHalfDone(t *testing.T) {
	t.Parallel()
	app, p := behindProxy(t, "DATABASE_POOL", "2")
	app.Races = true
	ada := app.User("ada")
	course := ada.Post(coursesPath, map[string]any{"name": "Cells"}).Want(http.StatusCreated).Map()["id"].(string)
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
