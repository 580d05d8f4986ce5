package fsrs_test

import (
	"math"
	"testing"
	"time"

	"aksio.app/shared/flashcards/fsrs"
)

// FuzzNext turns bytes into reviews and checks what holds for every history.
func FuzzNext(f *testing.F) {
	f.Add([]byte{0}, true, 0.9, 36500, "")
	f.Add([]byte{2, 1, 2, 40, 3, 200, 0, 0, 0, 9, 2, 255}, true, 0.9, 3650, "card")
	f.Add([]byte{0, 0, 0, 1, 1, 0, 3, 255, 3, 255, 3, 255, 3, 255}, false, 0.7, 30, "x")
	f.Add([]byte{3, 255, 3, 255, 3, 255, 3, 255, 3, 255, 0, 255, 0, 255}, false, 0.99, 1, "")
	f.Fuzz(func(t *testing.T, reviews []byte, steps bool, retention float64, limit int, seed string) {
		p := fsrs.Defaults()
		p.Retention, p.MaximumInterval, p.FuzzSeed = retention, limit, seed
		if !steps {
			p.LearningSteps, p.RelearningSteps = nil, nil
		}
		if !(retention > 0 && retention <= 1) || limit < 1 || limit > 36500 {
			return
		}
		var card fsrs.Card
		now := start
		for len(reviews) >= 2 && len(reviews) < 400 {
			rating := fsrs.Again + fsrs.Rating(reviews[0]%4)
			gap := time.Duration(reviews[1]) * time.Duration(reviews[1]) * time.Hour
			reviews = reviews[2:]
			now = now.Add(gap)
			checkReview(t, p, card, now)
			card = p.Next(card, now, rating)
		}
	})
}

// checkReview checks the four outcomes of one review, alone and against each other.
func checkReview(t *testing.T, p *fsrs.Parameters, before fsrs.Card, now time.Time) {
	t.Helper()
	outcomes := p.Preview(before, now)
	for i, after := range outcomes {
		rating := fsrs.Again + fsrs.Rating(i)
		if !(after.Stability >= 0.001 && after.Stability <= 36500) {
			t.Errorf("rating %d: stability %g", rating, after.Stability)
		}
		if !(after.Difficulty >= 1 && after.Difficulty <= 10) {
			t.Errorf("rating %d: difficulty %g", rating, after.Difficulty)
		}
		if wait := after.Due.Sub(now); wait < time.Minute || wait > time.Duration(p.MaximumInterval+3)*day {
			t.Errorf("rating %d: due in %s", rating, wait)
		}
		if after.Reps != before.Reps+1 || !after.LastReview.Equal(now) || after.State == fsrs.New {
			t.Errorf("rating %d: %+v after %+v", rating, after, before)
		}
		forgot := rating == fsrs.Again && after.Lapses == before.Lapses+1
		if !forgot && after.Lapses != before.Lapses {
			t.Errorf("rating %d: %d lapses after %d", rating, after.Lapses, before.Lapses)
		}
		if i == 0 {
			continue
		}
		if worse := outcomes[i-1]; after.Stability < worse.Stability || after.Due.Before(worse.Due) || after.Difficulty > worse.Difficulty {
			t.Errorf("rating %d makes %+v, worse than %d with %+v", rating, after, rating-1, worse)
		}
	}
	if before.State != fsrs.New && outcomes[0].Stability > before.Stability+1e-8 {
		t.Errorf("forgetting raised stability from %g to %g", before.Stability, outcomes[0].Stability)
	}
}

func TestHigherRetentionComesBackSooner(t *testing.T) {
	t.Parallel()
	previous := time.Duration(math.MaxInt64)
	for _, retention := range []float64{0.7, 0.8, 0.9, 0.95, 0.99} {
		p := fsrs.Defaults()
		p.Retention = retention
		wait := p.Next(fsrs.Card{}, start, fsrs.Easy).Due.Sub(start)
		if wait >= previous {
			t.Errorf("at retention %g the card waits %s, no less than before (%s)", retention, wait, previous)
		}
		previous = wait
	}
}
