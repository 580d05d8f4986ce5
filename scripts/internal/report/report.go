// Package report writes what was found out: for a terminal, as Markdown, and as one
// page of HTML.
package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"

	"aksio.app/scripts/internal/plot"
)

// Document is a report.
type Document struct {
	Title  string
	Blocks []Block
}

// Block is one of its fields.
type Block struct {
	Heading    string
	Subheading string
	Paragraph  string
	Table      *Table
	Plot       *Picture
}

// Table has a head and rows of as many cells. The first Words columns are words, the
// others figures.
type Table struct {
	Words int
	Head  []string
	Rows  [][]string
}

// Picture is a plot in a file of its own.
type Picture struct {
	File string
	*plot.Canvas
}

// Drawing is the plot for the page.
func (p Picture) Drawing() template.HTML { return template.HTML(p.SVG()) }

// Heading begins a section.
func (d *Document) Heading(text string) { d.Blocks = append(d.Blocks, Block{Heading: text}) }

// Subheading begins a part of a section.
func (d *Document) Subheading(text string) { d.Blocks = append(d.Blocks, Block{Subheading: text}) }

// Say adds a paragraph.
func (d *Document) Say(format string, args ...any) {
	d.Blocks = append(d.Blocks, Block{Paragraph: fmt.Sprintf(format, args...)})
}

// Table adds a table, whose rows are to be added to it.
func (d *Document) Table(words int, head ...string) *Table {
	t := &Table{Words: words, Head: head}
	d.Blocks = append(d.Blocks, Block{Table: t})
	return t
}

// Plot adds a plot, which Save writes to the file.
func (d *Document) Plot(file string, c *plot.Canvas) {
	d.Blocks = append(d.Blocks, Block{Plot: &Picture{file, c}})
}

// Row adds a row.
func (t *Table) Row(cells ...string) { t.Rows = append(t.Rows, cells) }

// Figures reports whether the column holds figures.
func (t *Table) Figures(column int) bool { return column >= t.Words }

// width is how many characters a line of text has at most.
const width = 110

// Plain writes what a terminal can show.
func (d *Document) Plain(out io.Writer) {
	fmt.Fprintf(out, "\n%s\n", d.Title)
	for _, b := range d.Blocks {
		switch {
		case b.Heading != "":
			fmt.Fprintf(out, "\n%s\n", strings.ToUpper(b.Heading))
		case b.Subheading != "":
			fmt.Fprintf(out, "\n%s\n", b.Subheading)
		case b.Paragraph != "":
			fmt.Fprintln(out, wrap(b.Paragraph))
		case b.Table != nil:
			b.Table.plain(out)
		}
	}
	fmt.Fprintln(out)
}

// plain writes the table with its columns below each other: words to the left,
// figures to the right. A rule stands below the head and above a total.
func (t *Table) plain(out io.Writer) {
	all := append([][]string{t.Head}, t.Rows...)
	widths, sum := make([]int, len(t.Head)), 2*(len(t.Head)-1)
	for i := range widths {
		for _, row := range all {
			widths[i] = max(widths[i], len([]rune(row[i])))
		}
		sum += widths[i]
	}
	for n, row := range all {
		if n == 1 || row[0] == "total" {
			fmt.Fprintln(out, "  "+strings.Repeat("─", sum))
		}
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", widths[i]-len([]rune(cell)))
			if t.Figures(i) {
				cell = pad + cell
			} else {
				cell += pad
			}
			line.WriteString("  " + cell)
		}
		fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	}
}

// Markdown is the document with its plots beside it.
func (d *Document) Markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", d.Title)
	for _, block := range d.Blocks {
		b.WriteString("\n")
		switch {
		case block.Heading != "":
			fmt.Fprintf(&b, "## %s\n", block.Heading)
		case block.Subheading != "":
			fmt.Fprintf(&b, "### %s\n", block.Subheading)
		case block.Paragraph != "":
			fmt.Fprintln(&b, wrap(block.Paragraph))
		case block.Plot != nil:
			fmt.Fprintf(&b, "![%s](%s)\n", block.Plot.Says, block.Plot.File)
		case block.Table != nil:
			block.Table.markdown(&b)
		}
	}
	return b.String()
}

func (t *Table) markdown(b *strings.Builder) {
	rules := make([]string, len(t.Head))
	for i := range rules {
		if rules[i] = "---"; t.Figures(i) {
			rules[i] = "---:"
		}
	}
	for _, row := range append([][]string{t.Head, rules}, t.Rows...) {
		b.WriteString("| " + strings.Join(row, " | ") + " |\n")
	}
}

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Parse(page))

// Save writes the document as Markdown to the file, and the plots beside it.
func (d *Document) Save(file string) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, b := range d.Blocks {
		if b.Plot != nil {
			if err := os.WriteFile(filepath.Join(dir, b.Plot.File), []byte(b.Plot.SVG()), 0o644); err != nil {
				return err
			}
		}
	}
	return os.WriteFile(file, []byte(d.Markdown()), 0o644)
}

// SavePage writes the document as HTML to the file.
func (d *Document) SavePage(file string) error {
	var html strings.Builder
	if err := pageTemplate.Execute(&html, d); err != nil {
		return err
	}
	return os.WriteFile(file, []byte(html.String()), 0o644)
}

// wrap breaks a paragraph into lines.
func wrap(text string) string {
	var b strings.Builder
	length := 0
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case length == 0:
		case length+1+n > width:
			b.WriteString("\n")
			length = 0
		default:
			b.WriteString(" ")
			length++
		}
		b.WriteString(word)
		length += n
	}
	return b.String()
}

// Thousands writes a whole number with commas.
func Thousands(n float64) string {
	text := fmt.Sprintf("%.0f", math.Abs(n))
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	if n < 0 {
		return "-" + text
	}
	return text
}
