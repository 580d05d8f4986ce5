package provider

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Locate finds the quote in the text, whatever its white space, case, kind of
// quotation marks and dashes, line breaks inside words, and compatible forms
// such as ligatures. It returns the place in code points of the text, end
// excluded. Punctuation around the quote may differ; words must be whole.
func Locate(quote, text string) (start, end int, ok bool) {
	return newFolded(text).locate(quote)
}

// raised are the signs of exponents. They are compared as they are typed: 10³² is
// 10^32, and not 1032.
const raised = "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻"

// folded is a text reduced to what is compared, with the way back.
type folded struct {
	runes []rune
	from  []int // for each rune, the code point of the text where what it came from starts
	to    []int // and where that ends
}

func newFolded(text string) *folded {
	f := new(folded)
	at := 0 // code points of text before the segment
	for text != "" {
		before, size := "^", len(text)-len(strings.TrimLeft(text, raised))
		if size == 0 {
			before, size = "", norm.NFKC.NextBoundaryInString(text, true)
		}
		next := at + utf8.RuneCountInString(text[:size])
		for _, r := range norm.NFKC.String(before + text[:size]) {
			f.add(r, at, next)
		}
		at, text = next, text[size:]
	}
	if n := len(f.runes); n > 0 && f.runes[n-1] == ' ' {
		f.cut(1)
	}
	return f
}

func (f *folded) add(r rune, from, to int) {
	switch r = fold(r); r {
	case skipped:
		return
	case ' ':
		if n := len(f.runes); n == 0 || f.runes[n-1] == ' ' {
			return
		}
	case 'ß':
		f.put('s', from, to)
		r = 's'
	case '…':
		f.put('.', from, to)
		f.put('.', from, to)
		r = '.'
	}
	if unicode.IsLetter(r) && f.endsBroken() {
		f.cut(2)
	}
	f.put(r, from, to)
}

// endsBroken reports whether the text so far ends in a word that was broken at the
// end of a line.
func (f *folded) endsBroken() bool {
	n := len(f.runes)
	return n > 2 && f.runes[n-1] == ' ' && f.runes[n-2] == '-' && unicode.IsLetter(f.runes[n-3])
}

func (f *folded) cut(n int) {
	f.runes = f.runes[:len(f.runes)-n]
	f.from = f.from[:len(f.runes)]
	f.to = f.to[:len(f.runes)]
}

func (f *folded) put(r rune, from, to int) {
	f.runes = append(f.runes, r)
	f.from = append(f.from, from)
	f.to = append(f.to, to)
}

// skipped stands for a code point that isn't compared.
const skipped rune = -1

// fold maps a code point to the one that it is compared as.
func fold(r rune) rune {
	switch r {
	case '\u00ad', '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff': // soft hyphen, zero widths
		return skipped
	case '‘', '’', '‚', '‛', '“', '”', '„', '‟', '«', '»', '‹', '›', '`', '´', '′', '″', '"':
		return '\''
	case '‐', '‑', '‒', '–', '—', '―', '−', '⁃':
		return '-'
	case 'ẞ':
		return 'ß'
	}
	if unicode.IsSpace(r) {
		return ' '
	}
	return unicode.ToLower(r)
}

// Fold returns the text as Locate compares it: texts that fold to the same are
// the same to a reader.
func Fold(text string) string { return string(newFolded(text).runes) }

func (f *folded) locate(quote string) (start, end int, ok bool) {
	want := newFolded(quote).runes
	if start, end, ok = f.find(want); ok {
		return start, end, true
	}
	return f.find(trimPunctuation(want))
}

func trimPunctuation(runes []rune) []rune {
	return []rune(strings.TrimFunc(string(runes), func(r rune) bool {
		return unicode.IsPunct(r) || r == ' '
	}))
}

// find returns the first place where want stands and cuts no word.
func (f *folded) find(want []rune) (start, end int, ok bool) {
	if len(want) == 0 {
		return 0, 0, false
	}
	for at := 0; at+len(want) <= len(f.runes); {
		i := indexRunes(f.runes[at:], want)
		if i < 0 {
			return 0, 0, false
		}
		first, last := at+i, at+i+len(want)-1
		if !f.cuts(first) && !f.cuts(last+1) {
			return f.from[first], f.to[last], true
		}
		at = first + 1
	}
	return 0, 0, false
}

func indexRunes(in, want []rune) int {
	for i := 0; i+len(want) <= len(in); i++ {
		j := 0
		for j < len(want) && in[i+j] == want[j] {
			j++
		}
		if j == len(want) {
			return i
		}
	}
	return -1
}

// cuts reports whether a cut before the rune at i would go through a word, or
// through a sign such as ½.
func (f *folded) cuts(i int) bool {
	return i > 0 && i < len(f.runes) && (f.from[i-1] == f.from[i] || spaced(f.runes[i-1]) && spaced(f.runes[i]))
}

// spaced reports whether the rune belongs to words that are written with spaces between them.
func spaced(r rune) bool {
	return (unicode.IsLetter(r) || unicode.IsDigit(r)) &&
		!unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar)
}

// slice returns the code points from start to end of the text.
func slice(text string, start, end int) string {
	from, at := -1, 0
	for i := range text {
		if at == start {
			from = i
		}
		if at == end {
			return text[max(from, 0):i]
		}
		at++
	}
	if from < 0 {
		return ""
	}
	return text[from:]
}
