package sm2_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"aksio.app/shared/flashcards/sm2"
)

var start = time.Date(2026, 1, 1, 9, 30, 0, 0, time.UTC)

const day = 24 * time.Hour

func TestWorkedExamples(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name      string
		grades    []sm2.Grade
		intervals []int
		eases     []float64
	}{
		{
			"five times after a hesitation",
			[]sm2.Grade{4, 4, 4, 4, 4},
			[]int{1, 6, 15, 37, 92},
			[]float64{2.5, 2.5, 2.5, 2.5, 2.5},
		},
		{
			"five times perfect, then wrong, then learned again",
			[]sm2.Grade{5, 5, 5, 5, 5, 1, 3, 3, 3},
			[]int{1, 6, 16, 44, 127, 1, 1, 6, 15},
			[]float64{2.6, 2.7, 2.8, 2.9, 3.0, 2.8, 2.66, 2.52, 2.38},
		},
		{
			"each failure costs the same",
			[]sm2.Grade{0, 1, 2},
			[]int{1, 1, 1},
			[]float64{2.3, 2.1, 1.9},
		},
		{
			"ease has a floor",
			[]sm2.Grade{0, 0, 0, 0, 0, 0, 0, 3},
			[]int{1, 1, 1, 1, 1, 1, 1, 1},
			[]float64{2.3, 2.1, 1.9, 1.7, 1.5, 1.3, 1.3, 1.3},
		},
		{
			"grades outside count as the nearest",
			[]sm2.Grade{9, -3},
			[]int{1, 1},
			[]float64{2.6, 2.4},
		},
	} {
		card := unseen(start)
		var intervals []int
		for i, grade := range tc.grades {
			now := card.Due
			card = card.Next(now, grade)
			intervals = append(intervals, card.Interval)
			if math.Abs(card.Ease-tc.eases[i]) > 1e-9 {
				t.Errorf("%s: ease %g after review %d, want %g", tc.name, card.Ease, i, tc.eases[i])
			}
			if want := now.Add(time.Duration(card.Interval) * day); !card.Due.Equal(want) {
				t.Errorf("%s: due %s after review %d, want %s", tc.name, card.Due, i, want)
			}
		}
		if !slices.Equal(intervals, tc.intervals) {
			t.Errorf("%s: intervals %v, want %v", tc.name, intervals, tc.intervals)
		}
	}
}

func TestCounters(t *testing.T) {
	t.Parallel()
	card := unseen(start)
	if rate := card.SuccessRate(); rate != 0 {
		t.Errorf("success rate %g without reviews, want 0", rate)
	}
	for _, grade := range []sm2.Grade{5, 2, 3, 4} {
		card = card.Next(start, grade)
	}
	if card.Reviews != 4 || card.Correct != 3 || card.Repetitions != 2 || card.SuccessRate() != 0.75 {
		t.Errorf("%+v with success rate %g; want 4 reviews, 3 correct, 2 repetitions, 0.75", card, card.SuccessRate())
	}
}

// Fault L20 of the contract: the interval grew without bound and overflowed.
func TestIntervalIsCapped(t *testing.T) {
	t.Parallel()
	card := unseen(start)
	for range 200 {
		card = card.Next(start, sm2.Perfect)
	}
	if card.Interval != 3650 || card.Ease != 5 || !card.Due.Equal(start.Add(3650*day)) {
		t.Errorf("interval %d, ease %g, due %s; want 3650, 5 and ten years", card.Interval, card.Ease, card.Due)
	}
}

func TestMastery(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		card sm2.Card
		want sm2.Mastery
	}{
		{"never reviewed", sm2.Card{Ease: 1.3}, "new"},
		{"all three conditions", sm2.Card{Ease: 2.5, Repetitions: 8, Reviews: 10, Correct: 9}, "mastered"},
		{"seven in a row", sm2.Card{Ease: 2.5, Repetitions: 7, Reviews: 10, Correct: 9}, "learning"},
		{"rate below 0.9", sm2.Card{Ease: 2.5, Repetitions: 8, Reviews: 11, Correct: 9}, "learning"},
		{"ease below 2.5", sm2.Card{Ease: 2.49, Repetitions: 8, Reviews: 10, Correct: 9}, "learning"},
		{"low ease, yet recalled", sm2.Card{Ease: 1.5, Repetitions: 3, Reviews: 10, Correct: 7}, "learning"},
		{"low ease, rate below 0.7", sm2.Card{Ease: 1.99, Repetitions: 3, Reviews: 10, Correct: 6}, "difficult"},
		{"low ease, two in a row", sm2.Card{Ease: 1.99, Repetitions: 2, Reviews: 10, Correct: 9}, "difficult"},
		{"mostly forgotten", sm2.Card{Ease: 2.5, Repetitions: 1, Reviews: 5, Correct: 2}, "difficult"},
		{"half forgotten", sm2.Card{Ease: 2.0, Repetitions: 0, Reviews: 4, Correct: 2}, "learning"},
	} {
		if got := tc.card.Mastery(); got != tc.want {
			t.Errorf("%s: %s, want %s", tc.name, got, tc.want)
		}
	}
}

// FuzzNext checks what holds after every sequence of grades.
func FuzzNext(f *testing.F) {
	f.Add([]byte{4, 4, 4, 4, 4})
	f.Add([]byte{5, 5, 5, 5, 5, 1, 3, 0})
	f.Add([]byte{255, 2, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5})
	f.Fuzz(func(t *testing.T, grades []byte) {
		card := unseen(start)
		for _, b := range grades[:min(len(grades), 300)] {
			checkGrades(t, card)
			card = card.Next(card.Due, sm2.Grade(b%6))
		}
	})
}

// checkGrades checks every grade of one review, alone and against the one below.
func checkGrades(t *testing.T, before sm2.Card) {
	t.Helper()
	worse := before.Next(before.Due, sm2.Blackout)
	for grade := sm2.Blackout; grade <= sm2.Perfect; grade++ {
		after := before.Next(before.Due, grade)
		if after.Interval < 1 || after.Interval > sm2.MaxInterval || !after.Due.After(before.Due) {
			t.Errorf("grade %d: interval %d, due %s after %s", grade, after.Interval, after.Due, before.Due)
		}
		if !(after.Ease >= sm2.MinEase && after.Ease <= sm2.MaxEase) {
			t.Errorf("grade %d: ease %g", grade, after.Ease)
		}
		if after.Interval < worse.Interval || after.Ease < worse.Ease || after.Repetitions < worse.Repetitions {
			t.Errorf("grade %d makes %+v, the grade below %+v", grade, after, worse)
		}
		if grade.Recalled() != (after.Correct == before.Correct+1) || after.Reviews != before.Reviews+1 {
			t.Errorf("grade %d: counters %+v after %+v", grade, after, before)
		}
		if !grade.Recalled() && (after.Repetitions != 0 || after.Interval != 1) {
			t.Errorf("grade %d: a forgotten card is %+v", grade, after)
		}
		worse = after
	}
}

func BenchmarkNext(b *testing.B) {
	card := unseen(start)
	b.ReportAllocs()
	for b.Loop() {
		card.Next(start, sm2.Hesitation)
	}
}

// unseen is a card that was never reviewed, due at once.
func unseen(now time.Time) sm2.Card { return sm2.Card{Ease: 2.5, Interval: 1, Due: now} }
