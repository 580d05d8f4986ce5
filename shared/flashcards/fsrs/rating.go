package fsrs

// Rating is how well a learner recalled a card.
type Rating int

// The ratings. Hard and better are recalls; who forgot must say Again.
const (
	Again Rating = 1 + iota
	Hard
	Good
	Easy
)

// State is where a card stands, and so what its next review is.
type State int

// The states.
const (
	New        State = iota // never reviewed
	Learning                // in the learning steps
	Review                  // learned, scheduled by its stability
	Relearning              // forgotten, in the relearning steps
)

var states = [...]string{"new", "learning", "review", "relearning"}

// String returns "new", "learning", "review" or "relearning".
func (s State) String() string { return states[s] }
