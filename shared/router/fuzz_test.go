package router_test

import (
	"bufio"
	"bytes"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"aksio.app/shared/api"
	"aksio.app/shared/router"
)

// FuzzTarget calls the router for whatever stands in a request's first line. The function
// gets the path and the query as it would at its own address, and finds itself there, or
// the call is refused; no other host ever gets one.
func FuzzTarget(f *testing.F) {
	for _, target := range []string{
		"/api/v1/courses/?page=2&q=a%20b", "/api/v1/courses/?b=2&a=1;c=3&d=%zz&&=", "/api/v1/courses/?", "/api/v1/courses/?q=é\xff&%00", "/api/v1/courses/a%2Fb/", "/api/v1/courses/%c3%a9é;v=1/",
		"/api/v1/courses/%2e%2e/", "/api/v1/courses/../../../internal/run-migrations/", "//evil.test/api/v1/courses/", "http://evil.test/api/v1/courses/?a", "http://evil.test//api/v1/courses/",
		"/api/v1/courses/a#b", "/api/v1/courses/a\\b", "/api//v1/courses/", "*", "evil.test:443", "/api/v1/courses/x@evil.test/", "/%61pi/v1/courses/",
	} {
		f.Add("GET", target, "api.test")
		f.Add("PATCH", target, "evil.test")
	}
	f.Add("HEAD", "/api/v1/courses", "x/y")
	f.Add("OPTIONS", "*", "")
	f.Add("CONNECT", "evil.test:443", "evil.test:443")
	f.Add("get", "/api/v1/courses/", "courses-create-123.functions.test")
	f.Fuzz(func(t *testing.T, method, target, host string) {
		if strings.ContainsAny(method+target+host, "\r\n") {
			return // that would be more lines
		}
		r, err := http.ReadRequest(bufio.NewReader(strings.NewReader(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n")))
		if err != nil {
			return // the server refuses it itself
		}
		asked := *r.URL
		var got *http.Request
		passOn := roundTripper(func(out *http.Request) (*http.Response, error) {
			var sent bytes.Buffer
			if err := out.Write(&sent); err != nil {
				t.Fatalf("%s %q isn't sent: %v", method, target, err)
			}
			got, err = http.ReadRequest(bufio.NewReader(&sent))
			if err != nil {
				t.Fatalf("%s %q isn't understood: %v", method, target, err)
			}
			if out.URL.Host != got.Host {
				t.Errorf("%s asks %s for %s", target, out.URL.Host, got.Host)
			}
			return &http.Response{StatusCode: http.StatusTeapot, Header: http.Header{}, Body: http.NoBody, Request: out}, nil
		})
		w := httptest.NewRecorder()
		router.New(router.Config{Target: "http://{function}-123.functions.test"}, routes, passOn).ServeHTTP(w, r)
		if got == nil {
			if w.Code < 400 && (method != http.MethodOptions || w.Code != http.StatusNoContent) {
				t.Errorf("%s %q is answered with %d", method, target, w.Code)
			}
			return
		}
		i := slices.IndexFunc(routes, func(route router.Route) bool { return got.Host == route.Function+"-123.functions.test" })
		if i < 0 {
			t.Fatalf("%s %q reaches %q", method, target, got.Host)
		}
		var own api.Router[bool]
		own.Add(routes[i].Path, true)
		if found, _ := own.Find(got); found == nil || got.Method != method || !slices.Contains(routes[i].Methods, strings.Replace(method, "HEAD", "GET", 1)) {
			t.Errorf("%s %q reaches %s as %s %s", method, target, routes[i].Function, got.Method, got.RequestURI)
		}
		if got.URL.Path != asked.Path || got.URL.EscapedPath() != asked.EscapedPath() || got.URL.RawQuery != asked.RawQuery {
			t.Errorf("%s %q arrives as %q", method, target, got.RequestURI)
		}
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
