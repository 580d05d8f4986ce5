package extract_test

import (
	"regexp"
	"strings"
	"testing"
)

// shifted has the runs that Word and PowerPoint make of a text with ^{raised} and _{lowered}.
var shifted = regexp.MustCompile(`([\^_]?)\{([^}]*)\}|[^{^_]+`)

// runs returns the text's runs, each with the properties of where it stands.
func runs(text, prefix, higher, lower string) string {
	var out strings.Builder
	for _, m := range shifted.FindAllStringSubmatch(text, -1) {
		properties, words := "", m[0]
		switch m[1] {
		case "^":
			properties, words = higher, m[2]
		case "_":
			properties, words = lower, m[2]
		}
		out.WriteString(strings.ReplaceAll("<_:r>"+properties+`<_:t xml:space="preserve">`+words+"</_:t></_:r>", "_:", prefix+":"))
	}
	return out.String()
}

// TestRaisedTextOfOfficeStaysRaised reads runs above and below the line: 3·10⁸ was 3·108.
func TestRaisedTextOfOfficeStaysRaised(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Light has 3·10^{8} m/s, ":              "has 3·10⁸ m/s,",
		"It is 10^{−}^{3}^{4} metres":           "is 10⁻³⁴ metres", // Word parts runs where it was typed on
		"There are 2^{n+1}−1 nodes":             "are 2^(n+1)−1 nodes",
		"There are 2^{n} leaves":                "are 2^n leaves",
		"Let f^{′}(x) be so":                    "Let f′(x) be so",
		"As log_{2}8 = 3 and log_{10} 5":        "As log_2 8 = 3 and log10 5",
		"Let a_{n}^{2}+a_{n+1} be":              "Let a_n²+a_(n+1) be",
		"It is 101_{2} in binary":               "is 101_2 in binary",
		"Drink H_{2}O with SO_{4}^{2−}_{(aq)} ": "Drink H2O with SO4²⁻(aq)",
		"On the 21^{st} of May, le 2^{e} jour":  "the 21st of May, le 2e jour",
		"Many words^{1,2} have Brand^{TM} ":     "Many words¹,² have BrandTM",
		"A half, ^{1}/_{2}, and 3^{1}/_{2} ":    "A half, 1/2, and 31/2",
		"It has 5 m^{2 }of area":                "has 5 m² of area",
		"^{1}See there":                         "1See there",
	} {
		docx := office(t, "<w:p><w:pPr><w:rPr><w:vertAlign w:val=\"superscript\"/></w:rPr></w:pPr>"+
			runs("Some words of a text that can be read. ", "w", "", "")+
			runs(text, "w", `<w:rPr><w:vertAlign w:val="superscript"/></w:rPr>`, `<w:rPr><w:vertAlign w:val="subscript"/></w:rPr>`)+"</w:p>")
		pptx := zipped(t, map[string]string{
			"ppt/presentation.xml": `<p:presentation xmlns:p="p"/>`,
			"ppt/slides/slide1.xml": `<p:sld xmlns:p="p" xmlns:a="a"><p:sp><p:txBody><a:p>` + runs("Some words of a text that can be read. ", "a", `<a:rPr lang="en-US" baseline="0"/>`, "") +
				runs(text, "a", `<a:rPr lang="en-US" baseline="30000"/>`, `<a:rPr lang="en-US" baseline="-25000"/>`) + `<a:endParaRPr/></a:p></p:txBody></p:sp></p:sld>`,
		})
		for name, content := range map[string][]byte{"a.docx": docx, "a.pptx": pptx} {
			if doc, err := reader.Extract(t.Context(), content, name); err != nil || !strings.Contains(doc.Pages[0], want) {
				t.Errorf("%s: got %q, %v, want %q", name, doc.Pages, err, want)
			}
		}
	}
}

