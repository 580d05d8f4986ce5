// Package processing reads documents: from the bytes in the bucket to passages that
// can be searched.
package processing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/ai"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/documents/progress"
	"aksio.app/shared/extract"
	"aksio.app/shared/fault"
	"aksio.app/shared/live"
	"aksio.app/shared/resource"
	"aksio.app/shared/uploads"
	"aksio.app/shared/usage"
)

const (
	leaseTime  = time.Minute            // after a crash, others wait this long
	leaseRetry = 250 * time.Millisecond // until a database that is away is told again that a lease is over
	leaseRenew = 5 * time.Second        // so that the reading of a deleted document ends soon
	reserve    = 30 * time.Second       // before the deadline: to store what is done and yield

	maxAttempts = 5             // without getting on, for a document that breaks its reader
	patience    = 6 * time.Hour // with providers that are away or busy; their failures count as attempts afterwards
)

// What a document fails with that broke us.
const (
	codeProcessing    = "processing_failed"
	messageProcessing = "Something went wrong on our side while this document was read. Process it again; if it fails again, upload it in another format."
)

// Why the work on a document stops without having failed.
var (
	errLost  = errors.New("the document was deleted or is in other hands")
	errYield = errors.New("the time of this call is used up")
)

// Processor reads documents: from the bytes to passages that can be searched.
type Processor struct {
	db     *database.DB
	bucket *uploads.Bucket
	live   live.Store
	model  ai.Model
	reader *extract.Reader
}

// Open returns a reader of documents with the function's resources.
func Open(env *resource.Env) (*Processor, error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	bucket, err := uploads.Open(env)
	if err != nil {
		return nil, err
	}
	events, err := live.Open(env)
	if err != nil {
		return nil, err
	}
	model, err := provider.Open(env)
	if err != nil {
		return nil, err
	}
	reader, err := extract.Open(env)
	if err != nil {
		return nil, err
	}
	return New(db, bucket, events, model, reader), nil
}

// New returns a reader of documents.
func New(db *database.DB, bucket *uploads.Bucket, events live.Store, model ai.Model, reader *extract.Reader) *Processor {
	return &Processor{db: db, bucket: bucket, live: events, model: model, reader: reader}
}

// run is one instance's work on one document.
type run struct {
	*Processor
	ID         documents.ID    `db:"id"`
	Owner      auth.UserID     `db:"user_id"`
	Course     courses.ID      `db:"course_id"`
	Name       string          `db:"name"`
	Filename   string          `db:"original_filename"`
	Object     string          `db:"object"`
	Generation int64           `db:"generation"`
	Stage      documents.Stage `db:"stage"`
	Attempts   int             `db:"attempts"`
	Lease      int64           `db:"lease"`
	Started    time.Time       `db:"processing_started_at"`
	Before     bool            `db:"processed_before"` // this is a second reading

	passages int  // that are drafted
	embedded int  // of them, by an earlier run
	advanced bool // something was stored since the claim
	mute     bool // events can't be published
}

// Process reads the document whose bytes are the object's generation. It may be
// called for one generation any number of times, late and at once: what is
// unknown, deleted, overwritten or done already is left alone, and what another
// instance works on is Unavailable. Any error means that it wants to be called
// again; a document that can't be read isn't one, but failed for good.
func (p *Processor) Process(ctx context.Context, object string, generation int64) error {
	attrs, err := p.bucket.Attrs(ctx, object)
	if err != nil && fault.KindOf(err) != fault.NotFound {
		return err
	}
	if err != nil || attrs.Generation != generation {
		// Noted, a generation that never was would hide those that are. What is there has an
		// event of its own; if that got lost, or nothing is there, redriving finds out.
		slog.InfoContext(ctx, "event of bytes that aren't there dropped", "object", object, "generation", generation)
		return nil
	}
	return p.process(ctx, object, generation)
}

