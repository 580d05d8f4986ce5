package extract_test

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"

	"aksio.app/shared/extract"
	"aksio.app/shared/fault"
)

// cache spares each process of tests the compiling of PDFium.
var cache = os.Getenv("EXTRACT_CACHE")

var reader = extract.New(extract.DefaultLimits, cache)

func file(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestFilesOfOthersAreRead(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		kind, language string
		pages          int
		words          int // about
		phrases        []string
		heading        string // one of the outline
		page           int    // of it
	}{
		"GeoTopo-komprimiert.pdf":        {extract.PDF, "de", 117, 31_000, []string{"Ein topologischer Raum ist ein Paar", "Homöomorphismus"}, "Metrische Räume", 10},
		"multicolumn.pdf":                {extract.PDF, "", 3, 1_040, []string{"Suspendisse vel felis. Ut lorem lorem, interdum eu"}, "", 0},
		"pdflatex-outline.pdf":           {extract.PDF, "en", 4, 1_400, []string{"without a meaning"}, "Bar", 2},
		"google-doc-document.pdf":        {extract.PDF, "en", 1, 177, []string{"Special cases aren't special enough to break the rules."}, "", 0},
		"crazyones-pdfa.pdf":             {extract.PDF, "en", 1, 170, []string{"The round pegs in the square holes."}, "", 0},
		"mistitled_outlines_example.pdf": {extract.PDF, "en", 4, 1_400, []string{"the look"}, "Fifth", 3},
		"par-known-styles.docx":          {extract.Word, "", 1, 9, []string{"Heading"}, "", 0},
		"txt-fit-text.pptx":              {extract.Slides, "en", 1, 39, []string{"Designers of typefaces are called type designers"}, "", 0},
		"txt-paragraph-spacing.pptx":     {extract.Slides, "", 3, 51, []string{"Paragraph having space before of 6 pt"}, "", 0},
		"test.pptx":                      {extract.Slides, "", 1, 5, nil, "Presentation Title Text", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc, err := reader.Extract(t.Context(), file(t, name), "lies.bin")
			if err != nil {
				t.Fatal(err)
			}
			if doc.ContentType != want.kind || doc.Language != want.language || len(doc.Pages) != want.pages {
				t.Errorf("got %s in %q with %d pages, want %+v", doc.ContentType, doc.Language, len(doc.Pages), want)
			}
			if doc.Words < want.words*95/100 || doc.Words > want.words*105/100 {
				t.Errorf("%d words, want about %d", doc.Words, want.words)
			}
			text := strings.Join(doc.Pages, "\n\n")
			for _, phrase := range want.phrases {
				if !strings.Contains(text, phrase) {
					t.Errorf("%q isn't in the text", phrase)
				}
			}
			i := slices.IndexFunc(doc.Outline, func(h extract.Heading) bool { return strings.Contains(h.Title, want.heading) })
			if want.heading != "" && (i < 0 || doc.Outline[i].Page != want.page) {
				t.Errorf("no heading %q on page %d in %+v", want.heading, want.page, doc.Outline)
			}
			checkPassages(t, doc, "")
			for _, p := range extract.Split(doc) {
				if doc.ContentType != extract.PDF && doc.ContentType != extract.Slides {
					if p.PageStart != 0 || p.PageEnd != 0 || len(p.Breaks) != 0 {
						t.Errorf("a passage of %s is on pages %d–%d", doc.ContentType, p.PageStart, p.PageEnd)
					}
					continue
				}
				if p.PageStart < 1 || p.PageEnd > len(doc.Pages) || len(p.Breaks) != p.PageEnd-p.PageStart {
					t.Fatalf("the passage %.40q is on pages %d–%d, with breaks at %v", p.Text, p.PageStart, p.PageEnd, p.Breaks)
				}
				for i, begins := range append([]int{0}, p.Breaks...) {
					page, rest := doc.Pages[p.PageStart-1+i], []rune(p.Text)[begins:]
					if !strings.Contains(page, string(rest[:min(10, len(rest))])) || i > 0 && !strings.HasPrefix(page, string(rest[:min(10, len(rest))])) {
						t.Errorf("on page %d begins %.40q, not %.40q", p.PageStart+i, page, string(rest))
					}
				}
			}
		})
	}
}

// TestTextsWithoutSpacesAreCut reads languages that put no white space between
// words: their passages are as long as those of others, and end with a sentence.
func TestTextsWithoutSpacesAreCut(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]struct {
		language string
		words    int // about
		ends     string
		phrase   string
	}{
		"kubernetes.zh.md": {"zh", 580, "。？", "在生产环境中，你需要管理运行着应用程序的容器"}, // two lines of the file
		"kubernetes.ja.md": {"ja", 590, "。？", "初期の頃は、組織は物理サーバー上に"},
		"udhr.th.txt":      {"th", 240, "", "มีอิสระและเสมอภาคกัน"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content := file(t, name)
			doc, err := reader.Extract(t.Context(), content, name)
			if err != nil {
				t.Fatal(err)
			}
			if doc.Language != want.language || doc.Words < want.words*95/100 || doc.Words > want.words*105/100 {
				t.Errorf("language %q, %d words; want %q, about %d", doc.Language, doc.Words, want.language, want.words)
			}
			if !strings.Contains(doc.Pages[0], want.phrase) {
				t.Errorf("%s isn't in the text", want.phrase)
			}
			checkPassages(t, doc, want.ends)

			// A long chapter without headings and paragraphs, as a bad converter leaves it.
			long := bytes.Repeat(bytes.ReplaceAll(bytes.ReplaceAll(content, []byte("\n"), nil), []byte("## "), nil), 20)
			if doc, err = reader.Extract(t.Context(), long, "long.txt"); err != nil {
				t.Fatal(err)
			}
			checkPassages(t, doc, want.ends)
		})
	}
	for name, text := range map[string]string{
		"no sentence":    strings.Repeat("光合作用", 5_000),
		"no white space": strings.Repeat("QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVo", 2_000),
		"long words":     strings.Repeat(strings.Repeat("Donaudampfschifffahrtsgesellschaft", 10)+" ", 500),
	} {
		doc, err := reader.Extract(t.Context(), []byte(text), "a.txt")
		if err != nil {
			t.Fatal(name, err)
		}
		t.Run(name, func(t *testing.T) { checkPassages(t, doc, "") })
	}
}

