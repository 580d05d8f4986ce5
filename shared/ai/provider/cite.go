package provider

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"aksio.app/shared/ai"
)

// heldMost is the most text, in bytes, that a citation may take before it counts as prose.
const heldMost = 4000

// leastQuoted is the fewest letters and digits that make a quote worth checking.
const leastQuoted = 4

// citer reads a model's answer as it comes and emits text and citations. The
// model cites as [[n|verbatim words of source n]]. What stands in such brackets
// is held back until they close; if the words are in the source, the mark [i] of the
// i-th quote and its Citation come out, of a quote that was cited before the mark alone,
// and nothing otherwise. A bare [n], which looks like a checked citation and isn't one,
// is left out.
type citer struct {
	sources []ai.Source
	folded  []*folded // of the sources, made when needed
	emit    func(ai.Part) error

	held  string // not emitted yet: it may turn out to be a citation
	space string // white space before held, dropped along with a citation
	last  rune   // emitted last
	text  strings.Builder
	cited []ai.Citation
}

func newCiter(sources []ai.Source, emit func(ai.Part) error) *citer {
	if emit == nil {
		emit = func(ai.Part) error { return nil }
	}
	return &citer{sources: sources, folded: make([]*folded, len(sources)), emit: emit}
}

// write takes the next piece of the answer.
func (c *citer) write(delta string) error {
	c.held += delta
	return c.drain(false)
}

// close takes the end of the answer: what is still held is all there is.
func (c *citer) close() error {
	if err := c.drain(true); err != nil {
		return err
	}
	return c.put(c.takeSpace())
}

func (c *citer) drain(end bool) error {
	for c.held != "" {
		open := strings.IndexByte(c.held, '[')
		if open < 0 {
			open = len(c.held)
			if !end { // a code point may be cut between two deltas
				open -= cutRune(c.held)
			}
		}
		if err := c.prose(c.held[:open]); err != nil {
			return err
		}
		c.held = c.held[open:]
		if c.held == "" || c.held[0] != '[' {
			return nil
		}
		more, err := c.bracket(end)
		if err != nil || more {
			return err
		}
	}
	return nil
}

// bracket deals with held, which starts with a bracket; it reports whether it
// needs more text to decide.
func (c *citer) bracket(end bool) (more bool, err error) {
	mark, size := parseMark(c.held)
	if mark.kind == unfinished && !end {
		if len(c.held) <= heldMost {
			return true, nil
		}
		c.held = mark.quote // prose behind a citation that was never closed
		return false, nil
	}
	held := c.held[:size]
	c.held = c.held[size:]
	double := strings.HasPrefix(held, "[[")
	switch {
	case mark.kind == quoted, mark.kind == unfinished && mark.quote != "": // cut off in the middle of a quote
		return false, c.cite(mark.number, mark.quote)
	case mark.kind == unfinished && double:
		c.drop()
		return false, nil
	case mark.kind == bare && c.looksChecked(mark.number) && (double || !unicode.IsLetter(c.before())):
		c.drop()
		return false, nil
	default: // an index in code, a year, a bracket
		return false, c.prose(held)
	}
}

// looksChecked reports whether [number] would be taken for a citation.
func (c *citer) looksChecked(number int) bool {
	return number >= 1 && number <= max(len(c.sources), len(c.cited))
}

// before returns the rune before the bracket.
func (c *citer) before() rune {
	if c.space != "" {
		return ' '
	}
	return c.last
}

func (c *citer) cite(number int, quote string) error {
	citation, ok := c.verify(number-1, quote)
	if !ok {
		c.drop()
		return nil
	}
	at := slices.Index(c.cited, citation)
	again := at >= 0
	if !again {
		at = len(c.cited)
		c.cited = append(c.cited, citation)
	}
	if err := c.put(c.takeSpace() + "[" + strconv.Itoa(at+1) + "]"); err != nil || again {
		return err
	}
	return c.emit(ai.Part{Citation: &citation})
}

// verify returns the citation if the source exists and has the quote.
func (c *citer) verify(source int, quote string) (ai.Citation, bool) {
	if source < 0 || source >= len(c.sources) || countWordRunes(quote) < leastQuoted {
		return ai.Citation{}, false
	}
	text := c.sources[source].Text
	if c.folded[source] == nil {
		c.folded[source] = newFolded(text)
	}
	start, end, ok := c.folded[source].locate(quote)
	if !ok {
		return ai.Citation{}, false
	}
	return ai.Citation{Source: source, Start: start, End: end, Quote: slice(text, start, end)}, true
}

func (c *citer) drop() {
	c.space = ""
}

// prose emits text but for the white space at its end.
func (c *citer) prose(text string) error {
	if text == "" {
		return nil
	}
	body := strings.TrimRightFunc(text, unicode.IsSpace)
	space := c.space
	c.space = text[len(body):]
	if body == "" {
		c.space = space + c.space
		return nil
	}
	return c.put(space + body)
}

func (c *citer) put(text string) error {
	if text == "" {
		return nil
	}
	c.last, _ = utf8.DecodeLastRuneInString(text)
	c.text.WriteString(text)
	return c.emit(ai.Part{Text: text})
}

func (c *citer) takeSpace() string {
	space := c.space
	c.space = ""
	return space
}

// cutRune returns how many bytes at the end of the text are the start of an unfinished code point.
func cutRune(text string) int {
	for n := 1; n < utf8.UTFMax && n <= len(text); n++ {
		if b := text[len(text)-n]; utf8.RuneStart(b) {
			if b >= utf8.RuneSelf && !utf8.FullRuneInString(text[len(text)-n:]) {
				return n
			}
			return 0
		}
	}
	return 0
}

func countWordRunes(text string) (n int) {
	for _, r := range text {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			n++
		}
	}
	return n
}

// mark is what a bracket in an answer turned out to be.
type mark struct {
	kind   markKind
	number int
	quote  string
}

type markKind int

const (
	prose      markKind = iota // no citation at all
	unfinished                 // may become one
	quoted                     // [[n|quote]]
	bare                       // [n] or [[n]]
)

// parseMark reads what text, which starts with "[", starts with, and its size in bytes.
func parseMark(text string) (mark, int) {
	double := strings.HasPrefix(text, "[[")
	at := 1
	if double {
		at = 2
	}
	digits := at
	for digits < len(text) && text[digits] >= '0' && text[digits] <= '9' && digits-at < 4 {
		digits++
	}
	number, _ := strconv.Atoi(text[at:digits])
	rest := text[digits:]
	switch {
	case rest == "":
		return mark{kind: unfinished}, len(text)
	case digits == at:
		return mark{kind: prose}, 1
	case !double && rest[0] == ']':
		return mark{kind: bare, number: number}, digits + 1
	case double && rest == "]":
		return mark{kind: unfinished}, len(text)
	case double && strings.HasPrefix(rest, "]]"):
		return mark{kind: bare, number: number}, digits + 2
	case double && rest[0] == '|':
		quote, _, closed := strings.Cut(rest[1:], "]]")
		if !closed {
			return mark{kind: unfinished, number: number, quote: quote}, len(text)
		}
		return mark{kind: quoted, number: number, quote: quote}, digits + 1 + len(quote) + 2
	default:
		return mark{kind: prose}, 1
	}
}
