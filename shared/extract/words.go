package extract

import "unicode"

// counter counts the words of a text. Where a language puts no white space between
// words it counts about as many as there are by their usual length: two characters
// in Chinese and Japanese, four letters in Thai and its neighbours.
type counter struct {
	spaced   int
	quarters int // of words without white space between them
	last     kind
}

// kind is what a character is to a word.
type kind int

const (
	space kind = iota
	spaced
	unspaced
)

func (c *counter) add(r rune) {
	switch part := quarters(r); {
	case part > 0:
		c.quarters += part
		c.last = unspaced
	case unicode.IsSpace(r):
		c.last = space
	case c.last == space, c.last == unspaced && (unicode.IsLetter(r) || unicode.IsDigit(r)):
		c.spaced++
		c.last = spaced
	}
}

func (c *counter) words() int { return c.spaced + (c.quarters+3)/4 }

// quarters returns how many quarters of a word the letter is, 0 in languages that
// part their words.
func quarters(r rune) int {
	switch {
	case r < 0x0E00: // Thai comes first
		return 0
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Bopomofo):
		return 2
	case unicode.IsLetter(r) && unicode.In(r, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
		return 1
	}
	return 0
}

// countWords returns how many words the text has.
func countWords(text string) int {
	var c counter
	for _, r := range text {
		c.add(r)
	}
	return c.words()
}
