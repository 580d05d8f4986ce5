package run_test

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/id"
)

type thing struct{}

func count(t *testing.T, app *apitest.App, sql string) (n int) {
	t.Helper()
	if err := app.DB.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestCleanupRemovesWhatExpiredAndNothingElse(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	for sql, args := range map[string][]any{
		`INSERT INTO refresh_tokens (id, user_id, family, expires_at) VALUES ($1, $3, $1, now() - interval '1 s'), ($2, $3, $2, now() + interval '1 h')`:                                 {id.New[thing](), id.New[thing](), ada.ID},
		`INSERT INTO idempotency_keys (user_id, operation, key, fingerprint, created_at) VALUES ($1, 'x', 'old', '', now() - interval '25 h'), ($1, 'x', 'new', '', now())`:              {ada.ID},
		`INSERT INTO rate_limits (key, ready) SELECT 'past ' || n, now() - interval '1 s' FROM generate_series(1, 6000) n UNION ALL SELECT 'ahead', now() + interval '1 h'`:              {},
		`INSERT INTO chats (id, user_id, title, status, updated_at) VALUES ($1, $3, 'old', 'deleted', now() - interval '2 days'), ($2, $3, 'kept', 'active', now() - interval '2 days')`: {id.New[thing](), id.New[thing](), ada.ID},
		`INSERT INTO courses (id, user_id, name, deleted_at) VALUES ($1, $4, 'old', now() - interval '2 days'), ($2, $4, 'just deleted', now()), ($3, $4, 'kept', NULL)`:                 {id.New[thing](), id.New[thing](), id.New[thing](), ada.ID},
	} {
		if _, err := app.DB.Exec(t.Context(), sql, args...); err != nil {
			t.Fatal(err)
		}
	}
	var report struct {
		Steps []struct {
			Step    string
			Removed int
			Failed  bool
		}
	}
	app.Run("run-cleanup").Want(http.StatusOK).Into(&report)
	got := map[string]int{}
	for _, step := range report.Steps {
		got[step.Step] = step.Removed
		if step.Failed {
			t.Errorf("%s failed", step.Step)
		}
	}
	for step, want := range map[string]int{"refresh_tokens": 1, "idempotency_keys": 1, "rate_limits": 6000, "courses": 1, "chats": 1} {
		if got[step] != want {
			t.Errorf("%s: %d were removed, want %d", step, got[step], want)
		}
	}
	for sql, want := range map[string]int{
		`SELECT count(*) FROM refresh_tokens`: 1, `SELECT count(*) FROM idempotency_keys WHERE key = 'new'`: 1,
		`SELECT count(*) FROM rate_limits WHERE key = 'ahead'`: 1, `SELECT count(*) FROM courses`: 2, `SELECT count(*) FROM chats WHERE title = 'kept'`: 1,
	} {
		if got := count(t, app, sql); got != want {
			t.Errorf("%s: got %d, want %d", sql, got, want)
		}
	}
}

func TestMigrationsAreAppliedOnce(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	empty := "empty_" + strings.ReplaceAll(id.New[thing]().String(), "-", "")
	if _, err := app.DB.Exec(t.Context(), `CREATE DATABASE `+empty); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := app.DB.Exec(context.Background(), `DROP DATABASE `+empty+` WITH (FORCE)`); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(app.Settings["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + empty
	app = app.With("DATABASE_URL", u.String())
	for i, want := range []bool{true, false} {
		applied := app.Run("run-migrations").Want(http.StatusOK).Map()["applied"].([]any)
		if got := len(applied) > 0; got != want {
			t.Errorf("run %d applied %v", i+1, applied)
		}
	}
}
