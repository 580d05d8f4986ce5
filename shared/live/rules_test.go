package live_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"aksio.app/shared/id"
	"aksio.app/shared/live"
)

// What a client with a Firestore SDK gets of what the functions publish, by the rules
// that are deployed: its own progress while it is fresh, to read.
func TestRules(t *testing.T) {
	t.Parallel()
	config := emulated(t, time.Hour)
	config.Project = "rules-test" // rules are a project's: other tests go without
	rules := newRules(t, config)

	own, stale := id.New[testing.T]().String(), id.New[testing.T]().String()
	publish(t, live.NewFirestore(config), own, step(1))
	config.TTL = past
	publish(t, live.NewFirestore(config), stale, step(1))

	progress := func(topic string) string { return "/progress/" + topic }
	event := func(topic string) string { return progress(topic) + "/progress_events/" + rules.event(topic) }
	const nobody = ""
	forged := `{"fields": {"owner": {"stringValue": "` + owner + `"}, "expires_at": {"timestampValue": "2100-01-01T00:00:00Z"}}}`
	query := func(more string) string {
		return `{"structuredQuery": {"from": [{"collectionId": "progress_events"}]` + more + `}}`
	}
	whose := func(user string) string {
		return `, "where": {"fieldFilter": {"field": {"fieldPath": "owner"}, "op": "EQUAL", "value": {"stringValue": "` + user + `"}}}`
	}
	for _, tc := range []struct {
		name, user, method, path, body string
		want                           int
	}{
		{"own progress", owner, "GET", progress(own), "", http.StatusOK},
		{"own event", owner, "GET", event(own), "", http.StatusOK},
		{"own events", owner, "POST", progress(own) + ":runQuery", query(whose(owner)), http.StatusOK},
		{"all events of an own topic", owner, "POST", progress(own) + ":runQuery", query(""), http.StatusForbidden},
		{"expired progress", owner, "GET", progress(stale), "", http.StatusForbidden},
		{"expired event", owner, "GET", event(stale), "", http.StatusForbidden},
		{"list of topics", owner, "GET", "/progress", "", http.StatusForbidden},
		{"no such topic", owner, "GET", progress("none"), "", http.StatusForbidden},
		{"a collection of another name", owner, "GET", "/accounts/" + owner, "", http.StatusForbidden},

		{"another's progress", stranger, "GET", progress(own), "", http.StatusForbidden},
		{"another's event", stranger, "GET", event(own), "", http.StatusForbidden},
		{"another's events", stranger, "POST", progress(own) + ":runQuery", query(whose(owner)), http.StatusForbidden},
		{"progress, signed out", nobody, "GET", progress(own), "", http.StatusForbidden},
		{"event, signed out", nobody, "GET", event(own), "", http.StatusForbidden},
		{"events, signed out", nobody, "POST", progress(own) + ":runQuery", query(whose(owner)), http.StatusForbidden},

		{"make progress", owner, "POST", "/progress?documentId=forged", forged, http.StatusForbidden},
		{"make an event", owner, "POST", progress(own) + "/progress_events?documentId=forged", forged, http.StatusForbidden},
		{"change own progress", owner, "PATCH", progress(own), forged, http.StatusForbidden},
		{"change own event", owner, "PATCH", event(own), forged, http.StatusForbidden},
		{"change another's progress", stranger, "PATCH", progress(own), forged, http.StatusForbidden},
		{"change progress, signed out", nobody, "PATCH", progress(own), forged, http.StatusForbidden},
		{"delete own progress", owner, "DELETE", progress(own), "", http.StatusForbidden},
		{"delete own event", owner, "DELETE", event(own), "", http.StatusForbidden},
		{"delete another's event", stranger, "DELETE", event(own), "", http.StatusForbidden},
		{"write elsewhere", owner, "POST", "/accounts?documentId=" + owner, forged, http.StatusForbidden},
	} {
		t.Run(tc.name, func(t *testing.T) {
			status, answer := rules.call(tc.method, tc.path, rules.token(tc.user), tc.body)
			if status != tc.want {
				t.Errorf("status %d, want %d: %s", status, tc.want, answer)
			}
			if tc.want == http.StatusOK && !strings.Contains(answer, owner) {
				t.Errorf("the answer holds nothing of the owner's: %s", answer)
			}
		})
	}
}

// rulesTest is a project of the emulator that keeps the deployed rules.
type rulesTest struct {
	t       *testing.T
	project string
	address string // http://host:port
}

func newRules(t *testing.T, config live.Config) *rulesTest {
	t.Helper()
	source, err := os.ReadFile("../../infrastructure/firestore.rules")
	if err != nil {
		t.Fatal(err)
	}
	r := &rulesTest{t, config.Project, "http://" + config.Emulator}
	body, err := json.Marshal(map[string]any{"rules": map[string]any{"files": []any{map[string]any{"name": "firestore.rules", "content": string(source)}}}})
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := r.send("PUT", r.address+"/emulator/v1/projects/"+r.project+":securityRules", "owner", string(body)); status != http.StatusOK {
		t.Fatalf("the emulator refuses the rules: %d: %s", status, answer)
	}
	return r
}

// token is what a client that signed in as the user shows; the emulator takes it
// unsigned. Nobody's is empty.
func (r *rulesTest) token(user string) string {
	if user == "" {
		return ""
	}
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	claims := fmt.Sprintf(`{"sub": %[1]q, "user_id": %[1]q, "aud": %[2]q, "iss": "https://securetoken.google.com/%[2]s", "iat": %[3]d}`, user, r.project, time.Now().Unix())
	return part(`{"alg": "none", "typ": "JWT"}`) + "." + part(claims) + "."
}

// event returns the name of the topic's first event, as the emulator's owner sees it.
func (r *rulesTest) event(topic string) string {
	r.t.Helper()
	_, answer := r.call("GET", "/progress/"+topic+"/progress_events", "owner", "")
	var list struct{ Documents []struct{ Name string } }
	if err := json.Unmarshal([]byte(answer), &list); err != nil || len(list.Documents) == 0 {
		r.t.Fatalf("no events: %v: %s", err, answer)
	}
	name := list.Documents[0].Name
	return name[strings.LastIndex(name, "/")+1:]
}

// call sends a request about a document and returns what is answered.
func (r *rulesTest) call(method, path, token, body string) (int, string) {
	r.t.Helper()
	return r.send(method, r.address+"/v1/projects/"+r.project+"/databases/(default)/documents"+path, token, body)
}

func (r *rulesTest) send(method, address, token, body string) (int, string) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(r.t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	var answer bytes.Buffer
	if _, err := answer.ReadFrom(response.Body); err != nil {
		r.t.Fatal(err)
	}
	return response.StatusCode, answer.String()
}
