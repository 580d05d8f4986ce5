package router_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/router"
)

var routes = []router.Route{
	{Function: "courses-list", Methods: []string{"GET"}, Path: "/api/v1/courses/"},
	{Function: "courses-create", Methods: []string{"POST"}, Path: "/api/v1/courses/"},
	{Function: "courses-update", Methods: []string{"PUT", "PATCH"}, Path: "/api/v1/courses/{id}/"},
}

// before returns the address of a router before the function, which stands for all
// that there are.
func before(t *testing.T, function http.HandlerFunc, config router.Config) string {
	t.Helper()
	target := httptest.NewServer(function)
	t.Cleanup(target.Close)
	config.Target = "http://{function}-123.functions.test"
	if err := config.Validate(); err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, target.Listener.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)
	server := httptest.NewServer(framework(router.New(config, routes, transport)))
	t.Cleanup(server.Close)
	return server.URL
}

// framework catches panics, as the function framework does.
func framework(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { _ = recover() }()
		h.ServeHTTP(w, r)
	})
}

func do(t *testing.T, method, address string, body io.Reader, headers ...string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

func TestMethodAndPathSayTheFunction(t *testing.T) {
	t.Parallel()
	base := before(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Host+" "+r.Method+" "+r.RequestURI+" "+string(body))
		w.WriteHeader(http.StatusTeapot)
	}, router.Config{})
	for _, tc := range []struct {
		method, path string
		status       int
		seen         string // by the function; else it isn't called
	}{
		{"GET", "/api/v1/courses/?page=2&q=a%20b", http.StatusTeapot, "courses-list GET /api/v1/courses/?page=2&q=a%20b "},
		{"GET", "/api/v1/courses/?q=b&a=1;c=%zz", http.StatusTeapot, "courses-list GET /api/v1/courses/?q=b&a=1;c=%zz "},
		{"GET", "/api/v1/courses", http.StatusTeapot, "courses-list GET /api/v1/courses "},
		{"HEAD", "/api/v1/courses/", http.StatusTeapot, "courses-list HEAD /api/v1/courses/ "},
		{"POST", "/api/v1/courses/", http.StatusTeapot, "courses-create POST /api/v1/courses/ text"},
		{"PATCH", "/api/v1/courses/a%2Fb/", http.StatusTeapot, "courses-update PATCH /api/v1/courses/a%2Fb/ text"},
		{"OPTIONS", "/api/v1/courses/", http.StatusNoContent, ""},
		{"DELETE", "/api/v1/courses/", http.StatusMethodNotAllowed, ""},
		{"POST", "/internal/run-migrations/", http.StatusNotFound, ""},
		{"POST", "/api/v1/courses/../../../internal/run-migrations/", http.StatusNotFound, ""},
		{"GET", "/", http.StatusNotFound, ""},
		{"GET", "//courses-list.functions.test/api/v1/courses/", http.StatusNotFound, ""},
	} {
		var body io.Reader
		if strings.HasPrefix(tc.method, "P") {
			body = strings.NewReader("text")
		}
		resp := do(t, tc.method, base+tc.path, body, "Accept-Encoding", "identity")
		seen := strings.Replace(resp.Header.Get("X-Seen"), "-123.functions.test", "", 1)
		if resp.StatusCode != tc.status || strings.TrimSpace(seen) != strings.TrimSpace(tc.seen) {
			t.Errorf("%s %s: got %d, the function saw %q; want %d, %q", tc.method, tc.path, resp.StatusCode, seen, tc.status, tc.seen)
		}
		if tc.status >= 400 && tc.seen == "" && resp.Header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%s %s: refused as %s", tc.method, tc.path, resp.Header.Get("Content-Type"))
		}
	}
}

