package processing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/documents/files"
	"aksio.app/shared/extract"
	"aksio.app/shared/fault"
)

const (
	stuckAfter  = 2 * time.Minute  // without a sign of life: leases end before
	asleepAfter = 10 * time.Minute // a document whose bytes are waited for is looked at this often
	// An announced document that didn't come is removed: for a day, whoever repeats the
	// announcement gets a fresh address.
	uploadWithin = database.IdempotencyKeyLifetime + files.UploadLifetime
)

// Redriven says what a round of redriving did.
type Redriven struct {
	Processed int // documents that were gone on with
	Failed    int // of these, how many want another round
	Removed   int // announced documents whose bytes never came
}

// stuck is a document that nobody works on although somebody should.
type stuck struct {
	ID         documents.ID    `db:"id"`
	Object     string          `db:"object"`
	Generation int64           `db:"generation"`
	State      documents.State `db:"state"`
	Created    time.Time       `db:"created_at"`
}

// Redrive goes on with at most limit documents that nobody works on although
// somebody should: their event got lost, or whoever worked on them broke down. It
// begins none that couldn't be read to the end before the context's deadline. One
// that fails keeps none of the others.
func (p *Processor) Redrive(ctx context.Context, limit int) (Redriven, error) {
	var done Redriven
	var errs []error
	for range limit {
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < extract.DefaultLimits.Time+2*reserve {
			break
		}
		d, err := p.nextStuck(ctx)
		if errors.Is(err, pgx.ErrNoRows) {
			break
		}
		if err != nil {
			errs = append(errs, err)
			break
		}
		if err := p.redrive(ctx, d, &done); err != nil {
			errs = append(errs, fmt.Errorf("document %s: %w", d.ID, err))
		}
	}
	if len(errs) > 0 {
		return done, fmt.Errorf("redrive: %w", errors.Join(errs...))
	}
	return done, nil
}

// nextStuck returns the document that is stuck for the longest time, and no other
// call for a while.
func (p *Processor) nextStuck(ctx context.Context) (stuck, error) {
	rows, _ := p.db.Query(ctx, `
		UPDATE documents SET updated_at = now() WHERE id IN (
			SELECT d.id FROM documents d JOIN courses c ON c.id = d.course_id
			WHERE d.state IN ('awaiting_upload', 'queued', 'processing') AND d.updated_at < now() - $1::interval
				AND (d.state <> 'awaiting_upload' OR d.updated_at < now() - $2::interval)
				AND (d.lease_until IS NULL OR d.lease_until < now())
				AND d.deleted_at IS NULL AND c.deleted_at IS NULL
			ORDER BY d.updated_at
			LIMIT 1
			FOR UPDATE OF d SKIP LOCKED)
		RETURNING id, object, coalesce(generation, 0) AS generation, state, created_at`, stuckAfter, asleepAfter)
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[stuck])
}

// redrive does for a document what its event would have done.
func (p *Processor) redrive(ctx context.Context, d stuck, done *Redriven) error {
	generation, err := p.current(ctx, d.Object, d.Generation)
	switch {
	case err == nil:
		done.Processed++
		if err := p.process(ctx, d.Object, generation); err != nil {
			done.Failed++
			slog.WarnContext(ctx, "redriven document wants another round", "document_id", d.ID, "error", err)
		}
	case fault.KindOf(err) != fault.NotFound:
		return err
	case d.State != documents.AwaitingUpload:
		documents.NewStore(p.db).MarkMissing(ctx, d.ID)
	case time.Since(d.Created) > uploadWithin:
		tag, err := p.db.Exec(ctx, `DELETE FROM documents WHERE id = $1 AND state = 'awaiting_upload'`, d.ID)
		if err != nil {
			return err
		}
		done.Removed += int(tag.RowsAffected())
	}
	return nil
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
