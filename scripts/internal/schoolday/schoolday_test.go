package schoolday

import (
	"math"
	"testing"
	"time"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api"
)

func TestTheScriptCallsWhatThereIs(t *testing.T) {
	t.Parallel()
	for _, v := range Day {
		for _, a := range v.Activities {
			caused := false
			for _, s := range a.Steps {
				if d, ok := api.Lookup(s.Operation); !ok || d.Access == api.Private {
					t.Errorf("%s, %s: there is no function %s that a student may call", v.Name, a.Name, s.Operation)
				}
				if s.Awaits && !caused {
					t.Errorf("%s, %s: %s awaits what nothing caused", v.Name, a.Name, s.Operation)
				}
				if caused = caused || s.Causes != ""; s.Causes != "" {
					if d, ok := api.Lookup(s.Causes); !ok || d.Access != api.Private {
						t.Errorf("%s, %s: there is no private function %s", v.Name, a.Name, s.Causes)
					}
				}
			}
		}
	}
}

func TestCurve(t *testing.T) {
	t.Parallel()
	c := NewCurve(0.4, map[int]float64{8: 3, 10: 1})
	at := func(hour, minute int) time.Duration {
		return time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute
	}
	for _, tc := range []struct {
		at   time.Duration
		want float64
	}{
		{at(0, 0), 0},
		{at(8, 0), 0},
		{at(8, 5), 0.75 * 0.4},
		{at(8, 2) + 30*time.Second, 0.75 * 0.2},
		{at(9, 0), 0.75},
		{at(10, 0), 0.75}, // nobody begins between
		{at(10, 5), 0.85},
		{at(11, 0), 1},
		{at(24, 0), 1},
	} {
		if got := c.Before(tc.at); math.Abs(got-tc.want) > 1e-9 {
			t.Errorf("before %v: got %g, want %g", tc.at, got, tc.want)
		}
	}
	for _, q := range []float64{0, 0.1, 0.3, 0.5, 0.74, 0.75, 0.76, 0.85, 0.999} {
		got := c.At(q)
		if back := c.Before(got); math.Abs(back-q) > 1e-9 {
			t.Errorf("at %g: got %v, before which are %g", q, got, back)
		}
		if hour := got / time.Hour; hour != 8 && hour != 10 {
			t.Errorf("at %g: got %v, when nobody begins", q, got)
		}
	}
	from, to := Span([]Visit{{Begins: c}})
	if from != at(8, 0) || to != at(11, 0) {
		t.Errorf("got a day from %v to %v, want 8h to 11h", from, to)
	}
}

func TestLongest(t *testing.T) {
	t.Parallel()
	day := []Visit{
		{Activities: []Activity{{Steps: []Step{{Think: time.Second, Times: 3}, {Think: 2 * time.Second}}}}},
		{Activities: []Activity{{Steps: []Step{{Think: time.Second}}}}},
	}
	if got := Longest(day); got != 5*time.Second {
		t.Errorf("got %v, want 5 s", got)
	}
}
