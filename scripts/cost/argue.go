package main

import (
	"errors"
	"math"
	"strings"

	"aksio.app/scripts/internal/report"
)

// Argument is what the model says about one choice.
type Argument struct {
	Title string
	Text  string
	Rows  [][]string // a table below the text; may be empty
}

// most is up to how many students break-evens are looked for.
const most = 10_000_000

// arguer computes variants and remembers what failed.
type arguer struct {
	in    *Inputs
	bills []*Bill
	errs  []error
}

// argue returns what the bills argue for.
func argue(in *Inputs, bills []*Bill) ([]Argument, error) {
	a := &arguer{in: in, bills: bills}
	all := []Argument{
		a.whatCosts(), a.concurrency(), a.partOfACPU(), a.models(), a.tiers(), a.pooling(), a.redis(), a.highAvailability(), a.warm(), a.router(), a.maxInstances(),
	}
	return all, errors.Join(a.errs...)
}

// at computes the bill of a variant for some students.
func (a *arguer) at(students float64, change func(*Inputs)) *Bill {
	in := a.in
	if change != nil {
		in = in.with(change)
	}
	bill, err := Compute(in, students)
	if err != nil {
		a.errs = append(a.errs, err)
	}
	return bill
}

// header is the first row of a table with a column for each number of students.
func (a *arguer) header(name string) [][]string {
	row := []string{name}
	for _, b := range a.bills {
		row = append(row, report.Thousands(b.Students))
	}
	return [][]string{row}
}

// row computes a cell for each number of students.
func (a *arguer) row(name string, cell func(b *Bill) string) []string {
	row := []string{name}
	for _, b := range a.bills {
		row = append(row, cell(b))
	}
	return row
}

// from returns the least number of students at which something holds that goes on to
// hold, and whether there is one.
func (a *arguer) from(holds func(students float64) bool) (float64, bool) {
	if !holds(most) {
		return 0, false
	}
	low, high := 0.0, float64(most)
	for high-low > max(1, low/1000) {
		middle := math.Round((low + high) / 2)
		if low > 0 && high/low > 4 {
			middle = math.Round(math.Sqrt(low * high))
		}
		if holds(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high, true
}

// about rounds a number of students to two digits: the rest is not known.
func about(students float64) string {
	if students < 10 {
		return report.Thousands(students)
	}
	unit := math.Pow(10, math.Floor(math.Log10(students))-1)
	return report.Thousands(math.Round(students/unit) * unit)
}

// biggest is the bill with the most students.
func (a *arguer) biggest() *Bill { return a.bills[len(a.bills)-1] }

// where returns the ranges of students in which something holds, in words, "" if nowhere.
func (a *arguer) where(holds func(students float64) bool) string {
	var ranges []string
	begin, last := 0.0, 0.0
	end := func() {
		switch from, to := about(begin), about(last); {
		case begin == 0:
		case from == to:
			ranges = append(ranges, "about "+from)
		default:
			ranges = append(ranges, "about "+from+" to "+to)
		}
		begin = 0
	}
	for n := 100.0; n <= most; n *= math.Pow(10, 1.0/16) {
		if !holds(math.Round(n)) {
			end()
			continue
		}
		if begin == 0 {
			begin = n
		}
		last = n
	}
	end()
	return strings.Join(ranges, ", ")
}
