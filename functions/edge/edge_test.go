package edge_test

import (
	"encoding/json"
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
	"aksio.app/shared/relay"
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
	transport := &http.Transport{Dial: func(network, _ string) (net.Conn, error) {
		return net.Dial(network, functions.Listener.Addr().String())
	}}
	t.Cleanup(transport.CloseIdleConnections)

	file, err := os.ReadFile("router/routes.json")
	if err != nil {
		t.Fatal(err)
	}
	var routes []relay.Route
	if err := json.Unmarshal(file, &routes); err != nil {
		t.Fatal(err)
	}
	router := httptest.NewServer(relay.New(relay.Config{Target: "http://{function}.functions.test"}, routes, transport))
	t.Cleanup(router.Close)
	call := func(method, path string) *http.Response {
		r, err := http.NewRequestWithContext(t.Context(), method, router.URL+path, strings.NewReader("{}"))
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

// TestPagesLinkToWhereTheyWereAskedFor follows a list's link through the router.
func TestPagesLinkToWhereTheyWereAskedFor(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	for _, name := range []string{"Algebra", "Topology"} {
		ada.Post("/api/v1/courses/", map[string]any{"name": name}).Want(http.StatusCreated)
	}
	page := ada.Do(http.MethodGet, "/api/v1/courses/?page_size=1", nil, "X-Forwarded-Host", "api.aksio.app", "X-Forwarded-Proto", "https")
	if next := page.Want(http.StatusOK).Map()["next"]; next != "https://api.aksio.app/api/v1/courses/?page=2&page_size=1" {
		t.Errorf("got %v", next)
	}
}
