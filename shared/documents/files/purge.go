package files

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/uploads"
)

// Purge removes for good at most limit documents that their owners deleted, alone
// or with a course, and returns how many. The files go first: a row without a file
// is tried again, a file without a row would never be found. A document stays for
// as long as a URL to upload it may be good.
func Purge(ctx context.Context, db *database.DB, bucket *uploads.Bucket, limit int) (int, error) {
	rows, _ := db.Query(ctx, `
		(SELECT id FROM documents WHERE deleted_at < now() - $2::interval ORDER BY deleted_at LIMIT $1)
		UNION
		(SELECT d.id FROM courses c JOIN documents d ON d.course_id = c.id WHERE c.deleted_at < now() - $2::interval LIMIT $1)
		LIMIT $1`, limit, uploadLifetime)
	all, err := pgx.CollectRows(rows, pgx.RowTo[documents.ID])
	if err != nil {
		return 0, fmt.Errorf("purge: %w", err)
	}
	for gone, document := range all {
		if err := errors.Join(ctx.Err(), bucket.Delete(ctx, documents.Object(document))); err != nil {
			return gone, fmt.Errorf("purge: %w", err)
		}
		if _, err := db.Exec(ctx, `DELETE FROM documents WHERE id = $1`, document); err != nil {
			return gone, fmt.Errorf("purge: %w", err)
		}
	}
	return len(all), nil
}
