package all_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/api/apitest"
)

// manyRows is how many rows of others each table holds, and tooMany how many of them a
// call may read by going through the whole table: none, but for chance.
const (
	manyRows = 20_000
	tooMany  = 1_000
)

// notGranted are calls that are refused, with the status, after they have read.
var notGranted = map[string]int{
	"accounts-login": http.StatusUnauthorized, "accounts-refresh-token": http.StatusUnauthorized, // after accounts-logout
	"documents-search": http.StatusBadRequest, "documents-reprocess": http.StatusBadRequest, "documents-generate": http.StatusBadRequest,
	"documents-get-content": http.StatusBadRequest, "assessments-generate-content": http.StatusUnprocessableEntity, "quiz-attempts-submit-response": http.StatusBadRequest,
}

// TestNoCallReadsAWholeTable makes every call among many rows of others and asks
// PostgreSQL which tables it went through from end to end.
func TestNoCallReadsAWholeTable(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	w := newWorld(t, app, ada)
	observer, err := pgx.Connect(t.Context(), app.Settings["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	defer observer.Close(context.WithoutCancel(t.Context()))
	crowd(t, observer)

	try := func(c call, query string) {
		t.Helper()
		// A process of its own: its connections tell what they read when they end.
		caller := app.With().Anonymous()
		before := wholeReads(t, observer)
		resp := w.make(t, caller, c, query, "Authorization", "Bearer "+app.Token(ada.ID), "Idempotency-Key", c.ID+c.method)
		if !granted(c, resp) { // it may not have read anything
			t.Errorf("%s%s by %s: %d %s", c.ID, query, c.method, resp.Status, resp.Body)
		}
		for table, rows := range wholeReads(t, observer) {
			if rows -= before[table]; rows > tooMany {
				t.Errorf("%s%s by %s read %d rows of %s by going through all of it", c.ID, query, c.method, rows, table)
			}
		}
	}
	for _, c := range everyCall() {
		try(c, "")
		if c.method == http.MethodGet {
			try(c, w.query())
		}
	}
}

// granted reports whether the call did what it does, or read enough to be refused.
func granted(c call, resp *apitest.Response) bool {
	return resp.Status < 300 || resp.Status == notGranted[c.ID]
}

// wholeReads returns how many rows of each table were ever read by going through all
// of it. Connections tell when they end, so all others are ended.
func wholeReads(t *testing.T, observer *pgx.Conn) map[string]int {
	t.Helper()
	if _, err := observer.Exec(t.Context(), `
		SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
		WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`); err != nil {
		t.Fatal(err)
	}
	rows, _ := observer.Query(t.Context(), `SELECT relname::text, seq_tup_read FROM pg_stat_user_tables`)
	read := map[string]int{}
	var table string
	var n int
	if _, err := pgx.ForEachRow(rows, []any{&table, &n}, func() error { read[table] = n; return nil }); err != nil {
		t.Fatal(err)
	}
	return read
}

// crowd fills every table with rows that belong to nobody in the test. Only what must
// be there is written; references lead nowhere, which is not checked.
func crowd(t *testing.T, observer *pgx.Conn) {
	t.Helper()
	// What the constraints of a column demand, where its type doesn't say it.
	demanded := map[string]string{
		"assessments.assessment_type": "'formative'", "chat_messages.role": "'user'", "flashcard_reviews.rating": "3",
		"flashcard_reviews.quality_response": "4", "passages.page_start": "1", "passages.page_end": "1", "passages.char_end": "n + 1000",
		"passages.words_found": "to_tsvector('simple', 'alpha beta word' || n)", "restore_drills.state": "'passed'",
	}
	values := map[string]string{
		"uuid": "gen_random_uuid()", "text": "'x' || n", "int2": "1", "int4": "n", "int8": "n", "float4": "0", "float8": "0", "bool": "false",
		"timestamptz": "now() - n * interval '1 minute'", "date": "current_date - n % 1000", "jsonb": "'[]'", "bytea": "''", "_text": "'{}'", "_uuid": "'{}'",
	}
	if _, err := observer.Exec(t.Context(), `SET session_replication_role = replica`); err != nil {
		t.Fatal(err)
	}
	rows, _ := observer.Query(t.Context(), `
		SELECT c.table_name::text, c.column_name::text, c.udt_name::text FROM information_schema.columns c JOIN pg_stat_user_tables t ON t.relname = c.table_name
		WHERE c.table_schema = 'public' AND c.is_generated = 'NEVER' AND c.is_identity = 'NO' AND c.table_name <> 'goose_db_version'
			AND (c.is_nullable = 'NO' AND c.column_default IS NULL OR c.udt_name = 'uuid' OR c.table_name || '.' || c.column_name = ANY ($1))
		ORDER BY 1, c.ordinal_position`, slices.Collect(maps.Keys(demanded)))
	names, contents := map[string][]string{}, map[string][]string{}
	var table, column, kind string
	if _, err := pgx.ForEachRow(rows, []any{&table, &column, &kind}, func() error {
		names[table] = append(names[table], column)
		contents[table] = append(contents[table], cmp.Or(demanded[table+"."+column], values[kind], "NULL"))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for table, columns := range names {
		if _, err := observer.Exec(t.Context(), fmt.Sprintf(`INSERT INTO %s (%s) SELECT %s FROM generate_series(1, %d) n`,
			table, strings.Join(columns, ", "), strings.Join(contents[table], ", "), manyRows)); err != nil {
			t.Fatalf("%s: %v: say in demanded what its columns must hold", table, err)
		}
	}
	if _, err := observer.Exec(t.Context(), `SET session_replication_role = DEFAULT; ANALYZE`); err != nil {
		t.Fatal(err)
	}
}
