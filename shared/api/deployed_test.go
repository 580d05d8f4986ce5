package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"

	"aksio.app/shared/api"
	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
)

// TestMain lets the test binary be a deployed function, as the platform starts it.
func TestMain(m *testing.M) {
	if os.Getenv("FUNCTION_TARGET") == "" {
		os.Exit(m.Run())
	}
	panic(funcframework.StartHostPort("127.0.0.1", os.Getenv("PORT")))
}

// The functions of these tests tell their standard error when they are set up.
func init() {
	type address struct{ Body string }
	api.HandlePublic(api.Operation{ID: "test-address", Methods: []string{http.MethodGet}, Path: "/address/", Summary: "Tell who calls."},
		func(env *api.Env) (api.PublicHandler[struct{ api.Client }, address], error) {
			fmt.Fprintln(os.Stderr, "set up", env.Function())
			return func(ctx context.Context, req *struct{ api.Client }) (*address, error) {
				slog.InfoContext(ctx, "called")
				return &address{req.Address.String()}, nil
			}, nil
		})
	fault.Classify(func(err error) (fault.Kind, bool) { return fault.Invalid, errors.Is(err, errUnstorable) })
	type wrong struct {
		Stored bool `query:"stored"`
	}
	api.HandlePublic(api.Operation{ID: "test-wrong", Methods: []string{http.MethodGet}, Path: "/wrong/", Summary: "Refuse."},
		func(*api.Env) (api.PublicHandler[wrong, struct{}], error) {
			return func(_ context.Context, req *wrong) (*struct{}, error) {
				if req.Stored {
					return nil, errUnstorable
				}
				return nil, fault.New(fault.Invalid, "No.")
			}, nil
		})
	api.HandlePublic(api.Operation{ID: "test-left", Methods: []string{http.MethodGet}, Path: "/left/", Summary: "Wait until the caller leaves."},
		func(*api.Env) (api.PublicHandler[struct{}, struct{}], error) {
			return func(ctx context.Context, _ *struct{}) (*struct{}, error) {
				slog.InfoContext(ctx, "called")
				<-ctx.Done()
				return nil, fmt.Errorf("waiting: %w", ctx.Err())
			}, nil
		})
	api.HandleAny(api.Operation{ID: "test-any", Summary: "Answer piece by piece."},
		func(*api.Env) (http.Handler, error) { return pieces(make(chan struct{})), nil })
	api.HandleScheduled(api.Operation{ID: "test-schedule", Summary: "Do nothing.", Schedule: "0 0 * * *"},
		func(env *api.Env) (func(context.Context) (*struct{}, error), error) {
			fmt.Fprintln(os.Stderr, "set up", env.Function())
			return func(ctx context.Context) (*struct{}, error) {
				slog.InfoContext(ctx, "called")
				return nil, nil
			}, nil
		})
	api.HandleFinalized(api.Operation{ID: "test-event", Summary: "Take objects that are called good."},
		func(env *api.Env) (api.ObjectHandler, error) {
			fmt.Fprintln(os.Stderr, "set up", env.Function())
			return func(ctx context.Context, object api.Object) error {
				slog.InfoContext(ctx, "called")
				switch object.Name {
				case "good":
					return nil
				case "busy":
					return fault.New(fault.Unavailable, "another works on it").AsRoutine()
				}
				return fault.New(fault.Unavailable, "not yet")
			}, nil
		})
}

// errUnstorable is a library's error about a request.
var errUnstorable = errors.New("the value can't be stored")

// pieces answers piece by piece. It is closed when the client has what was flushed first.
type pieces chan struct{}

func (seen pieces) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.WriteHeader(http.StatusAccepted)
	switch r.URL.Path {
	case "/unsent/":
		panic("before anything is sent")
	case "/seen/":
		close(seen)
		return
	}
	if err := http.NewResponseController(w).Flush(); err != nil {
		panic(err)
	}
	<-seen
	w.WriteHeader(http.StatusTeapot) // too late
	io.WriteString(w, "late")
	if r.URL.Path == "/half/" {
		panic("in the middle")
	}
}

