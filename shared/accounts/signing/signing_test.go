package signing

import (
	"strings"
	"testing"

	"aksio.app/shared/auth"
	"aksio.app/shared/secrets"
)

func newKey(t *testing.T) (pemKey, publicKeys []byte) {
	t.Helper()
	pemKey, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := auth.NewSigner(pemKey)
	if err != nil {
		t.Fatal(err)
	}
	return pemKey, signer.PublicKeys()
}

func TestTheNewestKeyThatEverybodyKnowsSigns(t *testing.T) {
	t.Parallel()
	old, oldPublic := newKey(t)
	young, youngPublic := newKey(t)
	versions := []secrets.Version{{ID: "3", Value: []byte("not a key")}, {ID: "2", Value: young}, {ID: "1", Value: old}}
	both := strings.Replace(string(oldPublic), `{"keys":[`, strings.TrimSuffix(string(youngPublic), "]}")+",", 1)
	for name, tc := range map[string]struct {
		keys string
		want []byte // the public keys of who should sign
	}{
		"not published yet": {string(oldPublic), oldPublic},
		"published":         {both, youngPublic},
		"old one withdrawn": {string(youngPublic), youngPublic},
	} {
		verifier, err := auth.NewVerifier([]byte(tc.keys))
		if err != nil {
			t.Fatal(err)
		}
		signer, err := newestTrusted(verifier, versions)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if got := signer.PublicKeys(); string(got) != string(tc.want) {
			t.Errorf("%s: signs with %s, want %s", name, got, tc.want)
		}
	}
	_, strange := newKey(t)
	verifier, err := auth.NewVerifier(strange)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := newestTrusted(verifier, versions); err == nil || strings.Contains(err.Error(), "PRIVATE") {
		t.Errorf("no key is known: got %v", err)
	}
}
