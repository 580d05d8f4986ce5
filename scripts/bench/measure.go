package main

import (
	"context"
	"time"

	"aksio.app/scripts/internal/quantile"
)

// pair measures two things by turns, so that a busy moment of the machine hits
// both, and returns the medians and the median of the rounds' ratios. The first
// round warms up and doesn't count.
func pair(rounds int, ours, baseline func() (float64, error)) (subject, base, ratio float64, err error) {
	var subjects, bases, ratios []float64
	for round := range rounds + 1 {
		var a, b float64
		if round%2 == 0 {
			a, err = ours()
		}
		if err == nil {
			b, err = baseline()
		}
		if round%2 == 1 && err == nil {
			a, err = ours()
		}
		if err != nil {
			return 0, 0, 0, err
		}
		if round > 0 {
			subjects, bases, ratios = append(subjects, a), append(bases, b), append(ratios, a/b)
		}
	}
	return quantile.Of(subjects, 0.5), quantile.Of(bases, 0.5), quantile.Of(ratios, 0.5), nil
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
