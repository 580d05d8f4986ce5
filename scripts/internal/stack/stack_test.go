package stack

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api"
	"aksio.app/shared/resource"
)

// function stands in for the functions that wait for events.
type function struct {
	mu     sync.Mutex
	events map[string]int // deliveries by event
	refuse int            // so many deliveries
	calls  int
}

func (f *function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	if f.refuse > 0 {
		f.refuse--
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	var delivery struct{ Message struct{ MessageID string } }
	if err := json.NewDecoder(r.Body).Decode(&delivery); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	f.events[cmp.Or(r.Header.Get("Ce-Id"), delivery.Message.MessageID)]++
}

func (f *function) wait(t *testing.T, calls int) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		f.mu.Lock()
		got := f.calls
		f.mu.Unlock()
		if got >= calls {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("got %d deliveries, want %d", got, calls)
		}
	}
}

func TestEveryThirdEventComesTwice(t *testing.T) {
	t.Parallel()
	f := &function{events: map[string]int{}}
	server := httptest.NewServer(f)
	defer server.Close()
	c := newCourier(server.URL, t.TempDir(), slog.New(slog.DiscardHandler))
	for range 6 {
		c.deliver(api.Object{Bucket: "uploads", Name: "o", Generation: 1})
	}
	f.wait(t, 8)
	c.close()
	twice := 0
	for _, times := range f.events {
		if times == 2 {
			twice++
		}
	}
	if len(f.events) != 6 || twice != 2 {
		t.Errorf("got %d events, %d of them twice; want 6 and 2", len(f.events), twice)
	}
}

func TestRefusedEventComesAgain(t *testing.T) {
	t.Parallel()
	f := &function{events: map[string]int{}, refuse: 1}
	server := httptest.NewServer(f)
	defer server.Close()
	c := newCourier(server.URL, t.TempDir(), slog.New(slog.DiscardHandler))
	c.deliver(api.Object{Bucket: "uploads", Name: "o", Generation: 1})
	f.wait(t, 2)
	c.close()
	if len(f.events) != 1 {
		t.Errorf("got %v, want one event taken at last", f.events)
	}
}

func TestEventOfABrokenOffRunComesInTheNext(t *testing.T) {
	t.Parallel()
	f := &function{events: map[string]int{}, refuse: 1}
	server := httptest.NewServer(f)
	defer server.Close()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	first := newCourier(server.URL, dir, log)
	first.deliver(api.Object{Bucket: "uploads", Name: "o", Generation: 1})
	f.wait(t, 1)
	first.close()

	second := newCourier(server.URL, dir, log)
	if err := second.resume(); err != nil {
		t.Fatal(err)
	}
	f.wait(t, 2)
	if len(f.events) != 1 {
		t.Errorf("got %v, want the event of before", f.events)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if len(left) == 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%v is kept after it was taken", left)
		}
	}
	second.close()
}

// TestEventIsKeptUntilItIsTaken, in the file that it is in: one that takes its place could
// not be written.
func TestEventIsKeptUntilItIsTaken(t *testing.T) {
	t.Parallel()
	f := &function{events: map[string]int{}, refuse: 1000}
	server := httptest.NewServer(f)
	defer server.Close()
	c := newCourier(server.URL, t.TempDir(), slog.New(slog.DiscardHandler))
	if err := store(c.file("kept"), api.Object{Bucket: "uploads", Name: "o", Generation: 1}); err != nil {
		t.Fatal(err)
	}
	if err := c.resume(); err != nil {
		t.Fatal(err)
	}
	f.wait(t, 1)
	c.close()
	if _, err := os.Stat(c.file("kept")); err != nil {
		t.Error(err)
	}
}

func TestPrivateFunctionsRefusePages(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(atHome(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})))
	defer server.Close()
	for _, tc := range []struct {
		host, origin string
		want         int
	}{
		{"", "", http.StatusOK},
		{"localhost:8081", "", http.StatusOK},
		{"[::1]:8081", "", http.StatusOK},
		{"evil.com", "", http.StatusForbidden},
		{"evil.com:8081", "", http.StatusForbidden},
		{"", "http://evil.com", http.StatusForbidden},
		{"", "null", http.StatusForbidden},
	} {
		r, err := http.NewRequest(http.MethodPost, server.URL+"/internal/run-redrive/", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = tc.host
		if tc.origin != "" {
			r.Header.Set("Origin", tc.origin)
		}
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != tc.want {
			t.Errorf("host %q, origin %q: got %s, want %d", tc.host, tc.origin, resp.Status, tc.want)
		}
	}
}

