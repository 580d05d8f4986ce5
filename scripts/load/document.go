package main

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"os"
	"path/filepath"
	"strings"

	"aksio.app/scripts/internal/plot"
)

// document is a report: for a terminal, as Markdown, and as one page of HTML.
type document struct {
	Title  string
	Blocks []block
}

// block is one of its fields.
type block struct {
	Heading   string
	Paragraph string
	Table     *table
	Plot      *picture
}

// table has a head and rows of as many cells. The first Words columns are words, the
// others figures.
type table struct {
	Words int
	Head  []string
	Rows  [][]string
}

// picture is a plot as SVG, in a file of its own, too.
type picture struct {
	File string
	Says string // what it shows, for those who can't see it
	SVG  template.HTML
}

func (d *document) heading(text string) { d.Blocks = append(d.Blocks, block{Heading: text}) }

func (d *document) say(format string, args ...any) {
	d.Blocks = append(d.Blocks, block{Paragraph: fmt.Sprintf(format, args...)})
}

func (d *document) table(words int, head ...string) *table {
	t := &table{Words: words, Head: head}
	d.Blocks = append(d.Blocks, block{Table: t})
	return t
}

// plot adds what draw draws, and says.
func (d *document) plot(file string, draw func() (string, *plot.Canvas)) {
	says, canvas := draw()
	d.Blocks = append(d.Blocks, block{Plot: &picture{file, says, template.HTML(canvas.SVG())}})
}

func (t *table) row(cells ...string) { t.Rows = append(t.Rows, cells) }

// Figures reports whether the column holds figures.
func (t *table) Figures(column int) bool { return column >= t.Words }

// plain writes what a terminal can show.
func (d *document) plain(out io.Writer) {
	fmt.Fprintf(out, "\n%s\n", d.Title)
	for _, b := range d.Blocks {
		switch {
		case b.Heading != "":
			fmt.Fprintf(out, "\n%s\n", strings.ToUpper(b.Heading))
		case b.Paragraph != "":
			fmt.Fprintf(out, "%s\n", wrap(b.Paragraph, 110))
		case b.Table != nil:
			b.Table.plain(out)
		}
	}
	fmt.Fprintln(out)
}

// plain writes the table with its columns below each other: words to the left,
// figures to the right.
func (t *table) plain(out io.Writer) {
	width := make([]int, len(t.Head))
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		for i, cell := range row {
			width[i] = max(width[i], len([]rune(cell)))
		}
	}
	for _, row := range append([][]string{t.Head}, t.Rows...) {
		var line strings.Builder
		for i, cell := range row {
			pad := strings.Repeat(" ", width[i]-len([]rune(cell)))
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

// markdown is the document with its plots beside it.
func (d *document) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# %s\n", d.Title)
	for _, block := range d.Blocks {
		b.WriteString("\n")
		switch {
		case block.Heading != "":
			fmt.Fprintf(&b, "## %s\n", block.Heading)
		case block.Paragraph != "":
			fmt.Fprintf(&b, "%s\n", wrap(block.Paragraph, 110))
		case block.Plot != nil:
			fmt.Fprintf(&b, "![%s](%s)\n", block.Plot.Says, block.Plot.File)
		case block.Table != nil:
			cells := func(row []string) string {
				return "| " + strings.Join(row, " | ") + " |\n"
			}
			b.WriteString(cells(block.Table.Head))
			for i := range block.Table.Head {
				b.WriteString("| ---")
				if block.Table.Figures(i) {
					b.WriteString(":")
				}
				b.WriteString(" ")
			}
			b.WriteString("|\n")
			for _, row := range block.Table.Rows {
				b.WriteString(cells(row))
			}
		}
	}
	return b.String()
}

//go:embed report.html
var page string

var pageTemplate = template.Must(template.New("report").Parse(page))

// save writes the document into the folder: report.md, report.html and the plots.
func (d *document) save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var html strings.Builder
	if err := pageTemplate.Execute(&html, d); err != nil {
		return err
	}
	files := map[string]string{"report.md": d.markdown(), "report.html": html.String()}
	for _, b := range d.Blocks {
		if b.Plot != nil {
			files[b.Plot.File] = string(b.Plot.SVG)
		}
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// wrap breaks a paragraph into lines of at most so many characters.
func wrap(text string, most int) string {
	var b strings.Builder
	length := 0
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case length == 0:
		case length+1+n > most:
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
