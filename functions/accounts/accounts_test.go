package accounts_test

import (
	"net/http"
	"testing"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api/apitest"
)

const (
	registerPath = "/api/v1/accounts/register/"
	loginPath    = "/api/v1/accounts/login/"
	refreshPath  = "/api/v1/accounts/token-refresh/"
	logoutPath   = "/api/v1/accounts/logout/"
	profilePath  = "/api/v1/accounts/profile/"

	password = "correct horse battery"
)

// newApp returns an app that believes X-Forwarded-For, so that a test can call from many addresses.
func newApp(t *testing.T) *apitest.App {
	t.Helper()
	return apitest.New(t, "TRUSTED_PROXIES", "1")
}

func post(app *apitest.App, path string, body any, headers ...string) *apitest.Response {
	return app.Anonymous().Do(http.MethodPost, path, body, headers...)
}

// from is the header of a call from the address.
func from(address string) []string { return []string{"X-Forwarded-For", address} }

// as is the header of a call with the access token.
func as(p pair) []string { return []string{"Authorization", "Bearer " + p.Access} }

type fields = map[string]any

func registration(name string) fields {
	return fields{"username": name, "email": name + "@example.com", "password": password, "password_confirm": password}
}

func with(base fields, changes fields) fields {
	all := fields{}
	for _, m := range []fields{base, changes} {
		for k, v := range m {
			all[k] = v
		}
	}
	return all
}

type pair struct{ Access, Refresh string }

func login(t *testing.T, app *apitest.App, name string) (p pair) {
	t.Helper()
	post(app, loginPath, fields{"username": name, "password": password}).Want(http.StatusOK).Into(&p)
	return p
}

// newUser registers a user and signs them in.
func newUser(t *testing.T, app *apitest.App, name string) pair {
	t.Helper()
	post(app, registerPath, registration(name)).Want(http.StatusCreated)
	return login(t, app, name)
}

func refresh(app *apitest.App, token string, headers ...string) *apitest.Response {
	return post(app, refreshPath, fields{"refresh": token}, headers...)
}

func exec(t *testing.T, app *apitest.App, sql string, args ...any) {
	t.Helper()
	if _, err := app.DB.Exec(t.Context(), sql, args...); err != nil {
		t.Fatal(err)
	}
}

func scan(t *testing.T, app *apitest.App, into any, sql string, args ...any) {
	t.Helper()
	if err := app.DB.QueryRow(t.Context(), sql, args...).Scan(into); err != nil {
		t.Fatal(err)
	}
}

// wantField fails the test unless the problem lists messages under the field.
func wantField(t *testing.T, what string, problem *apitest.Response, field string) {
	t.Helper()
	if problem.Status != http.StatusBadRequest {
		t.Errorf("%s: got %d, want 400: %s", what, problem.Status, problem.Body)
	} else if messages, ok := problem.Map()[field].([]any); !ok || len(messages) == 0 {
		t.Errorf("%s: no messages under %q in %s", what, field, problem.Body)
	}
}
