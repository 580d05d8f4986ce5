package id

import (
	"strings"
	"testing"
)

type thing struct{}

// FuzzID reads ids. What is taken is one thing's, in one spelling but for the case.
func FuzzID(f *testing.F) {
	for _, text := range []string{
		"0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c", "0199A0C4-7D2E-7F3A-8B1C-2D3E4F5A6B7C", "00000000-0000-0000-0000-000000000000",
		"{0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c}", "urn:uuid:0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c", "0199a0c47d2e7f3a8b1c2d3e4f5a6b7c",
		"0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7\u00e9"[:36], "0199a0c4_7d2e-7f3a-8b1c-2d3e4f5a6b7c", "", strings.Repeat("0", 1000),
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var got ID[thing]
		if err := got.UnmarshalText([]byte(text)); err != nil {
			if len(err.Error()) > 300 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
			return
		}
		if got.IsZero() {
			t.Errorf("%q identifies nothing: where an id chooses, it would choose everything", text)
		}
		if got.String() != strings.ToLower(text) {
			t.Errorf("%q is taken for %s", text, got)
		}
	})
}
