package run_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

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
		`INSERT INTO refresh_tokens (id, user_id, family, expires_at) VALUES ($1, $3, $1, now() - interval '1 s'), ($2, $3, $2, now() + interval '1 h')`:                                                     {id.New[thing](), id.New[thing](), ada.ID},
		`INSERT INTO idempotency_keys (user_id, operation, key, fingerprint, first_id, claim, created_at) VALUES ($1, 'x', 'old', '', $1, $1, now() - interval '25 h'), ($1, 'x', 'new', '', $1, $1, now())`: {ada.ID},
		`INSERT INTO rate_limits (key, ready) SELECT 'past ' || n, now() - interval '1 s' FROM generate_series(1, 6000) n UNION ALL SELECT 'ahead', now() + interval '1 h'`:                                  {},
		`INSERT INTO chats (id, user_id, title, status, updated_at) VALUES ($1, $3, 'old', 'deleted', now() - interval '2 days'), ($2, $3, 'kept', 'active', now() - interval '2 days')`:                     {id.New[thing](), id.New[thing](), ada.ID},
		`INSERT INTO courses (id, user_id, name, deleted_at) VALUES ($1, $4, 'old', now() - interval '2 days'), ($2, $4, 'just deleted', now()), ($3, $4, 'kept', NULL)`:                                     {id.New[thing](), id.New[thing](), id.New[thing](), ada.ID},
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

// emptyDatabase returns the app on a database without a schema, and a way to it.
func emptyDatabase(t *testing.T) (*apitest.App, *pgx.Conn) {
	t.Helper()
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
	conn, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return app.With("DATABASE_URL", u.String()), conn
}

func TestMigrationsAreAppliedOnce(t *testing.T) {
	t.Parallel()
	app, _ := emptyDatabase(t)
	for i, want := range []bool{true, false} {
		applied := app.Run("run-migrations").Want(http.StatusOK).Map()["applied"].([]any)
		if got := len(applied) > 0; got != want {
			t.Errorf("run %d applied %v", i+1, applied)
		}
	}
}

// logged returns what the run, which fails, says that it did before. It changes the
// process's logger, so who calls it isn't parallel.
func logged(t *testing.T, app *apitest.App, function string) string {
	t.Helper()
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)
	app.Run(function).Want(http.StatusInternalServerError)
	for line := range strings.Lines(log.String()) {
		var entry struct {
			Message string `json:"msg"`
			Done    json.RawMessage
		}
		if err := json.Unmarshal([]byte(line), &entry); err == nil && entry.Message == "call failed in part" {
			return string(entry.Done)
		}
	}
	t.Fatalf("not said in %s", &log)
	return ""
}

func TestAFailedCleanupTellsWhatItDid(t *testing.T) {
	app := apitest.New(t)
	if _, err := app.DB.Exec(t.Context(), `ALTER TABLE chats RENAME TO gone;
		INSERT INTO rate_limits (key, ready) SELECT n, now() - interval '1 s' FROM generate_series(1, 7) n`); err != nil {
		t.Fatal(err)
	}
	done := logged(t, app, "run-cleanup")
	for _, want := range []string{`{"step":"rate_limits","removed":7,"failed":false}`, `{"step":"chats","removed":0,"failed":true}`, `{"step":"courses","removed":0,"failed":false}`} {
		if !strings.Contains(done, want) {
			t.Errorf("want %s in %s", want, done)
		}
	}
}

func TestFailedMigrationsTellWhichWereApplied(t *testing.T) {
	app, db := emptyDatabase(t)
	if _, err := db.Exec(t.Context(), `CREATE TABLE courses (x int)`); err != nil {
		t.Fatal(err)
	}
	done := logged(t, app, "run-migrations")
	if !strings.Contains(done, "20261124080000") || !strings.Contains(done, "20261124080100") || strings.Contains(done, "20261124080200") {
		t.Errorf("got %s, want the two before the one that fails", done)
	}
}