// serving returns the address of the function, served by this process.
func serving(t *testing.T, function string) string {
	t.Helper()
	d, _ := api.Lookup(function)
	handler, err := d.Handler(resource.NewProcess(nil))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL
}

func TestAnAnswerIsSentWithItsFirstByteOrFlush(t *testing.T) {
	t.Parallel()
	address := serving(t, "test-any")
	get := func(path string) *http.Response {
		resp, err := http.Get(address + path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		return resp
	}
	whole, half := get("/"), get("/half/")
	get("/seen/")
	if body, err := io.ReadAll(whole.Body); whole.StatusCode != http.StatusAccepted || string(body) != "late" || err != nil {
		t.Errorf("flushed, then written: got %d %q, %v", whole.StatusCode, body, err)
	}
	if body, err := io.ReadAll(half.Body); half.StatusCode != http.StatusAccepted || err == nil {
		t.Errorf("a panic in the middle: got %d %q as a whole answer", half.StatusCode, body)
	}
	unsent := get("/unsent/")
	if body, err := io.ReadAll(unsent.Body); unsent.StatusCode != http.StatusInternalServerError || !strings.Contains(string(body), `"code":"internal_error"`) || err != nil ||
		unsent.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("a panic before the first byte: got %d %v %q, %v", unsent.StatusCode, unsent.Header, body, err)
	}
}

func TestHEADIsGETWithoutABody(t *testing.T) {
	t.Parallel()
	for function, path := range map[string]string{"test-address": "/address/", "test-wrong": "/wrong/"} {
		var answers [2]*http.Response
		for i, method := range []string{http.MethodGet, http.MethodHead} {
			r, err := http.NewRequestWithContext(t.Context(), method, serving(t, function)+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if answers[i], err = http.DefaultClient.Do(r); err != nil {
				t.Fatal(err)
			}
			defer answers[i].Body.Close()
			answers[i].Header.Del("Date")
		}
		body, err := io.ReadAll(answers[1].Body)
		if len(body) > 0 || err != nil || answers[0].StatusCode != answers[1].StatusCode || !reflect.DeepEqual(answers[0].Header, answers[1].Header) {
			t.Errorf("%s: HEAD is answered with %d %v %q, %v; GET with %d %v", function, answers[1].StatusCode, answers[1].Header, body, err, answers[0].StatusCode, answers[0].Header)
		}
	}
}

func TestAWrongRequestIsNoErrorOfOurs(t *testing.T) {
	t.Parallel()
	d := deploy(t, "test-wrong", "TRUSTED_PROXIES=1")
	for _, path := range []string{"/wrong/", "/wrong/?stored=maybe", "/nowhere/", "/wrong/?stored=true"} {
		status := http.StatusBadRequest
		if path == "/nowhere/" {
			status = http.StatusNotFound
		}
		d.call(t, http.MethodGet, path, status)
	}
	d.lines(t, "call served", 4)
	if failed := d.lines(t, "call failed", 1); len(failed) != 1 || failed[0]["severity"] != "WARNING" || strings.Contains(d.text(), `"ERROR"`) {
		t.Errorf("want a warning of what no check of ours found, and nothing of the others:\n%s", d.text())
	}
}

// deployment is a deployed function: a process of the test's own.
type deployment struct {
	address string
	exited  chan struct{}

	mu  sync.Mutex
	log bytes.Buffer
}

func (d *deployment) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.Write(p)
}

func (d *deployment) text() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.log.String()
}

// deploy starts the function, and waits until it answers or exits.
func deploy(t *testing.T, function string, settings ...string) *deployment {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	d := &deployment{address: listener.Addr().String(), exited: make(chan struct{})}
	_, port, _ := net.SplitHostPort(d.address)
	listener.Close()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "K_SERVICE="+function, "FUNCTION_TARGET="+function, "PORT="+port, "GOOGLE_CLOUD_PROJECT=aksio-test")
	cmd.Env = append(cmd.Env, settings...)
	cmd.Stderr = d
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { cmd.Wait(); close(d.exited) }()
	t.Cleanup(func() { cmd.Process.Kill(); <-d.exited })
	for {
		select {
		case <-d.exited:
			return d
		case <-time.After(10 * time.Millisecond):
		}
		if conn, err := net.Dial("tcp", d.address); err == nil {
			conn.Close()
			return d
		}
	}
}

