package report

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aksio.app/scripts/internal/plot"
)

func TestThousands(t *testing.T) {
	t.Parallel()
	for n, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 1234567.8: "1,234,568", -123: "-123", -1234: "-1,234"} {
		if got := Thousands(n); got != want {
			t.Errorf("%g: got %s, want %s", n, got, want)
		}
	}
}

func TestDocumentSaysTheSameEverywhere(t *testing.T) {
	t.Parallel()
	d := &Document{Title: "Title"}
	d.Heading("Heading")
	d.Subheading("Sub")
	d.Say("%d %% of %s", 5, strings.Repeat("words ", 30))
	table := d.Table(1, "what", "how much")
	table.Row("größer", "1")
	table.Row("total", "10,000")
	d.Plot("a.svg", plot.New(10, 10, "what it shows"))

	var plain strings.Builder
	d.Plain(&plain)
	long := "5 % of" + strings.Repeat(" words", 17) + "\nwords" + strings.Repeat(" words", 12)
	if want := "\nTitle\n\nHEADING\n\nSub\n" + long + `
  what    how much
  ────────────────
  größer         1
  ────────────────
  total     10,000

`; plain.String() != want {
		t.Errorf("got %q, want %q", &plain, want)
	}
	if got, want := d.Markdown(), "# Title\n\n## Heading\n\n### Sub\n\n"+long+`

| what | how much |
| --- | ---: |
| größer | 1 |
| total | 10,000 |

![what it shows](a.svg)
`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	dir := t.TempDir()
	if err := errors.Join(d.Save(filepath.Join(dir, "new", "name.md")), d.SavePage(filepath.Join(dir, "name.html"))); err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(filepath.Join(dir, "name.html"))
	for _, want := range []string{"<h1>Title</h1>", "<h2>Heading</h2>", "<h3>Sub</h3>", "<p>5 % of", `<td class="figure">10,000</td>`, "<title>what it shows</title>"} {
		if !strings.Contains(string(html), want) {
			t.Errorf("the page lacks %s (%v)", want, err)
		}
	}
	for _, file := range []string{"name.md", "a.svg"} {
		if _, err := os.Stat(filepath.Join(dir, "new", file)); err != nil {
			t.Error(err)
		}
	}
}