// TestUsersGetRowsAndNoMore signs in as users of the database, as the functions'
// identities are in the cloud.
func TestUsersGetRowsAndNoMore(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	names := make([]string, 4)
	for i := range names {
		names[i] = "fn-" + id.New[thing]().String() + "@aksio.iam"
		user := pgx.Identifier{names[i]}.Sanitize()
		if _, err := app.DB.Exec(t.Context(), `CREATE ROLE `+user+` LOGIN PASSWORD 'x'`); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if _, err := app.DB.Exec(context.Background(), `DROP ROLE `+user); err != nil {
				t.Error(err)
			}
		})
	}
	ada, bob, gone, person := names[0], names[1], names[2], names[3]
	connect := func(user string) (*pgx.Conn, error) {
		config := app.DB.Config().ConnConfig.Copy()
		config.User, config.Password = user, "x"
		return pgx.ConnectConfig(t.Context(), config)
	}
	as := func(user, statement string) error {
		conn, err := connect(user)
		if err != nil {
			return err
		}
		defer conn.Close(context.Background())
		_, err = conn.Exec(t.Context(), statement)
		return err
	}
	app.With("DATABASE_USERS", ada+","+gone).Run("run-migrations").Want(http.StatusOK)
	app.With("DATABASE_USERS", ada+","+bob).With("DATABASE_PEOPLE", person).Run("run-migrations").Want(http.StatusOK)

	session, err := connect(ada)
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close(context.Background())
	// Who may not see it is divided by zero.
	look := fmt.Sprintf(`SELECT 1 / count(state) FROM pg_stat_activity WHERE pid = %d`, session.PgConn().PID())
	end := fmt.Sprintf(`SELECT pg_terminate_backend(%d)`, session.PgConn().PID())

	const insert = `INSERT INTO rate_limits (key, ready) VALUES (gen_random_uuid(), now())`
	for _, tc := range []struct {
		user, statement string
		may             bool
	}{
		{ada, insert, true},
		{bob, `SELECT count(*) FROM users`, true},
		{bob, `SELECT max(version_id) FROM goose_db_version`, true},
		{gone, `SELECT count(*) FROM users`, false},
		{ada, `UPDATE goose_db_version SET is_applied = false`, false},
		{ada, `TRUNCATE rate_limits`, false},
		{ada, `DROP TABLE rate_limits`, false},
		{ada, `ALTER TABLE rate_limits ADD x int`, false},
		{ada, `CREATE TABLE mine (x int)`, false},
		{person, insert, true},
		{person, `DROP TABLE rate_limits`, false},
		{bob, look, false},
		{person, look, true},
		{bob, end, false},
		{person, end, true},
		{ada, `GRANT aksio_rows TO ` + pgx.Identifier{gone}.Sanitize(), false},
	} {
		if err := as(tc.user, tc.statement); (err == nil) != tc.may {
			t.Errorf("%s: %s: %v, want it allowed: %t", tc.user, tc.statement, err, tc.may)
		}
	}
	if answer := app.With("DATABASE_USERS", "nobody@aksio.iam").Run("run-migrations"); answer.Status < 500 {
		t.Errorf("a user that isn't there: got %d", answer.Status)
	}
	if err := as(ada, insert); err != nil {
		t.Errorf("after a failure: %v", err)
	}
}

// TestWhoOwnsTheTablesMakesRolesThroughAnother runs as Cloud SQL's users do, to whom
// membership of cloudsqlsuperuser doesn't pass on the right to make roles. It isn't
// parallel: who may read rows is the same in all databases of a server.
func TestWhoOwnsTheTablesMakesRolesThroughAnother(t *testing.T) {
	app := apitest.New(t)
	role := func(attributes string) string {
		name := "of-" + id.New[thing]().String() + "@aksio.iam"
		if _, err := app.DB.Exec(t.Context(), `CREATE ROLE `+pgx.Identifier{name}.Sanitize()+attributes); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			name := pgx.Identifier{name}.Sanitize()
			if _, err := app.DB.Exec(context.Background(), `DROP OWNED BY `+name+` CASCADE; DROP ROLE `+name); err != nil {
				t.Error(err)
			}
		})
		return name
	}
	maker := role(` NOLOGIN CREATEROLE`)
	owner := role(` LOGIN PASSWORD 'x' IN ROLE ` + pgx.Identifier{maker}.Sanitize())
	user := role(` NOLOGIN`)
	if _, err := app.DB.Exec(t.Context(), `
		DO $$ DECLARE t record; BEGIN
			FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v') LOOP
				EXECUTE format('ALTER TABLE %I OWNER TO `+pgx.Identifier{owner}.Sanitize()+`', t.relname);
			END LOOP;
		END $$;
		ALTER SCHEMA public OWNER TO `+pgx.Identifier{owner}.Sanitize()); err != nil {
		t.Fatal(err)
	}
	address, err := url.Parse(app.DB.Config().ConnString())
	if err != nil {
		t.Fatal(err)
	}
	address.User = url.UserPassword(owner, "x")
	app.With("DATABASE_URL", address.String()).With("DATABASE_USERS", user).Run("run-migrations").Want(http.StatusOK)
	var may bool
	if err := app.DB.QueryRow(t.Context(), `SELECT has_table_privilege($1, 'users', 'UPDATE')`, user).Scan(&may); err != nil || !may {
		t.Errorf("the user may write rows: %t, %v", may, err)
	}
}
