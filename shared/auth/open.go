package auth

import (
	"errors"
	"fmt"

	"aksio.app/shared/resource"
)

// OpenVerifier returns the process's verifier: of the public keys of TOKEN_KEYS.
func OpenVerifier(env *resource.Env) (*Verifier, error) {
	return resource.Common(env, "token-keys", func() (*Verifier, error) {
		config, err := resource.Settings[struct {
			Keys string `env:"TOKEN_KEYS"`
		}](env)
		if err != nil {
			return nil, err
		}
		if config.Keys == "" {
			return nil, errors.New("settings: TOKEN_KEYS is missing: write a JSON Web Key Set, first the public half of the key that signs")
		}
		verifier, err := NewVerifier([]byte(config.Keys))
		if err != nil {
			return nil, fmt.Errorf("settings: TOKEN_KEYS: %w", err)
		}
		return verifier, nil
	})
}
