package plot

import (
	"fmt"
	"math"
	"time"
)

// Axis leads from a least value to a largest.
type Axis struct {
	Min, Max float64
	Log      bool // logarithmic: both are above zero
	Names    bool // its ticks are names, not values
	Ticks    []Tick
}

// Tick marks a value. Those without a label are short.
type Tick struct {
	At    float64
	Label string
}

func (t Tick) length() float64 {
	if t.Label == "" {
		return 2
	}
	return 4
}

// part is how far along the axis a value is, from 0 to 1. Values beyond the ends
// are at them.
func (a Axis) part(value float64) float64 {
	low, high := a.Min, a.Max
	if a.Log {
		value, low, high = math.Log(max(value, a.Min)), math.Log(low), math.Log(high)
	}
	return min(1, max(0, (value-low)/(high-low)))
}

// Unlabelled is the axis for a panel beside another one that shows the labels.
func (a Axis) Unlabelled() Axis {
	ticks := make([]Tick, len(a.Ticks))
	for i, t := range a.Ticks {
		ticks[i].At = t.At
		if t.Label != "" {
			ticks[i].Label = " "
		}
	}
	a.Ticks = ticks
	return a
}

// Linear is an axis with some four to eight round values.
func Linear(low, high float64) Axis {
	if high <= low {
		high = low + 1
	}
	a := Axis{Min: low, Max: high}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, factor := range []float64{5, 2} {
		if (high-low)/(step*factor) >= 4 {
			step *= factor
			break
		}
	}
	for i := int(math.Ceil(low/step - 1e-9)); float64(i)*step <= high*(1+1e-9); i++ {
		at := float64(i) * step
		a.Ticks = append(a.Ticks, Tick{at, fmt.Sprintf("%.6g", at)})
	}
	return a
}

// Milliseconds is a logarithmic axis of times that holds all from low to high.
func Milliseconds(low, high float64) Axis {
	if !(low > 0 && high >= low) {
		low, high = 1, 10
	}
	first, last := math.Floor(math.Log10(low)+1e-9), math.Ceil(math.Log10(high)-1e-9)
	last = max(last, first+1)
	a := Axis{Min: math.Pow(10, first), Max: math.Pow(10, last), Log: true}
	for exponent := first; exponent <= last; exponent++ {
		decade := math.Pow(10, exponent)
		a.Ticks = append(a.Ticks, Tick{decade, Duration(time.Duration(decade * float64(time.Millisecond)))})
		for digit := 2.0; digit < 10 && exponent < last; digit++ {
			a.Ticks = append(a.Ticks, Tick{At: decade * digit})
		}
	}
	return a
}

// Clock is an axis of seconds of the day, with the full hours.
func Clock(from, to time.Duration) Axis {
	a := Axis{Min: from.Seconds(), Max: to.Seconds()}
	for at := from.Truncate(time.Hour); at <= to; at += time.Hour {
		if at >= from {
			a.Ticks = append(a.Ticks, Tick{at.Seconds(), fmt.Sprintf("%02.0f:00", math.Mod(at.Hours(), 24))})
		}
	}
	return a
}

// Names is an axis of words, the first at the top.
func Names(names []string) Axis {
	a := Axis{Min: -0.6, Max: float64(len(names)) - 0.4, Names: true}
	for i, name := range names {
		a.Ticks = append(a.Ticks, Tick{float64(len(names) - 1 - i), name})
	}
	return a
}

// Duration writes a time with the two digits that count.
func Duration(d time.Duration) string {
	ms := d.Seconds() * 1000
	switch {
	case ms < 10 && ms != math.Floor(ms):
		return fmt.Sprintf("%.1f ms", ms)
	case ms < 1000:
		return fmt.Sprintf("%.0f ms", ms)
	case ms < 10_000 && ms != 1000*math.Floor(ms/1000):
		return fmt.Sprintf("%.1f s", ms/1000)
	case d < 2*time.Minute:
		return fmt.Sprintf("%.0f s", ms/1000)
	case d < 2*time.Hour:
		return fmt.Sprintf("%.0f min", d.Minutes())
	}
	return fmt.Sprintf("%.1f h", d.Hours())
}
