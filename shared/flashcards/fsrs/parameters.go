package fsrs

import (
	"math"
	"time"
)

const day = 24 * time.Hour

// Parameters say how one learner's cards are scheduled. Start from [Defaults].
type Parameters struct {
	// Weights are the model's w0–w20, fitted to a learner's reviews or the
	// defaults. Weights fitted for FSRS-5 have 19; add 0.01 and 0.5 to them,
	// or 0 and 0.5 without steps.
	Weights [21]float64

	// Retention is the probability of recall at which a card comes back,
	// above 0 and at most 1.
	Retention float64

	// MaximumInterval limits the days between reviews, 1–36500. As in ts-fsrs
	// the ratings of one review are kept a day apart even at the limit, so Easy
	// may exceed it by up to three days.
	MaximumInterval int

	// LearningSteps are the waits of a new card before it is scheduled by its
	// stability, RelearningSteps those of a forgotten one: whole minutes. With
	// neither (long-term mode) every interval is a day or more, and further
	// reviews on one day count like others.
	LearningSteps, RelearningSteps []time.Duration

	// FuzzSeed spreads intervals from 2.5 days by some per cent, so that cards
	// learned together come back apart; "" is off. Give each card its own seed,
	// such as its id: the same seed and number of reviews always fuzz alike.
	FuzzSeed string
}

// Defaults returns the published parameters of FSRS-6, fitted to the reviews
// of some 10,000 people, and the settings of ts-fsrs 5.
func Defaults() *Parameters {
	return &Parameters{
		Weights: [21]float64{
			0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796,
			1.4835, 0.0614, 0.2629, 1.6483, 0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542,
		},
		Retention:       0.9,
		MaximumInterval: 36500,
		LearningSteps:   []time.Duration{time.Minute, 10 * time.Minute},
		RelearningSteps: []time.Duration{10 * time.Minute},
	}
}

// longTerm reports whether cards are scheduled without steps.
func (p *Parameters) longTerm() bool {
	return len(p.LearningSteps) == 0 && len(p.RelearningSteps) == 0
}

// effective returns the weights to compute with. Where a forgotten card passes
// several relearning steps, w17 and w18 are limited so that passing them can't
// leave it more stable than before it was forgotten.
func (p *Parameters) effective() [21]float64 {
	w := p.Weights
	if steps := len(p.RelearningSteps); steps > 1 {
		log := -(math.Log(w[11]) + math.Log(math.Pow(2, w[13])-1) + w[14]*0.3) / float64(steps)
		ceiling := clamp(round8(math.Sqrt(max(log, 0))), 0.01, 2)
		w[17], w[18] = min(w[17], ceiling), min(w[18], ceiling)
	}
	return w
}

// daysBetween counts days of the later time's zone, as ts-fsrs does of UTC: unlike
// periods of 24 hours they change at a fixed time, and late in the evening to early in
// the morning is one.
func daysBetween(from, to time.Time) int {
	return max(0, dayOf(to)-dayOf(from.In(to.Location())))
}

// dayOf numbers the days of the time's zone.
func dayOf(t time.Time) int {
	_, offset := t.Zone()
	return int(math.Floor(float64(t.Unix()+int64(offset)) / day.Seconds()))
}
