// Package quantile finds medians and percentiles of measured values.
package quantile

import (
	"math"
	"slices"
)

// Of returns the value that at least the share q of the values doesn't exceed: the
// nearest rank, always one of the values. It is NaN if there are none.
func Of(values []float64, q float64) float64 {
	return OfSorted(slices.Sorted(slices.Values(values)), q)
}

// OfSorted is Of for values in ascending order.
func OfSorted(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	// The product may exceed a whole number by an error of rounding, such as 0.07 × 100.
	rank := int(math.Ceil(q*float64(len(sorted)) - 1e-9))
	return sorted[min(max(rank, 1), len(sorted))-1]
}
