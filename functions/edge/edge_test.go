package edge_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/router"
)

const nobodys = "0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c"

// address fills the path's parameters.
func address(d *api.Declaration) string {
	segments := strings.Split(d.Path, "/")
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") {
			segments[i] = nobodys
		}
	}
	return strings.Join(segments, "/")
}

// TestEveryFunctionIsReachedThroughTheRouter calls each one through the router, and
// sees that the function of its name was asked and what it answered. Private ones
// aren't reached.
func TestEveryFunctionIsReachedThroughTheRouter(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	token := app.Token(app.User("ada").ID)

	// Every function at an address of its own, of which there is one server.
	functions := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		d, ok := api.Lookup(strings.TrimSuffix(r.Host, ".functions.test"))
		if !ok {
			http.Error(w, "no such function", http.StatusBadGateway)
			return
		}
		h, err := d.Handler(app.Process)
		if err != nil {
			t.Error(err)
			return
		}
		w.Header().Set("X-Function", d.ID)
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(functions.Close)
	transport := &http.Transport{DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, functions.Listener.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)

	file, err := os.ReadFile("router/routes.json")
	if err != nil {
		t.Fatal(err)
	}
	var routes []router.Route
	if err := json.Unmarshal(file, &routes); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(router.New(router.Config{Target: "http://{function}.functions.test"}, routes, transport))
	t.Cleanup(server.Close)
	call := func(method, path string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		r.Header.Set("Content-Type", "application/json")
		resp, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		io.Copy(io.Discard, resp.Body)
		return resp
	}

	public := 0
	for _, d := range api.Declared() {
		if d.Trigger == api.Any {
			continue
		}
		if d.Access == api.Private {
			for _, method := range []string{http.MethodGet, http.MethodPost} {
				if resp := call(method, address(d)); resp.StatusCode != http.StatusNotFound || resp.Header.Get("X-Function") != "" {
					t.Errorf("%s %s is reached: %d by %q", method, d.ID, resp.StatusCode, resp.Header.Get("X-Function"))
				}
			}
			continue
		}
		public++
		for _, method := range d.Methods {
			resp := call(method, address(d))
			if resp.Header.Get("X-Function") != d.ID || resp.StatusCode >= 500 || resp.StatusCode == http.StatusUnauthorized {
				t.Errorf("%s %s: %d by %q, want %s", method, d.Path, resp.StatusCode, resp.Header.Get("X-Function"), d.ID)
			}
		}
	}
	if public < 50 {
		t.Errorf("%d functions were called", public)
	}
}

// TestLinksAreOfTheConfiguredAddress lets a caller call the platform by another name,
// which nothing that it says of itself repeats.
func TestLinksAreOfTheConfiguredAddress(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	var course string
	for _, name := range []string{"Algebra", "Topology"} {
		course = ada.Post("/api/v1/courses/", map[string]any{"name": name}).Want(http.StatusCreated).ID()
	}
	for address, want := range map[string]string{"https://api.aksio.app": "https://api.aksio.app/api/v1/courses/?page=2&page_size=1", "": "/api/v1/courses/?page=2&page_size=1"} {
		ada := app.With("API_URL", address).As(ada)
		named := []string{"X-Forwarded-Host", "evil.test", "X-Forwarded-Proto", "gopher", "Forwarded", "host=evil.test;proto=gopher", "X-Original-Host", "evil.test"}
		for _, host := range []string{"", "http://evil.test", "http://evil:evil@evil.test"} {
			page := ada.Do(http.MethodGet, host+"/api/v1/courses/?page_size=1", nil, named...).Want(http.StatusOK)
			if next := page.Map()["next"]; next != want {
				t.Errorf("called as %q, at home at %q: next is %v", host, address, next)
			}
			upload := ada.Do(http.MethodPost, host+"/api/v1/courses/"+course+"/documents/",
				map[string]any{"document_type": "file", "original_filename": "notes.txt", "content_type": "text/plain"}, named...).Want(http.StatusCreated)
			for _, answer := range []*apitest.Response{page, upload, ada.Do(http.MethodGet, host+"/nothing/", nil, named...)} {
				if text := fmt.Sprint(answer.Header, string(answer.Body)); strings.Contains(text, "evil") || strings.Contains(text, "gopher") || answer.Header.Get("Link") != "" {
					t.Errorf("called as %q: %s", host, text)
				}
			}
		}
	}
}

// inProcess is a way to functions without a network.
type inProcess struct{ http.Handler }

func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	p.ServeHTTP(w, r)
	return w.Result(), nil
}

