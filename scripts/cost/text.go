package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"
)

// dollars writes an amount with the digits that one looks at.
func dollars(usd float64) string {
	switch {
	case usd == 0:
		return "–"
	case math.Abs(usd) < 0.005:
		return "< 0.01"
	case math.Abs(usd) < 100:
		return fmt.Sprintf("%.2f", usd)
	}
	return grouped(math.Round(usd))
}

// grouped writes a whole number with commas.
func grouped(n float64) string {
	text := fmt.Sprintf("%.0f", math.Abs(n))
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	if n < 0 {
		return "-" + text
	}
	return text
}

// perStudent writes what one student costs.
func perStudent(b *Bill) string {
	if b.Students == 0 {
		return "–"
	}
	return fmt.Sprintf("%.4f", b.Total()/b.Students)
}

// rows is the table of the bills: parts downwards, numbers of students to the right.
func rows(bills []*Bill) [][]string {
	all := [][]string{{"USD a month at … students"}}
	for _, b := range bills {
		all[0] = append(all[0], grouped(b.Students))
	}
	row := func(name string, value func(*Bill) string) {
		line := []string{name}
		for _, b := range bills {
			line = append(line, value(b))
		}
		all = append(all, line)
	}
	for _, part := range parts {
		row(part, func(b *Bill) string { return dollars(b.Part(part)) })
	}
	row("total", func(b *Bill) string { return dollars(b.Total()) })
	row("a student", perStudent)
	row("database", func(b *Bill) string {
		if b.HA {
			return b.Database.Name + " HA"
		}
		return b.Database.Name
	})
	return all
}

// table writes the bills for a terminal.
func table(bills []*Bill) string { return aligned(rows(bills)) }

// aligned writes rows in columns, the first to the left. A rule stands below the
// first row and above the total.
func aligned(all [][]string) string {
	widths := make([]int, len(all[0]))
	for _, row := range all {
		for i, cell := range row {
			widths[i] = max(widths[i], utf8.RuneCountInString(cell))
		}
	}
	width := 2 * (len(widths) - 1)
	for _, w := range widths {
		width += w
	}
	var out strings.Builder
	for i, row := range all {
		if i == 1 || row[0] == "total" {
			out.WriteString(strings.Repeat("─", width) + "\n")
		}
		for j, cell := range row {
			padding := strings.Repeat(" ", widths[j]-utf8.RuneCountInString(cell))
			if j == 0 {
				out.WriteString(cell + padding)
			} else {
				out.WriteString("  " + padding + cell)
			}
		}
		out.WriteString("\n")
	}
	return out.String()
}

// wrap breaks text into lines of at most so many characters.
func wrap(text string, width int) string {
	var out strings.Builder
	at := 0
	for _, word := range strings.Fields(text) {
		n := utf8.RuneCountInString(word)
		if at > 0 && at+1+n > width {
			out.WriteString("\n")
			at = 0
		}
		if at > 0 {
			out.WriteString(" ")
			at++
		}
		out.WriteString(word)
		at += n
	}
	return out.String() + "\n"
}

func indent(text string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "\n", "\n  ") + "\n"
}

// grid writes rows as a Markdown table.
func grid(all [][]string) string {
	var out strings.Builder
	for i, row := range all {
		out.WriteString("| " + strings.Join(row, " | ") + " |\n")
		if i == 0 {
			out.WriteString("| --- |" + strings.Repeat(" ---: |", len(row)-1) + "\n")
		}
	}
	return out.String()
}

// markdown writes everything that was computed, and from what.
func markdown(in *Inputs, bills []*Bill, arguments []Argument, assignments []string) string {
	var out strings.Builder
	out.WriteString("# What the platform costs\n\nComputed by `make cost` from `infrastructure/functions.json` and `infrastructure/cost`.\n")
	if len(assignments) > 0 {
		fmt.Fprintf(&out, "Overridden: `%s`.\n", strings.Join(assignments, "`, `"))
	}
	out.WriteString("\n![Shares of each part, and cents a student](cost.svg)\n\n")
	out.WriteString(grid(rows(bills)))
	out.WriteString("\n" + section(arguments))

	out.WriteString("\n## Every line\n\n")
	for _, b := range bills {
		fmt.Fprintf(&out, "### %s students\n\n", grouped(b.Students))
		lines := [][]string{{"part", "line", "quantity", "price", "USD"}}
		for _, l := range b.Lines {
			lines = append(lines, []string{l.Part, l.Name, fmt.Sprintf("%.4g", l.Quantity), l.Price, dollars(l.USD)})
		}
		out.WriteString(grid(lines) + "\n")
	}
	out.WriteString("## Prices\n\n")
	prices := [][]string{{"price", "USD", "unit", "free a month", "region", "date", "source"}}
	for _, name := range slices.Sorted(maps.Keys(in.Prices)) {
		p := in.Prices[name]
		source := p.Source
		if p.Assumed {
			source = "**assumed**: " + strings.TrimPrefix(source, "assumption: ")
		}
		prices = append(prices, []string{name, fmt.Sprintf("%.4g", p.USD), p.Unit, dollars(p.Free), p.Region, p.Date, source})
	}
	out.WriteString(grid(prices))
	out.WriteString("\n## Assumptions\n\n")
	general := [][]string{{"assumption", "value", "why"}}
	for _, name := range slices.Sorted(maps.Keys(in.General)) {
		general = append(general, []string{name, fmt.Sprintf("%.6g", in.General[name].Value), in.General[name].Why})
	}
	out.WriteString(grid(general) + "\n")
	calls := [][]string{{"calls.…", "a student", "seconds", "CPU ms", "database ms", "response KiB", "tokens in", "out", "why"}}
	for _, key := range slices.Sorted(maps.Keys(in.Calls)) {
		c := in.Calls[key]
		calls = append(calls, []string{key, fmt.Sprint(c.Calls), fmt.Sprint(c.Seconds), fmt.Sprint(c.CPU), fmt.Sprint(c.Database), fmt.Sprint(c.Response),
			grouped(c.PromptTokens), grouped(c.AnswerTokens), c.Why})
	}
	out.WriteString(grid(calls))
	return out.String()
}

// terminal writes the arguments for reading in a terminal.
func terminal(all []Argument) string {
	var out strings.Builder
	out.WriteString("What this argues for\n")
	for _, a := range all {
		out.WriteString("\n" + a.Title + "\n" + wrap(a.Text, 100))
		if len(a.Rows) > 0 {
			out.WriteString(indent(aligned(a.Rows)))
		}
	}
	return out.String()
}

// section writes the arguments in Markdown.
func section(all []Argument) string {
	var out strings.Builder
	out.WriteString("## What this argues for\n")
	for _, a := range all {
		out.WriteString("\n### " + a.Title + "\n\n" + a.Text + "\n")
		if len(a.Rows) > 0 {
			out.WriteString("\n" + grid(a.Rows))
		}
	}
	return out.String()
}
