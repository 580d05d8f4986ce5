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

var ratings = words{Again: "again", Hard: "hard", Good: "good", Easy: "easy"}

// String returns "again", "hard", "good" or "easy".
func (r Rating) String() string { return ratings.text("rating", int(r)) }

// MarshalText writes the word of the rating; an unknown rating is an error.
func (r Rating) MarshalText() ([]byte, error) { return ratings.marshal("rating", int(r)) }

// UnmarshalText reads a word in lower case.
func (r *Rating) UnmarshalText(text []byte) error {
	i, err := ratings.unmarshal("rating", text)
	if err != nil {
		return err
	}
	*r = Rating(i)
	return nil
}

// State is where a card stands, and so what its next review is.
type State int

// The states.
const (
	New        State = iota // never reviewed
	Learning                // in the learning steps
	Review                  // learned, scheduled by its stability
	Relearning              // forgotten, in the relearning steps
)

var states = words{New: "new", Learning: "learning", Review: "review", Relearning: "relearning"}

// String returns "new", "learning", "review" or "relearning".
func (s State) String() string { return states.text("state", int(s)) }

// MarshalText writes the word of the state; an unknown state is an error.
func (s State) MarshalText() ([]byte, error) { return states.marshal("state", int(s)) }

// UnmarshalText reads a word in lower case.
func (s *State) UnmarshalText(text []byte) error {
	i, err := states.unmarshal("state", text)
	if err != nil {
		return err
	}
	*s = State(i)
	return nil
}
