package main

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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
		Progress: func(string, string, time.Duration) {},
		Detail:   func(string) {},
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
	if strings.Contains(out.String(), " pages") {
		t.Errorf("a text without pages has some:\n%s", &out)
	}
	for _, want := range []string{"    reading its text ", "; right is ", "✓ sign out", "\ncards         10 made", "\nquiz score    ", "\ncited answer  “The light reactions"} {
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
		{"absent file", "testdata/absent.pdf", "absent.pdf"},
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

func TestGapOfALongQuestionIsShown(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("word ", 30)
	for _, text := range []string{"_____ " + long, long + "_____", long + "_____ " + long, "a _____ c"} {
		got := aroundGap(text, 110)
		if n := len([]rune(got)); !strings.Contains(got, "_____") || n > 110 {
			t.Errorf("%q became %q, of %d characters", text, got, n)
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
