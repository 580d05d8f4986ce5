package fsrs

import "time"

// visit is one review under way: a card, a time, and what each rating makes of
// the memory.
type visit struct {
	*Parameters
	model model
	card  Card
	now   time.Time
	days  int     // since the last review
	fuzz  float64 // from 0 up to 1, or unfuzzed
	next  [4]Card // by rating, memory and counters already updated
}

func (p *Parameters) visit(card Card, now time.Time) *visit {
	v := &visit{Parameters: p, model: p.model(), card: card, now: now, fuzz: p.fuzz(card.Reps + 1)}
	if card.State != New && !card.LastReview.IsZero() {
		v.days = daysBetween(card.LastReview, now)
	}
	before := memory{card.Stability, card.Difficulty}
	for i := range v.next {
		after := v.model.next(before, v.days, Again+Rating(i))
		next := &v.next[i]
		*next = card
		next.Stability, next.Difficulty = after.stability, after.difficulty
		next.LastReview = now
		next.Reps++
	}
	return v
}

// shortTerm leads cards through steps of minutes before they get intervals of days.
func (v *visit) shortTerm() [4]Card {
	again, hard, good, easy := &v.next[0], &v.next[1], &v.next[2], &v.next[3]
	if v.card.State != Review {
		v.step(again, Again)
		v.step(hard, Hard)
		v.step(good, Good)
		v.step(easy, Easy)
		return v.next
	}

	v.step(again, Again)
	again.Lapses++

	hardDays, goodDays := v.interval(hard), v.interval(good)
	hardDays = min(hardDays, goodDays)
	goodDays = max(goodDays, hardDays+1)
	v.schedule(hard, hardDays)
	v.schedule(good, goodDays)
	v.schedule(easy, max(v.interval(easy), goodDays+1))
	return v.next
}

// longTerm gives every rating an interval of days, each longer than the one before.
func (v *visit) longTerm() [4]Card {
	again, hard, good, easy := &v.next[0], &v.next[1], &v.next[2], &v.next[3]
	if v.card.State != New {
		again.Lapses++
	}
	againDays := min(v.interval(again), v.interval(hard))
	hardDays := max(v.interval(hard), againDays+1)
	goodDays := max(v.interval(good), hardDays+1)
	v.schedule(again, againDays)
	v.schedule(hard, hardDays)
	v.schedule(good, goodDays)
	v.schedule(easy, max(v.interval(easy), goodDays+1))
	return v.next
}

// step puts the card into the step that the rating leads to, or schedules it by
// its stability if there is none.
func (v *visit) step(next *Card, rating Rating) {
	state, steps := Learning, v.LearningSteps
	if v.card.State == Review || v.card.State == Relearning {
		state, steps = Relearning, v.RelearningSteps
	}
	wait, index := v.wait(steps, rating)
	if wait == 0 {
		v.schedule(next, v.interval(next))
		return
	}
	if wait >= day { // ts-fsrs calls such a card learned, yet keeps its step
		state = Review
	}
	next.State, next.Step, next.Due = state, index, v.now.Add(wait)
}

// wait returns how long the rating makes the card wait and in which step, or 0
// when it leaves the steps.
func (v *visit) wait(steps []time.Duration, rating Rating) (wait time.Duration, index int) {
	current := v.card.Step
	if current >= len(steps) {
		return 0, 0
	}
	switch {
	case rating == Again && v.card.State == Review:
		return steps[current], 0
	case rating == Again:
		return steps[0], 0
	case rating == Hard && len(steps) == 1:
		return (steps[0] * 3 / 2).Round(time.Minute), current
	case rating == Hard:
		return ((steps[0] + steps[1]) / 2).Round(time.Minute), current
	case rating == Good && current+1 < len(steps):
		return steps[current+1], current + 1
	}
	return 0, 0
}

// interval returns the days until the card's recall falls to the wanted retention.
func (v *visit) interval(next *Card) int {
	days := clamp(round(next.Stability*v.model.modifier), 1, float64(v.MaximumInterval))
	return v.fuzzed(days)
}

func (v *visit) schedule(next *Card, days int) {
	next.State, next.Step, next.Due = Review, 0, v.now.Add(time.Duration(days)*day)
}
