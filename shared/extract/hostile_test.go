package extract_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"aksio.app/shared/extract"
	"aksio.app/shared/fault"
)

// TestHostileFilesTakeNoLongerThanOthers reads files that once took minutes, all of the
// memory, or for ever. They are small: what they cost must not grow faster than they do.
// Only time shows that, for most of it is spent in others' parsers; the bound is far above
// the seconds that a loaded machine takes.
func TestHostileFilesTakeNoLongerThanOthers(t *testing.T) {
	t.Parallel()
	const n = 100_000
	words := strings.Repeat("Some words of a text that can be read. ", 3)
	long := strings.Repeat("word ", n)
	for name, tc := range map[string]struct {
		content  []byte
		filename string
	}{
		"Markdown: table of empty cells":    {[]byte(words + "\n\n" + strings.Repeat("|a", 2_000) + "\n" + strings.Repeat("|-", 2_000) + "\n" + strings.Repeat("|\n", 20_000)), "a.md"},
		"Markdown: emphasis that crosses":   {[]byte(words + strings.Repeat("*a_ ", n)), "a.md"},
		"Markdown: emphasis that ends":      {[]byte(words + "a**b" + strings.Repeat("c* ", n)), "a.md"},
		"Markdown: nested brackets":         {[]byte(words + strings.Repeat("[", n) + "a" + strings.Repeat("]", n)), "a.md"},
		"Markdown: links without an end":    {[]byte(words + strings.Repeat("[a](b", n)), "a.md"},
		"Markdown: references to one place": {[]byte(words + "\n\n" + strings.Repeat("[a]: b\n", n)), "a.md"},
		"Markdown: one long reference":      {[]byte(words + "\n\n[a]: " + strings.Repeat("x", n) + "\n\n" + strings.Repeat("[a]", n)), "a.md"},
		"Markdown: quotes in quotes":        {[]byte(words + "\n\n" + strings.Repeat("> ", n) + "x"), "a.md"},
		"Markdown: lists in lists":          {[]byte(words + "\n\n" + strings.Repeat("- ", n) + "x"), "a.md"},
		"HTML: headings with a line break":  {[]byte("<!DOCTYPE html><p>" + words + strings.Repeat("<h1>a<br>b</h1><p>"+words, n/4)), "a.html"},
		"HTML: headings in headings":        {[]byte("<!DOCTYPE html>" + strings.Repeat("<h1><div>", 200) + strings.Repeat(long, 4)), "a.html"},
		"HTML: tables in tables":            {[]byte("<!DOCTYPE html>" + strings.Repeat("<table>"+words, n/40)), "a.html"},
		"text: brackets that close nothing": {[]byte(words + strings.Repeat(")", 20*n)), "a.txt"},
		"Word: a chapter for a heading": {zipped(t, map[string]string{
			"word/document.xml": `<w><p><pPr><outlineLvl val="0"/></pPr><r><t>` + long + `</t></r></p>` +
				strings.Repeat(`<p><r><t>`+words+`</t></r></p>`, n/10) + `</w>`,
		}), "a.docx"},
		"slides: notes without end": {slides(t, words, strings.Repeat("note ", 200), n/5), "a.pptx"},
		"PDF: contents in a circle": {pdf(
			"<</Type/Outlines/First 9 0 R/Last 10 0 R>>",
			"<</Title(Contents)/Parent 8 0 R/Dest[3 0 R/Fit]/Next 10 0 R>>", "<</Title(More)/Parent 8 0 R/Dest[3 0 R/Fit]/Next 9 0 R>>"), "a.pdf"},
		"PDF: contents in themselves": {pdf("<</Type/Outlines/First 9 0 R>>", "<</Title(Contents)/Parent 8 0 R/Dest[3 0 R/Fit]/First 9 0 R>>"), "a.pdf"},
		"PDF: contents of one long title": {pdf("<</Type/Outlines/First 9 0 R>>",
			"<</Title("+long+")/Parent 8 0 R/Dest[3 0 R/Fit]/Next 10 0 R>>", "<</Title("+long+")/Parent 8 0 R/Dest[3 0 R/Fit]/Next 9 0 R/First 9 0 R>>"), "a.pdf"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			go func() {
				defer close(done)
				doc, err := reader.Extract(t.Context(), tc.content, tc.filename)
				if err != nil {
					t.Error(err)
					return
				}
				checkDocument(t, doc)
			}()
			select {
			case <-done:
			case <-time.After(2 * time.Minute):
				t.Fatalf("%d bytes aren't read yet", len(tc.content))
			}
		})
	}
}

// checkRefusal fails the test unless the reader says what is wrong with a file.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var f *fault.Fault
	switch {
	case !errors.As(err, &f) || f.Code == "" || !strings.HasSuffix(f.Message, "."):
		t.Errorf("refused without a reason: %v", err)
	case f.Kind != fault.Invalid && f.Kind != fault.TooLarge && f.Kind != fault.Unsupported:
		t.Errorf("the file would be read again and again: %v", err)
	case strings.Contains(err.Error(), "panicked"):
		t.Errorf("a parser panicked: %v", err)
	}
}

