package apitest

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"aksio.app/shared/api"
)

// Told is an answer that the document tells of.
type Told struct {
	Body struct {
		Name string `json:"name"`
	}
}

func init() {
	api.HandlePublic(api.Operation{ID: "test-told", Methods: []string{http.MethodGet}, Path: "/told/", Summary: "Tell."},
		func(*api.Env) (api.PublicHandler[struct{}, Told], error) { return nil, nil })
}

// recorder keeps whether a test fails.
type recorder struct {
	testing.TB
	failed bool
}

func (r *recorder) Errorf(string, ...any) { r.failed = true }

func TestAnswersThatAreNotToldOfFail(t *testing.T) {
	t.Parallel()
	const problem = `{"status":500,"title":"x","detail":"x","code":"x","error":"x"}`
	for name, tc := range map[string]struct {
		status     int
		media, was string
		told       bool
	}{
		"as told":              {200, "application/json", `{"name":"x"}`, true},
		"a problem":            {500, "application/problem+json", problem, true},
		"another status":       {409, "application/problem+json", problem, false},
		"another type":         {200, "text/plain", "x", false},
		"nothing":              {200, "", "", false},
		"no JSON":              {200, "application/json", `{`, false},
		"a field's other type": {200, "application/json", `{"name":1}`, false},
		"null":                 {200, "application/json", `{"name":null}`, false},
		"a field too few":      {200, "application/json", `{}`, false},
		"a field too many":     {200, "application/json", `{"name":"x","more":1}`, false},
	} {
		w := httptest.NewRecorder()
		if tc.media != "" {
			w.Header().Set("Content-Type", tc.media)
		}
		w.WriteHeader(tc.status)
		w.WriteString(tc.was)
		r := &recorder{TB: t}
		checkAnswer(r, httptest.NewRequest(http.MethodGet, "/told/", nil), w)
		if r.failed == tc.told {
			t.Errorf("%s: told %v, failed %v", name, tc.told, r.failed)
		}
	}
}
