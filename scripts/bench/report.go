package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"aksio.app/scripts/internal/machine"
	"aksio.app/scripts/internal/report"
	"aksio.app/shared/database"
)

// Row is one measurement beside its baseline.
type Row struct {
	Name     string
	Subject  float64 // ours, in Unit
	Baseline float64 // in Unit
	Unit     string
	Ratio    float64 // of subject to baseline: the median of the rounds' ratios; of p95s, their quotient
	Budget   float64 // what the ratio may reach; 0: shown only
	Accepted float64 // up to where a missed budget passes a strict run, since the same run measures what puts it out of reach
	AtLeast  bool    // the budget is the least, not the most
}

// Met reports whether the ratio keeps to the budget.
func (r Row) Met() bool {
	if r.Budget == 0 {
		return true
	}
	if r.AtLeast {
		return r.Ratio >= r.Budget
	}
	return r.Ratio <= r.Budget
}

// excused reports whether a missed budget is accepted.
func (r Row) excused() bool { return r.Ratio <= r.Accepted }

// Report is what was measured, and where.
type Report struct {
	Short      bool // everything was tried, on too little to tell anything
	Machine    string
	Rows       []Row
	Unmeasured []string // parts that weren't measured, and why
}

// failure is what a strict run fails with, nil if all was measured and keeps to its budget,
// or to what is accepted.
func (r *Report) failure() error {
	missed := 0
	for _, row := range r.Rows {
		if !row.Met() && !row.excused() {
			missed++
		}
	}
	if missed+len(r.Unmeasured) == 0 {
		return nil
	}
	return fmt.Errorf("%d budgets are missed, and %d parts weren't measured", missed, len(r.Unmeasured))
}

// document is the report for readers.
func (r *Report) document() *report.Document {
	d := &report.Document{Title: "Measured beside the least that could do it"}
	if r.Short {
		d.Title = "Only tried (BENCHTIME=short): these figures prove nothing"
	}
	d.Say("%s.", r.Machine)
	d.Say("The ratio of starts, requests and PDFs is the median of the rounds' ratios, and not the quotient of the medians that stand beside it.")
	for _, why := range r.Unmeasured {
		d.Say("**Not measured**: %s.", why)
	}
	t := d.Table(1, "name", "ours", "baseline", "ratio", "budget", "met?")
	for _, row := range r.Rows {
		budget, met := "", ""
		if row.Budget > 0 {
			sign := "≤"
			if row.AtLeast {
				sign = "≥"
			}
			budget, met = fmt.Sprintf("%s %.2f", sign, row.Budget), "yes"
			switch {
			case row.Met():
			case row.excused():
				met = fmt.Sprintf("**no**, accepted up to %.2f", row.Accepted)
			default:
				met = "**no**"
			}
		}
		t.Row(row.Name, fmt.Sprintf("%.4g %s", row.Subject, row.Unit), fmt.Sprintf("%.4g %s", row.Baseline, row.Unit),
			fmt.Sprintf("%.2f", row.Ratio), budget, met)
	}
	return d
}

// describe says what the numbers were measured on.
func describe(ctx context.Context, db *database.DB) string {
	facts := machine.Describe(ctx, db)
	if text, err := exec.CommandContext(ctx, "pdftotext", "-v").CombinedOutput(); err == nil {
		first, _, _ := strings.Cut(string(text), "\n")
		facts += "; " + first
	}
	return facts
}
