package extract_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"aksio.app/shared/extract"
)

// most is how long a file of a fuzz test may take, on a machine that does other things.
const most = 30 * time.Second

// read reads the file and fails the test unless it is read well, or refused well, in time.
func read(t *testing.T, reader *extract.Reader, content []byte, name string) (extract.Document, bool) {
	t.Helper()
	began := time.Now()
	doc, err := reader.Extract(t.Context(), content, name)
	if err != nil {
		checkRefusal(t, err)
	} else {
		checkDocument(t, doc)
	}
	if took := time.Since(began); took > most {
		t.Errorf("%d bytes took %s", len(content), took)
	}
	return doc, err == nil
}

// newReader returns a reader whose PDFium runs: Go takes an input of more than ten
// seconds for one that hangs. The cache serves all processes that Go starts to fuzz.
func newReader(f *testing.F) *extract.Reader {
	r := extract.New(extract.DefaultLimits, cache)
	if _, err := r.Extract(f.Context(), pdf(), "a.pdf"); err != nil {
		f.Fatal(err)
	}
	return r
}

// FuzzDetect reads bytes of any kind, under any name.
func FuzzDetect(f *testing.F) {
	reader := newReader(f)
	for _, name := range []string{"par-known-styles.docx", "test.pptx", "imagemagick-images.pdf"} {
		f.Add(file(f, name), "a.bin")
		f.Add(file(f, name)[:200], name)
	}
	f.Add([]byte("\xff\xfeA\x00\xd8\x00"), "a.txt")
	f.Add([]byte("\x00\x00\xfe\xff\x00\x00\x00A"), "a.md")
	f.Add([]byte("\x89PNG\r\n\x1a\n"), "lecture.pdf")
	f.Fuzz(func(t *testing.T, content []byte, name string) { read(t, reader, content, name) })
}

// FuzzText reads texts of the three kinds that look like text, twice: nothing but the
// file decides what is found.
func FuzzText(f *testing.F) {
	for _, text := range []string{
		"A plain text.\r\n\r\nAnother paragraph, with \u00ad and \u200b in it.", "e\u00ad\u0301 \uFDD0 \uFFFE", "光合作用。「はい。」と言った", strings.Repeat("a.) ", 300), "\xdf\x84 Windows",
		"# Title\n\ntext *emph* `code` [a](b \"c\") ![d](e)\n\nSetext\n---\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n```\n# code\n```\n> - 1. x\\\ny  \nz",
		"[a]: b\n[^1]: c\n&#xFDD0;&#0;&lt;b> <http://x.y> <a@b.c> ***x*** \\* **",
		"<!DOCTYPE html><title>T</title><h1>a<br>b</h1><p>Text <b>bold</b><table><tr><td>x<th>y</table><pre> a\n  b</pre><script>x</script>",
		"<h1><div><h2>x&#xFDD0;</h2>" + strings.Repeat("<p>A sentence of an article, which is long enough. ", 30),
	} {
		for kind := range uint8(3) {
			f.Add(text, kind)
		}
	}
	f.Fuzz(func(t *testing.T, text string, kind uint8) {
		name := []string{"a.txt", "a.md", "a.html"}[kind%3]
		first, ok := read(t, reader, []byte(text), name)
		if again, _ := read(t, reader, []byte(text), name); ok && !reflect.DeepEqual(first, again) {
			t.Errorf("read twice: %+v and %+v", first, again)
		}
	})
}

// FuzzWord puts its own parts into a Word file.
func FuzzWord(f *testing.F) {
	f.Add(`<w><p><pPr><pStyle val="h"/></pPr><r><t>Heading</t></r></p><p><r><t>A paragraph of text.</t><br/><br type="page"/><tab/></r></p><tbl><tr><tc><p><r><t>Cell</t></r></p></tc></tr></tbl></w>`,
		`<s><style styleId="h"><name val="heading 2"/><pPr><outlineLvl val="1"/></pPr></style></s>`)
	f.Add(`<w><p><pPr><outlineLvl val="-3"/></pPr><p><r><t>in it</t></r></p><Fallback><p><t>x</t></p></Fallback></p></w>`, `<s>`)
	f.Add(`<!DOCTYPE w [<!ENTITY a "b">]><w>&a;&#xFDD0;<lastRenderedPageBreak/></w>`, `<s/>`)
	f.Fuzz(func(t *testing.T, document, styles string) {
		read(t, reader, zipped(t, map[string]string{"word/document.xml": document, "word/styles.xml": styles}), "a.docx")
	})
}

