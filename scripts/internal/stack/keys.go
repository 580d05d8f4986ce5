package stack

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"aksio.app/shared/auth"
)

// signingKey returns the key that signs tokens, in PEM. It is made once and kept
// in the folder, so that a restart signs nobody out.
func signingKey(dir string) ([]byte, error) {
	file := filepath.Join(dir, "token-signing-key.pem")
	key, err := os.ReadFile(file)
	if !errors.Is(err, fs.ErrNotExist) {
		return key, err
	}
	if key, err = auth.GenerateKey(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	return key, os.WriteFile(file, key, 0o600)
}
