package main

import (
	"fmt"

	"aksio.app/scripts/internal/plot"
	"aksio.app/scripts/internal/report"
)

// groups are the parts as the chart shows them: more colours can't be told apart.
var groups = []struct {
	name, colour, ink string
	parts             []string
}{
	{"language model", plot.Orange, plot.Black, []string{"language model"}},
	{"functions", plot.Blue, plot.White, functionParts},
	{"database", plot.Green, plot.White, []string{"database", "database storage and backups"}},
	{"edge and egress", plot.Purple, plot.Black, []string{"load balancer and Armor", "egress"}},
	{"files and Firestore", plot.Sky, plot.Black, []string{"file storage", "Firestore"}},
	{"logs, builds, rest", plot.Grey, plot.Black, []string{"logs and metrics", "builds and images", "secrets, schedules, DNS"}},
}

// Sizes of the chart, in points.
const (
	chartWidth = 720
	barLeft    = 120
	barWidth   = 500 // of the longest; its total is behind it
	barHeight  = 24
	barStep    = 34
)

// chart draws what each part's share of each bill is, and what one student costs.
func chart(bills []*Bill) *plot.Canvas {
	var students []*Bill
	for _, b := range bills {
		if b.Students > 0 {
			students = append(students, b)
		}
	}
	high := func(bills []*Bill) float64 { return 30 + barStep*float64(len(bills)) }
	height := 64 + high(bills)
	if len(students) > 0 {
		height += high(students)
	}
	c := plot.New(chartWidth, height, "What a month costs, by part and number of students: shares of each bill, and cents a student")
	c.Text(14, 22, 15, "What a month costs")
	var keys []plot.Key
	for _, g := range groups {
		keys = append(keys, plot.Key{Name: g.name, Colour: g.colour, Mark: plot.Field})
	}
	c.Legend(14, 44, keys...)
	draw := func(y float64, title string, p *plot.Panel, bills []*Bill) {
		c.Text(14, y+14, 11, title)
		c.Draw(p, 0, y, chartWidth, high(bills), plot.Margins{Left: barLeft, Right: chartWidth - barLeft - barWidth, Top: 22, Bottom: 8})
	}
	draw(58, "Shares of the bill", bars(bills, "%.0f %%", func(b *Bill) float64 { return 100 / b.Total() },
		func(b *Bill) string { return dollars(b.Total()) + " USD" }), bills)
	if len(students) > 0 {
		draw(58+high(bills), "Cents a student, each month", bars(students, "%.1f", func(b *Bill) float64 { return 100 / b.Students },
			func(b *Bill) string { return fmt.Sprintf("%.1f ct", 100*b.Total()/b.Students) }), students)
	}
	return c
}

// bars draws a stacked bar for each bill, of its dollars times the factor. The format
// is that of the words in a segment that has room for them; total stands behind a bar.
func bars(bills []*Bill, format string, factor func(*Bill) float64, total func(*Bill) string) *plot.Panel {
	var names []string
	longest := 0.0
	for _, b := range bills {
		names = append(names, report.Thousands(b.Students)+" students")
		longest = max(longest, b.Total()*factor(b))
	}
	p := &plot.Panel{X: plot.Axis{Max: longest}, Y: plot.Names(names)}
	for i, b := range bills {
		x, y := 0.0, p.Y.Ticks[i].At
		for _, g := range groups {
			long := b.Part(g.parts...) * factor(b)
			p.Bar(x, x+long, y, barHeight, g.colour)
			if words := fmt.Sprintf(format, long); barWidth*long/longest > 6*float64(len(words))+4 {
				p.Within(x+long/2, y, g.ink, words)
			}
			x += long
		}
		p.Beside(x, y, total(b))
	}
	return p
}