func TestEventAfterTheEndComesInTheNextRun(t *testing.T) {
	t.Parallel()
	f := &function{events: map[string]int{}}
	server := httptest.NewServer(f)
	defer server.Close()
	dir, log := t.TempDir(), slog.New(slog.DiscardHandler)
	first := newCourier(server.URL, dir, log)
	first.close()
	first.deliver(api.Object{Bucket: "uploads", Name: "o", Generation: 1})
	first.going.Wait()
	if f.calls != 0 {
		t.Errorf("got %d deliveries, want none", f.calls)
	}

	second := newCourier(server.URL, dir, log)
	if err := second.resume(); err != nil {
		t.Fatal(err)
	}
	f.wait(t, 1)
	second.close()
}

func TestGivenFirestoreEmulatorIsTaken(t *testing.T) {
	t.Parallel()
	s := &Stack{Settings: map[string]string{"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}}
	config := Config{Detail: func(line string) { t.Error(line) }}
	if _, err := s.openLive(t.Context(), config, s.startLive(t.Context(), config)); err != nil {
		t.Fatal(err)
	}
	if s.Firestore != "127.0.0.1:1" {
		t.Errorf("events go to %q, want the emulator that the settings name", s.Firestore)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

func TestSigningKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "keys")
	first, err := signingKey(dir)
	if err != nil {
		t.Fatal(err)
	}
	second, err := signingKey(dir)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("the second start got another key, or %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Fatalf("got %v, %v, want one file", entries, err)
	}
	if info, err := entries[0].Info(); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("got mode %v, %v, want 0600", info.Mode(), err)
	}
}

func TestMissingSettingsAreNamedInOneLine(t *testing.T) {
	t.Parallel()
	err := check(resource.NewProcess(map[string]string{}))
	if err == nil {
		t.Fatal("got no error without any setting")
	}
	line := err.Error()
	for _, want := range []string{"DATABASE_URL is missing", "TOKEN_KEYS is missing"} {
		if strings.Count(line, want) != 1 {
			t.Errorf("%q: want %q once", line, want)
		}
	}
	if strings.Contains(line, "\n") {
		t.Errorf("%q: want one line", line)
	}
}

func TestWrongSettingsAreNamedBeforeAnythingIsStarted(t *testing.T) {
	t.Parallel()
	for setting, want := range map[string]string{
		"AI_TIMEOUT=abc":                        `AI_TIMEOUT is "abc": write something like 60s`,
		"AI_PRICES=foo":                         `AI_PRICES is "foo": write something like gpt-5-mini=0.25,llama3.2=0`,
		"DATABASE_POOL=x":                       `DATABASE_POOL is "x": write something like 1`,
		"CLOUD_SQL_PRIVATE_IP=x":                `CLOUD_SQL_PRIVATE_IP is "x": write something like true or false`,
		"DATABASE_URL=localhost":                "write postgres://user:password@host:5432/name",
		"DATABASE_URL=postgres://127.0.0.1:1/x": "connection refused",
		"LIVE_STORE=memry":                      `LIVE_STORE is "memry"`,
		"FIRESTORE_EMULATOR_HOST=foo":           `FIRESTORE_EMULATOR_HOST is "foo": write host:port`,
		"FIRESTORE_EMULATOR_HOST=127.0.0.1:1":   "connection refused: start the emulator that FIRESTORE_EMULATOR_HOST names",
		"FIRESTORE_DATABASE=a b":                `FIRESTORE_DATABASE is "a b"`,
		"GOOGLE_CLOUD_PROJECT=a b":              `GOOGLE_CLOUD_PROJECT is "a b"`,
		"BACKUPS_DIR=/dev/null/x":               `BACKUPS_DIR is "/dev/null/x"`,
		"API_URL=ftp://aksio.test":              `API_URL is "ftp://aksio.test"`,
		"ALLOWED_ORIGINS=foo":                   `ALLOWED_ORIGINS has "foo"`,
		"EXTRACT_CACHE=/dev/null/":              `EXTRACT_CACHE is "/dev/null/"`,
		"TOKEN_SIGNING_KEY=foo":                 "TOKEN_SIGNING_KEY",
	} {
		t.Run(setting, func(t *testing.T) {
			t.Parallel()
			name, value, _ := strings.Cut(setting, "=")
			s, err := Start(t.Context(), Config{
				Dir:      t.TempDir(),
				Settings: map[string]string{name: value},
				Log:      slog.New(slog.DiscardHandler),
				Progress: func(step, _ string, _ time.Duration) {
					if step != "signing key" && step != "settings" {
						t.Errorf("%s was begun", step)
					}
				},
				Detail: func(line string) { t.Error(line) },
			})
			if err == nil {
				s.Close()
				t.Fatal("it starts")
			}
			if strings.Count(err.Error(), want) != 1 || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %q, want %q once and in one line", err, want)
			}
		})
	}
}

func TestTakenPortIsNamed(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	port := server.Listener.Addr().(*net.TCPAddr).Port
	_, err := listenOn(port, "the gateway")
	if want := fmt.Sprintf("port %d, for the gateway, is taken: set PORT to the first of two that are free", port); err == nil || err.Error() != want {
		t.Errorf("got %v, want %q", err, want)
	}
}