// checkPassages fails the test unless the passages hold the whole text in pieces
// that every model takes, each ending with one of the characters, if any are given.
func checkPassages(t *testing.T, doc extract.Document, ends string) {
	t.Helper()
	runes, last, whole := []rune(strings.Join(doc.Pages, "\n\n")), 0, 0
	passages := extract.Split(doc)
	for _, p := range passages {
		if string(runes[p.Start:p.End]) != p.Text || strings.TrimSpace(string(runes[last:p.Start])) != "" {
			t.Errorf("the passage at %d isn't the text there, or %.60q before it is lost", p.Start, string(runes[last:p.Start]))
		}
		if n := p.End - p.Start; n > 2_600 || p.Words > 260 {
			t.Errorf("a passage of %d characters, %d words", n, p.Words)
		}
		if strings.ContainsRune(ends, runes[p.End-1]) {
			whole++
		}
		last = p.End
	}
	if strings.TrimSpace(string(runes[last:])) != "" {
		t.Errorf("the end is lost: %.60q", string(runes[last:]))
	}
	if ends != "" && whole < len(passages) {
		t.Errorf("%d of %d passages end with a sentence", whole, len(passages))
	}
}

func TestTextsAreRead(t *testing.T) {
	t.Parallel()
	utf16le := []byte{0xFF, 0xFE}
	for _, unit := range utf16.Encode([]rune("Ein Raum heißt kompakt, wenn er klein ist.")) {
		utf16le = append(utf16le, byte(unit), byte(unit>>8))
	}
	for name, tc := range map[string]struct {
		content  []byte
		filename string
		kind     string
		want     string
		heading  string
	}{
		"plain":        {[]byte("A plain text of a few words.\r\n\r\nAnother paragraph."), "a.txt", extract.Plain, "A plain text of a few words.\n\nAnother paragraph.", ""},
		"UTF-16":       {utf16le, "a.txt", extract.Plain, "Ein Raum heißt kompakt", ""},
		"Windows-1252": {[]byte("Der Satz \x84kompakt\x93 hei\xdft: klein."), "a.txt", extract.Plain, "Der Satz „kompakt“ heißt: klein.", ""},
		"Markdown":     {[]byte("# Spaces\n\nA *compact* space is [small](http://x).\n\n## Open sets\n\nMore `code` here."), "a.md", extract.Markdown, "A compact space is small.", "Open sets"},
		"HTML": {[]byte("<!DOCTYPE html><html><head><title>T</title><script>alert(1)</script></head><body><nav>Menu</nav><article><h1>Spaces</h1><p>A <b>compact</b> space is small, and " +
			strings.Repeat("this sentence is part of the article. ", 20) + "</p></article></body></html>"), "a.html", extract.HTML, "A compact space is small, and this", ""},
		"HTML of a book": {[]byte("<!DOCTYPE html><html><head><title>Spaces</title></head><body><h1>Spaces</h1>" + strings.Repeat(
			`<div class="titlepage"><h2 class="title">Open sets</h2></div><p>`+strings.Repeat("A sentence that is part of the book, and another one. ", 20)+"</p>", 6) + "</body></html>"),
			"a.html", extract.HTML, "Open sets\n\nA sentence that is part", "Open sets"},
		"HTML with its title above": {[]byte("<html><head><title>Compact spaces</title></head><body><nav>Menu</nav><article><h1>Compact spaces</h1><p>" +
			strings.Repeat("A compact space is small, and this sentence is part. ", 30) + "</p><h2>More</h2><p>" + strings.Repeat("this sentence is part. ", 30) + "</p></article></body></html>"),
			"a.html", extract.HTML, "Compact spaces\n\nA compact space", "More"},
		"Markdown with everything": {[]byte("Spaces\n===\n\n> A *compact* space is __small__,\n> see [the *book*](http://x/(y) \"t\") and [another][1]<br>.\n\n" +
			"1. [x] `a*b` 2*3*4 and \\*stars\\* &amp; snake_case_name\n- ~~old~~ ![a picture](p.png) <b>bold</b> <https://y.z>[^1]\n\n" +
			"| a | b |\n|---|:-:|\n| 1 | *2* |\n\n```go\nx := *p // **kept**\n```\n***\n[1]: http://z\n[^1]: A note.\n"), "a.md", extract.Markdown,
			"Spaces\n\nA compact space is small, see the book and another.\n\na*b 2*3*4 and *stars* & snake_case_name\n\nold a picture bold https://y.z\n\n" +
				"a | b\n\n1 | 2\n\nx := *p // **kept**\n\nA note.", ""},
		"Markdown that begins with a tag": {[]byte("<p align=\"center\">A picture</p>\n\n# Spaces\n\nA *compact* space is small.\n\n## Open sets\n\nMore."), "README.md", extract.Markdown, "Spaces\n\nA compact space is small.", "Open sets"},
		"HTML under Markdown's name":      {[]byte("<!DOCTYPE html><p>A <b>compact</b> space is small and has few words.</p>"), "a.md", extract.HTML, "A compact space is small", ""},
		"text about PDFs":                 {[]byte("A file of this kind begins with %PDF-1.4 and a line of bytes."), "a.txt", extract.Plain, "begins with %PDF-1.4 and", ""},
		"text of a PDF's header":          {[]byte("%PDF-1.4 is how a file of this kind begins. 1 0 obj begins an object."), "", extract.Plain, "is how a file of this kind", ""},
		"control characters":              {[]byte("a\u00adb\u200bc and some more words\x07 of text"), "a.txt", extract.Plain, "abc and some more words of text", ""},
	} {
		doc, err := reader.Extract(t.Context(), tc.content, tc.filename)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		text := strings.Join(doc.Pages, "\n\n")
		if doc.ContentType != tc.kind || !strings.Contains(text, tc.want) || strings.Contains(text, "alert") {
			t.Errorf("%s: got %s %.200q, want %q", name, doc.ContentType, text, tc.want)
		}
		if tc.heading != "" && !slices.ContainsFunc(doc.Outline, func(h extract.Heading) bool { return h.Title == tc.heading && h.Level == 2 }) {
			t.Errorf("%s: outline %+v", name, doc.Outline)
		}
	}
}

