package fsrs_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"aksio.app/shared/flashcards/fsrs"
)

// randomLog returns n reviews in order, some of them at one instant.
func randomLog(seed uint64, n int) []fsrs.Entry {
	random := rand.New(rand.NewPCG(seed, 0))
	log := make([]fsrs.Entry, n)
	now := start
	for i := range log {
		if random.IntN(4) > 0 {
			now = now.Add(time.Duration(random.Int64N(int64(10 * day))))
		}
		log[i] = fsrs.Entry{ID: [16]byte{byte(i >> 8), byte(i)}, At: now, Rating: fsrs.Again + fsrs.Rating(random.IntN(4))}
	}
	return log
}

func TestReplayEqualsReviewing(t *testing.T) {
	t.Parallel()
	p := fsrs.Defaults()
	log := randomLog(7, 40)
	var card fsrs.Card
	for _, e := range log {
		card = p.Next(card, e.At, e.Rating)
	}
	if got := p.Replay(log); got != card {
		t.Errorf("replayed %+v, reviewed %+v", got, card)
	}
	if got := p.Replay(nil); got != (fsrs.Card{}) {
		t.Errorf("an empty log leads to %+v, want the zero card", got)
	}
}

func TestMergeInAnyOrder(t *testing.T) {
	t.Parallel()
	log := randomLog(3, 60)
	rival := log[10]
	rival.Rating = 5 - rival.Rating // two devices claim one id
	want := fsrs.Merge(log, []fsrs.Entry{rival})
	if len(want) != len(log) {
		t.Fatalf("merged %d entries, want %d", len(want), len(log))
	}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		shuffled := append(slices.Clone(log), log[random.IntN(len(log))], rival)
		random.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		kept := slices.Clone(shuffled)
		cut := random.IntN(len(shuffled))
		if got := fsrs.Merge(shuffled[:cut], shuffled[cut:]); !slices.Equal(got, want) {
			t.Fatalf("order %d merged differently", seed)
		}
		fsrs.Defaults().Replay(shuffled)
		if !slices.Equal(shuffled, kept) {
			t.Fatalf("order %d: the caller's log was changed", seed)
		}
	}
}