func TestHeadersArePassedOnAndNotBelieved(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, forwarded string
		proxies         int
		want            string // X-Forwarded-For
	}{
		{"behind the load balancer", "203.0.113.9, 198.51.100.7, 192.0.2.1", 2, "198.51.100.7, 198.51.100.7"},
		{"behind the platform alone", "203.0.113.9, 198.51.100.7", 1, "198.51.100.7, 198.51.100.7"},
		{"behind nothing", "203.0.113.9", 0, "127.0.0.1, 127.0.0.1"},
		{"nonsense", "x, y", 1, ""},
	} {
		var got http.Header
		base := before(t, func(w http.ResponseWriter, r *http.Request) {
			got = r.Header
			w.Header().Set("Access-Control-Allow-Origin", "https://aksio.app")
			w.Header().Set("Retry-After", "7")
		}, router.Config{Config: api.Config{TrustedProxies: tc.proxies}})
		resp := do(t, "GET", base+"/api/v1/courses/", nil,
			"Authorization", "Bearer users", "X-Serverless-Authorization", "Bearer stolen", "X-Forwarded-For", tc.forwarded,
			"X-Forwarded-Host", "evil.test", "X-Forwarded-Proto", "https", "Forwarded", "for=203.0.113.9",
			"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "Idempotency-Key", "k", "Connection", "X-Hop", "X-Hop", "1")
		for name, want := range map[string]string{
			"Authorization": "Bearer users", "X-Serverless-Authorization": "", "X-Forwarded-For": tc.want, "X-Forwarded-Host": "",
			"X-Forwarded-Proto": "", "Forwarded": "", "Traceparent": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
			"Idempotency-Key": "k", "X-Hop": "",
		} {
			if value := strings.Join(got.Values(name), "|"); value != want {
				t.Errorf("%s: the function got %s: %q, want %q", tc.name, name, value, want)
			}
		}
		if values := resp.Header.Values("Access-Control-Allow-Origin"); len(values) != 1 || values[0] != "https://aksio.app" || resp.Header.Get("Retry-After") != "7" {
			t.Errorf("%s: the client got %v", tc.name, resp.Header)
		}
	}
}

func TestEventsPassUnbuffered(t *testing.T) {
	t.Parallel()
	next, gone := make(chan bool), make(chan bool)
	base := before(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for n := 0; ; n++ {
			fmt.Fprintf(w, "id: %d\n\n", n)
			w.(http.Flusher).Flush()
			select {
			case <-next: // not before the client has the one before
			case <-r.Context().Done():
				close(gone)
				return
			}
		}
	}, router.Config{})
	ctx, leave := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, "GET", base+"/api/v1/courses/", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewScanner(resp.Body)
	for n := range 3 {
		if !lines.Scan() || lines.Text() != fmt.Sprintf("id: %d", n) || !lines.Scan() {
			t.Fatalf("event %d: got %q, %v", n, lines.Text(), lines.Err())
		}
		if n < 2 {
			next <- true
		}
	}
	leave()
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Error("the function isn't told that the client left")
	}
}

func TestBodiesPassAsTheyAreSent(t *testing.T) {
	t.Parallel()
	arrived := make(chan string)
	base := before(t, func(w http.ResponseWriter, r *http.Request) {
		buffer := make([]byte, 16)
		for {
			n, err := r.Body.Read(buffer)
			if n > 0 {
				arrived <- string(buffer[:n])
			}
			if err != nil {
				close(arrived)
				return
			}
		}
	}, router.Config{})
	body, send := io.Pipe()
	go func() {
		defer send.Close()
		for n := range 3 {
			fmt.Fprintf(send, "part %d", n)
			if got := <-arrived; got != fmt.Sprintf("part %d", n) {
				t.Errorf("got %q", got)
			}
		}
	}()
	if resp := do(t, "POST", base+"/api/v1/courses/", body); resp.StatusCode != http.StatusOK {
		t.Errorf("got %d", resp.StatusCode)
	}
	<-arrived
}

func TestABrokenAnswerIsNotTakenForAWholeOne(t *testing.T) {
	t.Parallel()
	base := before(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, strings.Repeat("half", 10_000))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, router.Config{})
	resp := do(t, "GET", base+"/api/v1/courses/", nil)
	if _, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("reading ended with %v", err)
	}
}