// TestEveryAnswerTellsBrowsersWhatTheyMay asks for what there is and what there isn't.
func TestEveryAnswerTellsBrowsersWhatTheyMay(t *testing.T) {
	t.Parallel()
	const page = "https://app.example.com"
	app := apitest.New(t, "ALLOWED_ORIGINS", page)
	route := func(function, path string, methods ...string) router.Route {
		return router.Route{Function: function, Path: path, Methods: methods}
	}
	config := router.Config{Target: "http://{function}.test", Config: api.Config{AllowedOrigins: []string{page}}}
	front := router.New(config, []router.Route{
		route("health-check", "/api/health/", "GET"), route("courses-list", "/api/v1/courses/", "GET"), route("courses-create", "/api/v1/courses/", "POST"),
	}, inProcess{app.Gateway})
	cut := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, net.ErrClosed }}
	away := router.New(config, []router.Route{route("health-check", "/api/health/", "GET")}, cut)
	for name, h := range map[string]http.Handler{"gateway": app.Gateway, "router": front, "internal": app.Gateway.Internal, "away": away} {
		for _, tc := range []struct {
			method, path, preflight string
			status                  int
			allow                   string
		}{
			{"GET", "/api/health/", "", http.StatusOK, ""},
			{"GET", "/api/v1/courses/", "", http.StatusUnauthorized, ""},
			{"GET", "/api/v1/nothing/", "", http.StatusNotFound, ""},
			{"OPTIONS", "/api/v1/nothing/", "", http.StatusNotFound, ""},
			{"OPTIONS", "/api/v1/nothing/", "GET", http.StatusNotFound, ""},
			{"PATCH", "/api/v1/courses/", "", http.StatusMethodNotAllowed, "GET, POST, HEAD, OPTIONS"},
			{strings.Repeat("X", 999), "/api/health/", "", http.StatusMethodNotAllowed, "GET, HEAD, OPTIONS"},
			{"OPTIONS", "/api/health/", "", http.StatusNoContent, "GET, HEAD, OPTIONS"},
			{"OPTIONS", "/api/health/", "GET", http.StatusNoContent, "GET, HEAD, OPTIONS"},
			{"OPTIONS", "/api/health/", "DELETE", http.StatusNoContent, "GET, HEAD, OPTIONS"},
			{"OPTIONS", "/api/v1/courses/", "", http.StatusNoContent, "GET, POST, HEAD, OPTIONS"},
			{"OPTIONS", "/api/v1/courses/", "POST", http.StatusNoContent, "GET, POST, HEAD, OPTIONS"},
			{"OPTIONS", "/api/v1/courses/", "DELETE", http.StatusNoContent, "GET, POST, HEAD, OPTIONS"},
		} {
			switch {
			case name == "internal":
				tc.status, tc.allow = http.StatusNotFound, ""
			case name == "away" && tc.path == "/api/v1/courses/":
				continue
			case name == "away" && tc.status == http.StatusOK:
				tc.status, tc.allow = http.StatusServiceUnavailable, ""
			}
			for _, origin := range []string{page, "https://elsewhere.example.com"} {
				r := httptest.NewRequest(tc.method, tc.path, nil)
				r.Header.Set("Origin", origin)
				r.Header.Set("Access-Control-Request-Method", tc.preflight)
				w := httptest.NewRecorder()
				h.ServeHTTP(w, r)
				what := fmt.Sprintf("%s: %.10s %s for %q, from %s", name, tc.method, tc.path, tc.preflight, origin)
				if w.Code != tc.status || len(w.Body.Bytes()) > 1000 {
					t.Errorf("%s: got %d %s, want %d", what, w.Code, w.Body, tc.status)
				}
				for header, want := range map[string]string{
					"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store",
					"Strict-Transport-Security": "max-age=31536000; includeSubDomains", "Vary": "Origin", "Allow": tc.allow,
				} {
					if got := strings.Join(w.Header().Values(header), "|"); got != want {
						t.Errorf("%s: %s is %q, want %q", what, header, got, want)
					}
				}
				allowed := w.Header().Get("Access-Control-Allow-Origin")
				if origin == page && allowed != page && allowed != "*" || origin != page && allowed == "*" && w.Code < 400 {
					t.Errorf("%s: may be read by %q", what, allowed)
				}
				if tc.status == http.StatusServiceUnavailable && w.Header().Get("Retry-After") == "" {
					t.Errorf("%s: got %v", what, w.Header())
				}
			}
		}
	}
}

// TestPagesThatMayCall reads what the setting says, which Terraform leaves empty where no
// pages are given.
func TestPagesThatMayCall(t *testing.T) {
	t.Parallel()
	const page = "https://app.example.com"
	app := apitest.New(t)
	for _, tc := range []struct {
		settings []string
		allowed  string
	}{
		{nil, ""},
		{[]string{"ALLOWED_ORIGINS", ""}, ""},
		{[]string{"ALLOWED_ORIGINS", "https://other.example.com"}, ""},
		{[]string{"ALLOWED_ORIGINS", "https://other.example.com," + page}, page},
		{[]string{"ALLOWED_ORIGINS", "*"}, "*"},
	} {
		for _, method := range []string{http.MethodGet, http.MethodOptions} {
			if got := app.With(tc.settings...).Anonymous().Do(method, "/api/health/", nil, "Origin", page).Header.Get("Access-Control-Allow-Origin"); got != tc.allowed {
				t.Errorf("%s with %q: may be read by %q, want %q", method, tc.settings, got, tc.allowed)
			}
		}
	}
}