// process is Process for a generation that is there.
func (p *Processor) process(ctx context.Context, object string, generation int64) error {
	r, err := p.claim(ctx, object, generation)
	if r == nil || err != nil {
		return err
	}
	work, release := r.hold(ctx)
	err = r.read(work)
	release()
	if err != nil { // what it held is the student's again; the next try holds it anew
		usage.Settle(ctx, r.db, r.Owner, usage.CallID(r.ID))
	}
	return r.settle(context.WithoutCancel(ctx), err, context.Cause(work))
}

// claim leases the document, or returns nil if there is nothing to do.
func (p *Processor) claim(ctx context.Context, object string, generation int64) (*run, error) {
	rows, _ := p.db.Query(ctx, `
		UPDATE documents d SET state = 'processing', generation = $2, lease = d.lease + 1, lease_until = now() + $3::interval,
			attempts = CASE WHEN d.generation = $2 THEN d.attempts + 1 ELSE 1 END,
			stage = CASE WHEN d.generation = $2 THEN d.stage ELSE '' END,
			progress = CASE WHEN d.generation = $2 THEN d.progress ELSE 0 END,
			processing_started_at = CASE WHEN d.generation = $2 THEN coalesce(d.processing_started_at, now()) ELSE now() END,
			error_code = '', error_message = '', updated_at = now()
		FROM courses c
		WHERE d.object = $1 AND d.deleted_at IS NULL AND c.id = d.course_id AND c.deleted_at IS NULL
			AND (d.generation IS NULL OR d.generation < $2 OR d.generation = $2 AND d.state NOT IN ('completed', 'failed'))
			AND (d.lease_until IS NULL OR d.lease_until < now())
		RETURNING d.id, d.user_id, d.course_id, d.name, d.original_filename, d.object,
			d.generation, d.stage, d.attempts, d.lease, d.processing_started_at, d.processed_at IS NOT NULL AS processed_before`,
		object, generation, leaseTime)
	r, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByNameLax[run])
	if err == nil {
		r.Processor = p
		return &r, nil
	}
	if !errors.Is(err, pgx.ErrNoRows) {
		return nil, fmt.Errorf("claim %s: %w", object, err)
	}
	var busy bool
	err = p.db.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM documents WHERE object = $1 AND deleted_at IS NULL AND generation <= $2 AND lease_until >= now())`,
		object, generation).Scan(&busy)
	if err == nil && busy {
		// Not to be taken as done: whoever works on it may break down.
		err = fault.New(fault.Unavailable, "Another instance is reading this document.").RetryAfter(leaseTime).AsRoutine()
	}
	return nil, err
}

// hold renews the lease while the work goes on. The context that it returns ends
// when the document is lost, and early enough before the deadline to yield.
func (r *run) hold(ctx context.Context) (context.Context, func()) {
	work, cancel := context.WithCancelCause(ctx)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < reserve {
		cancel(errYield)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		renew := time.NewTicker(leaseRenew)
		defer renew.Stop()
		var yield <-chan time.Time
		if deadline, ok := ctx.Deadline(); ok {
			yield = time.After(time.Until(deadline) - reserve)
		}
		for {
			select {
			case <-work.Done():
				return
			case <-yield:
				cancel(errYield)
			case <-renew.C:
				if err := r.renew(work); errors.Is(err, errLost) {
					cancel(err)
				}
			}
		}
	}()
	return work, func() { cancel(nil); <-done }
}

// renew makes the lease last, and is errLost when there is nothing to hold any more. On a
// connection that says nothing it is given up: the next time, it is another.
func (r *run) renew(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseRenew)
	defer cancel()
	tag, err := r.db.Exec(ctx, `
		UPDATE documents d SET lease_until = now() + $3::interval FROM courses c
		WHERE `+mine+` AND c.id = d.course_id AND c.deleted_at IS NULL`, r.ID, r.Lease, leaseTime)
	if err == nil && tag.RowsAffected() == 0 {
		err = errLost
	}
	return err
}

// mine holds for the document $1 as long as its lease is $2.
const mine = `d.id = $1 AND d.lease = $2 AND d.state = 'processing' AND d.deleted_at IS NULL`

// checkpoint stores what was reached, all or nothing, unless the document is
// lost. A run that breaks off afterwards is followed by one that goes on from here.
func (r *run) checkpoint(ctx context.Context, stage documents.Stage, progress float64, store func(pgx.Tx) error) error {
	err := r.transact(ctx, stage, progress, 1, store)
	r.advanced = r.advanced || err == nil
	return err
}

// transact is checkpoint for what will be done again: the attempts are kept.
func (r *run) transact(ctx context.Context, stage documents.Stage, progress float64, attempts int, store func(pgx.Tx) error) error {
	err := pgx.BeginFunc(ctx, r.db, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `
			UPDATE documents d SET stage = $3, progress = $4, attempts = $5, lease_until = now() + $6::interval, updated_at = now()
			FROM courses c
			WHERE `+mine+` AND c.id = d.course_id AND c.deleted_at IS NULL`, r.ID, r.Lease, stage, progress, attempts, leaseTime)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errLost
		}
		return store(tx)
	})
	if err == nil {
		r.Stage = stage
	}
	return err
}

// settle says what becomes of the document after its work ended with err, and
// returns what the caller is to know.
func (r *run) settle(ctx context.Context, err, cause error) error {
	ctx, cancel := context.WithTimeout(ctx, reserve/2)
	defer cancel()
	var refusal *fault.Fault
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errLost), errors.Is(cause, errLost):
		return nil
	case errors.Is(cause, errYield) && (r.advanced || r.Attempts < maxAttempts):
		return errors.Join(r.release(ctx, r.advanced), fault.New(fault.Unavailable, "The document needs another call.").RetryAfter(time.Second).AsRoutine())
	case errors.As(err, &refusal) && permanent(refusal.Kind):
		slog.InfoContext(ctx, "document can't be read", "document_id", r.ID, "stage", r.Stage, "code", refusal.Code)
		return r.fail(ctx, refusal.Code, refusal.Message)
	case transient(err) && time.Since(r.Started) < patience:
		return errors.Join(err, r.release(ctx, true))
	case r.Attempts >= maxAttempts && !r.advanced:
		slog.ErrorContext(ctx, "document given up", "document_id", r.ID, "stage", r.Stage, "error", err)
		return r.fail(ctx, codeProcessing, messageProcessing)
	}
	return errors.Join(fmt.Errorf("document %s, %s: %w", r.ID, r.Stage, err), r.release(ctx, false))
}

// release lets others go on with the document. The attempt doesn't count if it
// was no fault of the document's. A database that is away is told when it is back.
func (r *run) release(ctx context.Context, refund bool) error {
	for {
		_, err := r.db.Exec(ctx, `
			UPDATE documents d SET lease_until = NULL, attempts = CASE WHEN $3 THEN greatest(attempts - 1, 0) ELSE attempts END
			WHERE `+mine+` AND d.lease_until IS NOT NULL`, r.ID, r.Lease, refund) // once: a try whose answer got lost counts
		if fault.KindOf(err) != fault.Unavailable {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(leaseRetry):
		}
	}
}

// fail ends the document with a reason that its owner can act on.
func (r *run) fail(ctx context.Context, code, message string) error {
	tag, err := r.db.Exec(ctx, `
		WITH failed AS (
			UPDATE documents d SET state = 'failed', error_code = $3, error_message = $4, lease_until = NULL, updated_at = now()
			WHERE `+mine+` RETURNING id
		), dropped AS (
			DELETE FROM document_drafts WHERE document_id IN (SELECT id FROM failed)
		)
		SELECT FROM failed`, r.ID, r.Lease, code, message)
	if err != nil || tag.RowsAffected() == 0 {
		return err
	}
	r.publish(ctx, live.Event{Last: true, Data: progress.Failed(r.ID, r.Lease, r.Stage, begins[r.Stage], code, message).Data()})
	return nil
}

// permanent reports whether a refusal of the kind will be the same next time.
func permanent(kind fault.Kind) bool {
	switch kind {
	case fault.Invalid, fault.TooLarge, fault.Unsupported, fault.Exhausted, fault.NotFound:
		return true
	}
	return false
}

// transient reports whether a failure lies with something that is away or busy.
func transient(err error) bool {
	kind := fault.KindOf(err)
	return kind == fault.Unavailable || kind == fault.Throttled
}
