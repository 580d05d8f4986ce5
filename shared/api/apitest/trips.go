package apitest

import (
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"aksio.app/shared/api"
)

// trips are the round trips to the database of operations that need more than one
// for a read or two for a write. None that people call grows with the number of rows.
var trips = map[string]int{
	"documents-search":             2,  // counting it, which must not hold up the next one
	"documents-stream-events":      3,  // the state before the events and after them
	"chats-send-message":           8,  // the budget, the question, a search, the answer
	"assessments-generate-content": 18, // the budget, the claim, the material, then cards and a quiz in one transaction, the release
	"documents-generate":           18, // the same
	"process-document":             24, // the claim, the plan, the draft, the budget, the index, the summary: four for each checkpoint
	"run-redrive":                  3,  // a look for what is stuck; one whose file is missing, which isn't told of
	"run-cleanup":                  8,  // a look for each thing, two for attempts
	"backup-database":              7,  // the snapshot under a lock, the schema and its tables, what is noted
	"backup-restore-drill":         7,  // where it is, the steps that it takes, what is noted
	"run-migrations":               20, // goose's, and the users' rights
}

// leaseRenew is how often a function that works for long says that it goes on, at most.
const leaseRenew = 5 * time.Second

// embedding is what a document takes besides for its passages, which get their vectors
// 64 at a time.
func embedding(passages int) int { return 5 * upTo(passages, 64) }

// upTo returns how many batches the rows are.
func upTo(rows, batch int) int { return (rows + batch - 1) / batch }

// more is what a private operation may take besides for what it did by its answer.
func more(t testing.TB, function string, answer []byte) (n int) {
	t.Helper()
	into := func(did any) {
		if err := json.Unmarshal(answer, did); err != nil {
			t.Fatalf("%s: %v in %s", function, err, answer)
		}
	}
	switch function {
	case "run-redrive":
		var did struct{ Processed, Removed int }
		into(&did)
		n = did.Processed*(1+trips["process-document"]+embedding(64)) + did.Removed*2 // small ones
	case "run-cleanup":
		var did struct {
			Steps []struct {
				Step    string
				Removed int
			}
		}
		into(&did)
		for _, step := range did.Steps {
			switch step.Step {
			case "documents": // files go one by one
				n += step.Removed + upTo(step.Removed, 500)
			case "courses":
				n += upTo(step.Removed, 100)
			case "chats":
				n += upTo(step.Removed, 500)
			default:
				n += upTo(step.Removed, 5000)
			}
		}
	case "backup-database":
		var did struct{ Tables map[string]any }
		into(&did)
		n = len(did.Tables)
	case "backup-restore-drill":
		var did struct{ Tables int }
		into(&did)
		n = did.Tables
	case "run-migrations":
		var did struct{ Applied []any }
		into(&did)
		n = 10 * len(did.Applied)
	}
	return n
}

// secondLook is what a call of people's may take besides for what it found, by its answer.
func secondLook(operation string, answer []byte, began time.Time) int {
	var found struct {
		Count   int
		Created time.Time `json:"created_at"`
	}
	_ = json.Unmarshal(answer, &found) // of other operations it may be anything
	switch operation {
	case "chats-list-messages", "documents-list": // nothing: is there such a chat, such a course?
		if found.Count == 0 {
			return 1
		}
	case "flashcards-review": // a repetition: which review was it?
		if found.Created.Before(began.Truncate(time.Microsecond)) {
			return 1
		}
	}
	return 0
}

// operations leads a request's path to the operations by method.
var operations = sync.OnceValue(func() *api.Router[map[string]string] {
	var router api.Router[map[string]string]
	for _, d := range api.Declared() {
		at := router.Add(d.Path, map[string]string{})
		for _, method := range d.Methods {
			(*at)[method] = d.ID
		}
	}
	return &router
})

// operationOf returns the id of the operation that the request calls, if there is one.
func operationOf(r *http.Request) string {
	found, _ := operations().Find(r)
	if found == nil {
		return ""
	}
	return (*found)[r.Method]
}

// checkTrips fails the test if a call that went well took more round trips to the
// database than its operation may, and more than that for what it did.
func checkTrips(t testing.TB, r *http.Request, n, more int) {
	t.Helper()
	operation := operationOf(r)
	most, ok := trips[operation]
	switch {
	case ok:
	case r.Method == http.MethodGet || r.Method == http.MethodHead:
		most = 1
	default:
		most = 2
	}
	if r.Header.Get("Idempotency-Key") != "" {
		most += 2 // to claim the key and to keep the answer
	}
	if most += more; n > most {
		t.Errorf("%s took %d round trips to the database, %d are the most", operation, n, most)
	}
}
