package accounts_test

import (
	"bytes"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"aksio.app/shared/api"
	"aksio.app/shared/resource"
)

// TestNoSecretIsLogged lets every operation fail in the way that is logged. It
// changes the process's logger, so it isn't parallel.
func TestNoSecretIsLogged(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	defer slog.SetDefault(before)

	app := newApp(t)
	p := newUser(t, app, "ada")
	refresh(app, p.Access).Want(http.StatusUnauthorized)
	post(app, loginPath, fields{"username": "ada", "password": "wrong " + password}).Want(http.StatusUnauthorized)
	exec(t, app, `ALTER TABLE rate_limits RENAME TO gone`)
	exec(t, app, `ALTER TABLE users RENAME TO gone_too`)
	exec(t, app, `ALTER TABLE refresh_tokens RENAME TO gone_as_well`)
	for path, body := range map[string]fields{
		registerPath: registration("bob"),
		loginPath:    {"username": "ada@example.com", "password": password},
		refreshPath:  {"refresh": p.Refresh},
		logoutPath:   {"refresh": p.Refresh},
	} {
		post(app, path, body, as(p)...).Want(http.StatusInternalServerError)
	}
	text := log.String()
	if n := strings.Count(text, "call failed"); n != 4 {
		t.Errorf("%d failures were logged, want 4: %s", n, text)
	}
	for _, secret := range []string{password, "@example.com", p.Access, p.Refresh, strings.Split(p.Refresh, ".")[2], "argon2"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log holds %q:\n%s", secret, text)
		}
	}
}

func TestRoundTripsAreBounded(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	proxy := newProxy(t, app.Settings["DATABASE_URL"])
	settings := maps.Clone(app.Settings)
	settings["DATABASE_URL"], settings["DATABASE_POOL"] = proxy.url, "1"
	gateway := api.NewGateway(resource.NewProcess(settings))
	trips := func(method, path, body string, want int, headers ...string) int64 {
		r := httptest.NewRequest(method, path, strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			r.Header.Set(headers[i], headers[i+1])
		}
		w := httptest.NewRecorder()
		start := proxy.trips.Load()
		gateway.ServeHTTP(w, r)
		if w.Code != want {
			t.Fatalf("%s %s: got %d %s", method, path, w.Code, w.Body)
		}
		return proxy.trips.Load() - start
	}
	p := newUser(t, app, "ada")
	exec(t, app, `DELETE FROM rate_limits`)
	register := func(name string) string {
		return strings.ReplaceAll(`{"username": "?", "email": "?@example.com", "password": "correct horse", "password_confirm": "correct horse"}`, "?", name)
	}
	credentials := `{"username": "ada", "password": "` + password + `"}`
	for _, tc := range []struct {
		name string
		most int64
		call func() int64
	}{
		{"register", 2, func() int64 { return trips("POST", registerPath, register("bob"), 201) }},
		{"register with a taken name", 5, func() int64 { return trips("POST", registerPath, register("ada"), 400) }},
		{"login", 2, func() int64 { return trips("POST", loginPath, credentials, 200) }},
		{"failed login", 1, func() int64 { return trips("POST", loginPath, `{"username": "x", "password": "x"}`, 401) }},
		{"refresh", 2, func() int64 { return trips("POST", refreshPath, `{"refresh": "`+p.Refresh+`"}`, 200) }},
		{"logout", 1, func() int64 { return trips("POST", logoutPath, `{"refresh": "`+p.Refresh+`"}`, 400, as(p)...) }},
		{"get profile", 1, func() int64 { return trips("GET", profilePath, "", 200, as(p)...) }},
		{"update profile", 1, func() int64 { return trips("PATCH", profilePath, `{"first_name": "Ada"}`, 200, as(p)...) }},
	} {
		// The first call of an operation prepares its statements, once a connection.
		if tc.name == "register" {
			trips("POST", registerPath, register("first"), 201)
		} else {
			tc.call()
		}
		if got := tc.call(); got == 0 || got > tc.most {
			t.Errorf("%s: %d round trips to the database, want %d at most", tc.name, got, tc.most)
		}
	}
}

// proxy stands before a database and counts how often it is spoken to anew.
type proxy struct {
	url   string
	trips atomic.Int64
}

func newProxy(t *testing.T, database string) *proxy {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	server := u.Host
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	u.Host = listener.Addr().String()
	p := &proxy{url: u.String()}
	var pipes sync.WaitGroup
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				return
			}
			t.Cleanup(func() { client.Close(); upstream.Close() })
			pipes.Go(func() { p.pipe(client, upstream) })
		}
	}()
	return p
}

// ping is how the pool asks whether a connection that was idle for over a second lives.
// It may do so within any call where hashing or the machine is slow, so it counts for
// nothing.
var ping = []byte("Q\x00\x00\x00\x0c-- ping\x00")

// pipe passes bytes both ways. A write of the client's that follows an answer begins a round trip.
func (p *proxy) pipe(client, upstream net.Conn) {
	var answered atomic.Bool
	answered.Store(true)
	go io.Copy(client, readerFunc(func(b []byte) (int, error) {
		n, err := upstream.Read(b)
		answered.Store(true)
		return n, err
	}))
	io.Copy(upstream, readerFunc(func(b []byte) (int, error) {
		n, err := client.Read(b)
		if n > 0 && !bytes.Equal(b[:n], ping) && answered.Swap(false) {
			p.trips.Add(1)
		}
		return n, err
	}))
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(b []byte) (int, error) { return f(b) }