// pages is the folder of the web pages that readability is tested with.
var pages = sync.OnceValues(func() (string, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "codeberg.org/readeck/go-readability/v2").Output()
	return filepath.Join(strings.TrimSpace(string(dir)), "test-pages"), err
})

// webPage returns the text of one of them.
func webPage(t *testing.T, name string) string {
	t.Helper()
	dir, err := pages()
	if err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(filepath.Join(dir, name, "source.html"))
	if err != nil {
		t.Fatal(err)
	}
	doc, err := reader.Extract(t.Context(), content, name+".html")
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(doc.Pages, "\n\n")
}

// TestTermsKeepTheirPlace reads a chapter whose terms and headings have the class "subheaders".
func TestTermsKeepTheirPlace(t *testing.T) {
	t.Parallel()
	text := webPage(t, "google-sre-book-1")
	for _, want := range []string{
		"White-box monitoring\n\nMonitoring based on metrics exposed by the internals of the system",
		"Dashboard\n\nAn application (usually web-based)", "Alert\n\nA notification intended to be read by a human",
		"Bigtable SRE: A Tale of Over-Alerting\n\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q isn't in the text", want)
		}
	}
}

// TestFormulasAreReadOnce reads an encyclopedia's page, whose formulas are there as
// MathML and within that as TeX, and a page of KaTeX's.
func TestFormulasAreReadOnce(t *testing.T) {
	t.Parallel()
	text := webPage(t, "wikipedia-3")
	if want := "A Hermitian ⟺ A = A^H\n\nHermitian matrices are named after"; !strings.Contains(text, want) {
		t.Errorf("%q isn't in the text", want)
	}
	for _, extra := range []string{"displaystyle", "Jump to", "[edit]"} {
		if strings.Contains(text, extra) {
			t.Errorf("%q is in the text", extra)
		}
	}
	doc, err := reader.Extract(t.Context(), []byte(`<!DOCTYPE html><p>The energy of a body at rest is <span class="katex"><span class="katex-mathml"><math><semantics>
		<mrow><mi>E</mi><mo>=</mo><mi>m</mi></mrow><annotation encoding="application/x-tex">E=m</annotation></semantics></math></span><span class="katex-html"
		aria-hidden="true"><span class="mord mathnormal">E</span><span class="mrel">=</span><span class="mord mathnormal">m</span></span></span> in some units.</p>`), "a.html")
	if want := "at rest is E=m in some units."; err != nil || !strings.Contains(doc.Pages[0], want) {
		t.Errorf("got %v, %v, want %q", doc.Pages, err, want)
	}
}

