package sm2

// Mastery is how far a learner has come with a card.
type Mastery string

// The levels.
const (
	Unseen    Mastery = "new" // never reviewed
	Learning  Mastery = "learning"
	Difficult Mastery = "difficult" // mostly forgotten, or of low ease
	Mastered  Mastery = "mastered"
)

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
