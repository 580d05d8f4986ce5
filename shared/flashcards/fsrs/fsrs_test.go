package fsrs_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"aksio.app/shared/flashcards/fsrs"
)

// Vectors that the projects of open-spaced-repetition share between their tests.

func TestPublishedIntervals(t *testing.T) {
	t.Parallel()
	p := fsrs.Defaults()
	const again, good = fsrs.Again, fsrs.Good
	ratings := []fsrs.Rating{good, good, good, good, good, good, again, again, good, good, good, good, good}
	want := []int{0, 2, 11, 46, 163, 498, 0, 0, 2, 4, 7, 12, 21}

	var card fsrs.Card
	var got []int
	now := time.Date(2022, 11, 29, 12, 30, 0, 0, time.UTC)
	for _, rating := range ratings {
		card = p.Next(card, now, rating)
		got = append(got, int(card.Due.Sub(now)/day))
		now = card.Due
	}
	if !slices.Equal(got, want) {
		t.Errorf("intervals %v, want %v", got, want)
	}
}

func TestPublishedMemory(t *testing.T) {
	t.Parallel()
	withSteps, withoutSteps := fsrs.Defaults(), fsrs.Defaults()
	withoutSteps.LearningSteps, withoutSteps.RelearningSteps = nil, nil
	for _, tc := range []struct {
		name      string
		p         *fsrs.Parameters
		stability float64
	}{
		{"with steps", withSteps, 53.62691},
		{"long-term", withoutSteps, 53.335106},
	} {
		var card fsrs.Card
		now := start
		for i, gap := range []int{0, 0, 1, 3, 8, 21} {
			rating := fsrs.Good
			if i == 0 {
				rating = fsrs.Again
			}
			now = now.Add(time.Duration(gap) * day)
			card = tc.p.Next(card, now, rating)
		}
		if math.Abs(card.Stability-tc.stability) > 5e-5 { // published in single precision
			t.Errorf("%s: stability %.7f, want %.7f", tc.name, card.Stability, tc.stability)
		}
		if math.Abs(card.Difficulty-6.3574867) > 1e-6 {
			t.Errorf("%s: difficulty %.7f, want 6.3574867", tc.name, card.Difficulty)
		}
	}
}

func TestPreview(t *testing.T) {
	t.Parallel()
	p := fsrs.Defaults()
	previews := p.Preview(fsrs.Card{}, start)
	var waits [4]time.Duration
	for i, card := range previews {
		waits[i] = card.Due.Sub(start)
	}
	if want := [4]time.Duration{time.Minute, 6 * time.Minute, 10 * time.Minute, 8 * day}; waits != want {
		t.Errorf("a new card comes back in %v, want %v", waits, want)
	}
}

func TestReviewBeforeTheLast(t *testing.T) {
	t.Parallel()
	p := fsrs.Defaults()
	card := p.Next(fsrs.Card{}, start, fsrs.Easy)
	early, sameDay := p.Next(card, start.Add(-3*day), fsrs.Good), p.Next(card, start, fsrs.Good)
	if early.Stability != sameDay.Stability {
		t.Errorf("stability %g, want %g as on the same day", early.Stability, sameDay.Stability)
	}
}

func TestFuzz(t *testing.T) {
	t.Parallel()
	plain := fsrs.Defaults()
	card := plain.Next(fsrs.Card{}, start, fsrs.Easy)
	card.Stability = 100
	now := start.Add(100 * day)
	center := plain.Next(card, now, fsrs.Good).Due.Sub(now)

	seen := map[time.Duration]bool{}
	for i := range 200 {
		p := fsrs.Defaults()
		p.FuzzSeed = string(rune('a'+i%26)) + string(rune('a'+i/26))
		wait := p.Next(card, now, fsrs.Good).Due.Sub(now)
		if wait != p.Next(card, now.Add(time.Second), fsrs.Good).Due.Sub(now.Add(time.Second)) {
			t.Fatalf("seed %s: the interval changed within a second", p.FuzzSeed)
		}
		if ratio := float64(wait) / float64(center); ratio < 0.9 || ratio > 1.1 {
			t.Errorf("seed %s: %s, more than 10 %% away from %s", p.FuzzSeed, wait, center)
		}
		seen[wait] = true
	}
	if len(seen) < 10 {
		t.Errorf("200 seeds gave %d intervals, want at least 10", len(seen))
	}
}

func BenchmarkNext(b *testing.B) {
	p := fsrs.Defaults()
	card := p.Next(fsrs.Card{}, start, fsrs.Easy)
	b.ReportAllocs()
	for b.Loop() {
		p.Next(card, card.Due, fsrs.Good)
	}
}