// checkDocument fails the test unless what was read is within its limits, tidy, and
// everything stands where it is said to.
func checkDocument(t *testing.T, doc extract.Document) {
	t.Helper()
	limits := extract.DefaultLimits
	text := []rune(strings.Join(doc.Pages, "\n\n"))
	if len(doc.Pages) == 0 || len(doc.Pages) > limits.Pages || len(text) > limits.Characters {
		t.Errorf("%d characters on %d pages", len(text), len(doc.Pages))
	}
	starts := []int{0}
	for i, page := range doc.Pages {
		checkTidy(t, fmt.Sprintf("page %d", i+1), page)
		starts = append(starts, starts[i]+utf8.RuneCountInString(page)+2)
	}
	if len(doc.Outline) > 5_000 {
		t.Errorf("%d headings", len(doc.Outline))
	}
	for i, h := range doc.Outline {
		checkTidy(t, "a heading", h.Title)
		if h.Title == "" || utf8.RuneCountInString(h.Title) > 200 || h.Level < 1 || h.Page < 1 || h.Page > len(doc.Pages) {
			t.Fatalf("heading %+v", h)
		}
		if h.Offset < starts[h.Page-1] || h.Offset > starts[h.Page]-2 {
			t.Errorf("heading %+v isn't on its page", h)
		}
		if doc.ContentType == extract.PDF { // whose table of contents may say what it likes
			continue
		}
		if i > 0 && h.Offset < doc.Outline[i-1].Offset {
			t.Errorf("heading %+v stands before the one before it", h)
		}
		if there := strings.Join(strings.Fields(string(text[h.Offset:min(len(text), h.Offset+500)])), ""); !strings.HasPrefix(there, strings.Join(strings.Fields(h.Title), "")) {
			t.Errorf("heading %+v isn't what stands at its place: %.300q", h, there)
		}
	}
	checkPassages(t, doc, "")
	for _, p := range extract.Split(doc) {
		if p.PageStart > 0 && (p.Start < starts[p.PageStart-1] || p.Start >= starts[p.PageStart] || p.End-1 < starts[p.PageEnd-1] || p.End > starts[p.PageEnd]) {
			t.Errorf("the passage at %d to %d isn't on pages %d to %d", p.Start, p.End, p.PageStart, p.PageEnd)
		}
		if len(p.Heading) > 10_000 {
			t.Errorf("a passage stands below %d bytes of headings", len(p.Heading))
		}
	}
}

// checkTidy fails the test unless the text is one that can be stored, searched and shown.
func checkTidy(t *testing.T, what, text string) {
	t.Helper()
	switch {
	case !utf8.ValidString(text):
		t.Errorf("%s isn't UTF-8: %.60q", what, text)
	case strings.ContainsFunc(text, func(c rune) bool { return c < ' ' && c != '\n' || c == '\u007f' || c == '\uFDD0' }):
		t.Errorf("%s has control characters: %.200q", what, text)
	case text != strings.TrimSpace(text), strings.Contains(text, "\n\n\n"), strings.Contains(text, "  "), strings.Contains(text, " \n"):
		t.Errorf("%s has white space to spare: %.200q", what, text)
	}
}

// zipped returns an archive of the parts.
func zipped(t testing.TB, parts map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		part, err := w.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := part.Write([]byte(parts[name])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// slides returns a presentation of one slide that refers to its notes so many times.
func slides(t testing.TB, text, note string, times int) []byte {
	t.Helper()
	var notes strings.Builder
	for i := range times {
		fmt.Fprintf(&notes, `<Relationship Id="n%d" Target="../notesSlides/notesSlide1.xml"/>`, i)
	}
	return zipped(t, map[string]string{
		"ppt/presentation.xml":             `<p xmlns:r="r"><sldId r:id="a"/></p>`,
		"ppt/_rels/presentation.xml.rels":  `<r><Relationship Id="a" Target="slides/slide1.xml"/></r>`,
		"ppt/slides/slide1.xml":            `<s><sp><ph type="title"/><p><t>Title</t></p></sp><sp><p><t>` + text + `</t></p></sp></s>`,
		"ppt/slides/_rels/slide1.xml.rels": `<r>` + notes.String() + `</r>`,
		"ppt/notesSlides/notesSlide1.xml":  `<s><p><t>` + note + `</t></p></s>`,
	})
}

// pdf returns a file of one page with a text. The objects are numbered from 8, which
// is the table of contents.
func pdf(objects ...string) []byte {
	text := "BT /F 10 Tf 10 700 Td (Some words of a text that can be read, and some more of them.) Tj ET"
	var out bytes.Buffer
	fmt.Fprintf(&out, "%%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R/Outlines 8 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"+
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F 4 0 R>>>>/Contents 5 0 R>>endobj\n"+
		"4 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n5 0 obj<</Length %d>>stream\n%s\nendstream endobj\n", len(text), text)
	for i, object := range objects {
		fmt.Fprintf(&out, "%d 0 obj%sendobj\n", i+8, object)
	}
	out.WriteString("trailer<</Root 1 0 R/Size 20>>\n%%EOF")
	return out.Bytes()
}
