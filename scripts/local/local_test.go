package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"aksio.app/scripts/internal/client"
	"aksio.app/scripts/internal/stack"
	"aksio.app/shared/database/dbtest"
)

// start runs a stack of the test's own on free ports.
func start(t *testing.T) *stack.Stack {
	t.Helper()
	return startIn(t, t.TempDir(), dbtest.URL(t))
}

func startIn(t *testing.T, dir, databaseURL string) *stack.Stack {
	t.Helper()
	s, err := stack.Start(t.Context(), stack.Config{
		Dir:      dir,
		Settings: map[string]string{"DATABASE_URL": databaseURL, "DATABASE_POOL": "4", "LIVE_STORE": "memory"},
		Log:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func TestStudentsDay(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := demo(t.Context(), &out, start(t).Address, "testdata/photosynthesis.md"); err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	if strings.Contains(out.String(), "\n– ") {
		t.Errorf("something came to nothing:\n%s", &out)
	}
	if strings.Contains(out.String(), " page") {
		t.Errorf("a text without pages has some:\n%s", &out)
	}
	for _, want := range []string{"; right is ", `[1] photosynthesis.md, "Photosynthesis`, "✓ sign out", "\ncards         10 made", "\nquiz score    ", "\ncited answer  “The light reactions"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("got no %q in\n%s", want, &out)
		}
	}
}

func TestDayGoesOnWhereTheDocumentGivesLittle(t *testing.T) {
	t.Parallel()
	address := start(t).Address
	for _, tc := range []struct {
		name, text string
		want       []string
	}{
		{"three words", "حبيبي حبيبي حبيبي", []string{"✓ search", "– generate", "– cards due      there are no cards", "– review", "– quiz ", "✓ sign out", "\ncards         none\n"}},
		{"one sentence", "We went swimming in the lake, and the water was cold.", []string{"✓ search", "– generate", "✓ sign out"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "little.txt")
			if err := os.WriteFile(file, []byte(tc.text), 0o600); err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			if err := demo(t.Context(), &out, address, file); err != nil {
				t.Fatalf("%v\n%s", err, &out)
			}
			for _, want := range tc.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("got no %q in\n%s", want, &out)
				}
			}
		})
	}
}

func TestSecondStartFindsTheSameData(t *testing.T) {
	t.Parallel()
	dir, databaseURL := t.TempDir(), dbtest.URL(t)
	s := startIn(t, dir, databaseURL)
	d := &day{Client: client.Client{Address: s.Address}, out: io.Discard, file: "testdata/photosynthesis.md"}
	if err := d.play(t.Context(), d.steps()[:6]); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	d.Address = startIn(t, dir, databaseURL).Address
	var document struct {
		FileURL string `json:"file_url"`
	}
	if err := d.Get(t.Context(), "/api/v1/courses/"+d.course+"/documents/"+d.document+"/", &document); err != nil {
		t.Fatalf("with the token of before: %v", err)
	}
	resp, err := http.Get(document.FileURL)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	got, _ := io.ReadAll(resp.Body)
	want, err := os.ReadFile(d.file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("got %s with %.100q, want the file that was uploaded before", resp.Status, got)
	}
}

func TestOpenAPIDocumentIsServed(t *testing.T) {
	t.Parallel()
	s := start(t)
	resp, err := http.Get(s.Address + "/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || !bytes.Contains(body, []byte(`"/api/v1/courses/"`)) {
		t.Errorf("got %s, %v, %.200s; want a document that has /api/v1/courses/", resp.Status, err, body)
	}
	for _, path := range []string{"//api/v1/courses/", "/api/v1/courses/%2e%2e/"} { // a mux would send them elsewhere
		resp, err := http.Get(s.Address + path)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s: %s of type %q, want a problem", path, resp.Status, resp.Header.Get("Content-Type"))
		}
	}
}

func TestPrivateFunctionsAreNotOnTheGateway(t *testing.T) {
	t.Parallel()
	s := start(t)
	for address, want := range map[string]bool{s.Address: false, s.Private: true} {
		resp, err := http.Post(address+"/internal/process-document/", "application/json", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got := resp.StatusCode != http.StatusNotFound; got != want {
			t.Errorf("%s: got %s, want that it is served there: %t", address, resp.Status, want)
		}
	}
}

func TestDemoStopsAtTheFirstProblem(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.pdf")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct{ name, file, want string }{
		{"no file", "", "make demo FILE="},
		{"no file, but examples", "", examples},
		{"absent file", "testdata/absent.pdf", "there is no testdata/absent.pdf; " + examples},
		{"an empty file", empty, "is empty"},
		{"a folder", "testdata", "testdata is no file"},
		{"a file at home", "~/no such lecture.pdf", os.Getenv("HOME") + "/no such"},
		{"nothing runs", "testdata/photosynthesis.md", "make run"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			err := demo(t.Context(), io.Discard, "http://127.0.0.1:1", tc.file)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error that says %q", err, tc.want)
			}
		})
	}
}

