package apitest

import (
	"net/http"
	"sync"
	"testing"

	"aksio.app/shared/api"
)

// trips are the round trips to the database of operations that need more than one
// for a read or two for a write. None grows with the number of rows.
var trips = map[string]int{
	"chats-list-messages":          2,  // an empty page: is there such a chat?
	"documents-list":               2,  // an empty page: is there such a course?
	"flashcards-review":            3,  // a repetition: which review was it?
	"documents-search":             2,  // counting it, which must not hold up the next one
	"documents-stream-events":      3,  // the state before the events and after them
	"chats-send-message":           8,  // the budget, the question, a search, the answer
	"assessments-generate-content": 18, // the budget, the claim, the material, then cards and a quiz in one transaction, the release
	"documents-generate":           18, // the same
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

// checkTrips fails the test if a call that went well took more round trips to the
// database than its operation may.
func checkTrips(t testing.TB, r *http.Request, n int) {
	t.Helper()
	found, _ := operations().Find(r)
	if found == nil {
		return
	}
	operation := (*found)[r.Method]
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
	if n > most {
		t.Errorf("%s took %d round trips to the database, %d are the most", operation, n, most)
	}
}
