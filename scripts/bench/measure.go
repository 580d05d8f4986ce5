package main

import (
	"context"
	"slices"
	"time"
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
	return quantile(subjects, 0.5), quantile(bases, 0.5), quantile(ratios, 0.5), nil
}

// quantile returns the value below which the share q of the values lies.
func quantile(values []float64, q float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// p95 compares single times, taken by turns, by their 95th percentile in milliseconds.
func p95(ctx context.Context, samples int, ours, baseline func(context.Context, int) error) (subject, base, ratio float64, err error) {
	times := [2][]float64{}
	for i := range samples + 3 {
		for side, run := range []func(context.Context, int) error{ours, baseline} {
			began := time.Now()
			if err := run(ctx, i); err != nil {
				return 0, 0, 0, err
			}
			if i >= 3 { // after warming up
				times[side] = append(times[side], float64(time.Since(began).Microseconds())/1000)
			}
		}
	}
	subject, base = quantile(times[0], 0.95), quantile(times[1], 0.95)
	return subject, base, subject / base, nil
}
