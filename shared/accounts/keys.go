package accounts

import (
	"context"
	"errors"
	"fmt"

	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/resource"
	"aksio.app/shared/secrets"
)

// OpenVerifier returns what verifies refresh tokens: the public keys of TOKEN_KEYS.
func OpenVerifier(env *resource.Env) (*auth.Verifier, error) {
	config, err := resource.Settings[struct {
		Keys string `env:"TOKEN_KEYS"`
	}](env)
	if err != nil {
		return nil, err
	}
	if config.Keys == "" {
		return nil, errors.New("settings: TOKEN_KEYS is missing: write the JSON Web Key Set of the token signing keys' public halves")
	}
	verifier, err := auth.NewVerifier([]byte(config.Keys))
	if err != nil {
		return nil, fmt.Errorf("settings: TOKEN_KEYS: %w", err)
	}
	return verifier, nil
}

// signingKey is the secret that holds the private key, PEM-encoded PKCS #8.
const signingKey = "token-signing-key"

// OpenSessions returns sessions that can be started and refreshed.
func OpenSessions(env *resource.Env, db *database.DB) (*Sessions, error) {
	verifier, verifierErr := OpenVerifier(env)
	store, storeErr := secrets.Open(env)
	if err := errors.Join(verifierErr, storeErr); err != nil {
		return nil, err
	}
	return NewSessions(db, verifier, func(ctx context.Context) (*auth.Signer, error) {
		versions, err := store.Versions(ctx, signingKey, 3)
		if err != nil {
			return nil, err
		}
		return newestTrusted(verifier, versions)
	}), nil
}

// newestTrusted returns the signer of the newest key whose tokens every function
// takes. While a key is being replaced, that is the old one until TOKEN_KEYS
// knows the new one.
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
