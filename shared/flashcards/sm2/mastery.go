package sm2

import (
	"fmt"
	"slices"
	"strings"
)

// Mastery is how far a learner has come with a card.
type Mastery int

// The levels, in the order in which statistics list them.
const (
	Unseen Mastery = iota // "new": never reviewed
	Learning
	Difficult // "difficult": mostly forgotten, or of low ease
	Mastered
)

var levels = []string{Unseen: "new", Learning: "learning", Difficult: "difficult", Mastered: "mastered"}

// Mastery returns the level of the card. The order of the rules matters: a card
// of low ease that is recalled again and again is being learned, not difficult.
func (c Card) Mastery() Mastery {
	rate := c.SuccessRate()
	switch {
	case c.Reviews == 0:
		return Unseen
	case c.Repetitions >= 8 && rate >= 0.9 && c.Ease >= 2.5:
		return Mastered
	case c.Repetitions >= 3 && rate >= 0.7:
		return Learning
	case rate < 0.5 || c.Ease < 2.0:
		return Difficult
	default:
		return Learning
	}
}

// String returns "new", "learning", "difficult" or "mastered".
func (m Mastery) String() string {
	if m < 0 || int(m) >= len(levels) {
		return fmt.Sprintf("mastery(%d)", int(m))
	}
	return levels[m]
}

// MarshalText writes the word of the level; an unknown level is an error.
func (m Mastery) MarshalText() ([]byte, error) {
	if m < 0 || int(m) >= len(levels) {
		return nil, fmt.Errorf("%d is no level of mastery", int(m))
	}
	return []byte(levels[m]), nil
}

// UnmarshalText reads a word in lower case.
func (m *Mastery) UnmarshalText(text []byte) error {
	i := slices.Index(levels, string(text))
	if i < 0 {
		return fmt.Errorf("%.40q is no level of mastery; use one of %s", text, strings.Join(levels, ", "))
	}
	*m = Mastery(i)
	return nil
}
