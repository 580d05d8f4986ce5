package accounts

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// hashing is how Argon2id is run.
type hashing struct {
	memory  uint32 // KiB
	passes  uint32
	threads uint8
}

// current follows OWASP's recommendation of 19 MiB and two passes. Raise it
// when machines grow: a password is hashed anew when its owner next signs in.
var current = hashing{memory: 19 << 10, passes: 2, threads: 1}

const (
	saltBytes   = 16
	digestBytes = 32
)

// slots bounds the memory of an instance that many sign in to at once.
var slots = make(chan struct{}, 4)

// hash is a password's hash.
type hash struct {
	hashing
	salt, digest []byte
}

// newHash hashes a password with a fresh salt. It fails only when ctx ends
// before its turn comes.
func newHash(ctx context.Context, password string) (hash, error) {
	h := hash{hashing: current, salt: make([]byte, saltBytes)}
	rand.Read(h.salt)
	var err error
	h.digest, err = h.derive(ctx, password, h.salt, digestBytes)
	return h, err
}

// verify reports whether the stored text is a hash of the password, and whether
// it is weaker than what newHash makes today. A text that is no hash, such as
// that of an unknown user, takes as long as one that is.
func verify(ctx context.Context, stored, password string) (ok, weak bool, err error) {
	h, parseErr := parseHash(stored)
	if parseErr != nil {
		h = hash{hashing: current, salt: make([]byte, saltBytes), digest: make([]byte, digestBytes)}
	}
	digest, err := h.derive(ctx, password, h.salt, len(h.digest))
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(digest, h.digest) == 1 && parseErr == nil
	return ok, h.weakerThan(current), nil
}

// derive runs Argon2id when one of the slots is free. Passwords are compared in
// one Unicode form, whichever keyboard they come from.
func (h hashing) derive(ctx context.Context, password string, salt []byte, size int) ([]byte, error) {
	select {
	case slots <- struct{}{}:
		defer func() { <-slots }()
	case <-ctx.Done():
		return nil, fmt.Errorf("wait to hash a password: %w", ctx.Err())
	}
	return argon2.IDKey([]byte(norm.NFKC.String(password)), salt, h.passes, h.memory, h.threads, uint32(size)), nil
}

func (h hashing) weakerThan(other hashing) bool {
	return h.memory < other.memory || h.passes < other.passes
}

// String writes the hash as the PHC string format does:
// $argon2id$v=19$m=19456,t=2,p=1$salt$digest.
func (h hash) String() string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, h.memory, h.passes, h.threads,
		base64.RawStdEncoding.EncodeToString(h.salt), base64.RawStdEncoding.EncodeToString(h.digest))
}

// What a stored hash may ask of an instance, at most.
const (
	maxMemory  = 64 << 10 // KiB
	maxPasses  = 10
	maxThreads = 4
	maxBytes   = 64 // of salt and of digest
)

var errNotHash = errors.New("not an Argon2id hash in PHC string format")

// parseHash reads what String writes.
func parseHash(text string) (hash, error) {
	parts := strings.Split(text, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != "v="+strconv.Itoa(argon2.Version) {
		return hash{}, errNotHash
	}
	params := strings.Split(parts[3], ",")
	if len(params) != 3 {
		return hash{}, errNotHash
	}
	threads := parameter(params[2], "p=", maxThreads)
	h := hash{hashing: hashing{
		memory:  parameter(params[0], "m=", maxMemory),
		passes:  parameter(params[1], "t=", maxPasses),
		threads: uint8(threads),
	}}
	if h.passes == 0 || threads == 0 || h.memory < 8*threads {
		return hash{}, errNotHash
	}
	var err error
	strict := base64.RawStdEncoding.Strict()
	if h.salt, err = strict.DecodeString(parts[4]); err != nil || len(h.salt) < 8 || len(h.salt) > maxBytes {
		return hash{}, errNotHash
	}
	if h.digest, err = strict.DecodeString(parts[5]); err != nil || len(h.digest) < 16 || len(h.digest) > maxBytes {
		return hash{}, errNotHash
	}
	return h, nil
}

// parameter returns the number behind the prefix; 0 if it isn't one from 1 to most.
func parameter(text, prefix string, most uint64) uint32 {
	digits, ok := strings.CutPrefix(text, prefix)
	n, err := strconv.ParseUint(digits, 10, 32)
	if !ok || err != nil || n > most {
		return 0
	}
	return uint32(n)
}
