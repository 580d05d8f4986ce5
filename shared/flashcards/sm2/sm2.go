// Package sm2 schedules flashcards by a variant of SM-2, the algorithm that
// P. A. Woźniak published for SuperMemo 2 in 1990. The variant
// computes an interval with the ease from before the review, takes a fixed 0.2
// from the ease of a forgotten card, and keeps the ease from 1.3 to 5.0.
//
// The package is pure: it holds no cards and reads no clock.
package sm2

import "time"

// Limits of what a card can reach.
const (
	MinEase     = 1.3
	MaxEase     = 5.0
	MaxInterval = 3650 // days; without a limit intervals grow until they overflow
)

const day = 24 * time.Hour

// Grade is how well a learner recalled a card, 0 to 5. Grades outside count as
// the nearest one inside.
type Grade int

// The grades.
const (
	Blackout   Grade = iota // nothing came back
	Wrong                   // wrong, but the answer was recognised
	Familiar                // wrong, but easy once seen
	Hard                    // right with difficulty
	Hesitation              // right after a hesitation
	Perfect                 // right at once
)

// Recalled reports whether the grade is a success.
func (g Grade) Recalled() bool { return g >= Hard }

// Card is the state of one card's schedule.
type Card struct {
	Ease        float64 // factor by which the interval grows, MinEase–MaxEase
	Interval    int     // days, 1–MaxInterval
	Repetitions int     // successes in a row
	Reviews     int     // of any grade
	Correct     int     // reviews that were successes
	Due         time.Time
}

// Next returns the card as it is after a review at the given time. It is due
// again after the interval in periods of 24 hours.
func (c Card) Next(now time.Time, grade Grade) Card {
	grade = min(max(grade, Blackout), Perfect)
	next := Card{
		Ease:     min(max(c.Ease+grade.easeChange(), MinEase), MaxEase),
		Interval: 1,
		Reviews:  c.Reviews + 1,
		Correct:  c.Correct,
	}
	if grade.Recalled() {
		next.Interval = c.grownInterval()
		next.Repetitions = c.Repetitions + 1
		next.Correct++
	}
	next.Due = now.Add(time.Duration(next.Interval) * day)
	return next
}

// grownInterval is the interval after a success, in days.
func (c Card) grownInterval() int {
	switch c.Repetitions {
	case 0:
		return 1
	case 1:
		return 6
	}
	days := float64(c.Interval) * c.Ease
	return int(min(days, MaxInterval)) // rounded down
}

func (g Grade) easeChange() float64 {
	if !g.Recalled() {
		return -0.2
	}
	missing := float64(Perfect - g)
	return 0.1 - missing*(0.08+missing*0.02)
}

// SuccessRate is the share of reviews that were successes, 0 without reviews.
func (c Card) SuccessRate() float64 {
	if c.Reviews == 0 {
		return 0
	}
	return float64(c.Correct) / float64(c.Reviews)
}