// TestFormulasAreTypedInOneLine reads what stands over one another: x² was x2, and 3 1/2
// was 312.
func TestFormulasAreTypedInOneLine(t *testing.T) {
	t.Parallel()
	for formula, want := range map[string]string{
		`<msup><mi>x</mi><mn>2</mn></msup>`:                                                           "x²",
		`<msup> <mi>x</mi> <mrow> <mi>n</mi> </mrow> </msup>`:                                         "x^n",
		`<msup><mi>e</mi><mrow><mo>−</mo><msup><mi>x</mi><mn>2</mn></msup></mrow></msup>`:             "e^(−x²)",
		`<msup><mi>f</mi><mo>′</mo></msup>`:                                                           "f′",
		`<msub><mi>a</mi><mn>2</mn></msub>`:                                                           "a_2",
		`<msubsup><mi>a</mi><mrow><mi>i</mi><mo>+</mo><mn>1</mn></mrow><mn>2</mn></msubsup>`:          "a_(i+1)²",
		`<mn>3</mn><mfrac><mn>1</mn><mn>2</mn></mfrac>`:                                               "3 1/2",
		`<mfrac><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><msup><mi>c</mi><mn>2</mn></msup></mfrac>`: "(a+b)/(c²)",
		`<msqrt><mn>2</mn></msqrt>`:                                                                   "√2",
		`<msqrt> <mi>x</mi><mo>+</mo><mn>1</mn> </msqrt>`:                                             "√(x+1)",
		`<mn>2</mn><mroot><mi>x</mi><mn>3</mn></mroot>`:                                               "2 ³√x",
		`<mroot><mrow><mi>a</mi><mi>b</mi></mrow><mrow><mi>n</mi><mo>+</mo><mn>1</mn></mrow></mroot>`: "^(n+1)√(ab)",
		`<mfrac><mn>1</mn><msqrt><mn>2</mn></msqrt></mfrac>`:                                          "1/√2",
		`<msup><mn>2</mn><msqrt><mn>2</mn></msqrt></msup>`:                                            "2^√2", // not 2²
		`<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mn>2</mn></munderover>`:    "∑_(i=1)^2",
		`<munder><mi>lim</mi><mrow><mi>n</mi><mo>→</mo><mi>∞</mi></mrow></munder>`:                    "lim_(n→∞)",
		`<msup><mi>x</mi></msup><mfrac><mi>a</mi><mi>b</mi><mi>c</mi></mfrac>`:                        "xabc", // not MathML
	} {
		doc, err := reader.Extract(t.Context(), []byte("<!DOCTYPE html><p>It is said that <math>"+formula+"</math> is a number.</p>"), "a.html")
		if want := "that " + want + " is a number."; err != nil || !strings.Contains(doc.Pages[0], want) {
			t.Errorf("%s: got %v, %v, want %q", formula, doc.Pages, err, want)
		}
	}
}

// TestSectionsNamedForTheirHeadingsAreRead: their ids have words of what stands beside a text.
func TestSectionsNamedForTheirHeadingsAreRead(t *testing.T) {
	t.Parallel()
	page := "<!DOCTYPE html><main>"
	for _, heading := range []string{"Introduction", "Related work", "Remarks", "Method"} {
		page += fmt.Sprintf(`<section id="%s"><h2>%s<a href="#top">¶</a></h2><p>%s begins here.</p><p>%s</p></section>`, strings.ReplaceAll(strings.ToLower(heading), " ", "-"), heading, heading,
			strings.Repeat("Systems of this kind were described before, by several authors, in terms of what they cost. ", 12))
	}
	doc, err := reader.Extract(t.Context(), []byte(page+`<section id="related"><p>Ten more.</p></section></main>`), "a.html")
	text := strings.Join(doc.Pages, "\n\n")
	for _, want := range []string{"Related work begins here.", "Remarks begins here.", "Method begins here."} {
		if err != nil || !strings.Contains(text, want) {
			t.Errorf("%q isn't in the text: %v", want, err)
		}
	}
	if strings.Contains(text, "Ten more") {
		t.Error("what stands beside the text is in it")
	}
}

// TestNoteMarksAreNoPartOfSentences reads pages whose sentences end with the numbers of
// their notes: what follows begins a sentence.
func TestNoteMarksAreNoPartOfSentences(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"wikipedia":         "with only minor exceptions. The community is supported institutionally",
		"wikipedia-3":       "This is known as the Toeplitz decomposition of C.\n\n",
		"google-sre-book-1": "email alerts, and pages.\n\nRoot cause",
	} {
		if text := webPage(t, name); !strings.Contains(text, want) || strings.Contains(text, ".[1]") {
			t.Errorf("%s: %q isn't in the text, or marks of notes are", name, want)
		}
	}
	doc, err := reader.Extract(t.Context(), []byte(`<!DOCTYPE html><p>An area of 3 m<sup>2</sup>, the 5<sup>th</sup> of a<sup>1</sup>/<sub>2</sub> in (<b>R</b>, <i>x</i>)<sup>2</sup> with <i>x</i> <var>y</var><sup>2</sup> and 2<sup>n+1</sup> of 10<sup>3</sup> H<sub>2</sub>O, log<sub>2</sub>8, is small.<a href="#fn1"><sup>1</sup></a> A larger one isn't.</p>`), "a.html")
	if want := "An area of 3 m², the 5th of a1/2 in (R, x)² with x y² and 2^(n+1) of 10³ H2O, log_2 8, is small. A larger one isn't."; err != nil || doc.Pages[0] != want {
		t.Errorf("got %v, %v, want %q", doc.Pages, err, want)
	}
}

// TestTextsOfLinesHavePages reads texts that have no empty lines, and one of a single
// line: they aren't one page.
func TestTextsOfLinesHavePages(t *testing.T) {
	t.Parallel()
	line := strings.Repeat("A sentence of a paragraph on a line of its own. ", 10)
	for name, text := range map[string]string{
		"a.txt": strings.Repeat(line+"\n", 100),
		"a.md":  strings.Repeat("*"+line+"*\n", 100),
		"b.txt": strings.Repeat(line, 100),
		"b.md":  strings.Repeat(line, 100),
	} {
		doc, err := reader.Extract(t.Context(), []byte(text), name)
		if err != nil {
			t.Fatal(err)
		}
		if len(doc.Pages) < 15 || len(doc.Pages) > 20 {
			t.Errorf("%s: %d bytes on %d pages", name, len(text), len(doc.Pages))
		}
		checkDocument(t, doc)
	}
}

