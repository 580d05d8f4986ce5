package provider_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"aksio.app/shared/ai/provider"
)

func TestLocate(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, quote, text string
		want              string // the place in the text; "" for none
	}{
		{"exact", "the cell", "In the cell it is dark.", "the cell"},
		{"white space", "the  cell\nis", "In the cell is water", "the cell is"},
		{"lines in the text", "the cell is", "In the\n  cell is water", "the\n  cell is"},
		{"case", "THE Cell", "In the cell", "the cell"},
		{"quotation marks", `he said "no"`, "he said “no” twice", "he said “no”"},
		{"dashes", "1914-1918", "from 1914–1918 on", "1914–1918"},
		{"ligature", "define", "to de\ufb01ne it", "de\ufb01ne"},
		{"fraction", "1", "½ 1", "1"},
		{"exponent", "about 10^32 atoms", "It has about 10³² atoms.", "about 10³² atoms"},
		{"negative exponent", "10^-3", "near 10⁻³ m", "10⁻³"},
		{"exponent is no digit", "1032", "It has 10³² atoms.", ""},
		{"part of an exponent", "2", "It has 10³² atoms.", ""},
		{"part of a sign", "2", "a ½ b", ""},
		{"composed and decomposed", "caf\u00e9", "a cafe\u0301 there", "cafe\u0301"},
		{"sharp s", "STRASSE", "die Straße dort", "Straße"},
		{"soft hyphen", "cooperation", "no co\u00adoperation here", "co\u00adoperation"},
		{"word broken by a line", "beschränkte Menge", "eine be-\nschränkte Menge", "be-\nschränkte Menge"},
		{"full stop that the text doesn't have", "the cell.", "In the cell, it is dark", "the cell"},
		{"after many code points", "größer", "äöü — größer als", "größer"},
		{"no spaces between words", "細胞", "最小の細胞です", "細胞"},
		{"part of a word", "cat", "concatenate", ""},
		{"second place is whole", "cat", "concatenate the cat", "cat"},
		{"missing", "the nucleus", "In the cell", ""},
		{"words left out", "in cell", "in the cell", ""},
		{"empty", "", "text", ""},
		{"punctuation alone", "…!", "text", ""},
		{"empty text", "word", "", ""},
		{"broken UTF-8 before it", "cell", "\xff\xfe cell", "cell"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			start, end, ok := provider.Locate(tc.quote, tc.text)
			if got := cut(tc.text, start, end); ok != (tc.want != "") || got != tc.want {
				t.Errorf("Locate(%q, %q) = %d, %d, %v: %q; want %q", tc.quote, tc.text, start, end, ok, got, tc.want)
			}
		})
	}
}

// cut returns the code points from start to end.
func cut(text string, start, end int) string { return string([]rune(text)[start:end]) }

func FuzzLocate(f *testing.F) {
	for _, seed := range [][2]string{
		{"the cell", "In the cell"}, {"ﬁ", "de\ufb01ne"}, {"be- grüßt", "be-\ngrüßt"}, {"é", "e\u0301"}, {"한국", "한국어"}, {"\xff", "a\xffb"}, {"…", "..."}, {"+", "a³⁺b"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, quote, text string) {
		start, end, ok := provider.Locate(quote, text)
		if !ok {
			if start != 0 || end != 0 {
				t.Fatalf("not found, but at %d to %d", start, end)
			}
		} else {
			if start < 0 || start >= end || end > utf8.RuneCountInString(text) {
				t.Fatalf("Locate(%q, %q) = %d, %d: outside the text", quote, text, start, end)
			}
			if utf8.ValidString(text) && !strings.Contains(provider.Fold(text), strings.TrimSpace(provider.Fold(cut(text, start, end)))) {
				t.Fatalf("the words at %d to %d of %q aren't there when folded", start, end, text)
			}
		}
		if whole := provider.Fold(text); utf8.ValidString(text) && whole != "" && provider.Fold(whole) == whole {
			if _, _, ok := provider.Locate(text, text); !ok {
				t.Fatalf("a text isn't found in itself: %q", text)
			}
		}
	})
}
