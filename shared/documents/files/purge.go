package files

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/uploads"
)

// purgeBatch is how many documents are looked for at once.
const purgeBatch = 500

// inARow is after how many failures, one after the other, the bucket counts as away.
const inARow = 10

// Purge removes for good the documents that their owners deleted, alone or with a
// course, and returns how many; before the context's deadline it leaves the rest
// for the next time. The files go first: a row without a file is tried again, a
// file without a row would never be found. One that can't be removed keeps none of
// the others; it is tried again another time. A document stays for as long as a URL
// to upload it may be good.
func Purge(ctx context.Context, db *database.DB, bucket *uploads.Bucket) (int, error) {
	gone, failed := 0, 0 // the failures of the last ones
	var errs []error
	for {
		rows, _ := db.Query(ctx, `
			(SELECT id FROM documents WHERE deleted_at < now() - $2::interval ORDER BY deleted_at LIMIT $1)
			UNION
			(SELECT d.id FROM courses c JOIN documents d ON d.course_id = c.id
			WHERE c.deleted_at < now() - $2::interval AND d.deleted_at IS NULL LIMIT $1)
			LIMIT $1`, purgeBatch, UploadLifetime)
		all, err := pgx.CollectRows(rows, pgx.RowTo[documents.ID])
		if err != nil {
			return gone, fmt.Errorf("purge: %w", errors.Join(append(errs, err)...))
		}
		for _, document := range all {
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 30*time.Second {
				return gone, errors.Join(errs...)
			}
			err := bucket.Delete(ctx, documents.Object(document))
			if err == nil {
				_, err = db.Exec(ctx, `DELETE FROM documents WHERE id = $1`, document)
			}
			if err == nil {
				gone, failed = gone+1, 0
				continue
			}
			errs = append(errs, fmt.Errorf("purge document %s: %w", document, err))
			// To the end of the queue: the others come first, today and the next time.
			_, err = db.Exec(ctx, `UPDATE documents SET deleted_at = now() WHERE id = $1`, document)
			if failed++; err != nil || failed == inARow {
				return gone, errors.Join(append(errs, err)...)
			}
		}
		if len(all) == 0 {
			return gone, errors.Join(errs...)
		}
	}
}
