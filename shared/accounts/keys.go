package accounts

import (
	"context"
	"errors"
	"fmt"

	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/resource"
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

// openSigner returns what returns the signer of tokens.
func openSigner(env *resource.Env) (func(context.Context) (*auth.Signer, error), error) {
	config, err := resource.Settings[struct {
		Key string `env:"TOKEN_SIGNING_KEY"`
	}](env)
	if err != nil {
		return nil, err
	}
	signer, err := auth.NewSigner([]byte(config.Key))
	if err != nil {
		return nil, fmt.Errorf("settings: TOKEN_SIGNING_KEY: %w", err)
	}
	return func(context.Context) (*auth.Signer, error) { return signer, nil }, nil
}

// OpenSessions returns sessions that can be started and refreshed.
func OpenSessions(env *resource.Env, db *database.DB) (*Sessions, error) {
	verifier, verifierErr := OpenVerifier(env)
	signer, signerErr := openSigner(env)
	return NewSessions(db, verifier, signer), errors.Join(verifierErr, signerErr)
}