// TestTextBoxesInterruptNothing reads a paragraph with a text box, which Word writes
// twice, for readers of two ages.
func TestTextBoxesInterruptNothing(t *testing.T) {
	t.Parallel()
	box := `<w:txbxContent><w:p><w:r><w:t>Words in the box.</w:t></w:r></w:p></w:txbxContent>`
	doc, err := reader.Extract(t.Context(), office(t, `<w:p><w:r><w:t>Words before it </w:t></w:r><w:r><mc:AlternateContent><mc:Choice>`+box+
		`</mc:Choice><mc:Fallback>`+box+`</mc:Fallback></mc:AlternateContent></w:r><w:r><w:t>and behind it.</w:t></w:r></w:p>`), "a.docx")
	if err != nil {
		t.Fatal(err)
	}
	if want := "Words in the box.\n\nWords before it and behind it."; doc.Pages[0] != want {
		t.Errorf("got %q, want %q", doc.Pages[0], want)
	}
}

func TestBadFilesSayWhatIsWrong(t *testing.T) {
	t.Parallel()
	book := file(t, "GeoTopo-komprimiert.pdf")
	docx := file(t, "python-docx-test.docx")
	blank := bytes.ReplaceAll(pdf("<</Type/Outlines>>"), []byte("Tj"), []byte("% "))
	for name, tc := range map[string]struct {
		content []byte
		code    string
	}{
		"empty":          {nil, "empty_file"},
		"encrypted":      {file(t, "libreoffice-writer-password.pdf"), "encrypted"},
		"only pictures":  {file(t, "imagemagick-images.pdf"), "no_text"},
		"no slides":      {file(t, "no-slides.pptx"), "no_text"},
		"blank":          {[]byte(" \n\t\n"), "no_text"},
		"cut PDF header": {book[:200], "truncated_or_damaged"},
		"cut docx":       {docx[:len(docx)/2], "truncated_or_damaged"},
		"picture":        {[]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x02\x00\x00\x00"), "unsupported_type"},
		"program":        {[]byte("MZ\x90\x00\x03\x00\x00\x00\x04\x00\x00\x00\xff\xff\x00\x00"), "unsupported_type"},
		"zip bomb":       {bomb(t, "", "<w:p><w:r><w:t>"+strings.Repeat("bomb ", 2000)+"</w:t></w:r></w:p>", 22_000), "zip_bomb"},
		"many elements":  {bomb(t, "", strings.Repeat("<w:p/>", 1000), 10_000), "zip_bomb"},
		"attributes":     {bomb(t, "", "<w:p "+strings.Repeat(`a="" `, 100_000)+"/>", 150), "zip_bomb"},
		"one long tag":   {bomb(t, "<w:p ", strings.Repeat(`a="" `, 1000), 10_000), "zip_bomb"},
		"deep XML":       {office(t, strings.Repeat("<w:p>", 10_000)), "zip_bomb"},
		"deep HTML":      {[]byte("<!DOCTYPE html>" + strings.Repeat("<div>", 500_000)), "too_deep"},
		"no page":        {[]byte("%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[2 0 R]/Count 1>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF"), "truncated_or_damaged"},
		"broken XML":     {office(t, "<w:p><w:r>"), "truncated_or_damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := reader.Extract(t.Context(), tc.content, "lecture.pdf")
			var f *fault.Fault
			if !errors.As(err, &f) || f.Code != tc.code || !strings.HasSuffix(f.Message, ".") {
				t.Errorf("got %v, want the code %s", err, tc.code)
			}
		})
	}
	for name, content := range map[string][]byte{
		"pictures": file(t, "imagemagick-images.pdf"),
		"pictures on a slide": zipped(t, map[string]string{
			"ppt/presentation.xml": `<p/>`, "ppt/slides/slide1.xml": `<s/>`,
			"ppt/slides/_rels/slide1.xml.rels": `<r><Relationship Id="a" Target="../media/image1.png"/></r>`,
		}),
		"pictures in Word": zipped(t, map[string]string{"word/document.xml": `<w/>`, "word/media/image1.png": ""}),
		"nothing":          file(t, "no-slides.pptx"),
		"nothing on paper": blank,
	} {
		_, err := reader.Extract(t.Context(), content, "lecture.pdf")
		var f *fault.Fault
		if !errors.As(err, &f) || f.Code != "no_text" || strings.Contains(f.Message, "pictures") != strings.HasPrefix(name, "pictures") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	limits := extract.DefaultLimits // of time, too: this may be what starts PDFium
	limits.Pages, limits.Characters = 100, 1_000
	small := extract.New(limits, cache)
	for name, code := range map[string]string{"GeoTopo-komprimiert.pdf": "too_many_pages", "pdflatex-outline.pdf": "too_large"} {
		_, err := small.Extract(t.Context(), file(t, name), name)
		var f *fault.Fault
		if !errors.As(err, &f) || f.Code != code {
			t.Errorf("%s within small limits: got %v, want the code %s", name, err, code)
		}
	}
}

// TestRefusalsKnowWhatAFileIs: a broken Word file is no archive, for who sent it.
func TestRefusalsKnowWhatAFileIs(t *testing.T) {
	t.Parallel()
	cut := file(t, "python-docx-test.docx")[:1000]
	old := append([]byte("\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1"), make([]byte, 2_000)...)
	odt := []byte("PK\x03\x04\x14\x00\x00\x08\x00\x00\xbbP\xa8N\x5e\xc62\n'\x00\x00\x00'\x00\x00\x00\x08\x00\x00\x00mimetypeapplication/vnd.oasis.opendocument.text")
	for name, tc := range map[string]struct {
		content    []byte
		code, said string
	}{
		"essay.docx":  {cut, "truncated_or_damaged", "The file is damaged"},
		"deck.pptx":   {cut, "truncated_or_damaged", "The file is damaged"},
		"notes.zip":   {cut, "unsupported_type", "This is an archive, "},
		"essay.odt":   {odt, "unsupported_type", "This is a LibreOffice file, "},
		"essay.doc":   {old, "unsupported_type", "This is an old Word or PowerPoint file, "},
		"locked.docx": {old, "encrypted", "The file is protected by a password."},
	} {
		_, err := reader.Extract(t.Context(), tc.content, name)
		var f *fault.Fault
		if !errors.As(err, &f) || f.Code != tc.code || !strings.HasPrefix(f.Message, tc.said) {
			t.Errorf("%s: got %v, want %s: %s", name, err, tc.code, tc.said)
		}
	}
}

// TestReadingEndsInTime reads files that were made to take minutes or hours.
func TestReadingEndsInTime(t *testing.T) {
	t.Parallel()
	if _, err := reader.Extract(t.Context(), file(t, "crazyones-pdfa.pdf"), "a.pdf"); err != nil { // starts PDFium
		t.Fatal(err)
	}
	limits := extract.DefaultLimits
	limits.Time = 50 * time.Millisecond
	hasty := extract.New(limits, cache)
	for name, content := range map[string][]byte{
		"a.pdf":  nestedForms(10, 10),
		"a.html": []byte("<html><body>" + strings.Repeat("<table>x", 500_000)),
		"a.docx": office(t, strings.Repeat("<w:p><w:r><w:t>x</w:t></w:r></w:p>", 1_000_000)),
	} {
		t.Run(name, func(t *testing.T) {
			began := time.Now()
			_, err := hasty.Extract(t.Context(), content, name)
			var f *fault.Fault
			if !errors.As(err, &f) || f.Code != "too_slow" {
				t.Errorf("got %v, want the code too_slow", err)
			}
			if took := time.Since(began); took > time.Minute { // there is no other sign of a parser that isn't stopped
				t.Errorf("it took %s", took)
			}
		})
	}
	for range 3 { // PDFium was stopped, not lost
		if _, err := reader.Extract(t.Context(), nestedForms(1, 1), "a.pdf"); err != nil {
			t.Error(err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := reader.Extract(ended, file(t, "crazyones-pdfa.pdf"), "a.pdf"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: got %v", err)
	}
	wide := strings.Repeat("|a", 5_000) + "\n" + strings.Repeat("|-", 5_000) + "\n" + strings.Repeat("|b\n", 5_000)
	if doc, err := reader.Extract(t.Context(), []byte(wide), "a.md"); err != nil || len(strings.Join(doc.Pages, "")) > 2*len(wide) {
		t.Errorf("a wide table became %d bytes, %v", len(strings.Join(doc.Pages, "")), err)
	}
}

// TestOnePageHasItsOwnBounds reads pages that unpack to far more than the file, and
// that draw themselves: small files, once gigabytes and minutes.
func TestOnePageHasItsOwnBounds(t *testing.T) {
	t.Parallel()
	if _, err := reader.Extract(t.Context(), file(t, "crazyones-pdfa.pdf"), "a.pdf"); err != nil { // starts PDFium
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		content []byte
		step    time.Duration
		code    string
	}{
		"of spaces":        {spaces(t, 600), time.Minute, "zip_bomb"},
		"that takes hours": {nestedForms(10, 10), 300 * time.Millisecond, "too_slow"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			limits := extract.DefaultLimits
			limits.Step = tc.step
			began := time.Now()
			_, err := extract.New(limits, cache).Extract(t.Context(), tc.content, "a.pdf")
			var f *fault.Fault
			if !errors.As(err, &f) || f.Code != tc.code {
				t.Errorf("%d bytes, in %s: got %v, want the code %s", len(tc.content), time.Since(began), err, tc.code)
			}
			if _, err := reader.Extract(t.Context(), nestedForms(1, 1), "a.pdf"); err != nil {
				t.Errorf("the next file: %v", err)
			}
		})
	}
}

// TestLinesAreNoPictures reads a short formula with the bar of a fraction: it was taken
// for what a scanner stamps on pages of pictures. Letters may be drawn as many lines.
func TestLinesAreNoPictures(t *testing.T) {
	t.Parallel()
	for lines, readable := range map[int]bool{1: true, 60: false} {
		page := "BT /T 12 Tf 50 700 Td (a b) Tj ET " + strings.Repeat("50 695 m 60 695 l S ", lines)
		content := fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"+
			"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</T 4 0 R>>>>/Contents 5 0 R>>endobj\n"+
			"4 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\n5 0 obj<</Length %d>>stream\n%s\nendstream endobj\ntrailer<</Root 1 0 R/Size 6>>\n%%%%EOF", len(page), page)
		doc, err := reader.Extract(t.Context(), content, "a.pdf")
		if (err == nil) != readable || readable && doc.Pages[0] != "a b" {
			t.Errorf("with %d lines: got %v, %v", lines, doc.Pages, err)
		}
	}
}

// TestReadingEndsWithTheCharacters reads a small file whose table of pages has one page
// again and again: the ones behind the limit aren't read, which would take hours.
func TestReadingEndsWithTheCharacters(t *testing.T) {
	t.Parallel()
	page := fmt.Sprintf("BT /T 1 Tf 50 790 Td 1 TL %s ET", strings.Repeat("(a line of some words) ' ", 500))
	content := bytes.Replace(nestedForms(10, 10), []byte("/Kids[3 0 R]/Count 1"), []byte("/Kids[20 0 R 20 0 R 3 0 R]/Count 3"), 1)
	content = append(content, fmt.Sprintf("\n20 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 21 0 R/Resources<</Font<</T 5 0 R>>>>>>endobj\n"+
		"21 0 obj<</Length %d>>stream\n%s\nendstream endobj\ntrailer<</Root 1 0 R/Size 22>>\n%%%%EOF", len(page), page)...)
	limits := extract.DefaultLimits
	limits.Characters = 15_000 // a page has 11,000
	_, err := extract.New(limits, cache).Extract(t.Context(), content, "a.pdf")
	var f *fault.Fault
	if !errors.As(err, &f) || f.Code != "too_large" {
		t.Errorf("got %v, want the code too_large", err)
	}
}

// spaces returns a PDF of one page whose content unpacks to so many MiB.
func spaces(t *testing.T, mebibytes int) []byte {
	t.Helper()
	packed := bytes.NewBufferString("\x78\x9c") // zlib; nobody gets as far as its checksum
	packed.Write(deflated(t, strings.Repeat(" ", 1<<20), mebibytes))
	packed.WriteString(deflateEnd)
	return fmt.Appendf(nil, "%%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"+
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R>>endobj\n4 0 obj<</Filter/FlateDecode/Length %d>>stream\n%s\nendstream endobj\n"+
		"trailer<</Root 1 0 R/Size 5>>\n%%%%EOF", packed.Len(), packed)
}

// nestedForms returns a PDF of one page that draws a form, which draws another
// one some times, and so on.
func nestedForms(levels, times int) []byte {
	var b bytes.Buffer
	var offsets []int
	object := func(body string) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), body)
	}
	stream := func(dict, content string) {
		object(fmt.Sprintf("<<%s/Length %d>>\nstream\n%s\nendstream", dict, len(content), content))
	}
	b.WriteString("%PDF-1.7\n")
	object("<</Type/Catalog/Pages 2 0 R>>")
	object("<</Type/Pages/Kids[3 0 R]/Count 1>>")
	object("<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 4 0 R/Resources<</XObject<</F 6 0 R>>/Font<</T 5 0 R>>>>>>")
	stream("", "BT /T 12 Tf 50 700 Td (A page of a few words, more than twenty letters.) Tj ET /F Do")
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>")
	for level := range levels {
		content := strings.Repeat("/F Do ", times)
		if level == levels-1 {
			content = "BT /T 12 Tf 50 600 Td (word) Tj ET"
		}
		stream(fmt.Sprintf("/Type/XObject/Subtype/Form/BBox[0 0 612 792]/Resources<</Font<</T 5 0 R>>/XObject<</F %d 0 R>>>>", len(offsets)+2), content)
	}
	xref := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, offset := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", offset)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF", len(offsets)+1, xref)
	return b.Bytes()
}

