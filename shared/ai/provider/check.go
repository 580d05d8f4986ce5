package provider

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"aksio.app/shared/ai"
	"aksio.app/shared/fault"
)

// gap stands where the answer of a cloze belongs.
const gap = "_____"

// Bounds of what is generated.
const (
	longestSide = 8 << 10 // bytes of a side of a card, a question or an explanation
	mostCorrect = 20      // accepted answers of a question
)

// checker keeps what is supported by the sources and new, and remembers why it
// dropped the rest.
type checker struct {
	material ai.Material
	truth    []string // the options of a statement
	folded   []*folded
	known    known // fronts and questions that exist
	dropped  []string
}

func newChecker(m ai.Material) *checker {
	c := &checker{material: m, truth: tongueOf(cmp.Or(m.Language, languageOf(m.Sources))).text.options[:], folded: make([]*folded, len(m.Sources)), known: known{with: map[string][]int{}, bare: map[string]bool{}}}
	for _, text := range m.Avoid {
		c.known.add(text)
	}
	return c
}

// drop notes the reason and reports false.
func (c *checker) drop(format string, args ...any) bool {
	c.dropped = append(c.dropped, fmt.Sprintf(format, args...))
	return false
}

// card completes the card's place in its source and reports whether it may be shown.
func (c *checker) card(card *ai.Card) bool {
	card.Front, card.Back = strings.TrimSpace(card.Front), strings.TrimSpace(card.Back)
	switch {
	case card.Front == "" || card.Back == "":
		return c.drop("a side of the card is empty")
	case max(len(card.Front), len(card.Back)) > longestSide:
		return c.drop("a side of the card is too long")
	case Fold(card.Front) == Fold(card.Back) || reveals(card.Front, card.Back):
		return c.drop("the answer stands in the question")
	case c.known.has(card.Front):
		return c.drop("the card exists already")
	}
	if !c.locate(card.Source, &card.Quote, &card.Start, &card.End) {
		return false
	}
	card.Level, card.Explanation = level(card.Level), cut(card.Explanation, longestSide)
	card.Confidence = min(max(card.Confidence, 0), 1)
	c.known.add(card.Front)
	return true
}

// item completes the item's place in its source and reports whether it may be shown.
func (c *checker) item(item *ai.Item) bool {
	item.Text = strings.TrimSpace(item.Text)
	switch {
	case item.Text == "":
		return c.drop("the question is empty")
	case len(item.Text) > longestSide:
		return c.drop("the question is too long")
	case !slices.Contains(wantedTypes(c.material), item.Type):
		return c.drop("type %.40q wasn't asked for", item.Type)
	case c.known.has(item.Text):
		return c.drop("the question exists already")
	}
	if !c.answers(item) || !c.locate(item.Source, &item.Quote, &item.Start, &item.End) {
		return false
	}
	item.Level, item.Explanation, item.Hint = level(item.Level), cut(item.Explanation, longestSide), cut(item.Hint, longestSide)
	c.known.add(item.Text)
	return true
}

// answers reports whether the item has one clear answer that its text doesn't give away.
func (c *checker) answers(item *ai.Item) bool {
	if len(item.Correct) == 0 || slices.ContainsFunc(item.Correct, func(s string) bool { return Fold(s) == "" }) {
		return c.drop("there is no right answer")
	}
	if len(item.Correct) > mostCorrect || slices.ContainsFunc(item.Correct, func(s string) bool { return len(s) > longestSide }) {
		return c.drop("the right answers are too many or too long")
	}
	switch item.Type {
	case ai.TrueFalse:
		item.Options = slices.Clone(c.truth)
		if len(item.Correct) != 1 {
			return c.drop("a statement is either true or false")
		}
		for _, options := range [][]string{english.text.options[:], c.truth} {
			for i, option := range options {
				if Fold(item.Correct[0]) == Fold(option) {
					item.Correct[0] = item.Options[i]
					return true
				}
			}
		}
		return c.drop("the answer is neither true nor false")
	case ai.MultipleChoice:
		if !c.options(item) {
			return false
		}
	default:
		item.Options = nil
		if item.Type == ai.FillBlank && !strings.Contains(item.Text, "___") {
			return c.drop("there is no gap to fill")
		}
	}
	if slices.ContainsFunc(item.Correct, func(s string) bool { return reveals(item.Text, s) }) {
		return c.drop("the answer stands in the question")
	}
	return true
}