const trace = "0af7651916cd43dd8448eb211c80319c"

// send sends the request with a trace, and returns the answer's body.
func send(t *testing.T, r *http.Request, err error, status int) string {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Traceparent", "00-"+trace+"-b7ad6b7169203331-01")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != status {
		t.Fatalf("%s %s: got %d %s, %v, want %d", r.Method, r.URL, resp.StatusCode, body, err, status)
	}
	return string(body)
}

func (d *deployment) call(t *testing.T, method, path string, status int, headers ...string) string {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+d.address+path, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return send(t, r, err, status)
}

// event delivers the event that the object is complete.
func (d *deployment) event(t *testing.T, object string, status int) {
	t.Helper()
	r, err := api.Object{Bucket: "uploads", Name: object, Generation: 1}.Push(t.Context(), "http://"+d.address+"/", "1")
	send(t, r, err, status)
}

// lines returns the log's lines with the message, once there are so many.
func (d *deployment) lines(t *testing.T, message string, n int) []map[string]any {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		var found []map[string]any
		for line := range strings.Lines(d.text()) {
			var entry map[string]any
			if json.Unmarshal([]byte(line), &entry) == nil && entry["message"] == message {
				found = append(found, entry)
			}
		}
		if len(found) >= n {
			return found
		}
		if time.Now().After(deadline) {
			t.Fatalf("want %d lines %q in\n%s", n, message, d.text())
		}
	}
}

func TestADeployedFunctionKnowsWhoCalls(t *testing.T) {
	t.Parallel()
	d := deploy(t, "test-address")
	select {
	case <-d.exited:
	case <-time.After(time.Minute):
		t.Fatal("it started, though all callers would count as Google's front end")
	}
	if text := d.text(); !strings.Contains(text, "TRUSTED_PROXIES is missing") {
		t.Errorf("got %s", text)
	}
	for proxies, want := range map[string]string{"1": "203.0.113.7", "2": "198.51.100.2"} {
		d := deploy(t, "test-address", "TRUSTED_PROXIES="+proxies)
		if got := d.call(t, http.MethodGet, "/address/", http.StatusOK, "X-Forwarded-For", "192.0.2.1, 198.51.100.2,203.0.113.7"); strings.Trim(got, "\"\n") != want {
			t.Errorf("behind %s proxies: the caller is %s, want %s", proxies, got, want)
		}
	}
}

func TestADeployedFunctionIsSetUpOnce(t *testing.T) {
	t.Parallel()
	for function, call := range map[string]func(*deployment){
		"test-address":  func(d *deployment) { d.call(t, http.MethodGet, "/address/", http.StatusOK) },
		"test-schedule": func(d *deployment) { d.call(t, http.MethodPost, "/internal/test-schedule/", http.StatusOK) },
		"test-event":    func(d *deployment) { d.event(t, "good", http.StatusOK) },
	} {
		d := deploy(t, function, "TRUSTED_PROXIES=1")
		call(d)
		call(d)
		if got := strings.Count(d.text(), "set up "); got != 1 {
			t.Errorf("%s was set up %d times, want once", function, got)
		}
	}
}

func TestADeployedFunctionTakesEventsInBothForms(t *testing.T) {
	t.Parallel()
	d := deploy(t, "test-event", "TRUSTED_PROXIES=1")
	object := api.Object{Bucket: "uploads", Name: "good", Generation: 1}
	for form, request := range map[string]func(context.Context, string, string) (*http.Request, error){"push": object.Push, "CloudEvent": object.CloudEvent} {
		r, err := request(t.Context(), "http://"+d.address+"/", form)
		send(t, r, err, http.StatusOK)
	}
	d.lines(t, "called", 2)
}

