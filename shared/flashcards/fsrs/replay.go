package fsrs

import (
	"bytes"
	"cmp"
	"slices"
	"time"
)

// Entry is one review in a card's log.
type Entry struct {
	ID     [16]byte // UUID from the device of the review; entries with one id are one
	At     time.Time
	Rating Rating
}

// Merge joins logs of one card, such as those of several devices, in the order
// of time and then of id. An entry that occurs twice counts once, so the result
// is the same however often and in whatever order logs arrive.
func Merge(logs ...[]Entry) []Entry {
	merged := slices.Concat(logs...)
	slices.SortFunc(merged, func(a, b Entry) int {
		return cmp.Or(
			a.At.Compare(b.At),
			bytes.Compare(a.ID[:], b.ID[:]),
			cmp.Compare(a.Rating, b.Rating), // two claims with one id: either will do, but always the same
		)
	})
	seen := make(map[[16]byte]bool, len(merged))
	return slices.DeleteFunc(merged, func(e Entry) bool {
		twice := seen[e.ID]
		seen[e.ID] = true
		return twice
	})
}

// Replay returns the card that a log leads to, whatever the log's order. Undo,
// new weights and late reviews from an offline device need no more than this.
// An empty log leads to the zero Card. It panics on an unknown rating, like
// [Parameters.Next].
func (p *Parameters) Replay(log []Entry) Card {
	var card Card
	for _, e := range Merge(log) {
		card = p.Next(card, e.At, e.Rating)
	}
	return card
}
