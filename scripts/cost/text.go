package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"aksio.app/scripts/internal/report"
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
	return report.Thousands(math.Round(usd))
}

// percent writes a share with the digits that one looks at.
func percent(share float64) string {
	switch {
	case 0 < share && share < 0.0001:
		return "< 0.01 %"
	case share < 0.1:
		return fmt.Sprintf("%.2g %%", 100*share)
	}
	return fmt.Sprintf("%.0f %%", 100*share)
}

// perStudent writes what one student costs.
func perStudent(b *Bill) string {
	if b.Students == 0 {
		return "–"
	}
	return fmt.Sprintf("%.4f", b.Total()/b.Students)
}

// rows is the table of the bills: parts downwards, numbers of students to the right.
func rows(in *Inputs, bills []*Bill) [][]string {
	all := [][]string{{"USD a month at … students"}}
	for _, b := range bills {
		all[0] = append(all[0], report.Thousands(b.Students))
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
	row("connections, of its", func(b *Bill) string {
		return report.Thousands(math.Ceil(b.Need.Connections)) + " of " + report.Thousands(b.Database.letsIn(b.Need))
	})
	row("it is so large for", func(b *Bill) string {
		if in.Tier != "" {
			return "-set tier"
		}
		return in.decides(b.Need)
	})
	return all
}

// summary is what one looks at: the bills, and what they argue for.
func summary(in *Inputs, bills []*Bill, arguments []Argument, assignments []string) *report.Document {
	d := &report.Document{Title: "What the platform costs"}
	d.Say("Computed by `make cost` from `infrastructure/functions.json` and `infrastructure/cost`.")
	if len(assignments) > 0 {
		d.Say("Overridden: `%s`.", strings.Join(assignments, "`, `"))
	}
	d.Plot("cost.svg", chart(bills))
	add := func(all [][]string) { d.Table(1, all[0]...).Rows = all[1:] }
	add(rows(in, bills))
	d.Say("The database is at least what Terraform takes: its max_connections has to hold those that functions may open with all the instances that " +
		"they may have, and a reserve, whether students come or not (infrastructure/database.tf). In staging each function has one instance, and " +
		"max_connections is raised, which only takes memory.")
	d.Say("Instances and connections are others in `make simulate`, at the same number of students. Here a student's calls of a month are "+
		"spread over its days, %.0f %% of them into %g hours, and the peak is %g times the mean of these hours; connections are those of all instances "+
		"that functions may have, and what assumptions.json says that a call takes is a guess. The simulation plays one school day, on which "+
		"lessons begin at the full hour, takes its busiest minute and what calls took in a load run, and counts the connections of the instances "+
		"that it starts. Take the bill from here, and limits from there.",
		100*in.General["busy_share"].Value, in.General["busy_hours"].Value, in.General["peak_factor"].Value)
	d.Heading("What this argues for")
	for _, a := range arguments {
		d.Subheading(a.Title)
		d.Say("%s", a.Text)
		if len(a.Rows) > 0 {
			add(a.Rows)
		}
	}
	return d
}

// detail adds every line that was computed, and from what.
func detail(d *report.Document, in *Inputs, bills []*Bill) {
	d.Heading("Every line")
	for _, b := range bills {
		d.Subheading(report.Thousands(b.Students) + " students")
		t := d.Table(2, "part", "line", "quantity", "price", "USD")
		for _, l := range b.Lines {
			t.Row(l.Part, l.Name, fmt.Sprintf("%.4g", l.Quantity), l.Price, dollars(l.USD))
		}
	}
	d.Heading("Prices")
	prices := d.Table(1, "price", "USD", "unit", "free a month", "region", "date", "source")
	for _, name := range slices.Sorted(maps.Keys(in.Prices)) {
		p := in.Prices[name]
		source := p.Source
		if p.Assumed {
			source = "**assumed**: " + strings.TrimPrefix(source, "assumption: ")
		}
		prices.Row(name, fmt.Sprintf("%.4g", p.USD), p.Unit, dollars(p.Free), p.Region, p.Date, source)
	}
	d.Heading("Assumptions")
	general := d.Table(1, "assumption", "value", "why")
	for _, name := range slices.Sorted(maps.Keys(in.General)) {
		general.Row(name, fmt.Sprintf("%.6g", in.General[name].Value), in.General[name].Why)
	}
	calls := d.Table(1, "calls.…", "a student", "seconds", "CPU ms", "database ms", "response KiB", "tokens in", "out", "why")
	for _, key := range slices.Sorted(maps.Keys(in.Calls)) {
		c := in.Calls[key]
		calls.Row(key, fmt.Sprint(c.Calls), fmt.Sprint(c.Seconds), fmt.Sprint(c.CPU), fmt.Sprint(c.Database), fmt.Sprint(c.Response),
			report.Thousands(c.PromptTokens), report.Thousands(c.AnswerTokens), c.Why)
	}
}