// options reports whether the options differ and exactly one is right.
func (c *checker) options(item *ai.Item) bool {
	if len(item.Options) < 3 {
		return c.drop("fewer than three options")
	}
	seen := map[string]bool{}
	right := ""
	for i, option := range item.Options {
		item.Options[i] = strings.TrimSpace(option)
		key := optionKey(option)
		if key == "" || seen[key] {
			return c.drop("two options are the same, or one is empty")
		}
		seen[key] = true
		if len(item.Correct) == 1 && key == optionKey(item.Correct[0]) {
			right = item.Options[i]
		}
	}
	if right == "" {
		return c.drop("exactly one option must be right")
	}
	item.Correct = []string{right}
	return true
}

// optionKey returns what makes an option differ from another to a reader.
func optionKey(option string) string {
	return strings.TrimFunc(Fold(option), func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(".,;:!?'", r) })
}

// reveals reports whether the question has the answer in it, as whole words.
func reveals(question, answer string) bool {
	_, _, ok := Locate(answer, question)
	return ok
}

// known finds texts by their stems, so that each is read once and not for each
// other that it is compared with.
type known struct {
	texts []string
	sizes []int            // how many stems each text has
	with  map[string][]int // the texts with a stem
	bare  map[string]bool  // folded texts without any
}

func (k *known) add(text string) {
	keys := set(stems(text))
	if len(keys) == 0 {
		k.bare[Fold(text)] = true
	}
	for key := range keys {
		k.with[key] = append(k.with[key], len(k.texts))
	}
	k.texts, k.sizes = append(k.texts, text), append(k.sizes, len(keys))
}

// has reports whether a text is alike.
func (k *known) has(text string) bool {
	keys := set(stems(text))
	if len(keys) == 0 {
		return k.bare[Fold(text)]
	}
	both := make([]int, len(k.sizes))
	for key := range keys {
		for _, i := range k.with[key] {
			if both[i]++; mostly(both[i], len(keys), k.sizes[i]) {
				return true
			}
		}
	}
	return false
}

// locate finds the quote in its source and puts the source's own words in its place.
func (c *checker) locate(source int, quote *string, start, end *int) bool {
	if source < 0 || source >= len(c.folded) {
		return c.drop("there is no source %d", source)
	}
	text := c.material.Sources[source].Text
	if c.folded[source] == nil {
		c.folded[source] = newFolded(text)
	}
	from, to, ok := c.folded[source].locate(*quote)
	if !ok || countWordRunes(*quote) < leastQuoted {
		return c.drop("the quote isn't in source %d", source)
	}
	*start, *end, *quote = from, to, slice(text, from, to)
	return true
}

func wantedTypes(m ai.Material) []string {
	if len(m.Types) == 0 {
		return ai.Types
	}
	return m.Types
}

// level returns the difficulty, or Medium for a word that is none.
func level(difficulty string) string {
	switch difficulty {
	case ai.Easy, ai.Medium, ai.Hard:
		return difficulty
	}
	return ai.Medium
}

// checkMaterial refuses what no model can make cards or questions from.
func checkMaterial(m ai.Material) error {
	if m.Count < 1 || m.Count > ai.MostCount {
		return fault.Field("count", "%d can't be made at once: ask for 1 to %d", m.Count, ai.MostCount)
	}
	for _, t := range m.Types {
		if !slices.Contains(ai.Types, t) {
			return fault.Field("question_types", "questions of type %q can't be generated: choose from %s", t, strings.Join(ai.Types, ", "))
		}
	}
	return checkText(m)
}

// checkText refuses material without text.
func checkText(m ai.Material) error {
	if slices.ContainsFunc(m.Sources, func(s ai.Source) bool { return strings.TrimSpace(s.Text) != "" }) {
		return nil
	}
	return fault.New(fault.Invalid, "the material has no text to work with: choose documents that have been processed")
}
