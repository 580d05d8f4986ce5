// Package plot draws figures over time and their distribution as SVG, which every
// browser shows and text can be searched for.
package plot

import (
	"fmt"
	"html"
	"math"
	"slices"
	"strings"
)

// Colours that people who see few of them can tell apart, too (Okabe and Ito).
const (
	Blue   = "#0072b2"
	Sky    = "#9dd0ef"
	Orange = "#e69f00"
	Red    = "#d55e00"
	Green  = "#009e73"
	Purple = "#cc79a7"
	Black  = "#222"
	Grey   = "#999"
	White  = "#fff"
	pale   = "#e8e8e8"
)

// Point is a point in the units of a panel's axes.
type Point struct{ X, Y float64 }

// Panel is a rectangle with axes in which figures are drawn, the first below the
// later ones.
type Panel struct {
	Title string
	X, Y  Axis

	shapes []func(*strings.Builder, frame)
	words  []func(*strings.Builder, frame) // above the shapes
}

// Canvas is a picture of some size in points.
type Canvas struct {
	Says string // what it shows, for those who can't see it

	width, height float64
	b             strings.Builder
}

// New returns an empty picture, which says what it shows.
func New(width, height float64, says string) *Canvas {
	c := &Canvas{Says: says, width: width, height: height}
	fmt.Fprintf(&c.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %g %g" width="%g" height="%g" role="img" `+
		`font-family="Liberation Sans,Arial,Helvetica,sans-serif">`+"\n<title>%s</title>\n"+`<rect width="100%%" height="100%%" fill="%s"/>`+"\n",
		width, height, width, height, html.EscapeString(says), White)
	return c
}

// SVG is the finished picture.
func (c *Canvas) SVG() string { return c.b.String() + "</svg>\n" }

// Text writes a line that begins at the place.
func (c *Canvas) Text(x, y, size float64, text string) { write(&c.b, x, y, size, "start", Black, text) }

// Key is an entry of a legend.
type Key struct {
	Name   string
	Colour string
	Mark   Mark
}

// Mark is what a key looks like.
type Mark int

// The marks.
const (
	NoMark Mark = iota
	Stroke
	Dotted
	Field
	Cross
)

// Legend draws keys in a row that begins at the place.
func (c *Canvas) Legend(x, y float64, keys ...Key) {
	const size = 18
	for _, k := range keys {
		middle := y - 3.5
		switch k.Mark {
		case Stroke:
			line(&c.b, x, middle, x+size, middle, k.Colour, 2, "")
		case Dotted:
			line(&c.b, x, middle, x+size, middle, k.Colour, 1.2, dots)
		case Field:
			rectangle(&c.b, x, middle-4, size, 8, k.Colour)
		case Cross:
			cross(&c.b, x+size/2, middle, k.Colour)
		}
		if k.Mark != NoMark {
			x += size + 5
		}
		c.Text(x, y, 10, k.Name)
		x += 5.2*float64(len([]rune(k.Name))) + 18
	}
}

// Margins are around a panel's frame, for what is written there.
type Margins struct{ Left, Right, Top, Bottom float64 }

// Draw draws the panel into the rectangle, margins included.
func (c *Canvas) Draw(p *Panel, x, y, width, height float64, m Margins) {
	f := frame{p.X, p.Y, x + m.Left, y + m.Top, x + width - m.Right, y + height - m.Bottom}
	if p.Title != "" {
		write(&c.b, (f.left+f.right)/2, f.top-5, 9, "middle", Black, p.Title)
	}
	for _, t := range p.X.Ticks {
		at := f.x(t.At)
		if t.Label != "" {
			line(&c.b, at, f.top, at, f.bottom, pale, 0.7, "")
			write(&c.b, at, f.bottom+13, 10, "middle", Black, t.Label)
		}
		line(&c.b, at, f.bottom, at, f.bottom+t.length(), Grey, 0.7, "")
	}
	for _, t := range p.Y.Ticks {
		at := f.y(t.At)
		if t.Label != "" {
			line(&c.b, f.left, at, f.right, at, pale, 0.7, "")
			write(&c.b, f.left-6, at+3.5, 10, "end", Black, t.Label)
		}
		if !p.Y.Names {
			line(&c.b, f.left-t.length(), at, f.left, at, Grey, 0.7, "")
		}
	}
	for _, shape := range slices.Concat(p.shapes, p.words) {
		shape(&c.b, f)
	}
	line(&c.b, f.left, f.bottom, f.right, f.bottom, Grey, 1, "")
	line(&c.b, f.left, f.top, f.left, f.bottom, Grey, 1, "")
}

// Line draws a line through the points. It breaks where a number isn't one.
func (p *Panel) Line(points []Point, colour string, width float64) { p.line(points, colour, width, "") }

// DottedLine is Line in dots.
func (p *Panel) DottedLine(points []Point, colour string) { p.line(points, colour, 1, dots) }

const dots = ` stroke-dasharray="1.8 1.8"`

