package database

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/fault"
)

// Answers to requests with an Idempotency-Key are kept this long, and a request
// is taken for dead, so that a repetition may run, after the shorter time.
const (
	replayLifetime = 24 * time.Hour
	replayAbandon  = 10 * time.Minute
)

// BeginReplay claims the key for a request with the fingerprint. It returns the
// stored answer if the request was answered before, nil if it is to be carried
// out now, and a Conflict while its twin runs or if the key was another
// request's. One round trip for a new key, two for a known one.
func (db *DB) BeginReplay(ctx context.Context, user auth.UserID, operation, key string, fingerprint []byte) (answer []byte, err error) {
	// Whoever inserts the row, or takes over a dead or expired one, runs the request.
	err = db.QueryRow(ctx, `
		INSERT INTO idempotency_keys AS k (user_id, operation, key, fingerprint)
		VALUES ($1, $2, $3, $4)
		ON CONFLICT (user_id, operation, key) DO UPDATE
		SET fingerprint = excluded.fingerprint, answer = NULL, created_at = now()
		WHERE k.created_at < now() - CASE WHEN k.answer IS NULL THEN $5 ELSE $6 END::interval
		RETURNING NULL::bytea`,
		user, operation, key, fingerprint, replayAbandon, replayLifetime).Scan(&answer)
	if !errors.Is(err, pgx.ErrNoRows) {
		return nil, err
	}
	var same bool
	err = db.QueryRow(ctx, `
		SELECT fingerprint = $4, answer FROM idempotency_keys
		WHERE user_id = $1 AND operation = $2 AND key = $3`,
		user, operation, key, fingerprint).Scan(&same, &answer)
	switch {
	case errors.Is(err, pgx.ErrNoRows) || err == nil && same && answer == nil:
		return nil, fault.New(fault.Conflict, "The same request is being carried out. Wait for its answer, or repeat it in a minute.").
			Coded("request_in_progress")
	case err == nil && !same:
		return nil, fault.New(fault.Conflict, "This Idempotency-Key was sent with another request. Use a new key for every request.").
			Coded("idempotency_key_reused")
	}
	return answer, err
}

// FinishReplay stores the answer to a request that BeginReplay let run.
func (db *DB) FinishReplay(ctx context.Context, user auth.UserID, operation, key string, answer []byte) error {
	_, err := db.Exec(ctx, `
		UPDATE idempotency_keys SET answer = $4
		WHERE user_id = $1 AND operation = $2 AND key = $3`, user, operation, key, answer)
	return err
}

// AbandonReplay frees the key of a request that failed.
func (db *DB) AbandonReplay(ctx context.Context, user auth.UserID, operation, key string) error {
	_, err := db.Exec(ctx, `
		DELETE FROM idempotency_keys
		WHERE user_id = $1 AND operation = $2 AND key = $3 AND answer IS NULL`, user, operation, key)
	return err
}
