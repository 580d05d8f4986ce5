package schoolday

import (
	"slices"
	"time"
)

// Width is how finely a Curve divides the day.
const Width = 5 * time.Minute

const widths = int(24 * time.Hour / Width)

// Curve says how beginnings spread over a day: evenly within each of its widths.
type Curve struct {
	until [widths + 1]float64 // the share that began before each width; 1 at the end
}

// NewCurve spreads beginnings over hours by weight. The share rush of an hour's
// falls into its first Width, when the lesson begins; the rest follows evenly.
func NewCurve(rush float64, hours map[int]float64) Curve {
	perHour := int(time.Hour / Width)
	var weights [widths]float64
	for hour, weight := range hours {
		for i := range perHour {
			share := (1 - rush) / float64(perHour-1)
			if i == 0 {
				share = rush
			}
			weights[hour*perHour+i] = weight * share
		}
	}
	return CurveOf(weights[:])
}

// CurveOf is the curve of the weights of the day's widths, 288 of them.
func CurveOf(weights []float64) Curve {
	var c Curve
	for i, weight := range weights {
		c.until[i+1] = c.until[i] + weight
	}
	for i := range c.until {
		c.until[i] /= c.until[widths]
	}
	return c
}

// Before returns the share of the beginnings before the time of the day.
func (c *Curve) Before(at time.Duration) float64 {
	if at <= 0 {
		return 0
	}
	i := int(at / Width)
	if i >= widths {
		return 1
	}
	part := float64(at%Width) / float64(Width)
	return c.until[i] + part*(c.until[i+1]-c.until[i])
}

// At is the time of the day before which the share q of the beginnings falls, for 0 ≤ q < 1.
func (c *Curve) At(q float64) time.Duration {
	i, found := slices.BinarySearch(c.until[:], q)
	for found && i+1 < len(c.until) && c.until[i+1] == q { // of widths without beginnings, the last
		i++
	}
	if !found {
		i--
	}
	part := (q - c.until[i]) / (c.until[i+1] - c.until[i])
	return time.Duration((float64(i) + part) * float64(Width))
}

// Span returns when the first and the last beginnings of the day's visits may be.
func Span(day []Visit) (from, to time.Duration) {
	from, to = 24*time.Hour, 0
	for _, v := range day {
		for i := range widths {
			if v.Begins.until[i+1] > v.Begins.until[i] {
				from = min(from, time.Duration(i)*Width)
				to = max(to, time.Duration(i+1)*Width)
			}
		}
	}
	return from, to
}
