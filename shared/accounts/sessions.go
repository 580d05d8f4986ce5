package accounts

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/limits"
)

// reuseInterval is how long a refresh token that was exchanged is answered with its
// successor again: for the client whose answer got lost, or two of whose windows
// refreshed at the same time. Later, or once the successor was exchanged, too, whoever
// shows it may have stolen it.
const reuseInterval = 10 * time.Second

// refreshRate is how often one network may refresh.
var refreshRate = limits.Rate{Count: 60, Per: time.Minute}

// Pair is what a client gets to make calls with, and to get the next pair.
type Pair struct {
	Refresh string
	Access  string
}

// token is a row of refresh_tokens; its id is the token's jti.
type token struct{}

type tokenID = id.ID[token]

// Sessions signs users in and out.
type Sessions struct {
	db       *database.DB
	verifier *auth.Verifier
	signer   func(context.Context) (*auth.Signer, error)
	now      func() time.Time
}

// NewSessions returns the sessions of the database. The signer may be nil where
// only Logout is called.
func NewSessions(db *database.DB, verifier *auth.Verifier, signer func(context.Context) (*auth.Signer, error)) *Sessions {
	return &Sessions{db: db, verifier: verifier, signer: signer, now: time.Now}
}

// Why a refresh token isn't taken, in the words that clients know.
var (
	errInvalid     = fault.New(fault.Unauthenticated, "Token is invalid or expired").Coded("token_not_valid")
	errWrongType   = fault.New(fault.Unauthenticated, "Token has wrong type").Coded("token_not_valid")
	errBlacklisted = fault.New(fault.Unauthenticated, "Token is blacklisted").Coded("token_not_valid")
)

// Refresh exchanges a refresh token for a new pair. The token is used up: shown
// again, it gets the same refresh token within the reuse interval, and ends the whole
// family after that or when its successor is used up, since it is then in two hands. A
// user who is gone or deactivated gets nothing, and ends their families too. Two round trips.
func (s *Sessions) Refresh(ctx context.Context, limiter limits.Limiter, from netip.Addr, refresh string) (Pair, error) {
	old, claims, err := s.verify(refresh)
	if err != nil {
		return Pair{}, err
	}
	// Counted by itself: a refused call must not use up the token.
	if err := limiter.Take(ctx, "refresh:"+network(from), refreshRate, ofSite("refresh:", from, refreshRate)...); err != nil {
		return Pair{}, err
	}
	signer, err := s.signer(ctx) // which may fail, and then the token isn't used up
	if err != nil {
		return Pair{}, err
	}
	var state string
	var next tokenID
	var expires time.Time
	var batch pgx.Batch
	batch.Queue(lockFamily, old)
	batch.Queue(rotate, old, claims.User, id.New[token](), s.now().Add(auth.RefreshLifetime), reuseInterval).QueryRow(func(row pgx.Row) error {
		return row.Scan(&state, &next, &expires)
	})
	err = s.db.SendBatch(ctx, &batch).Close()
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return Pair{}, errInvalid
	case err != nil:
		return Pair{}, err
	case state == "good", state == "repeated":
		return s.sign(signer, claims.User, next, expires)
	case state == "orphaned":
		return Pair{}, errInvalid
	}
	return Pair{}, errBlacklisted
}

// lockFamily lets those who change a family of tokens take turns: a family must
// not be revoked while it grows. It is freed at the end of the batch, which is a
// transaction, and the statements behind it see what the others left.
const lockFamily = `SELECT pg_advisory_xact_lock(hashtextextended(family::text, 2)) FROM refresh_tokens WHERE id = $1`

