package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"

	"aksio.app/scripts/internal/machine"
	"aksio.app/shared/database"
)

// Row is one measurement beside its baseline.
type Row struct {
	Name     string
	Subject  float64 // ours, in Unit
	Baseline float64 // in Unit
	Unit     string
	Ratio    float64 // of subject to baseline: the median of the rounds
	Budget   float64 // what the ratio may reach; 0: shown only
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

// Report is what was measured, and where.
type Report struct {
	Machine string
	Rows    []Row
}

func (r *Report) missed() (n int) {
	for _, row := range r.Rows {
		if !row.Met() {
			n++
		}
	}
	return n
}

// String is the report in Markdown.
func (r *Report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n| name | ours | baseline | ratio | budget | met? |\n| --- | ---: | ---: | ---: | ---: | --- |\n", r.Machine)
	for _, row := range r.Rows {
		budget, met := "", ""
		if row.Budget > 0 {
			sign := "≤"
			if row.AtLeast {
				sign = "≥"
			}
			budget, met = fmt.Sprintf("%s %.2f", sign, row.Budget), "yes"
			if !row.Met() {
				met = "**no**"
			}
		}
		fmt.Fprintf(&b, "| %s | %.4g %s | %.4g %s | %.2f | %s | %s |\n",
			row.Name, row.Subject, row.Unit, row.Baseline, row.Unit, row.Ratio, budget, met)
	}
	return b.String()
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