// TestCutBookIsReadOrRefused reads a PDF that broke off: PDFium mends what it can.
func TestCutBookIsReadOrRefused(t *testing.T) {
	t.Parallel()
	book := file(t, "GeoTopo-komprimiert.pdf")
	for _, part := range []int{2, 3, 10} {
		doc, err := reader.Extract(t.Context(), book[:len(book)/part], "book.pdf")
		var f *fault.Fault
		if err == nil && doc.Words == 0 || err != nil && !errors.As(err, &f) {
			t.Errorf("a %dth of it: %d words, %v", part, doc.Words, err)
		}
	}
}

// TestExponentsStayExponents reads what stands above the line: 10³² isn't 1032, and
// PDFium sees white space and lines' ends before some.
func TestExponentsStayExponents(t *testing.T) {
	t.Parallel()
	const up, down, back = "/F 7 Tf 4 Ts ", "/F 7 Tf -2 Ts ", "/F 10 Tf 0 Ts "
	for name, tc := range map[string]struct{ content, want string }{
		"a power":              {"(It is 10) Tj " + up + "(32) Tj " + back + "( metres long) Tj", "It is 10³² metres long"},
		"a negative power":     {"(It is 10) Tj " + up + "(-3) Tj " + back + "( metres long) Tj", "It is 10⁻³ metres long"},
		"powers of letters":    {"(Let x) Tj " + up + "(2) Tj " + back + "(+y) Tj " + up + "(2) Tj " + back + "(=1.) Tj", "Let x²+y²=1."},
		"a charge":             {"(It has Na) Tj " + up + "(+) Tj " + back + "( ions) Tj", "It has Na⁺ ions"},
		"what has no sign":     {"(It is e) Tj " + up + "(2x) Tj " + back + "(, or so) Tj", "It is e^(2x), or so"},
		"with space before it": {"(Let S) Tj " + up + "1.2 0 Td (2) Tj " + back + "( be so) Tj", "Let S² be so"},
		"larger by its matrix": {"/F 1 Tf 10 0 0 10 10 600 Tm (Let x) Tj 7 0 0 7 30.3 604 Tm (2) Tj 10 0 0 10 36 600 Tm (be so) Tj", "Let x²"},
		"marks of notes":       {"(Many words) Tj " + up + "(1,2) Tj " + back + "( have notes) Tj", "Many words¹,² have notes"},
		"a note's own mark":    {up + "(1) Tj " + back + "(See there for more) Tj", "1See there for more"},
		"an index":             {"(Drink H) Tj " + down + "(2) Tj " + back + "(O in 2019, some 10-12 l) Tj", "Drink H2O in 2019, some 10-12 l"},
		"index and power":      {"(Let x) Tj " + down + "(1) Tj " + up + "(2) Tj " + back + "( be so) Tj", "Let x1² be so"},
		"a fraction":           {"(It takes 3) Tj " + up + "(1) Tj -3.9 0 Td " + down + "(2) Tj " + back + "( hours) Tj", "It takes 31"},
		"an ordinal":           {"(On the 21) Tj " + up + "(st) Tj " + back + "( of May) Tj", "On the 21st of May"},
		"another size":         {"(Read part A) Tj /F 7 Tf (2) Tj " + back + "( of it) Tj", "Read part A2 of it"},
		"at a line's start":    {"(The speed of light is about) Tj 0 -14 Td (10) Tj " + up + "(8) Tj " + back + "( metres) Tj", "is about 10⁸ metres"},
		"letters beyond 65535": {"/G 10 Tf (Let x) Tj " + up + "(3) Tj " + back + "( be so) Tj", "Let 𝑥³ be so"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names := "/CIDInit /ProcSet findresource begin begincmap\n1 begincodespacerange <00> <FF> endcodespacerange\n1 beginbfchar <78> <D835DC65> endbfchar\nendcmap end"
			content := "BT /F 10 Tf 10 700 Td (Some words of a text that can be read.) Tj 0 -50 Td " + tc.content + " ET"
			doc, err := reader.Extract(t.Context(), pdf("<</Type/Outlines>>",
				"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/ToUnicode 11 0 R>>",
				fmt.Sprintf("<</Length %d>>stream\n%s\nendstream ", len(content), content),
				fmt.Sprintf("<</Length %d>>stream\n%s\nendstream ", len(names), names),
				"<<>>endobj 3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Resources<</Font<</F 4 0 R/G 9 0 R>>>>/Contents 10 0 R>>",
			), "a.pdf")
			if err != nil {
				t.Fatal(err)
			}
			if text := strings.Join(doc.Pages, "\n\n"); !strings.Contains(text, tc.want) {
				t.Errorf("got %q, want %q", text, tc.want)
			}
		})
	}
}

