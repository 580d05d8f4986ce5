// Package fsrs schedules flashcards by FSRS-6, the Free Spaced Repetition
// Scheduler, with the results of its reference implementation ts-fsrs 5.
//
// FSRS describes the memory of a card by two numbers: its stability, the days
// after which recall has become 90 % likely, and its difficulty, from 1 to 10.
// Each review updates both, and the card returns when the predicted recall has
// fallen to the retention that the learner wants.
//
// The package is pure: it holds no cards and reads no clock.
//
// Sources: github.com/open-spaced-repetition/ts-fsrs and, for the formulas,
// "The Algorithm" in the wiki of github.com/open-spaced-repetition/fsrs4anki.
package fsrs

import "time"

// Card is what the scheduler knows about a card after its last review. The
// zero Card has never been reviewed and is due at once.
type Card struct {
	Stability  float64   // days until recall is 90 % likely: 0.001–36500, 0 when new
	Difficulty float64   // 1 easy – 10 hard, 0 when new
	State      State     // what the next review is
	Step       int       // index of the learning or relearning step it waits in
	Due        time.Time // when to show it next
	LastReview time.Time // zero when new
	Reps       int       // reviews of any rating
	Lapses     int       // times it was forgotten after it had been learned
}

// Next returns the card as it is after a review at the given time, whose zone says when
// the learner's days begin. A time before the last review, as clocks may claim, counts
// as the same day.
//
// The parameters must be valid, and the card zero or a result of Next. It
// panics if the rating is not one of the four.
func (p *Parameters) Next(card Card, now time.Time, rating Rating) Card {
	return p.Preview(card, now)[rating-Again]
}

// Preview returns what Next would for each rating, [Again] first, so that a
// learner can see when the card would come back before choosing.
func (p *Parameters) Preview(card Card, now time.Time) [4]Card {
	v := p.visit(card, now)
	if p.longTerm() {
		return v.longTerm()
	}
	return v.shortTerm()
}