// rotate replaces the token $1 of the user $2 by $3, which expires at $4, or
// revokes the family. It answers what the token was: good, revoked, reused, or
// orphaned by its user; and with what it is replaced. That is what replaced it already if
// it is only repeated.
const rotate = `
	WITH shown AS (
		SELECT t.id, t.family, t.user_id, coalesce(s.id, $3) AS next, coalesce(s.expires_at, $4) AS next_expires, CASE
			WHEN t.revoked_at IS NOT NULL THEN 'revoked'
			WHEN NOT u.is_active THEN 'orphaned'
			WHEN t.used_at IS NULL THEN 'good'
			WHEN t.used_at > now() - $5::interval AND s.used_at IS NULL THEN 'repeated'
			ELSE 'reused' END AS state
		FROM refresh_tokens t JOIN users u ON u.id = t.user_id LEFT JOIN refresh_tokens s ON s.id = t.successor
		WHERE t.id = $1 AND t.user_id = $2 AND t.expires_at > now()
	), added AS (
		INSERT INTO refresh_tokens (id, user_id, family, expires_at)
		SELECT next, user_id, family, next_expires FROM shown WHERE state = 'good'
	), used AS (
		UPDATE refresh_tokens t SET used_at = now(), successor = shown.next
		FROM shown WHERE t.id = shown.id AND state = 'good'
	), revoked AS (
		UPDATE refresh_tokens t SET revoked_at = now()
		FROM shown WHERE t.family = shown.family AND t.revoked_at IS NULL AND state IN ('reused', 'orphaned')
	), seen AS (
		UPDATE users u SET last_active_at = now()
		FROM shown WHERE u.id = shown.user_id AND state = 'good'
			AND (u.last_active_at IS NULL OR u.last_active_at < now() - interval '1 minute')
	)
	SELECT state, next, next_expires FROM shown`

// Logout ends the login that the refresh token belongs to. A token that is not
// good, or not the user's own, is Invalid; one that was exchanged ends its login
// nevertheless: whoever shows it wants that, and may not know the newest. One round trip.
func (s *Sessions) Logout(ctx context.Context, user auth.UserID, refresh string) error {
	old, claims, err := s.verify(refresh)
	if err != nil {
		return fault.New(fault.Invalid, "%v", err)
	}
	if claims.User != user {
		return fault.New(fault.Invalid, "The refresh token is somebody else's. Send your own.")
	}
	var batch pgx.Batch
	batch.Queue(lockFamily, old)
	var good bool
	batch.Queue(`
		WITH shown AS (
			SELECT family, used_at IS NULL AND revoked_at IS NULL AS good FROM refresh_tokens
			WHERE id = $1 AND user_id = $2 AND expires_at > now()
		), revoked AS (
			UPDATE refresh_tokens t SET revoked_at = now()
			FROM shown WHERE t.family = shown.family AND t.revoked_at IS NULL
		)
		SELECT EXISTS (SELECT FROM shown WHERE good)`, old, user).QueryRow(func(row pgx.Row) error { return row.Scan(&good) })
	if err := s.db.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	if !good {
		return fault.New(fault.Invalid, "Token is blacklisted")
	}
	return nil
}

// verify reads a refresh token that one of the keys signed.
func (s *Sessions) verify(refresh string) (tokenID, auth.Claims, error) {
	claims, err := s.verifier.Verify(refresh, auth.Refresh, s.now())
	if errors.Is(err, auth.ErrWrongType) {
		return tokenID{}, claims, errWrongType
	}
	jti, badID := hex.DecodeString(claims.ID)
	if err != nil || badID != nil || len(jti) != len(tokenID{}) {
		return tokenID{}, claims, errInvalid
	}
	return tokenID(jti), claims, nil
}

// sign makes a pair whose refresh token expires then; two of one id are the same.
func (s *Sessions) sign(signer *auth.Signer, user auth.UserID, refresh tokenID, expires time.Time) (pair Pair, err error) {
	access := id.New[auth.Claims]()
	pair.Access, err = signer.Sign(user, auth.Access, hex.EncodeToString(access[:]), s.now(), auth.AccessLifetime)
	if err != nil {
		return Pair{}, fmt.Errorf("sign access token: %w", err)
	}
	pair.Refresh, err = signer.Sign(user, auth.Refresh, hex.EncodeToString(refresh[:]), expires.Add(-auth.RefreshLifetime), auth.RefreshLifetime)
	if err != nil {
		return Pair{}, fmt.Errorf("sign refresh token: %w", err)
	}
	return pair, nil
}
