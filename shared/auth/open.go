package auth

import (
	"errors"
	"fmt"

	"aksio.app/shared/resource"
)

// OpenVerifier returns what verifies tokens: the public keys of TOKEN_KEYS.
func OpenVerifier(env *resource.Env) (*Verifier, error) {
	config, err := resource.Settings[struct {
		Keys string `env:"TOKEN_KEYS"`
	}](env)
	if err != nil {
		return nil, err
	}
	if config.Keys == "" {
		return nil, errors.New("settings: TOKEN_KEYS is missing: write the JSON Web Key Set that accounts-get-keys answers")
	}
	verifier, err := NewVerifier([]byte(config.Keys))
	if err != nil {
		return nil, fmt.Errorf("settings: TOKEN_KEYS: %w", err)
	}
	return verifier, nil
}