// bomb returns a Word file of a text that ends in many repetitions.
func bomb(t testing.TB, begin, repeated string, times int) []byte {
	t.Helper()
	begin = `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>` + begin
	packed := append(deflated(t, begin, 1), deflated(t, repeated, times)...)
	checksum := crc32.ChecksumIEEE([]byte(begin))
	for range times {
		checksum = crc32.Update(checksum, crc32.IEEETable, []byte(repeated))
	}
	var file bytes.Buffer
	z := zip.NewWriter(&file)
	w, err := z.CreateRaw(&zip.FileHeader{Name: "word/document.xml", Method: zip.Deflate, CRC32: checksum,
		CompressedSize64: uint64(len(packed) + len(deflateEnd)), UncompressedSize64: uint64(len(begin) + times*len(repeated))})
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range [][]byte{packed, []byte(deflateEnd)} {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

// deflateEnd is an empty last block.
const deflateEnd = "\x01\x00\x00\xff\xff"

// deflated compresses repetitions of a text, without an end. Only one is compressed: its
// blocks refer to nothing before them, and may stand there again and again.
func deflated(t testing.TB, text string, times int) []byte {
	t.Helper()
	var once bytes.Buffer
	w, err := flate.NewWriter(&once, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Flush(); err != nil { // to whole bytes
		t.Fatal(err)
	}
	return bytes.Repeat(once.Bytes(), times)
}

// office returns a Word file whose document has the body.
func office(t testing.TB, body string) []byte {
	return zipped(t, map[string]string{
		"[Content_Types].xml": `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>`,
		"word/document.xml":   `<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>` + body + `</w:body></w:document>`,
	})
}

// BenchmarkPDF reads a book of 117 pages; its baseline is pdftotext on the same file.
func BenchmarkPDF(b *testing.B) {
	book := file(b, "GeoTopo-komprimiert.pdf")
	b.Run("extract", func(b *testing.B) {
		for b.Loop() {
			if _, err := reader.Extract(b.Context(), book, "book.pdf"); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("pdftotext", func(b *testing.B) {
		if _, err := exec.LookPath("pdftotext"); err != nil {
			b.Skip("pdftotext isn't installed: no baseline")
		}
		for b.Loop() {
			if err := exec.Command("pdftotext", "testdata/GeoTopo-komprimiert.pdf", os.DevNull).Run(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
