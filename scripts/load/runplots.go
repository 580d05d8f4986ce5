package main

import (
	"math"
	"slices"
	"time"

	"aksio.app/scripts/internal/plot"
	"aksio.app/scripts/internal/quantile"
	"aksio.app/scripts/internal/report"
)

// wide is the width of all pictures, in points.
const wide = 720

// slots is how finely plots divide the run.
const slots = 40

// slot is the part of the run that the time is in.
func (m *measured) slot(at time.Duration) int {
	return min(slots-1, max(0, int(float64(at)/float64(m.length())*slots)))
}

// middle is the time in the middle of a slot, in seconds.
func (m *measured) middle(slot int) float64 {
	return (float64(slot) + 0.5) * m.length().Seconds() / slots
}

// length is that of the time axis.
func (m *measured) length() time.Duration { return max(m.config.schedule.duration, m.took) }

func (m *measured) plots(d *report.Document) {
	d.Plot("distribution.svg", m.plotDistribution())
	d.Plot("latency.svg", m.plotLatency())
	d.Plot("throughput.svg", m.plotThroughput())
	d.Plot("connections.svg", m.plotConnections())
}

// plotDistribution draws a bar from the median to p99 for each operation.
func (m *measured) plotDistribution() *plot.Canvas {
	operations := summarize(m.config.schedule.day, m.samples)
	var names []string
	low, high := math.Inf(1), 0.0
	p := &plot.Panel{}
	var medians, p95s []plot.Point
	for i, s := range operations {
		names = append(names, s.operation)
		if len(s.seen) == 0 {
			continue
		}
		y := float64(len(operations) - 1 - i)
		p50, p95, p99 := quantile.OfSorted(s.seen, 0.5), quantile.OfSorted(s.seen, 0.95), quantile.OfSorted(s.seen, 0.99)
		low, high = min(low, p50), max(high, p99)
		p.Bar(p50, p95, y, 9, plot.Blue)
		p.Bar(p95, p99, y, 9, plot.Sky)
		medians, p95s = append(medians, plot.Point{X: p50, Y: y}), append(p95s, plot.Point{X: p95, Y: y})
	}
	p.Dots(medians, 3, plot.Black)
	p.Dots(p95s, 2, plot.Black)
	p.X, p.Y = plot.Milliseconds(low, high), plot.Names(names)
	longest := 0
	for _, name := range names {
		longest = max(longest, len(name))
	}
	left := 12 + 6.4*float64(longest) // the widest fonts that a browser may take need that
	height := 75 + 19*float64(len(names))
	c := plot.New(wide, height, "What students waited, by operation: bars from the median over p95 to p99")
	c.Text(left, 15, 13, "What students waited")
	c.Legend(left, 34, plot.Key{Name: "from the median", Colour: plot.Blue, Mark: plot.Field}, plot.Key{Name: "over p95", Colour: plot.Sky, Mark: plot.Field},
		plot.Key{Name: "to p99, on a logarithmic scale"})
	c.Draw(p, 0, 0, wide, height, plot.Margins{Left: left, Right: 20, Top: 44, Bottom: 24})
	return c
}

// plotLatency draws a panel for each operation, all on the same axes.
func (m *measured) plotLatency() *plot.Canvas {
	const columns = 4
	var panels []*plot.Panel
	low, high := math.Inf(1), 0.0
	for _, s := range summarize(m.config.schedule.day, m.samples) {
		panel, from, to := m.latencyPanel(s.operation)
		panels = append(panels, panel)
		low, high = min(low, from), max(high, to)
	}
	x, y := plot.Linear(0, m.length().Seconds()), plot.Milliseconds(low, high)
	const left, panelWidth, panelHeight = 46, 165, 108
	height := 52 + panelHeight*math.Ceil(float64(len(panels))/columns)
	c := plot.New(wide, height, "What students waited over the run: median and p95, a panel for each operation")
	c.Legend(left, 15, plot.Key{Name: "median of what students waited", Colour: plot.Blue, Mark: plot.Stroke}, plot.Key{Name: "p95", Colour: plot.Blue, Mark: plot.Dotted},
		plot.Key{Name: "failed", Colour: plot.Red, Mark: plot.Cross}, plot.Key{Name: "over the seconds since the day began"})
	for i, panel := range panels {
		row, column := i/columns, i%columns
		panel.X, panel.Y = x, y
		if i+columns < len(panels) {
			panel.X = x.Unlabelled()
		}
		if column > 0 {
			panel.Y = y.Unlabelled()
		}
		c.Draw(panel, left+float64(column)*panelWidth, 24+float64(row)*panelHeight, panelWidth, panelHeight, plot.Margins{Right: 14, Top: 18, Bottom: 6})
	}
	return c
}

