package quantile

import (
	"math"
	"testing"
)

func TestNearestRank(t *testing.T) {
	t.Parallel()
	upTo := func(n int) []float64 {
		values := make([]float64, n)
		for i := range values {
			values[i] = float64(n - i) // in descending order: Of sorts
		}
		return values
	}
	for _, tc := range []struct {
		values []float64
		q      float64
		want   float64
	}{
		{upTo(100), 0.50, 50},
		{upTo(100), 0.95, 95},
		{upTo(100), 0.99, 99},
		{upTo(100), 1, 100},
		{upTo(100), 0, 1},
		{upTo(100), 0.07, 7},
		{upTo(101), 0.99, 100},
		{upTo(10), 0.95, 10}, // of few values the high percentiles are the largest
		{upTo(10), 0.90, 9},
		{[]float64{15, 20, 35, 40, 50}, 0.30, 20},
		{[]float64{15, 20, 35, 40, 50}, 0.40, 20},
		{[]float64{15, 20, 35, 40, 50}, 0.50, 35},
		{[]float64{7}, 0.5, 7},
	} {
		if got := Of(tc.values, tc.q); got != tc.want {
			t.Errorf("%g of %d values: got %g, want %g", tc.q, len(tc.values), got, tc.want)
		}
	}
	if got := Of(nil, 0.5); !math.IsNaN(got) {
		t.Errorf("of no values: got %g, want NaN", got)
	}
}

func TestValuesStayAsTheyWere(t *testing.T) {
	t.Parallel()
	values := []float64{3, 1, 2}
	Of(values, 0.5)
	if values[0] != 3 || values[1] != 1 || values[2] != 2 {
		t.Errorf("got %v, want them in their order", values)
	}
}
