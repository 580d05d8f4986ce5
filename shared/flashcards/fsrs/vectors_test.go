package fsrs_test

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"aksio.app/shared/flashcards/fsrs"
)

var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

// TestReference replays what ts-fsrs did to random histories; see testdata/vectors.mjs.
func TestReference(t *testing.T) {
	t.Parallel()
	groups := readVectors(t)
	reviews := 0
	for _, g := range groups {
		p := g.parameters(t)
		for i, h := range g.Histories {
			if g.Fuzz {
				p.FuzzSeed = fmt.Sprintf("card-%d-", i)
			}
			reviews += h.check(t, p, fmt.Sprintf("%s, history %d", g.Name, i))
		}
	}
	if reviews < 14000 {
		t.Errorf("compared %d reviews, want at least 14000", reviews)
	}
}

type group struct {
	Name            string
	Weights         [21]float64
	Retention       float64
	MaximumInterval int      `json:"maximum_interval"`
	LearningSteps   []string `json:"learning_steps"`
	RelearningSteps []string `json:"relearning_steps"`
	Fuzz            bool
	Histories       []history
}

func readVectors(t testing.TB) []group {
	t.Helper()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Groups []group }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Groups
}

func (g group) parameters(t testing.TB) *fsrs.Parameters {
	return &fsrs.Parameters{
		Weights:         g.Weights,
		Retention:       g.Retention,
		MaximumInterval: g.MaximumInterval,
		LearningSteps:   steps(t, g.LearningSteps),
		RelearningSteps: steps(t, g.RelearningSteps),
	}
}

// steps reads ts-fsrs' notation, which has days where Go has none.
func steps(t testing.TB, texts []string) []time.Duration {
	var steps []time.Duration
	for _, text := range texts {
		if days, ok := strings.CutSuffix(text, "d"); ok {
			steps = append(steps, time.Duration(integer(t, days))*day)
			continue
		}
		step, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		steps = append(steps, step)
	}
	return steps
}

// history is the reviews of one card and what became of it.
type history struct {
	reviews               []string
	stability, difficulty float64
	lapses                int
}

func (h *history) UnmarshalJSON(text []byte) error {
	var reviews string
	// What follows these is the recall that ts-fsrs predicts, which nobody here asks for.
	err := json.Unmarshal(text, &[]any{&reviews, &h.stability, &h.difficulty, &h.lapses})
	h.reviews = strings.Split(reviews, ",")
	return err
}

// check compares every review of the history and returns how many there were.
func (h history) check(t *testing.T, p *fsrs.Parameters, name string) int {
	t.Helper()
	var card fsrs.Card
	now := start
	for i, text := range h.reviews {
		want := parseReview(t, text)
		now = now.Add(want.gap)
		card = p.Next(card, now, want.rating)
		got := step{want.rating, want.gap, card.Due.Sub(now), card.State, card.Step}
		if got != want {
			t.Errorf("%s, review %d (%s): got %+v, want %+v", name, i, text, got, want)
			return i
		}
	}
	close := func(what string, got, want float64) {
		if math.Abs(got-want) > 1e-7*max(1, want) {
			t.Errorf("%s: %s is %.9f, want %.9f", name, what, got, want)
		}
	}
	close("stability", card.Stability, h.stability)
	close("difficulty", card.Difficulty, h.difficulty)
	if card.Lapses != h.lapses || card.Reps != len(h.reviews) {
		t.Errorf("%s: %d lapses in %d reviews, want %d in %d", name, card.Lapses, card.Reps, h.lapses, len(h.reviews))
	}
	return len(h.reviews)
}

// step is one review and the schedule that followed.
type step struct {
	rating   fsrs.Rating
	gap, due time.Duration
	state    fsrs.State
	step     int
}

// parseReview reads "3 853>10 L1": Good after 853 minutes, due in 10, Learning step 1.
// Whole days are written "2d".
func parseReview(t testing.TB, text string) step {
	t.Helper()
	before, after, _ := strings.Cut(text, ">")
	rating, gap, _ := strings.Cut(before, " ")
	due, state, _ := strings.Cut(after, " ")
	unit := time.Minute
	if days, ok := strings.CutSuffix(due, "d"); ok {
		due, unit = days, day
	}
	return step{
		rating: fsrs.Rating(integer(t, rating)),
		gap:    time.Duration(integer(t, gap)) * time.Minute,
		due:    time.Duration(integer(t, due)) * unit,
		state:  fsrs.State(strings.Index("NLRA", state[:1])),
		step:   integer(t, state[1:]),
	}
}

func integer(t testing.TB, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
