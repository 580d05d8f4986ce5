package migrations_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/database/dbtest"
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
