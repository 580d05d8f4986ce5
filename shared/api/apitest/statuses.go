package apitest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"

	"aksio.app/shared/api"
)

// documented holds the statuses that the API's document gives, by path, method and status.
var documented = sync.OnceValues(func() (map[string]map[string]struct{ Responses map[string]any }, error) {
	var document struct {
		Paths map[string]map[string]struct{ Responses map[string]any }
	}
	text, err := api.Document()
	if err == nil {
		err = json.Unmarshal(text, &document)
	}
	return document.Paths, err
})

// checkStatus fails the test if the API's document doesn't know that the operation may
// answer so.
func checkStatus(t testing.TB, r *http.Request, status int) {
	t.Helper()
	found, _ := operations().Find(r)
	if found == nil || (*found)[r.Method] == "" || status == api.ClientClosedRequest {
		return
	}
	d, _ := api.Lookup((*found)[r.Method])
	paths, err := documented()
	if err != nil {
		t.Fatal(err)
	}
	if operation, ok := paths[d.Path][strings.ToLower(r.Method)]; ok && operation.Responses[strconv.Itoa(status)] == nil {
		t.Errorf("%s answers with %d, which its documentation doesn't tell: see Refuses of api.Operation", d.ID, status)
	}
}
