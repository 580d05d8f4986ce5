package processing

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
)

const (
	stuckAfter   = 10 * time.Minute // without a sign of life
	uploadWithin = 24 * time.Hour   // an announced document that didn't come is removed
)

// Redriven says what a round of redriving did.
type Redriven struct {
	Processed int // documents that were gone on with
	Failed    int // of these, how many want another round
	Removed   int // announced documents whose bytes never came
}

// Redrive goes on with at most limit documents that nobody works on although
// somebody should: their event got lost, or whoever worked on them broke down. It
// ends early enough to be called again.
func (p *Processor) Redrive(ctx context.Context, limit int) (Redriven, error) {
	var done Redriven
	type stuck struct {
		ID         documents.ID    `db:"id"`
		Object     string          `db:"object"`
		Generation int64           `db:"generation"`
		State      documents.State `db:"state"`
		Created    time.Time       `db:"created_at"`
	}
	// Each is looked at once in a while, however often this is called.
	rows, _ := p.db.Query(ctx, `
		UPDATE documents SET updated_at = now() WHERE id IN (
			SELECT d.id FROM documents d JOIN courses c ON c.id = d.course_id
			WHERE d.state IN ('awaiting_upload', 'queued', 'processing') AND d.updated_at < now() - $1::interval
				AND (d.lease_until IS NULL OR d.lease_until < now())
				AND d.deleted_at IS NULL AND c.deleted_at IS NULL
			ORDER BY d.updated_at
			LIMIT $2
			FOR UPDATE OF d SKIP LOCKED)
		RETURNING id, object, coalesce(generation, 0) AS generation, state, created_at`, stuckAfter, limit)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByName[stuck])
	if err != nil {
		return done, fmt.Errorf("redrive: %w", err)
	}
	for _, d := range all {
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 2*reserve {
			break // the rest is found again
		}
		generation, err := p.current(ctx, d.Object, d.Generation)
		switch {
		case err == nil:
			done.Processed++
			if err := p.Process(ctx, d.Object, generation); err != nil {
				done.Failed++
				slog.WarnContext(ctx, "redriven document wants another round", "document_id", d.ID, "error", err)
			}
		case fault.KindOf(err) != fault.NotFound:
			return done, fmt.Errorf("redrive: %w", err)
		case d.State != documents.AwaitingUpload:
			documents.NewStore(p.db).MarkMissing(ctx, d.ID)
		case time.Since(d.Created) > uploadWithin:
			tag, err := p.db.Exec(ctx, `DELETE FROM documents WHERE id = $1 AND state = 'awaiting_upload'`, d.ID)
			if err != nil {
				return done, fmt.Errorf("redrive: %w", err)
			}
			done.Removed += int(tag.RowsAffected())
		}
	}
	return done, nil
}

// current returns the generation of an object, which it renews if a document that
// is to be read again waits for a later one.
func (p *Processor) current(ctx context.Context, object string, awaited int64) (int64, error) {
	attrs, err := p.bucket.Attrs(ctx, object)
	if err == nil && attrs.Generation < awaited {
		return p.bucket.Rewrite(ctx, object)
	}
	return attrs.Generation, err
}
