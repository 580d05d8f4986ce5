package all_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"aksio.app/shared/ai/aitest"
	"aksio.app/shared/api/apitest"
)

// metric is a metric that is counted from logs, as infrastructure/log-metrics.json
// describes it.
type metric struct {
	Filter string            `json:"filter"`
	Labels map[string]string `json:"labels"`
	Value  string            `json:"value"`
}

// found are severities by which the lines of a metric are found, too: `cloud logs
// -severity ERROR` shows the failures.
var found = map[string]string{"panics": "ERROR", "documents_given_up": "ERROR", "drills_failed": "ERROR", "drills_passed": "INFO"}

// TestLogsFeedTheMetrics lets functions write what they write in the cloud, and looks
// whether each metric finds its lines in it, with the fields that it reads.
func TestLogsFeedTheMetrics(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../infrastructure/log-metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	var metrics map[string]metric
	if err := json.Unmarshal(text, &metrics); err != nil {
		t.Fatal(err)
	}
	lines := whatIsLogged(t)
	priced := 0
	for _, line := range lines {
		if tokens, _ := line["tokens"].(float64); tokens > 0 {
			priced++
			// From embeddings alone to answers alone of the usual model.
			if million := line["usd"].(float64) / tokens * 1e6; million < 0.0199 || million > 0.6001 {
				t.Errorf("a million tokens of %v cost %g dollars", line["model"], million)
			}
		}
	}
	if priced == 0 {
		t.Error("no call of the model costs anything")
	}
	for name, m := range metrics {
		matched := 0
		for _, line := range lines {
			if !matches(t, m.Filter, line) {
				continue
			}
			matched++
			if want := found[name]; want != "" && line["severity"] != want {
				t.Errorf("%s: the line is of severity %v, want %s", name, line["severity"], want)
			}
			for label, field := range m.Labels {
				if line[field] == nil {
					t.Errorf("%s: label %s: the line has no %s: %v", name, label, field, line)
				}
			}
			if _, ok := line[m.Value].(float64); m.Value != "" && !ok {
				t.Errorf("%s: %s is no number: %v", name, m.Value, line)
			}
		}
		if matched == 0 {
			t.Errorf("%s: no line of %d matches %s", name, len(lines), m.Filter)
		}
	}
}

// whatIsLogged runs functions in a process of their own and returns its lines.
func whatIsLogged(t *testing.T) (lines []map[string]any) {
	t.Helper()
	refused := aitest.Error(http.StatusBadRequest, "invalid_request_error", "no")
	model := aitest.New(t, aitest.Embeddings(), aitest.JSON(map[string]any{"text": "It is about spaces.", "topics": []string{"spaces"}}),
		refused, refused, refused, refused, refused)
	app := apitest.New(t, "OPENAI_API_KEY", model.Config().Key, "OPENAI_BASE_URL", model.Config().BaseURL, "BACKUPS_DIR", t.TempDir())
	ada := app.User("ada")
	read := uploadLecture(t, app, ada)
	course := ada.Post(coursesPath, map[string]any{"name": "Other"}).Want(http.StatusCreated).ID()
	body, contentType := form("\x00\x01 no text at all")
	ada.Do(http.MethodPost, coursesPath+course+"/documents/upload/", body, "Content-Type", contentType).Want(http.StatusCreated)

	i := startInstance(t, app)
	if status := i.deliver(t, read); status != http.StatusOK {
		t.Errorf("the reading: got %d", status)
	}
	if _, err := app.DB.Exec(t.Context(), `UPDATE documents SET updated_at = updated_at - interval '1 hour' WHERE state = 'queued'`); err != nil {
		t.Fatal(err)
	}
	i.run(t, "run-redrive", http.StatusOK)
	unreadable := uploadLecture(t, app, app.User("bob"))
	for tries := 0; i.deliver(t, unreadable) != http.StatusOK; tries++ {
		if tries > 10 {
			t.Fatal("what the model refuses is tried for ever")
		}
	}
	i.run(t, "panic", http.StatusInternalServerError)
	var manifest struct{ Location string }
	if err := json.Unmarshal(i.run(t, "backup-database", http.StatusOK), &manifest); err != nil {
		t.Fatal(err)
	}
	backup, err := os.ReadFile(manifest.Location)
	if err != nil {
		t.Fatal(err)
	}
	for content, status := range map[string]int{"nothing": http.StatusInternalServerError, string(backup): http.StatusOK} {
		if err := os.WriteFile(manifest.Location, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := app.DB.Exec(t.Context(), `DELETE FROM restore_drills`); err != nil { // there is one a day
			t.Fatal(err)
		}
		i.run(t, "backup-restore-drill", status)
	}
	i.kill()

	// Another one, whose storage is away.
	p := newProxy(t, hostOf(t, app.Settings["STORAGE_EMULATOR_HOST"]))
	p.set(refuses)
	broken := startInstance(t, app.With("STORAGE_EMULATOR_HOST", p.before(t, app.Settings["STORAGE_EMULATOR_HOST"])))
	resp, err := http.Get("http://" + broken.address + "/api/health/")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	broken.kill()

	for line := range bytes.Lines(append(i.logs.Bytes(), broken.logs.Bytes()...)) {
		var fields map[string]any
		if err := json.Unmarshal(line, &fields); err != nil {
			t.Errorf("a line that isn't JSON: %s", line)
			continue
		}
		lines = append(lines, fields)
	}
	return lines
}

// run calls a private function, and returns its answer.
func (i *instance) run(t *testing.T, function string, want int) []byte {
	t.Helper()
	resp, err := http.Post("http://"+i.address+"/internal/"+function+"/", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		t.Errorf("%s: got %s %s, %v; want %d", function, resp.Status, answer, err, want)
	}
	return answer
}

var severities = []string{"DEBUG", "INFO", "WARNING", "ERROR"}

// matches carries out as much of Cloud Logging's query language as the filters use.
func matches(t *testing.T, filter string, line map[string]any) bool {
	t.Helper()
	for _, term := range strings.Split(filter, " AND ") {
		at := strings.IndexAny(term, "=><")
		field, rest := strings.TrimPrefix(term[:at], "jsonPayload."), term[at:]
		value := strings.TrimLeft(rest, "=><")
		operator := strings.TrimSuffix(rest, value)
		var holds bool
		switch got := line[field].(type) {
		case string:
			want, err := strconv.Unquote(value)
			switch {
			case operator == "=" && err == nil:
				holds = got == want
			case operator == ">=" && field == "severity":
				holds = slices.Index(severities, got) >= slices.Index(severities, value)
			default:
				t.Fatalf("%s: this test doesn't know what that means", term)
			}
		case float64:
			bound, err := strconv.ParseFloat(value, 64)
			if operator != ">" || err != nil {
				t.Fatalf("%s: this test doesn't know what that means", term)
			}
			holds = got > bound
		}
		if !holds {
			return false
		}
	}
	return true
}
