package database

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/fault"
)

// IdempotencyKeyLifetime is how long answers to requests with an Idempotency-Key are kept.
const IdempotencyKeyLifetime = 24 * time.Hour

// twinWait is how long a caller waits before it asks again for the answer of its twin,
// which is seldom longer on its way.
const twinWait = 2 * time.Second

// longestLease bounds the leases: one that began so long ago is over.
const longestLease = time.Hour

// BeginIdempotent claims the key for a request with the fingerprint, which takes no longer
// than the lease, an hour at most; the claim is a new id of this try's own. It returns the
// stored answer if the request was answered before, within the lifetime or, if that is
// zero, since keys are kept. Else the request is to be carried out now, and first is the
// id of what it makes, the same one for every try. It is a Conflict while the request's
// twin runs, until that is taken for dead, or if the key was another
// request's; Throttled after too many keys. One round trip for a new key, two for a known one.
func (db *DB) BeginIdempotent(ctx context.Context, user auth.UserID, operation, key string, fingerprint []byte, claim uuid.UUID, lease, lifetime time.Duration) (answer []byte, first uuid.UUID, err error) {
	if lease > longestLease {
		return nil, first, fmt.Errorf("a lease of %s is longer than the longest, %s", lease, longestLease)
	}
	// Whoever inserts the row, or takes over a dead or expired one, runs the request.
	err = db.QueryRow(ctx, `
		INSERT INTO idempotency_keys AS k (user_id, operation, key, fingerprint, first_id, claim)
		VALUES ($1, $2, $3, $4, $7, $8)
		ON CONFLICT (user_id, operation, key) DO UPDATE
		SET fingerprint = excluded.fingerprint, answer = NULL, created_at = now(), claim = excluded.claim,
			first_id = CASE WHEN k.fingerprint = excluded.fingerprint AND (k.answer IS NULL OR k.created_at >= now() - $6::interval)
				THEN k.first_id ELSE excluded.first_id END
		WHERE k.created_at < now() - CASE WHEN k.answer IS NULL THEN $5 WHEN k.fingerprint = excluded.fingerprint THEN $9 ELSE $6 END::interval
		RETURNING first_id`,
		user, operation, key, fingerprint, lease, IdempotencyKeyLifetime, uuid.Must(uuid.NewV7()), claim, cmp.Or(lifetime, IdempotencyKeyLifetime)).Scan(&first)
	if !errors.Is(err, pgx.ErrNoRows) {
		return nil, first, Fault(err, "request with an Idempotency-Key")
	}
	var same bool
	wait := time.Second // if cleanup took the row in between
	err = db.QueryRow(ctx, `
		SELECT fingerprint = $4, answer, created_at + $5::interval - now() FROM idempotency_keys
		WHERE user_id = $1 AND operation = $2 AND key = $3`,
		user, operation, key, fingerprint, lease).Scan(&same, &answer, &wait)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && same && answer == nil:
		seconds := max(1, int(math.Ceil(wait.Seconds())))
		return nil, first, fault.New(fault.Conflict, "The same request is being carried out. Ask again for its answer; it is taken for dead in %d seconds.", seconds).
			Coded("request_in_progress").RetryAfter(min(time.Duration(seconds)*time.Second, twinWait))
	case err == nil && !same:
		return nil, first, fault.New(fault.Conflict, "This Idempotency-Key was sent with another request. Use a new key for every request.").
			Coded("idempotency_key_reused")
	}
	return answer, first, Fault(err, "request with an Idempotency-Key")
}

// FinishIdempotent stores the answer to a request that BeginIdempotent let run.
func (db *DB) FinishIdempotent(ctx context.Context, user auth.UserID, operation, key string, claim uuid.UUID, answer []byte) error {
	_, err := db.Exec(ctx, `
		UPDATE idempotency_keys SET answer = $4
		WHERE user_id = $1 AND operation = $2 AND key = $3 AND claim = $5`, user, operation, key, answer, claim)
	return Fault(err, "request with an Idempotency-Key")
}

// AbandonIdempotent ends the lease of a request that failed, or seems to: its connection
// may have been cut just after the commit. So the row stays, and with it the id that
// lets a repetition find what was made. Another try's claim stays.
func (db *DB) AbandonIdempotent(ctx context.Context, user auth.UserID, operation, key string, claim uuid.UUID) error {
	_, err := db.Exec(ctx, `
		UPDATE idempotency_keys SET created_at = now() - $5::interval
		WHERE user_id = $1 AND operation = $2 AND key = $3 AND claim = $4 AND answer IS NULL`, user, operation, key, claim, longestLease)
	return Fault(err, "request with an Idempotency-Key")
}

// Repeated reports whether err says that the table has a row of that id: a repetition
// finds what was made by a request whose outcome got lost.
func Repeated(err error, table string) bool { return Violates(err, table+"_pkey") }
