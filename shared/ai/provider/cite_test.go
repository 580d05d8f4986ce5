package provider

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"aksio.app/shared/ai"
)

var citable = []ai.Source{
	{Text: "Mitochondria release energy from sugar. They have a double membrane."},
	{Text: "Ribosomes assemble proteins from amino acids."},
}

// runCiter writes the pieces and returns what came out.
func runCiter(t *testing.T, pieces []string) (string, []ai.Citation) {
	t.Helper()
	var text strings.Builder
	var cited []ai.Citation
	c := newCiter(citable, func(p ai.Part) error {
		if (p.Text == "") == (p.Citation == nil) {
			t.Errorf("part %+v has both or neither", p)
		}
		text.WriteString(p.Text)
		if p.Citation != nil {
			cited = append(cited, *p.Citation)
		}
		return nil
	})
	for _, piece := range pieces {
		if err := c.write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
	if text.String() != c.text.String() || !slices.Equal(cited, c.cited) {
		t.Errorf("emitted %q %v, kept %q %v", text.String(), cited, c.text.String(), c.cited)
	}
	return text.String(), cited
}

func TestCiter(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name, in, want string
		quotes         []string
	}{
		{"no citation", "Plain text.", "Plain text.", nil},
		{"one", "Energy [[1|release energy from sugar]].", "Energy [1].", []string{"release energy from sugar"}},
		{"two", "A [[1|double membrane]] B [[2|amino acids]]", "A [1] B [2]", []string{"double membrane", "amino acids"}},
		{"numbered as they come", "A [[2|amino acids]] B [[1|double membrane]] C [[1|release energy]]", "A [1] B [2] C [3]", []string{"amino acids", "double membrane", "release energy"}},
		{"cited again", "A [[2|amino acids]] B [[1|double membrane]] C [[2|Amino acids]].", "A [1] B [2] C [1].", []string{"amino acids", "double membrane"}},
		{"folded", "A [[1|RELEASE  energy]]", "A [1]", []string{"release energy"}},
		{"invented words", "Energy [[1|release heat from sugar]].", "Energy.", nil},
		{"wrong source", "Energy [[2|release energy from sugar]].", "Energy.", nil},
		{"no such source", "Energy [[7|release energy from sugar]].", "Energy.", nil},
		{"source nought", "Energy [[0|release energy]].", "Energy.", nil},
		{"no words", "Energy [[1|]] and [[1]] more.", "Energy and more.", nil},
		{"too few letters to prove anything", "Energy [[1|a]].", "Energy.", nil},
		{"a mark that nobody checked", "Energy [1]. More [2][9].", "Energy. More[9].", nil},
		{"an index", "take a[1] of it", "take a[1] of it", nil},
		{"a year", "as he wrote [1984]", "as he wrote [1984]", nil},
		{"a matrix", "[[1,2],[3,4]] is one", "[[1,2],[3,4]] is one", nil},
		{"a link", "[text](there) [[wiki]]", "[text](there) [[wiki]]", nil},
		{"cut in the middle of the words", "Energy [[1|release energy from", "Energy [1]", []string{"release energy from"}},
		{"cut in the middle of the mark", "Energy [[1", "Energy", nil},
		{"never closed", "A [[1|" + strings.Repeat("x ", heldMost), "A " + strings.Repeat("x ", heldMost), nil},
		{"white space is kept", "a\n\n b ", "a\n\n b ", nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			for size := 1; size <= 5; size++ { // wherever the answer is cut, the same comes out
				got, cited := runCiter(t, pieces(tc.in, size))
				var quotes []string
				for _, c := range cited {
					quotes = append(quotes, c.Quote)
				}
				if got != tc.want || !slices.Equal(quotes, tc.quotes) {
					t.Errorf("in pieces of %d: %.200q %q; want %.200q %q", size, got, quotes, tc.want, tc.quotes)
				}
			}
		})
	}
}

// pieces cuts the text into so many bytes each, within code points if need be.
func pieces(text string, size int) []string {
	var out []string
	for len(text) > size {
		out = append(out, text[:size])
		text = text[size:]
	}
	return append(out, text)
}

func FuzzCiter(f *testing.F) {
	f.Add("Energy [[1|release energy]] and [2] or a[1] [[2|amino acids", 3)
	f.Add("[[[1|double membrane]]] ü [[", 1)
	f.Add("[[1|[[2|amino acids]]]]", 2)
	f.Fuzz(func(t *testing.T, answer string, size int) {
		size = 1 + max(size, -size)%50
		if size < 1 {
			size = 1
		}
		whole, all := runCiter(t, []string{answer})
		for _, c := range all {
			runes := []rune(citable[c.Source].Text)
			if string(runes[c.Start:c.End]) != c.Quote || Fold(c.Quote) == "" {
				t.Fatalf("citation %+v isn't in its source", c)
			}
		}
		if got, cited := runCiter(t, pieces(answer, size)); len(answer) <= heldMost && utf8.ValidString(answer) && (got != whole || !slices.Equal(cited, all)) {
			t.Fatalf("%q in pieces of %d: %q %v; whole: %q %v", answer, size, got, cited, whole, all)
		}
	})
}
