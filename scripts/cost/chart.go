package main

import (
	"encoding/xml"
	"fmt"
	"strings"
)

// groups are the parts as the chart shows them: more colours can't be told apart.
// These can be by everybody (Okabe and Ito's palette).
var groups = []struct {
	name, colour, ink string
	parts             []string
}{
	{"language model", "#E69F00", "#222", []string{"language model"}},
	{"functions", "#0072B2", "#fff", functionParts},
	{"database", "#009E73", "#fff", []string{"database", "database storage and backups"}},
	{"edge and egress", "#CC79A7", "#222", []string{"load balancer and Armor", "egress"}},
	{"files and Firestore", "#56B4E9", "#222", []string{"file storage", "Firestore"}},
	{"logs, builds, rest", "#999999", "#222", []string{"logs and metrics", "builds and images", "secrets, schedules, DNS"}},
}

// Sizes of the chart, in pixels.
const (
	chartWidth = 960
	barLeft    = 170
	barWidth   = 640
	barHeight  = 34
	barStep    = 48
)

// svg writes a drawing.
type svg struct{ strings.Builder }

func (s *svg) text(x, y float64, style, text string) {
	fmt.Fprintf(s, `<text x="%.1f" y="%.1f" %s>`, x, y, style)
	xml.EscapeText(s, []byte(text))
	s.WriteString("</text>\n")
}

// bar draws one stacked bar; label says what stands in a segment that has room for it.
func (s *svg) bar(y float64, b *Bill, pixels float64, label func(usd float64) string) {
	x := float64(barLeft)
	for _, g := range groups {
		width := pixels * b.Part(g.parts...) / b.Total()
		if width < 0.05 {
			continue
		}
		fmt.Fprintf(s, `<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s" stroke="#fff"><title>`, x, y, width, barHeight, g.colour)
		xml.EscapeText(s, []byte(fmt.Sprintf("%s: %s USD", g.name, dollars(b.Part(g.parts...)))))
		s.WriteString("</title></rect>\n")
		if text := label(b.Part(g.parts...)); width > 8*float64(len(text))+4 {
			s.text(x+width/2, y+barHeight/2+5, fmt.Sprintf(`text-anchor="middle" fill="%s"`, g.ink), text)
		}
		x += width
	}
}

// chart draws what each part's share of each bill is, and what one student costs.
func chart(bills []*Bill) string {
	var students []*Bill
	dearest := 0.0
	for _, b := range bills {
		if b.Students > 0 {
			students = append(students, b)
			dearest = max(dearest, b.Total()/b.Students)
		}
	}
	const top = 96.0
	second := top + 44 + barStep*float64(len(bills)) + 30
	height := second + 16
	if len(students) > 0 {
		height = second + 24 + barStep*float64(len(students)) + 6
	}
	s := new(svg)
	fmt.Fprintf(s, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%.0f" viewBox="0 0 %d %.0f" font-family="Helvetica, Arial, sans-serif" font-size="14" role="img" aria-label="What a month costs, by part and number of students">`+"\n",
		chartWidth, height, chartWidth, height)
	fmt.Fprintf(s, `<rect width="100%%" height="100%%" fill="#fff"/>`+"\n")
	s.text(24, 36, `font-size="20" font-weight="bold" fill="#222"`, "What a month costs")
	x := 24.0
	for _, g := range groups {
		fmt.Fprintf(s, `<rect x="%.1f" y="54" width="14" height="14" fill="%s"/>`+"\n", x, g.colour)
		s.text(x+20, 66, `fill="#222"`, g.name)
		x += 46 + 6.6*float64(len(g.name))
	}

	s.text(24, top+24, `font-weight="bold" fill="#222"`, "Shares of the bill")
	for i, b := range bills {
		y := top + 40 + barStep*float64(i)
		s.text(barLeft-12, y+barHeight/2+5, `text-anchor="end" fill="#222"`, grouped(b.Students)+" students")
		s.bar(y, b, barWidth, func(usd float64) string { return fmt.Sprintf("%.0f %%", 100*usd/b.Total()) })
		s.text(barLeft+barWidth+12, y+barHeight/2+5, `fill="#222"`, dollars(b.Total())+" USD")
	}

	if len(students) > 0 {
		s.text(24, second, `font-weight="bold" fill="#222"`, "Cents a student, each month")
	}
	for i, b := range students {
		y := second + 16 + barStep*float64(i)
		each := b.Total() / b.Students
		s.text(barLeft-12, y+barHeight/2+5, `text-anchor="end" fill="#222"`, grouped(b.Students)+" students")
		s.bar(y, b, barWidth*each/dearest, func(usd float64) string { return fmt.Sprintf("%.1f", 100*usd/b.Students) })
		s.text(barLeft+barWidth*each/dearest+12, y+barHeight/2+5, `fill="#222"`, fmt.Sprintf("%.1f ct", 100*each))
	}
	s.WriteString("</svg>\n")
	return s.String()
}
