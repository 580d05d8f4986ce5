package migrations_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/database/dbtest"
)

// TestMigrationsOnlyAdd: the code before runs beside the new schema, while a release is
// brought and after it was taken back.
func TestMigrationsOnlyAdd(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d migrations, %v", len(files), err)
	}
	for _, file := range files {
		migration, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range takenAway(string(migration)) {
			t.Errorf("%s: %q takes away what the code before may need, or asks for what it doesn't know: leave it to a later release, and say behind it, -- old code: …, why none minds", file, line)
		}
	}
	for line, refused := range map[string]bool{
		"ALTER TABLE users DROP COLUMN email;":                                             true,
		"\tdrop table if exists users":                                                     true,
		"ALTER TABLE users RENAME email TO address;":                                       true,
		"\tALTER COLUMN email SET NOT NULL;":                                               true,
		"DROP INDEX users_email; ALTER TABLE users DROP email;":                            true,
		"ALTER TABLE users DROP COLUMN email; -- old code:":                                true,
		"ALTER TABLE users DROP COLUMN email; -- the old one":                              true,
		"ALTER TABLE users DROP COLUMN email; -- old code: no release since v1.4 reads it": false,
		"ALTER TABLE users ADD COLUMN seat integer NOT NULL;":                              true,
		"ALTER TABLE users ADD COLUMN seat integer NOT NULL DEFAULT 0;":                    false,
		"\tALTER COLUMN email DROP NOT NULL;":                                              false,
		"DROP INDEX CONCURRENTLY IF EXISTS users_email;":                                   false,
		"CREATE TABLE t (u uuid NOT NULL REFERENCES users ON DELETE SET NULL);":            false,
		"-- DROP TABLE users would take all along":                                         false,
	} {
		if got := takenAway(line); slices.Contains(got, strings.TrimSpace(line)) != refused {
			t.Errorf("of %q: got %q, want it refused: %v", line, got, refused)
		}
	}
}

// takenAway returns the lines that take something away, and don't say why no code needs it.
func takenAway(migration string) (lines []string) {
	for line := range strings.Lines(migration) {
		statement, comment, _ := strings.Cut(line, "--")
		if reason, ok := strings.CutPrefix(strings.TrimSpace(comment), "old code: "); ok && reason != "" {
			continue
		}
		if slices.ContainsFunc(takesAway.FindAllStringSubmatch(statement, -1), func(found []string) bool {
			what := strings.ToLower(found[1])
			return what != "index" && what != "not" // code names no index, and a column that may be NULL takes what it took
		}) || demands.MatchString(statement) && !fills.MatchString(statement) {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

var (
	takesAway = regexp.MustCompile(`(?i)\bDROP\s+(\w+)|\bRENAME\b|\bSET\s+NOT\s+NULL\b`)
	demands   = regexp.MustCompile(`(?i)\bADD\b.*\bNOT\s+NULL\b`) // of code that doesn't know the column
	fills     = regexp.MustCompile(`(?i)\b(DEFAULT|GENERATED)\b`)
)

// TestForeignKeysHaveAnIndex: deleting a row looks for what refers to it; without
// an index over all rows that reads the whole table, once for each row deleted.
func TestForeignKeysHaveAnIndex(t *testing.T) {
	t.Parallel()
	rows, _ := dbtest.New(t).Query(t.Context(), `
		SELECT conrelid::regclass::text || ' ' || pg_get_constraintdef(k.oid)
		FROM pg_constraint k
		WHERE contype = 'f' AND NOT EXISTS (
			SELECT FROM pg_index i
			WHERE i.indrelid = k.conrelid AND i.indisvalid
				AND (i.indkey::int2[])[0] = k.conkey[1] -- an id: that alone finds few rows
				AND (i.indpred IS NULL OR pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)',
					(SELECT attname FROM pg_attribute WHERE attrelid = k.conrelid AND attnum = k.conkey[1]))))
		ORDER BY 1`)
	missing, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range missing {
		t.Errorf("no index helps %s", key)
	}
}

// TestAStudentsThingsGoWithThem: a row that doesn't lead to a user whose deletion takes it
// along stays behind for ever, with whatever it tells about them.
func TestAStudentsThingsGoWithThem(t *testing.T) {
	t.Parallel()
	rows, _ := dbtest.New(t).Query(t.Context(), `
		WITH RECURSIVE going (id) AS (
			SELECT 'users'::regclass::oid
			UNION
			SELECT k.conrelid FROM pg_constraint k JOIN going ON k.confrelid = going.id
			WHERE k.contype = 'f' AND k.confdeltype = 'c' AND NOT EXISTS (
				SELECT FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey) AND NOT a.attnotnull)
		)
		SELECT format('rows of %s', c.oid::regclass)
		FROM pg_class c
		WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND c.oid NOT IN (SELECT id FROM going) AND relname <> ALL ($1)
		UNION ALL
		SELECT format('rows of %s that %s refers to', confrelid::regclass, conrelid::regclass)
		FROM pg_constraint WHERE contype = 'f' AND confdeltype IN ('a', 'r')
		ORDER BY 1`, []string{
		"backups", "restore_drills", "goose_db_version", // of the platform
		"rate_limits", "idempotency_keys", // cleanup removes both within days
	})
	left, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	for _, what := range left {
		t.Errorf("%s stay behind when their student goes", what)
	}
}
