// Package auth says who is calling: it signs and verifies the tokens that
// accounts hands out.
//
// Tokens are JWTs signed with Ed25519. The private key is a secret of the few
// functions that sign; every function verifies with the public keys alone, so a
// call needs no look-up. A key is known by its kid, the thumbprint of its
// public half (RFC 7638), so that two keys can be good while one replaces the other.
package auth

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"aksio.app/shared/id"
)

// User is who makes a call.
type User struct {
	ID UserID
}

// UserID identifies an account.
type UserID = id.ID[User]

// Type is what a token is good for.
type Type string

// The types of token.
const (
	Access  Type = "access"  // shown with every call
	Refresh Type = "refresh" // exchanged for new tokens, once
)

// Lifetimes of tokens. An access token can't be called back, so it is short.
const (
	AccessLifetime  = 15 * time.Minute
	RefreshLifetime = 7 * 24 * time.Hour
)

// Claims is the content of a token.
type Claims struct {
	jwt.RegisteredClaims        // exp, iat, jti
	Type                 Type   `json:"token_type"`
	User                 UserID `json:"user_id"`
}

// ErrWrongType is returned for a token that is good for something else.
var ErrWrongType = errors.New("token has wrong type")

// Signer makes tokens.
type Signer struct {
	kid string
	key ed25519.PrivateKey
}

// GenerateKey returns a new key for NewSigner: a PEM-encoded PKCS #8 Ed25519 private key.
func GenerateKey() ([]byte, error) {
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), nil
}

// NewSigner reads a PEM-encoded PKCS #8 Ed25519 private key.
func NewSigner(pemKey []byte) (*Signer, error) {
	block, _ := pem.Decode(pemKey)
	if block == nil {
		return nil, errors.New("the token signing key isn't PEM: make one with `openssl genpkey -algorithm ed25519`")
	}
	parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, errors.New("the token signing key isn't PKCS #8: make one with `openssl genpkey -algorithm ed25519`")
	}
	key, ok := parsed.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("the token signing key isn't Ed25519: make one with `openssl genpkey -algorithm ed25519`")
	}
	return &Signer{kid: thumbprint(key.Public().(ed25519.PublicKey)), key: key}, nil
}

// Sign returns a token of the type for the user. The jti identifies it.
func (s *Signer) Sign(user UserID, t Type, jti string, issued time.Time, lifetime time.Duration) (string, error) {
	token := jwt.NewWithClaims(jwt.SigningMethodEdDSA, Claims{
		RegisteredClaims: jwt.RegisteredClaims{
			ID:        jti,
			IssuedAt:  jwt.NewNumericDate(issued),
			ExpiresAt: jwt.NewNumericDate(issued.Add(lifetime)),
		},
		Type: t,
		User: user,
	})
	token.Header["kid"] = s.kid
	return token.SignedString(s.key)
}

// PublicKeys returns the signer's public key as a JSON Web Key Set (RFC 7517).
func (s *Signer) PublicKeys() []byte {
	set, err := json.Marshal(KeySet{Keys: []Key{newKey(s.key.Public().(ed25519.PublicKey))}})
	if err != nil {
		panic(err) // strings always marshal
	}
	return set
}

// Verifier checks tokens.
type Verifier struct {
	keys map[string]ed25519.PublicKey
}

// NewVerifier reads a JSON Web Key Set of Ed25519 public keys.
func NewVerifier(set []byte) (*Verifier, error) {
	var parsed KeySet
	if err := json.Unmarshal(set, &parsed); err != nil {
		return nil, fmt.Errorf("not a JSON Web Key Set: %w", err)
	}
	v := &Verifier{keys: map[string]ed25519.PublicKey{}}
	for _, k := range parsed.Keys {
		key, err := base64.RawURLEncoding.DecodeString(k.X)
		if k.Type != "OKP" || k.Curve != "Ed25519" || err != nil || len(key) != ed25519.PublicKeySize || k.X != base64.RawURLEncoding.EncodeToString(key) {
			return nil, fmt.Errorf("key %q of the set isn't an Ed25519 public key", k.ID)
		}
		v.keys[thumbprint(key)] = key
	}
	if len(v.keys) == 0 {
		return nil, errors.New("the JSON Web Key Set has no keys")
	}
	return v, nil
}

// Verify returns the claims of a token of the wanted type that one of the keys
// signed and that hasn't expired at the given time. A token has one spelling: strictly decoded, and without
// the line breaks that base64 passes over.
func (v *Verifier) Verify(token string, want Type, now time.Time) (Claims, error) {
	var claims Claims
	if strings.ContainsAny(token, "\r\n") {
		return claims, errors.New("token is not valid")
	}
	_, err := jwt.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		kid, _ := t.Header["kid"].(string)
		if key, ok := v.keys[kid]; ok {
			return key, nil
		}
		return nil, errors.New("unknown key")
	},
		jwt.WithValidMethods([]string{jwt.SigningMethodEdDSA.Alg()}),
		jwt.WithStrictDecoding(),
		jwt.WithExpirationRequired(),
		jwt.WithTimeFunc(func() time.Time { return now }))
	switch {
	case errors.Is(err, jwt.ErrTokenExpired) && claims.Type == want:
		return Claims{}, errors.New("token has expired")
	case err != nil:
		return Claims{}, errors.New("token is not valid")
	case claims.Type != want:
		return Claims{}, ErrWrongType
	case claims.User.IsZero():
		return Claims{}, errors.New("token names no user")
	}
	return claims, nil
}

// KeySet returns the public keys that the verifier trusts, sorted by kid, and
// nothing else that may have stood in the set that it was made from.
func (v *Verifier) KeySet() KeySet {
	set := KeySet{Keys: []Key{}}
	for _, kid := range slices.Sorted(maps.Keys(v.keys)) {
		set.Keys = append(set.Keys, newKey(v.keys[kid]))
	}
	return set
}

// Trusts reports whether the verifier takes the signer's tokens.
func (v *Verifier) Trusts(s *Signer) bool {
	_, ok := v.keys[s.kid]
	return ok
}

// KeySet is a JSON Web Key Set (RFC 7517).
type KeySet struct {
	Keys []Key `json:"keys"`
}

// Key is an Ed25519 public key in the form of RFC 8037.
type Key struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
}

func newKey(key ed25519.PublicKey) Key {
	return Key{
		Type: "OKP", Curve: "Ed25519", X: base64.RawURLEncoding.EncodeToString(key),
		ID: thumbprint(key), Algorithm: "EdDSA", Use: "sig",
	}
}

func thumbprint(key ed25519.PublicKey) string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + base64.RawURLEncoding.EncodeToString(key) + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
