// Package decimals holds numbers whose last digits are only noise of how they were
// computed: JSON shows them rounded.
package decimals

import (
	"encoding/json"
	"math"
)

// Two is a number that is shown with two decimals at most, such as a percentage.
type Two float64

// MarshalJSON writes the number.
func (n Two) MarshalJSON() ([]byte, error) { return json.Marshal(math.Round(float64(n)*1e2) / 1e2) }

// Four is a number that is shown with four decimals at most, such as a ratio.
type Four float64

// MarshalJSON writes the number.
func (n Four) MarshalJSON() ([]byte, error) { return json.Marshal(math.Round(float64(n)*1e4) / 1e4) }
