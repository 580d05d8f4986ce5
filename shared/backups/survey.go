package backups

import (
	"cmp"
	"context"
	"fmt"
	"math/big"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Schema is what a database looks like, without what its tables hold.
type Schema struct {
	Version  int64  `json:"version" doc:"Of the last migration."`
	Checksum string `json:"checksum" doc:"MD5 of the definitions of columns, indexes, constraints, triggers and functions."`
}

// relation is a table of a database. Unlogged tables aren't meant to survive, and
// neither Cloud SQL's exports nor its clones have their rows.
type relation struct {
	Name     string   // as SQL and dumps write it
	Columns  []string // that aren't generated, likewise
	Inserted int64    // rows since the statistics began, at most a few seconds ago
	Deleted  int64
}

// querier is a connection or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, batch *pgx.Batch) pgx.BatchResults
}

// relations returns the tables by name.
func relations(ctx context.Context, db querier) ([]relation, error) {
	rows, _ := db.Query(ctx, `
		SELECT quote_ident(c.relname) AS name, array_agg(quote_ident(a.attname) ORDER BY a.attnum) AS columns,
			pg_stat_get_tuples_inserted(c.oid) AS inserted, pg_stat_get_tuples_deleted(c.oid) AS deleted
		FROM pg_class c
		JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relpersistence = 'p'
		GROUP BY c.oid, c.relname
		ORDER BY quote_ident(c.relname) COLLATE "C"`)
	return pgx.CollectRows(rows, pgx.RowToStructByName[relation])
}

// schema describes the schema of the database.
func schema(ctx context.Context, db querier) (s Schema, err error) {
	var batch pgx.Batch
	batch.Queue(`SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).
		QueryRow(func(row pgx.Row) error { return row.Scan(&s.Version) })
	batch.Queue(`
		SELECT md5(string_agg(line, E'\n' ORDER BY line COLLATE "C")) FROM (
			SELECT concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, a.attgenerated,
				pg_get_expr(d.adbin, d.adrelid)) AS line
			FROM pg_class c
			JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
			LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
			WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
			UNION ALL
			SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
			UNION ALL
			SELECT concat_ws(' ', conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid)) FROM pg_constraint
			WHERE connamespace = 'public'::regnamespace
			UNION ALL
			SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal
			UNION ALL
			SELECT pg_get_functiondef(oid) FROM pg_proc p
			WHERE pronamespace = 'public'::regnamespace AND prokind = 'f'
				AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_proc'::regclass AND objid = p.oid AND deptype = 'e')
		) definitions`).
		QueryRow(func(row pgx.Row) error { return row.Scan(&s.Checksum) })
	return s, db.SendBatch(ctx, &batch).Close()
}

// sum returns what the table holds, as read has it of a dump.
func (r relation) sum(ctx context.Context, db querier) (Table, error) {
	var t Table
	var total string // of signed numbers, and of any length
	err := db.QueryRow(ctx, `
		SELECT count(*), coalesce(sum(('x' || left(md5(ROW(`+strings.Join(r.Columns, ", ")+`)::text), 16))::bit(64)::bigint), 0)::text
		FROM public.`+r.Name).Scan(&t.Rows, &total)
	if err != nil {
		return t, fmt.Errorf("table %s: %w", r.Name, err)
	}
	n, ok := new(big.Int).SetString(total, 10)
	if !ok {
		return t, fmt.Errorf("table %s: the sum of hashes is %q", r.Name, total)
	}
	n.And(n, new(big.Int).SetUint64(1<<64-1)) // negative numbers count as two's complement
	t.Checksum = fmt.Sprintf("%016x", n.Uint64())
	return t, nil
}

// count returns the rows of the tables by name.
func count(ctx context.Context, db querier, all []relation) (map[string]int64, error) {
	counts := map[string]int64{}
	var batch pgx.Batch
	for _, r := range all {
		batch.Queue(`SELECT count(*) FROM public.` + r.Name).QueryRow(func(row pgx.Row) error {
			var n int64
			err := row.Scan(&n)
			counts[r.Name] = n
			return err
		})
	}
	return counts, db.SendBatch(ctx, &batch).Close()
}

// find returns the table of the name.
func find(all []relation, name string) (relation, bool) {
	i, ok := slices.BinarySearchFunc(all, name, func(r relation, name string) int { return cmp.Compare(r.Name, name) })
	if !ok {
		return relation{}, false
	}
	return all[i], true
}
