package stack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
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
	address string

	mu     sync.Mutex
	events map[string]int // deliveries by event, of those that were taken
	pushed map[string]int // those as Pub/Sub brings them
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
	var push struct{ Message struct{ MessageID string } }
	if err := json.NewDecoder(r.Body).Decode(&push); err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if push.Message.MessageID != "" {
		f.pushed[push.Message.MessageID]++
	}
	f.events[cmp.Or(r.Header.Get("Ce-Id"), push.Message.MessageID)]++
}

func (f *function) wait(t *testing.T, calls int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
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

// begin serves a function that refuses so many deliveries.
func begin(t *testing.T, refuse int) *function {
	f := &function{events: map[string]int{}, pushed: map[string]int{}, refuse: refuse}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	f.address = server.URL
	return f
}

// courier returns one of a run whose events wait in the folder.
func (f *function) courier(t *testing.T, dir string) *courier {
	t.Helper()
	c, err := newCourier(f.address, dir, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.close() })
	return c
}

var object = api.Object{Bucket: "uploads", Name: "o", Generation: 1}

func TestEveryThirdEventComesTwice(t *testing.T) {
	t.Parallel()
	f := begin(t, 0)
	c := f.courier(t, t.TempDir())
	for range 6 {
		c.deliver(object)
	}
	c.going.Wait()
	twice := 0
	for event, times := range f.events {
		if times != 1+f.pushed[event] { // the repetition
			t.Errorf("an event comes %d times, pushed %d times; want it once as a CloudEvent", times, f.pushed[event])
		}
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
	f := begin(t, 1)
	c := f.courier(t, t.TempDir())
	c.deliver(object)
	c.going.Wait()
	if len(f.events) != 1 || f.calls != 2 {
		t.Errorf("got %v in %d calls, want one event taken at last", f.events, f.calls)
	}
}

// TestDeliveredWaitsForWhatComesAgain, unless it is told to stop.
func TestDeliveredWaitsForWhatComesAgain(t *testing.T) {
	t.Parallel()
	f := begin(t, 2)
	s := &Stack{courier: f.courier(t, t.TempDir())}
	s.courier.deliver(object)
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Delivered(stopped); !errors.Is(err, context.Canceled) {
		t.Errorf("stopped while a delivery is under way: got %v", err)
	}
	if err := s.Delivered(t.Context()); err != nil || f.calls != 3 {
		t.Errorf("got %v after %d calls, want that the third is awaited, which is taken", err, f.calls)
	}
}

func TestEventOfABrokenOffRunComesInTheNext(t *testing.T) {
	t.Parallel()
	f, dir := begin(t, 1), t.TempDir()
	first := f.courier(t, dir)
	first.deliver(object)
	f.wait(t, 1)
	first.close()

	second := f.courier(t, dir)
	second.resume()
	second.going.Wait()
	if len(f.events) != 1 || f.calls != 2 {
		t.Errorf("got %v in %d calls, want the event of before", f.events, f.calls)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("%v is kept after it was taken, %v", left, err)
	}
}

// What came while the run began was taken for what was left: its file was read, half-written
// or gone, and it was delivered once more.
func TestNewEventIsNoneOfTheEarlierRun(t *testing.T) {
	t.Parallel()
	f := begin(t, 1)
	c := f.courier(t, t.TempDir())
	c.deliver(object)
	f.wait(t, 1) // it is refused, and its file waits with it
	c.resume()
	c.going.Wait()
	if len(f.events) != 1 || f.calls != 2 {
		t.Errorf("got %v in %d calls, want one event that comes again once", f.events, f.calls)
	}
}

// TestEventIsKeptUntilItIsTaken, in the file that it is in: one that takes its place could
// not be written.
func TestEventIsKeptUntilItIsTaken(t *testing.T) {
	t.Parallel()
	f, dir := begin(t, 1000), t.TempDir()
	kept := filepath.Join(dir, "kept"+ending)
	if err := store(kept, object); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, "half"+ending)
	if err := os.WriteFile(half, []byte(`{"bucket":`), 0o644); err != nil {
		t.Fatal(err)
	}
	c := f.courier(t, dir)
	c.resume()
	f.wait(t, 1)
	c.close()
	if _, err := os.Stat(kept); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(half); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("half an event is kept: %v", err)
	}
}

func TestEventAfterTheEndComesInTheNextRun(t *testing.T) {
	t.Parallel()
	f, dir := begin(t, 0), t.TempDir()
	first := f.courier(t, dir)
	first.close()
	first.deliver(object)
	first.going.Wait()
	if f.calls != 0 {
		t.Errorf("got %d deliveries, want none", f.calls)
	}

	second := f.courier(t, dir)
	second.resume()
	second.going.Wait()
	if f.calls != 1 {
		t.Errorf("got %d deliveries in the next run, want one", f.calls)
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
		"CLOUD_SQL_INSTANCE=x":                  "CLOUD_SQL_INSTANCE is for the cloud",
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
