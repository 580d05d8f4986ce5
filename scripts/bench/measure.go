package main

import (
	"context"
	"time"

	"aksio.app/scripts/internal/quantile"
)

// turns measures things by turns, so that a busy moment of the machine hits all, and
// returns each one's values, a round's at the same place. The first round warms up and
// doesn't count.
func turns(rounds int, sides ...func() (float64, error)) ([][]float64, error) {
	values := make([][]float64, len(sides))
	for round := range rounds + 1 {
		for turn := range sides {
			side := turn
			if round%2 == 1 {
				side = len(sides) - 1 - turn
			}
			value, err := sides[side]()
			if err != nil {
				return nil, err
			}
			if round > 0 {
				values[side] = append(values[side], value)
			}
		}
	}
	return values, nil
}

// medianRatio is the median of the rounds' ratios.
func medianRatio(ours, baseline []float64) float64 {
	ratios := make([]float64, len(ours))
	for round := range ours {
		ratios[round] = ours[round] / baseline[round]
	}
	return quantile.Of(ratios, 0.5)
}

// beside is the row of values that were measured by turns, with their medians.
func beside(ours, baseline []float64) Row {
	return Row{Subject: quantile.Of(ours, 0.5), Baseline: quantile.Of(baseline, 0.5), Ratio: medianRatio(ours, baseline)}
}

// pair measures two things by turns.
func pair(rounds int, ours, baseline func() (float64, error)) (Row, error) {
	values, err := turns(rounds, ours, baseline)
	if err != nil {
		return Row{}, err
	}
	return beside(values[0], values[1]), nil
}

// p95 compares single times, taken by turns, by their 95th percentile in milliseconds.
func p95(ctx context.Context, samples int, ours, baseline func(context.Context, int) error) (subject, base, ratio float64, err error) {
	sides, times := [2]func(context.Context, int) error{ours, baseline}, [2][]float64{}
	for i := range samples + 3 {
		for turn := range 2 {
			side := (turn + i) % 2 // each is first as often as the other
			began := time.Now()
			if err := sides[side](ctx, i); err != nil {
				return 0, 0, 0, err
			}
			if i >= 3 { // after warming up
				times[side] = append(times[side], float64(time.Since(began).Microseconds())/1000)
			}
		}
	}
	subject, base = quantile.Of(times[0], 0.95), quantile.Of(times[1], 0.95)
	return subject, base, subject / base, nil
}
