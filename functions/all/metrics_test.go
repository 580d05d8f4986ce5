package all_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
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

// unprovoked are metrics of what this test can't let happen: that their line is
// written is for tests of whoever writes it. Here only the message is looked for.
var unprovoked = []string{"panics", "documents_given_up", "drills_failed", "drills_passed"}

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
	for name, m := range metrics {
		if slices.Contains(unprovoked, name) {
			message, _, _ := strings.Cut(strings.TrimPrefix(m.Filter, `jsonPayload.message="`), `"`)
			if found, err := exec.Command("grep", "--recursive", "--quiet", "--include=*.go", `"`+message+`"`, "../../shared").CombinedOutput(); err != nil {
				t.Errorf("%s: nothing logs %q: %v %s", name, message, err, found)
			}
			continue
		}
		matched := 0
		for _, line := range lines {
			if !matches(t, m.Filter, line) {
				continue
			}
			matched++
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
	model := aitest.New(t, aitest.Embeddings(), aitest.JSON(map[string]any{"text": "It is about spaces.", "topics": []string{"spaces"}}))
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
	for _, path := range []string{"/internal/run-redrive/", "/internal/backup-database/"} {
		resp, err := http.Post("http://"+i.address+path, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: got %s", path, resp.Status)
		}
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
