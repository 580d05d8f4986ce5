// Package signing opens the sessions that hand out tokens: only who signs reads the
// key for it.
package signing

import (
	"context"
	"errors"
	"fmt"

	"aksio.app/shared/accounts"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/resource"
	"aksio.app/shared/secrets"
)

// signingKey is the secret that holds the private key, PEM-encoded PKCS #8.
const signingKey = "token-signing-key"

// OpenSessions returns sessions that can be started and refreshed.
func OpenSessions(env *resource.Env, db *database.DB) (*accounts.Sessions, error) {
	verifier, verifierErr := auth.OpenVerifier(env)
	store, storeErr := secrets.Open(env)
	if err := errors.Join(verifierErr, storeErr); err != nil {
		return nil, err
	}
	return accounts.NewSessions(db, verifier, func(ctx context.Context) (*auth.Signer, error) {
		versions, err := store.Versions(ctx, signingKey, 3)
		if err != nil {
			return nil, err
		}
		return newestTrusted(verifier, versions)
	}), nil
}

// newestTrusted returns the signer of the newest of the versions, which are those that
// are enabled. That other functions know its public half, too, is for whoever enables
// it to see to: `cloud keys -publish` publishes a key whose version is disabled, and
// `cloud keys -sign` enables it, when all functions were started with the new
// TOKEN_KEYS. Its own TOKEN_KEYS only keeps this function from signing what it couldn't
// verify itself.
func newestTrusted(verifier *auth.Verifier, versions []secrets.Version) (*auth.Signer, error) {
	var errs []error
	for _, version := range versions {
		signer, err := auth.NewSigner(version.Value)
		if err == nil && verifier.Trusts(signer) {
			return signer, nil
		}
		if err == nil {
			err = errors.New("its public half isn't in TOKEN_KEYS")
		}
		errs = append(errs, fmt.Errorf("version %s: %w", version.ID, err))
	}
	return nil, fmt.Errorf("no version of the secret %s can sign; add the newest one's public half to TOKEN_KEYS: %w",
		signingKey, errors.Join(errs...))
}