// TestFormulasOfOfficeAreTypedInOneLine reads what Word's and PowerPoint's editor writes.
func TestFormulasOfOfficeAreTypedInOneLine(t *testing.T) {
	t.Parallel()
	run := func(text string) string {
		return `<m:r><w:rPr><w:rFonts w:ascii="Cambria Math"/></w:rPr><m:t>` + text + "</m:t></m:r>"
	}
	e := func(text string) string { return "<m:e>" + run(text) + "</m:e>" }
	sup := "<m:sup>" + run("2") + "</m:sup>"
	for formula, want := range map[string]string{
		"<m:f><m:fPr><m:ctrlPr/></m:fPr><m:num>" + run("1") + "</m:num><m:den>" + run("2") + "</m:den></m:f>":                                    "1/2",
		run("3") + "<m:f><m:num>" + run("a") + run("+b") + "</m:num><m:den>" + run("2x") + "</m:den></m:f>":                                      "3 (a+b)/(2x)",
		"<m:sSup>" + e("x") + sup + "</m:sSup>" + run("+1"):                                                                                      "x²+1",
		"<m:sSup>" + e("e") + "<m:sup>" + run("−") + "<m:sSup>" + e("x") + sup + "</m:sSup></m:sup></m:sSup>":                                    "e^(−x²)",
		"<m:sSub>" + e("a") + "<m:sub>" + run("2") + "</m:sub></m:sSub>":                                                                         "a_2",
		"<m:sSubSup>" + e("a") + "<m:sub>" + run("i+1") + "</m:sub>" + sup + "</m:sSubSup>":                                                      "a_(i+1)²",
		`<m:rad><m:radPr><m:degHide m:val="1"/></m:radPr><m:deg/>` + e("y") + "</m:rad>":                                                         "√y",
		"<m:rad><m:deg>" + run("3") + "</m:deg>" + e("y+1") + "</m:rad>":                                                                         "³√(y+1)",
		`<m:nary><m:naryPr><m:chr m:val="∑"/></m:naryPr><m:sub>` + run("i=1") + "</m:sub><m:sup>" + run("n") + "</m:sup>" + e("i") + "</m:nary>": "∑_(i=1)^n i",
		`<m:nary><m:naryPr/><m:sub/><m:sup/>` + e("f") + "</m:nary>":                                                                             "∫ f",
		"<m:sSup><m:e><m:d>" + e("a+b") + "</m:d></m:e>" + sup + "</m:sSup>":                                                                     "(a+b)²",
		`<m:d><m:dPr><m:begChr m:val="["/><m:endChr m:val="]"/><m:sepChr m:val=","/></m:dPr>` + e("a") + e("b") + "</m:d>":                       "[a,b]",
		"<m:func><m:fName>" + run("sin") + "</m:fName>" + e("x") + "</m:func>":                                                                   "sin x",
		"<m:acc>" + e("z") + "</m:acc>": "z",
	} {
		paragraph := func(prefix, math string) string {
			return strings.ReplaceAll("<_:p>"+runs("It is said in some books that ", prefix, "", "")+math+runs(" is a number.", prefix, "", "")+"</_:p>", "_:", prefix+":")
		}
		const space = ` xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"`
		docx := office(t, paragraph("w", "<m:oMath"+space+">"+formula+"</m:oMath>"))
		pptx := zipped(t, map[string]string{
			"ppt/presentation.xml":  `<p:presentation xmlns:p="p"/>`,
			"ppt/slides/slide1.xml": `<p:sld xmlns:p="p" xmlns:a="a" xmlns:a14="a14"><p:sp>` + paragraph("a", "<a14:m><m:oMath"+space+">"+formula+"</m:oMath></a14:m>") + `</p:sp></p:sld>`,
		})
		want = "that " + want + " is a number."
		for name, content := range map[string][]byte{"a.docx": docx, "a.pptx": pptx} {
			if doc, err := reader.Extract(t.Context(), content, name); err != nil || !strings.Contains(doc.Pages[0], want) {
				t.Errorf("%s: %s: got %q, %v, want %q", name, formula, doc.Pages, err, want)
			}
		}
	}
}

// TestLongFormulasAreText reads one of more bytes than are copied for each operand
// around them: a small file took minutes.
func TestLongFormulasAreText(t *testing.T) {
	t.Parallel()
	const times = 3
	run := "<m:r><m:t>" + strings.Repeat("word ", 2_100) + "</m:t></m:r>"
	doc, err := reader.Extract(t.Context(), office(t, `<w:p><w:r><w:t>Read: </w:t></w:r><m:oMath xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:f><m:num>`+
		strings.Repeat(run, times)+`</m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></m:oMath></w:p>`), "a.docx")
	text := strings.Join(doc.Pages, " ")
	if err != nil || strings.Count(text, "word") != times*2_100 || !strings.HasPrefix(text, "Read: word") {
		t.Errorf("got %.40q, %v", text, err)
	}
}
