package accounts

import (
	"context"
	"net/netip"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/limits"
)

// How often somebody may try to sign in. Being out of tries is the only lockout, and
// others' tries use up nobody's own: who knows the password gets in from elsewhere.
// Only guesses from a dozen networks at once, of six sites where they are IPv6's, shut an
// account to all, for as long as they last.
var (
	loginRate        = limits.Rate{Count: 5, Per: time.Minute}  // to one account from one network
	loginSiteRate    = limits.Rate{Count: 10, Per: time.Minute} // to one account from one site
	loginNetworkRate = limits.Rate{Count: 20, Per: time.Minute} // from one network
	loginAccountRate = limits.Rate{Count: 60, Per: time.Minute} // to one account
)

// candidate is who a login could be.
type candidate struct {
	ID       auth.UserID `db:"id"`
	Password string      `db:"password"`
	Active   bool        `db:"is_active"`
}

// Login signs a user in by user name or address and starts a new family of
// refresh tokens. Wrong credentials are Unauthenticated, and take as long for
// a name that nobody has. Two round trips, with the hash between them.
func (s *Sessions) Login(ctx context.Context, from netip.Addr, name, password string) (Pair, error) {
	name = tidyUsername(name)
	if name == "" {
		return Pair{}, fault.Field("username", blank)
	}
	who, err := s.candidate(ctx, from, name)
	if err != nil {
		return Pair{}, err
	}
	ok, weak, err := verify(ctx, who.Password, password)
	switch {
	case err != nil:
		return Pair{}, err
	case !ok:
		return Pair{}, errCredentials
	case !who.Active:
		return Pair{}, fault.New(fault.Unauthenticated, "This account is deactivated.").Coded("user_inactive")
	}
	var stronger *string
	if weak {
		h, err := newHash(ctx, password)
		if err != nil {
			return Pair{}, err
		}
		text := h.String()
		stronger = &text
	}
	return s.start(ctx, who, stronger)
}

var errCredentials = fault.New(fault.Unauthenticated, "No active account has these credentials. Check the name and the password.").
	Coded("bad_credentials")

// countTry counts a try from the network $1, if that was granted one from its site $9, then one
// from either at the account that has the name or address $2, and at last one at the account
// from anywhere: whoever is over their own rate can't use up another's. Both ways to name an
// account lead to the same counts, and so do a name that differs from a user's in case only and
// one that nobody has, so that no count tells who exists. What it does tell is whether a name
// and an address that somebody knows are one account's: out of tries with one, they are out of
// tries with the other. To hide that, the right password would have to be called wrong. The
// table must not collect addresses, nor names of any length.
const countTry = `
	WITH named AS MATERIALIZED (
		SELECT 'login-to:' || left(encode(sha256(convert_to(lower(coalesce((SELECT username FROM users WHERE lower(email) = lower($2)), $2)), 'UTF8')), 'hex'), 32) AS account
	)
	SELECT coalesce(nullif(take_turn('login-from:' || $1, $3, $4), '0'),
		nullif(take_turn('login-from:' || nullif($9, ''), $10, $4), '0'),
		nullif(take_turn(account || ' from ' || $1, $5, $6), '0'),
		nullif(take_turn(account || ' from ' || nullif($9, ''), $11, $12), '0'),
		take_turn(account, $7, $8)) FROM named`

// candidate counts the try and returns whose name it is; the zero candidate if
// it is nobody's.
func (s *Sessions) candidate(ctx context.Context, from netip.Addr, name string) (candidate, error) {
	var batch pgx.Batch
	batch.Queue(countTry, network(from), name, loginNetworkRate.Count, loginNetworkRate.Per,
		loginRate.Count, loginRate.Per, loginAccountRate.Count, loginAccountRate.Per,
		site(from), siteShare*loginNetworkRate.Count, loginSiteRate.Count, loginSiteRate.Per).QueryRow(limits.Taken)
	// No row is no error here: an error makes pgx prepare the statement anew, and
	// the round trips of that would tell who doesn't exist.
	var found []candidate
	batch.Queue(`
		SELECT id, password, is_active FROM users
		WHERE lower(email) = lower($1) OR username = $1`, name).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectRows(rows, pgx.RowToStructByName[candidate])
		return err
	})
	if err := s.db.SendBatch(ctx, &batch).Close(); err != nil || len(found) == 0 {
		return candidate{}, err
	}
	return found[0], nil
}

// start records the login and its first refresh token, unless the password was
// changed or the account deactivated meanwhile.
func (s *Sessions) start(ctx context.Context, who candidate, password *string) (Pair, error) {
	signer, err := s.signer(ctx)
	if err != nil {
		return Pair{}, err
	}
	first, expires := id.New[token](), s.now().Add(auth.RefreshLifetime)
	pair, err := s.sign(signer, who.ID, first, expires)
	if err != nil {
		return Pair{}, err
	}
	tag, err := s.db.Exec(ctx, `
		WITH signed_in AS (
			UPDATE users SET last_login = now(), last_active_at = now(), password = coalesce($3, password)
			WHERE id = $1 AND password = $2 AND is_active
			RETURNING id
		)
		INSERT INTO refresh_tokens (id, user_id, family, expires_at)
		SELECT $4, id, $4, $5 FROM signed_in`, who.ID, who.Password, password, first, expires)
	if err == nil && tag.RowsAffected() == 0 {
		err = errCredentials
	}
	return pair, err
}