// FuzzSlides puts its own parts into a presentation.
func FuzzSlides(f *testing.F) {
	f.Add(`<p xmlns:r="r"><sldId r:id="a"/><sldId r:id="b"/></p>`, `<r><Relationship Id="a" Target="slides/slide1.xml"/><Relationship Id="b" Target="/ppt/slides/../slides/slide1.xml"/></r>`,
		`<s><sp><ph type="title"/><p><t>Title of the slide</t></p><p><t>goes on</t></p></sp><sp><p><t>Some words that can be read.</t></p></sp></s>`,
		`<r><Relationship Id="n" Target="../notesSlides/n.xml"/></r>`, `<s><sp><ph type="title"/><p><t>Notes</t></p></sp></s>`)
	f.Add(`<p>`, `<r/>`, `<s><sp><ph type="sldNum"/><p><t>1</t></p></sp></s>`, ``, ``)
	f.Fuzz(func(t *testing.T, presentation, relations, slide, refers, notes string) {
		read(t, reader, zipped(t, map[string]string{
			"ppt/presentation.xml": presentation, "ppt/_rels/presentation.xml.rels": relations,
			"ppt/slides/slide1.xml": slide, "ppt/slides/_rels/slide1.xml.rels": refers, "ppt/notesSlides/n.xml": notes,
		}), "a.pptx")
	})
}

// FuzzPDF cuts real files off and writes into them.
func FuzzPDF(f *testing.F) {
	reader := newReader(f)
	var files [][]byte
	for _, name := range []string{"pdflatex-outline.pdf", "google-doc-document.pdf", "multicolumn.pdf", "libreoffice-writer-password.pdf", "imagemagick-images.pdf"} {
		files = append(files, file(f, name))
	}
	files = append(files, pdf("<</Type/Outlines/First 9 0 R>>", "<</Title(Contents)/Parent 8 0 R/Dest[3 0 R/Fit]/First 9 0 R/Next 9 0 R>>"))
	for i, content := range files {
		f.Add(uint8(i), uint32(len(content)), uint32(0), []byte(nil))
		f.Add(uint8(i), uint32(len(content)/2), uint32(len(content)/4), []byte("\xff\x00<<"))
		f.Add(uint8(i), uint32(len(content)-7), uint32(len(content)-60), []byte("0 R/Next 1 0 R"))
	}
	f.Fuzz(func(t *testing.T, which uint8, length, at uint32, change []byte) {
		content := files[int(which)%len(files)]
		content = append([]byte(nil), content[:1+int(length)%len(content)]...)
		copy(content[int(at)%len(content):], change)
		read(t, reader, content, "a.pdf")
	})
}

// FuzzPDFObjects puts its own objects and its own page into a PDF.
func FuzzPDFObjects(f *testing.F) {
	reader := newReader(f)
	f.Add("<</Type/Outlines/First 9 0 R>>", "<</Title(x)/Parent 8 0 R/Dest[3 0 R/Fit]/Next 9 0 R>>", "<</Type/Font>>")
	f.Add("<</Type/Outlines/First 9 0 R/Count -1>>", "<</Title<FEFFD800>/A<</S/GoTo/D(x)>>>>endobj 3 0 obj<</Type/Page/Parent 2 0 R/Contents 10 0 R>>", "<</Length 99>>stream\nBT (x) Tj ET\nendstream")
	f.Add("<</Kids[8 0 R]>>", "[9 0 R]", "10 0 R")
	f.Fuzz(func(t *testing.T, contents, entry, more string) { read(t, reader, pdf(contents, entry, more), "a.pdf") })
}