// latencyPanel draws one operation, and tells the least and the largest wait in it.
func (m *measured) latencyPanel(operation string) (p *plot.Panel, low, high float64) {
	var waits [slots][]float64
	var failed []plot.Point
	low = math.Inf(1)
	for _, s := range m.samples {
		switch wait := max(0.1, inMS(s.seen())); {
		case s.operation != operation:
		case s.failure != "":
			failed = append(failed, plot.Point{X: s.at.Seconds(), Y: wait})
			low, high = min(low, wait), max(high, wait)
		default:
			i := m.slot(s.at)
			waits[i] = append(waits[i], wait)
		}
	}
	var median, p95 []plot.Point
	for i, w := range waits {
		if len(w) == 0 {
			continue
		}
		slices.Sort(w)
		median = append(median, plot.Point{X: m.middle(i), Y: quantile.OfSorted(w, 0.5)})
		p95 = append(p95, plot.Point{X: m.middle(i), Y: quantile.OfSorted(w, 0.95)})
		low, high = min(low, quantile.OfSorted(w, 0.5)), max(high, quantile.OfSorted(w, 0.95))
	}
	p = &plot.Panel{Title: operation}
	p.DottedLine(p95, plot.Blue)
	p.Line(median, plot.Blue, 1.2)
	p.Dots(median, 1.4, plot.Blue)
	p.Crosses(failed, plot.Red)
	return p, low, high
}

// plotThroughput draws the calls a second: planned by when they were to be made,
// answered by when they were.
func (m *measured) plotThroughput() *plot.Canvas {
	var planned, answered, failed [slots]int
	for _, v := range schedule(m.config.schedule) {
		for _, a := range v.activities {
			for _, c := range a {
				planned[m.slot(c.at)]++
			}
		}
	}
	for _, s := range m.samples {
		if i := m.slot(s.at + s.seen()); s.failure != "" {
			failed[i]++
		} else {
			answered[i]++
		}
	}
	most := 1.0
	curve := func(counts [slots]int) (points []plot.Point) {
		for i, n := range counts {
			points = append(points, plot.Point{X: m.middle(i), Y: float64(n) / m.length().Seconds() * slots})
			most = max(most, points[i].Y)
		}
		return points
	}
	p := &plot.Panel{}
	p.Area(curve(answered), plot.Sky)
	p.Line(curve(planned), plot.Black, 1)
	p.Line(curve(failed), plot.Red, 1.5)
	p.X, p.Y = plot.Linear(0, m.length().Seconds()), plot.Linear(0, most*1.05)
	c := plot.New(wide, 230, "Calls a second over the run: planned, answered and failed")
	c.Text(40, 15, 13, "Calls a second")
	c.Legend(40, 34, plot.Key{Name: "planned", Colour: plot.Black, Mark: plot.Stroke}, plot.Key{Name: "answered", Colour: plot.Sky, Mark: plot.Field},
		plot.Key{Name: "failed", Colour: plot.Red, Mark: plot.Stroke}, plot.Key{Name: "over the seconds since the day began"})
	c.Draw(p, 0, 0, wide, 230, timeMargins)
	return c
}

// timeMargins are those of a plot over time.
var timeMargins = plot.Margins{Left: 40, Right: 20, Top: 44, Bottom: 24}

// plotConnections draws what the database saw.
func (m *measured) plotConnections() *plot.Canvas {
	var open, active []plot.Point
	most := 2
	for _, c := range m.connections {
		open = append(open, plot.Point{X: c.at.Seconds(), Y: float64(c.open)})
		active = append(active, plot.Point{X: c.at.Seconds(), Y: float64(c.active)})
		most = max(most, c.open)
	}
	p := &plot.Panel{X: plot.Linear(0, m.length().Seconds()), Y: plot.Linear(0, float64(most)*1.1)}
	p.Area(active, plot.Orange)
	p.Line(open, plot.Blue, 1.5)
	c := plot.New(wide, 210, "Connections to the database over the run: open, and running a statement")
	c.Text(40, 15, 13, "Connections to the database")
	c.Legend(40, 34, plot.Key{Name: "open", Colour: plot.Blue, Mark: plot.Stroke}, plot.Key{Name: "running a statement", Colour: plot.Orange, Mark: plot.Field},
		plot.Key{Name: "over the seconds since the day began"})
	c.Draw(p, 0, 0, wide, 210, timeMargins)
	return c
}
