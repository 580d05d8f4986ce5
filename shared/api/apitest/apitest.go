// Package apitest tests functions through their front door: HTTP, a database of
// the test's own, tokens that are really signed.
//
// A test links the functions that it calls, most simply by importing
// aksio.app/functions/all.
package apitest

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/id"
	"aksio.app/shared/resource"
	"aksio.app/shared/telemetry"
	"aksio.app/shared/uploads/uploadstest"
)

// A line for each call would bury what failed.
func init() { slog.SetLogLoggerLevel(slog.LevelWarn) }

// App is the whole platform for one test.
type App struct {
	Process  *resource.Process
	DB       *database.DB
	Gateway  *api.Gateway
	Settings map[string]string
	Races    bool // calls contend: who loses a race may take more round trips to the database

	t      testing.TB
	signer *auth.Signer
}

// Key returns a fresh token signing key in PEM.
func Key() string {
	key, err := auth.GenerateKey()
	if err != nil {
		panic(err)
	}
	return string(key)
}

var signingKey = sync.OnceValue(Key)

// New returns an app on a database and a bucket of its own, with the offline
// model and the in-memory live store.
// More settings are given as name, value pairs.
func New(t testing.TB, settings ...string) *App {
	t.Helper()
	signer, err := auth.NewSigner([]byte(signingKey()))
	if err != nil {
		t.Fatal(err)
	}
	url, bucket := dbtest.URL(t), uploadstest.Config(t)
	db, err := database.New(database.Config{URL: url, Pool: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	a := &App{DB: db, t: t, signer: signer, Settings: map[string]string{
		"API_URL":               "http://example.com",
		"DATABASE_URL":          url,
		"DATABASE_POOL":         "4",
		"TOKEN_SIGNING_KEY":     signingKey(),
		"TOKEN_KEYS":            string(signer.PublicKeys()),
		"LIVE_STORE":            "memory",
		"BACKUPS_DIR":           t.TempDir(),
		"EXTRACT_CACHE":         os.Getenv("EXTRACT_CACHE"),
		"UPLOADS_BUCKET":        bucket.Bucket,
		"STORAGE_EMULATOR_HOST": bucket.Emulator,
		"ROUTER_TARGET":         "http://{function}.invalid",
	}}
	return a.With(settings...)
}

// With returns the app as another process would see it, with more settings.
func (a *App) With(settings ...string) *App {
	other := *a
	other.Settings = maps.Clone(a.Settings)
	for i := 0; i+1 < len(settings); i += 2 {
		other.Settings[settings[i]] = settings[i+1]
	}
	other.Process = resource.NewProcess(other.Settings)
	other.Gateway = api.NewGateway(other.Process)
	return &other
}

// Token returns an access token for the user.
func (a *App) Token(user auth.UserID) string { return a.TokenSince(user, time.Now()) }

// TokenSince returns an access token that was issued to the user at the time.
func (a *App) TokenSince(user auth.UserID, issued time.Time) string {
	a.t.Helper()
	token, err := a.signer.Sign(user, auth.Access, id.New[auth.Claims]().String(), issued, auth.AccessLifetime)
	if err != nil {
		a.t.Fatal(err)
	}
	return token
}

// User adds an account with the name and returns it as a client.
func (a *App) User(name string) *Client {
	a.t.Helper()
	user := id.New[auth.User]()
	if _, err := a.DB.Exec(context.Background(),
		`INSERT INTO users (id, username, email, password) VALUES ($1, $2, $3, 'not a hash')`,
		user, name, name+"@example.com"); err != nil {
		a.t.Fatal(err)
	}
	return &Client{ID: user, app: a, token: a.Token(user)}
}

// As returns the client, whose user another App made, as one of this App's.
func (a *App) As(c *Client) *Client { return &Client{ID: c.ID, app: a, token: c.token} }

// Anonymous returns a client that isn't signed in.
func (a *App) Anonymous() *Client { return &Client{app: a} }

// Client makes calls as one user, or as nobody.
type Client struct {
	ID auth.UserID

	app   *App
	token string
	ctx   context.Context // of calls; nil: they have all the time that their operations declare
}

// Within returns the client, whose calls end with the context at the latest.
func (c *Client) Within(ctx context.Context) *Client {
	return &Client{ID: c.ID, app: c.app, token: c.token, ctx: ctx}
}

// Do makes a call. The body is sent as it is if it is a string, []byte or
// io.Reader, else as JSON. Headers are name, value pairs.
func (c *Client) Do(method, path string, body any, headers ...string) *Response {
	c.app.t.Helper()
	var reader io.Reader
	switch b := body.(type) {
	case nil:
	case string:
		reader = strings.NewReader(b)
	case []byte:
		reader = bytes.NewReader(b)
	case io.Reader:
		reader = b
	default:
		encoded, err := json.Marshal(b)
		if err != nil {
			c.app.t.Fatal(err)
		}
		reader = bytes.NewReader(encoded)
	}
	r := httptest.NewRequestWithContext(cmp.Or(c.ctx, context.Background()), method, path, reader)
	if reader != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	ctx, calls := telemetry.WithDatabaseCalls(r.Context())
	w := httptest.NewRecorder()
	began := time.Now()
	c.app.Gateway.ServeHTTP(w, r.WithContext(ctx))
	took := time.Since(began)
	if n, _ := calls.Total(); w.Code < 300 && !c.app.Races {
		checkTrips(c.app.t, r, n, secondLook(operationOf(r), w.Body.Bytes(), began))
	}
	checkAnswer(c.app.t, r, w)
	return &Response{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes(), Took: took, call: method + " " + path, t: c.app.t}
}

// Get, Post and the like are Do with the method.
func (c *Client) Get(path string) *Response { c.app.t.Helper(); return c.Do(http.MethodGet, path, nil) }

// Post calls with a body.
func (c *Client) Post(path string, body any) *Response {
	c.app.t.Helper()
	return c.Do(http.MethodPost, path, body)
}

// Patch calls with a body.
func (c *Client) Patch(path string, body any) *Response {
	c.app.t.Helper()
	return c.Do(http.MethodPatch, path, body)
}

// Put calls with a body.
func (c *Client) Put(path string, body any) *Response {
	c.app.t.Helper()
	return c.Do(http.MethodPut, path, body)
}

// Delete calls without a body.
func (c *Client) Delete(path string) *Response {
	c.app.t.Helper()
	return c.Do(http.MethodDelete, path, nil)
}

// Run calls a private function, as the platform does.
func (a *App) Run(function string) *Response {
	a.t.Helper()
	r := httptest.NewRequest(http.MethodPost, "/internal/"+function+"/", nil)
	return a.internal(r, "run "+function, func(answer []byte) int { return more(a.t, function, answer) })
}

// Finalize delivers the event that the object, a document's, is complete to the function.
func (a *App) Finalize(function string, object api.Object) *Response {
	a.t.Helper()
	r, err := object.Push(a.t.Context(), "http://function/internal/"+function+"/", id.New[api.Object]().String())
	if err != nil {
		a.t.Fatal(err)
	}
	return a.internal(r, "event to "+function, func([]byte) int {
		var passages int
		if err := a.DB.QueryRow(a.t.Context(), `SELECT coalesce(sum(passage_count), 0) FROM documents WHERE object = $1`, object.Name).Scan(&passages); err != nil {
			a.t.Fatal(err)
		}
		return embedding(passages)
	})
}

// internal makes a call of the platform's, which may take more round trips to the database
// for what it did.
func (a *App) internal(r *http.Request, call string, more func(answer []byte) int) *Response {
	a.t.Helper()
	ctx, calls := telemetry.WithDatabaseCalls(r.Context())
	began := time.Now()
	w := httptest.NewRecorder()
	a.Gateway.Internal.ServeHTTP(w, r.WithContext(ctx))
	renewed := int(time.Since(began) / leaseRenew)
	if n, _ := calls.Total(); w.Code < 300 && !a.Races {
		checkTrips(a.t, r, n, more(w.Body.Bytes())+renewed)
	}
	return &Response{Status: w.Code, Header: w.Header(), Body: w.Body.Bytes(), call: call, t: a.t}
}

// Response is the answer to a call.
type Response struct {
	Status int
	Header http.Header
	Body   []byte
	Took   time.Duration // of a client's call

	call string
	t    testing.TB
}

// Want fails the test unless the answer has the status.
func (r *Response) Want(status int) *Response {
	r.t.Helper()
	if r.Status != status {
		r.t.Fatalf("%s: got %d, want %d: %.2000s", r.call, r.Status, status, r.Body)
	}
	return r
}

// Into decodes the body into v.
func (r *Response) Into(v any) *Response {
	r.t.Helper()
	if err := json.Unmarshal(r.Body, v); err != nil {
		r.t.Fatalf("%s: %v in %.2000s", r.call, err, r.Body)
	}
	return r
}

// ID returns the id of the object that the body is.
func (r *Response) ID() string {
	r.t.Helper()
	id, _ := r.Map()["id"].(string)
	if id == "" {
		r.t.Fatalf("%s has no id: %s", r.call, r.Body)
	}
	return id
}

// Map returns the body as a JSON object.
func (r *Response) Map() map[string]any {
	r.t.Helper()
	var m map[string]any
	r.Into(&m)
	return m
}