func TestADeployedFunctionLogsEveryCallWithItsTrace(t *testing.T) {
	t.Parallel()
	for function, tc := range map[string]struct {
		status int
		call   func(d *deployment, status int)
	}{
		"test-address":  {http.StatusOK, func(d *deployment, status int) { d.call(t, http.MethodGet, "/address/", status) }},
		"test-schedule": {http.StatusOK, func(d *deployment, status int) { d.call(t, http.MethodPost, "/internal/test-schedule/", status) }},
		"test-event":    {http.StatusServiceUnavailable, func(d *deployment, status int) { d.event(t, "bad", status) }},
	} {
		d := deploy(t, function, "TRUSTED_PROXIES=1")
		tc.call(d, tc.status)
		served := d.lines(t, "call served", 1)[0]
		for key, want := range map[string]any{"severity": "INFO", "operation": function, "status": float64(tc.status), "database_calls": 0.0, "database_ms": 0.0, "database_wait_ms": 0.0} {
			if served[key] != want {
				t.Errorf("%s: %s is %v, want %v in %v", function, key, served[key], want, served)
			}
		}
		if ms, ok := served["ms"].(float64); !ok || ms < 0 || ms > 60_000 {
			t.Errorf("%s: ms is %v", function, served["ms"])
		}
		lines := append(d.lines(t, "called", 1), served)
		if tc.status >= 500 {
			lines = append(lines, d.lines(t, "call failed", 1)...)
		}
		for _, line := range lines {
			if line["logging.googleapis.com/trace"] != "projects/aksio-test/traces/"+trace {
				t.Errorf("%s: %v has no trace", function, line)
			}
		}
	}
}

func TestWhatIsRoutineIsNoWarning(t *testing.T) {
	t.Parallel()
	d := deploy(t, "test-event", "TRUSTED_PROXIES=1")
	d.event(t, "bad", http.StatusServiceUnavailable)
	d.event(t, "busy", http.StatusServiceUnavailable)
	lines := d.lines(t, "call failed", 2)
	if got := [...]any{lines[0]["severity"], lines[1]["severity"]}; got != [...]any{"WARNING", "INFO"} {
		t.Errorf("got %v, want a warning for what isn't ready and none for what is at work", got)
	}
}

func TestACallerWhoLeavesIsNoErrorOfOurs(t *testing.T) {
	t.Parallel()
	d := deploy(t, "test-left", "TRUSTED_PROXIES=1")
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.address+"/left/", nil)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan error)
	go func() {
		_, err := http.DefaultClient.Do(r)
		left <- err
	}()
	d.lines(t, "called", 1)
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	served, failed := d.lines(t, "call served", 1)[0], d.lines(t, "call failed", 1)[0]
	if served["status"] != 499.0 || failed["severity"] != "INFO" {
		t.Errorf("want the status 499 and no warning:\n%s", d.text())
	}
}

func TestAnEventThatIsNoneIsDropped(t *testing.T) {
	t.Parallel()
	d := deploy(t, "test-event", "TRUSTED_PROXIES=1")
	d.event(t, "", http.StatusOK)
	d.call(t, http.MethodPost, "/", http.StatusOK)
	d.call(t, http.MethodGet, "/", http.StatusOK)
	d.lines(t, "call failed", 3)
	if strings.Contains(d.text(), `"called"`) {
		t.Errorf("the function saw it: %s", d.text())
	}
}

// Whose copier forgot to change the path saw a panic of the document's making, which named nobody.
func TestASecondFunctionAtAnAddressIsRefused(t *testing.T) {
	t.Parallel()
	defer func() {
		if got := fmt.Sprint(recover()); got != "api: test-twin has the address of test-fuzz, PUT /fuzz/{id}/" {
			t.Error(got)
		}
	}()
	api.HandlePublic(api.Operation{ID: "test-twin", Methods: []string{http.MethodDelete, http.MethodPut}, Path: "/fuzz/{other}/", Summary: "Be a twin."},
		func(*api.Env) (api.PublicHandler[struct{}, struct{}], error) { return nil, nil })
}