func TestDemoSaysWhoIsNotWell(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, answer    string
		status          int
		printed, failed string
	}{
		{"another server", "<html>", 200, "", "isn't Aksio"},
		{"another server's absence", "404 page not found", 404, "", "isn't Aksio"},
		{"degraded", `{"service": "aksio-backend", "status": "degraded", "checks": {"database": {"healthy": true}, "live": {"healthy": false}}}`, 200,
			"– health         degraded, not well: live", ""},
		{"unhealthy", `{"service": "aksio-backend", "status": "unhealthy", "checks": {"database": {"healthy": false}}}`, 503, "✗ health", "not well: database"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.WriteHeader(tc.status)
				io.WriteString(w, tc.answer)
			}))
			defer server.Close()
			var out bytes.Buffer
			d := &day{Client: client.Client{Address: server.URL}, out: &out}
			err := d.play(t.Context(), d.steps()[:1])
			if tc.failed == "" && err != nil || tc.failed != "" && (err == nil || !strings.Contains(err.Error(), tc.failed)) {
				t.Errorf("got %v, want %q", err, tc.failed)
			}
			if !strings.Contains(out.String(), tc.printed) {
				t.Errorf("got %q, want %q", &out, tc.printed)
			}
		})
	}
}

func TestExamplesAreThere(t *testing.T) {
	t.Parallel()
	for word := range strings.FieldsSeq(examples) {
		if _, err := os.Stat(filepath.Join("../..", word)); strings.Contains(word, "/") && err != nil {
			t.Error(err)
		}
	}
}

func TestOneIsNoPlural(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 cards", 1: "1 card", 2: "2 cards"} {
		if got := count(n, "card"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestPlaceIsWhatTheDocumentHas(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]place{
		"a.pdf, page 3":    {Document: "a.pdf", Heading: "Cells", Page: 3, PageEnd: 3},
		"a.pdf, pages 3–4": {Document: "a.pdf", Page: 3, PageEnd: 4},
		`a.md, "Cells"`:    {Document: "a.md", Heading: "Cells"},
		"a.txt":            {Document: "a.txt"},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestAnswerIsPrintedAsMarkdownShowsIt(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	a := &answer{day: &day{out: &out}}
	for _, piece := range []string{`> DATABASE\`, `_USERS \\ C:\new [1]`, "\nmore"} {
		a.print(piece)
	}
	if want := `> DATABASE_USERS \ C:\new [1]` + "\n    more"; out.String() != want {
		t.Errorf("got %q, want %q", &out, want)
	}
}

func TestRightAnswerIsWordedAsItsOption(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		kind    string
		correct []any
		options []string
		want    string
	}{
		{"true_false", []any{"false"}, []string{"Wahr", "Falsch"}, "Falsch"},
		{"true_false", []any{"true"}, nil, "true"},
		{"multiple_choice", []any{1.0}, []string{"a", "b"}, "b"},
		{"short_answer", []any{"true", "yes"}, nil, "true or yes"},
	} {
		if got := key(tc.kind, tc.correct, tc.options); got != tc.want {
			t.Errorf("%s %v: got %q, want %q", tc.kind, tc.correct, got, tc.want)
		}
	}
}

func TestStorageIsShownWithoutItsUser(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]string{
		"http://local:secret@127.0.0.1:9000": "http://127.0.0.1:9000",
		"http://127.0.0.1:9000":              "http://127.0.0.1:9000",
	} {
		if got := withoutUser(address); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestTextsAreCutAtWords(t *testing.T) {
	t.Parallel()
	if got, want := shorten("The chloroplast is an organelle", 20), "The chloroplast is …"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := shorten("植物は光を使って糖を作る", 6), "植物は光を…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestGapOfALongQuestionIsShown(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 30)
	for _, text := range []string{"_____ " + long, long + "_____", long + "_____ " + long, "a _____ c"} {
		got := aroundGap(text, 110)
		if n := len([]rune(got)); !strings.Contains(got, "_____") || n > 110 {
			t.Errorf("%q became %q, of %d characters", text, got, n)
		}
		for word := range strings.FieldsSeq(got) {
			if word != "…" && !slices.Contains(strings.Fields(text), word) {
				t.Errorf("%q became %q, which cuts the word %q", text, got, word)
			}
		}
	}
}

func TestPORTIsChecked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		environ string
		want    int
	}{
		{"HOME=/", 8080},
		{"PORT=", 8080},
		{"PORT=9000", 9000},
		{"PORT=65535", 0}, // private functions get the next port
		{"PORT=http", 0},
	} {
		config, err := configFrom([]string{tc.environ})
		if (err != nil) != (tc.want == 0) || err == nil && config.Port != tc.want {
			t.Errorf("%s: got %d, %v, want %d", tc.environ, config.Port, err, tc.want)
		}
	}
}