func TestAFunctionThatIsAway(t *testing.T) {
	t.Parallel()
	config := router.Config{Target: "http://127.0.0.1:1#{function}"}
	if config.Validate() == nil {
		t.Error("an address with something after it is good")
	}
	transport := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, errors.New("connection refused")
	}}
	w := httptest.NewRecorder()
	r := httptest.NewRequest("GET", "/api/v1/courses/", nil)
	r.Header.Set("Origin", "https://app.example.com")
	router.New(router.Config{Target: "http://{function}.test"}, routes, transport).ServeHTTP(w, r)
	var problem struct{ Status int }
	if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != http.StatusServiceUnavailable || problem.Status != w.Code {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if w.Header().Get("Retry-After") == "" || w.Header().Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("got %v", w.Header())
	}
	if strings.Contains(w.Body.String(), "refused") {
		t.Errorf("the answer gives away %s", w.Body)
	}
}

// TestIdentity tells functions who calls, by a token that the platform gives out.
func TestIdentity(t *testing.T) {
	var mu sync.Mutex
	asked := map[string]int{}
	metadata := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		audience := r.URL.Query().Get("audience")
		asked[audience]++
		claims, _ := json.Marshal(map[string]any{"aud": audience, "exp": time.Now().Add(time.Hour).Unix()})
		w.Header().Set("Metadata-Flavor", "Google")
		fmt.Fprintf(w, "e30.%s.x", base64.RawURLEncoding.EncodeToString(claims))
	}))
	t.Cleanup(metadata.Close)
	t.Setenv("GCE_METADATA_HOST", metadata.Listener.Addr().String())
	t.Setenv("GOOGLE_APPLICATION_CREDENTIALS", "")
	t.Setenv("HOME", t.TempDir())

	base := before(t, func(w http.ResponseWriter, r *http.Request) {
		token, _ := strings.CutPrefix(r.Header.Get("X-Serverless-Authorization"), "Bearer ")
		part, _, _ := strings.Cut(strings.TrimPrefix(token, "e30."), ".")
		claims, _ := base64.RawURLEncoding.DecodeString(part)
		fmt.Fprintf(w, "%s %s %s", r.Host, claims, r.Header.Get("Authorization"))
	}, router.Config{Identify: true})
	for range 3 {
		for _, call := range []struct{ method, function string }{{"GET", "courses-list"}, {"POST", "courses-create"}} {
			resp := do(t, call.method, base+"/api/v1/courses/", nil, "Authorization", "Bearer users")
			body, _ := io.ReadAll(resp.Body)
			host := call.function + "-123.functions.test"
			if got := string(body); !strings.HasPrefix(got, host+` {"aud":"http://`+host+`"`) || !strings.HasSuffix(got, " Bearer users") {
				t.Errorf("%s got %q", call.function, got)
			}
		}
	}
	if len(asked) != 2 || asked["http://courses-list-123.functions.test"] != 1 {
		t.Errorf("the platform was asked %v", asked)
	}

	metadata.Close()
	w := httptest.NewRecorder()
	router.New(router.Config{Target: "http://{function}.test", Identify: true}, routes, http.DefaultTransport).
		ServeHTTP(w, httptest.NewRequest("GET", "/api/v1/courses/", nil))
	if w.Code != http.StatusServiceUnavailable {
		t.Errorf("without an identity: got %d %s", w.Code, w.Body)
	}
}

func TestSettings(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"":                                   `write the functions' address with {function}`,
		"https://courses-list.run.app":       `write the functions' address with {function}`,
		"https://{function}-1.run.app/api":   "nothing after it",
		"{function}.run.app":                 "write http or https",
		"https://{function}-1.e.run.app":     "",
		"http://{function}.localhost:8080":   "",
		"ftp://{function}.europe-west1.test": "write http or https",
	} {
		err := router.Config{Target: target}.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", target, err, want)
		}
	}
	if (router.Config{Target: "https://{function}.test", Config: api.Config{TrustedProxies: 9}}).Validate() == nil {
		t.Error("nine proxies are good")
	}
}
