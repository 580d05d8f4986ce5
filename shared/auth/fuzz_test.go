package auth

import (
	"crypto/ed25519"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"aksio.app/shared/id"
)

// fixedSigner signs with the same key in every process, so that its tokens can be seeds.
func fixedSigner(seed byte) *Signer {
	key := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
	return &Signer{kid: thumbprint(key.Public().(ed25519.PublicKey)), key: key}
}

// FuzzToken verifies what callers show. A token is good in the one spelling in which
// it was signed: who revokes or counts it by its text must not be passed by another.
func FuzzToken(f *testing.F) {
	signer := fixedSigner('a')
	verifier, err := NewVerifier(signer.PublicKeys())
	if err != nil {
		f.Fatal(err)
	}
	var user UserID
	if err := user.UnmarshalText([]byte("0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c")); err != nil {
		f.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	sign := func(s *Signer, user UserID, t Type, lifetime time.Duration) string {
		token, err := s.Sign(user, t, "1", now, lifetime)
		if err != nil {
			f.Fatal(err)
		}
		return token
	}
	good := sign(signer, user, Access, time.Minute)
	signed := map[string]string{ // what is said of them
		good:                                     "",
		sign(signer, user, Access, -time.Minute): "token has expired",
		sign(signer, user, Refresh, time.Minute): "token has wrong type",
	}
	for token := range signed {
		f.Add(token)
	}
	header, rest, _ := strings.Cut(good, ".")
	f.Add(good[:len(good)-1] + string(good[len(good)-1]+1)) // bits behind the last byte
	f.Add(good + "\n")
	f.Add(good[:len(good)-9] + "\r\n" + good[len(good)-9:])
	f.Add(good + "=")
	f.Add("Bearer " + good)
	f.Add("eyJhbGciOiJub25lIn0." + rest)
	f.Add(header + "." + strings.Repeat("A", 1000) + ".")
	f.Add(sign(signer, UserID{}, Access, time.Minute))
	f.Add(sign(fixedSigner('b'), user, Access, time.Minute))
	f.Fuzz(func(t *testing.T, token string) {
		claims, err := verifier.Verify(token, Access, now)
		said := ""
		if err != nil {
			said = err.Error()
		}
		want, ours := signed[token]
		switch {
		case ours && said != want:
			t.Errorf("a token that we signed: %q, want %q", said, want)
		case !ours && (err == nil || strings.HasPrefix(said, "token has")):
			t.Errorf("%q, which nobody signed: %v", token, err)
		case ours && err == nil && (claims.User != user || claims.ID != "1"):
			t.Errorf("claims %+v", claims)
		case err != nil && claims.User != (UserID{}):
			t.Errorf("%v names a user all the same", err)
		}
	})
}

// FuzzKeySet reads key sets. What is taken is written and read again as the same keys,
// and takes no token but of those keys.
func FuzzKeySet(f *testing.F) {
	signer, stranger := fixedSigner('a'), fixedSigner('b')
	set := string(signer.PublicKeys())
	f.Add([]byte(set))
	f.Add([]byte(strings.Replace(set, `"kid":"`, `"kid":"x`, 1)))
	f.Add([]byte(`{"keys":[]}`))
	f.Add([]byte(`{"keys":null,"KEYS":[{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}`))
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB"}]}`)) // bits behind the last byte
	f.Add([]byte(`{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AAAAAAAAAAAAAAAA\nAAAAAAAAAAAAAAAAAAAAAAAAAAA","d":"secret"}]} `))
	f.Add([]byte(`null`))
	token, err := stranger.Sign(id.New[User](), Access, "1", time.Unix(1_800_000_000, 0), time.Minute)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, set []byte) {
		verifier, err := NewVerifier(set)
		if err != nil {
			return
		}
		written, err := json.Marshal(verifier.KeySet())
		if err != nil {
			t.Fatal(err)
		}
		again, err := NewVerifier(written)
		if err != nil || !reflect.DeepEqual(again.KeySet(), verifier.KeySet()) {
			t.Fatalf("%q is read as %s, and that as %+v: %v", set, written, again, err)
		}
		for _, key := range verifier.KeySet().Keys {
			if !strings.Contains(string(set), key.X) {
				t.Errorf("%q holds the key %s in another spelling", set, key.X)
			}
		}
		if _, err := verifier.Verify(token, Access, time.Unix(1_800_000_000, 0)); err == nil && !verifier.Trusts(stranger) {
			t.Error("a stranger's token is taken")
		}
	})
}