func (p *Panel) line(points []Point, colour string, width float64, dashes string) {
	p.shapes = append(p.shapes, func(b *strings.Builder, f frame) {
		if path := f.path(points); path != "" {
			fmt.Fprintf(b, `<path d="%s" fill="none" stroke="%s" stroke-width="%g" stroke-linejoin="round"%s/>`+"\n", path, colour, width, dashes)
		}
	})
}

// Area fills what is below the line through the points.
func (p *Panel) Area(points []Point, colour string) {
	p.shapes = append(p.shapes, func(b *strings.Builder, f frame) {
		if len(points) > 0 {
			fmt.Fprintf(b, `<path d="%sL%.1f %.1fL%.1f %.1fZ" fill="%s"/>`+"\n",
				f.path(points), f.x(points[len(points)-1].X), f.bottom, f.x(points[0].X), f.bottom, colour)
		}
	})
}

// Dots draws a dot at each point.
func (p *Panel) Dots(points []Point, radius float64, colour string) {
	p.shapes = append(p.shapes, func(b *strings.Builder, f frame) {
		for _, at := range points {
			fmt.Fprintf(b, `<circle cx="%.1f" cy="%.1f" r="%g" fill="%s"/>`+"\n", f.x(at.X), f.y(at.Y), radius, colour)
		}
	})
}

// Crosses draws a cross at each point.
func (p *Panel) Crosses(points []Point, colour string) {
	p.shapes = append(p.shapes, func(b *strings.Builder, f frame) {
		for _, at := range points {
			cross(b, f.x(at.X), f.y(at.Y), colour)
		}
	})
}

// Bar draws a bar along the X axis at the height y, so many points thick.
func (p *Panel) Bar(from, to, y, thickness float64, colour string) {
	p.shapes = append(p.shapes, func(b *strings.Builder, f frame) {
		rectangle(b, f.x(from), f.y(y)-thickness/2, f.x(to)-f.x(from), thickness, colour)
	})
}

// Within writes words around the point, in a colour that can be read there.
func (p *Panel) Within(x, y float64, colour, words string) {
	p.shapes = append(p.shapes, func(b *strings.Builder, f frame) {
		write(b, f.x(x), f.y(y)+3.5, 10, "middle", colour, words)
	})
}

// Beside writes words to the right of the point.
func (p *Panel) Beside(x, y float64, words string) {
	p.shapes = append(p.shapes, func(b *strings.Builder, f frame) { write(b, f.x(x)+6, f.y(y)+3.5, 10, "start", Black, words) })
}

// Upright draws a line from the bottom to the top, with words beside it, so many
// lines below the top. The words are above all lines, on white.
func (p *Panel) Upright(x float64, words string, below int) {
	p.shapes = append(p.shapes, func(b *strings.Builder, f frame) {
		line(b, f.x(x), f.top, f.x(x), f.bottom, Black, 0.8, ` stroke-dasharray="3 2"`)
	})
	p.words = append(p.words, func(b *strings.Builder, f frame) {
		b.WriteString(`<g stroke="` + White + `" stroke-width="3" stroke-linejoin="round" paint-order="stroke">`)
		write(b, f.x(x)+4, f.top+9+12*float64(below), 9, "start", Black, words)
		b.WriteString("</g>\n")
	})
}

// frame is where a panel's figures are, in points from the picture's top left.
type frame struct {
	xs, ys                   Axis
	left, top, right, bottom float64
}

func (f frame) x(value float64) float64 { return f.left + f.xs.part(value)*(f.right-f.left) }
func (f frame) y(value float64) float64 { return f.bottom - f.ys.part(value)*(f.bottom-f.top) }

// path is what SVG calls one: through the points, in points of the picture.
func (f frame) path(points []Point) string {
	var b strings.Builder
	command := 'M'
	for _, at := range points {
		if math.IsNaN(at.X + at.Y) {
			command = 'M'
			continue
		}
		fmt.Fprintf(&b, "%c%.1f %.1f", command, f.x(at.X), f.y(at.Y))
		command = 'L'
	}
	return b.String()
}

func line(b *strings.Builder, x1, y1, x2, y2 float64, colour string, width float64, dashes string) {
	fmt.Fprintf(b, `<path d="M%.1f %.1fL%.1f %.1f" stroke="%s" stroke-width="%g"%s/>`+"\n", x1, y1, x2, y2, colour, width, dashes)
}

func rectangle(b *strings.Builder, x, y, width, height float64, colour string) {
	fmt.Fprintf(b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" fill="%s"/>`+"\n", x, y, width, height, colour)
}

func cross(b *strings.Builder, x, y float64, colour string) {
	fmt.Fprintf(b, `<path d="M%.1f %.1fl5 5m0 -5l-5 5" fill="none" stroke="%s" stroke-width="1.2"/>`+"\n", x-2.5, y-2.5, colour)
}

func write(b *strings.Builder, x, y, size float64, anchor, colour, text string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" font-size="%g" text-anchor="%s" fill="%s">%s</text>`+"\n", x, y, size, anchor, colour, html.EscapeString(text))
}
