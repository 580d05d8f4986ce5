package extract

import (
	"encoding/xml"
	"strings"
	"unicode"
	"unicode/utf8"
)

// line is a paragraph of Word or PowerPoint on its way to one line: what is raised or
// lowered, and what stands over one another in formulas, is written as it is typed.
type line struct {
	text    strings.Builder
	at      shift
	shifted strings.Builder // what stands there: programs part it into some runs
	open    []*operand      // of formulas, one within the other
}

// shift is where a run stands.
type shift int

const (
	upright shift = iota
	higher
	lower
)

// write appends the text of a run.
func (l *line) write(text string, at shift) {
	switch {
	case text == "":
		return
	case len(l.open) > 0 && l.open[len(l.open)-1].size < mostFormula:
		o := l.open[len(l.open)-1]
		o.size += len(text)
		o.text.WriteString(text)
		return
	case at != l.at && at == upright:
		next, _ := utf8.DecodeRuneInString(text)
		l.settle(next)
	case at != l.at:
		l.settle(0)
	}
	if l.at = at; at == upright {
		l.text.WriteString(text)
	} else {
		l.shifted.WriteString(text)
	}
}

// settle writes what is raised or lowered, behind which the character follows, if any.
func (l *line) settle(next rune) {
	text := l.shifted.String()
	l.shifted.Reset()
	word := strings.TrimRightFunc(text, unicode.IsSpace)
	if len(word) < len(text) {
		next = ' '
	}
	base, size := utf8.DecodeLastRuneInString(l.text.String())
	switch first, _ := utf8.DecodeRuneInString(word); {
	case word == "" || len(word) > mostToken || unicode.IsSpace(first):
	case l.at == higher && carries(base) && next != '/' && next != '⁄': // else the upper part of a fraction
		before, _ := utf8.DecodeLastRuneInString(l.text.String()[:l.text.Len()-size])
		if !ending(word, base, before) {
			text = superscript(word) + text[len(word):]
		}
	case l.at == lower && (carries(base) || strings.ContainsRune(above, base)):
		text = index(word, base, next) + text[len(word):]
	}
	l.text.WriteString(text)
}

// String returns the line.
func (l *line) String() string {
	l.settle(0)
	return strings.TrimSpace(l.text.String())
}

// ending reports whether raised letters are the end of a word or of an ordinal, as in
// 21st, 2e and WordTM, and no exponent.
func ending(text string, base, before rune) bool {
	if !only(text, unicode.IsLetter) {
		return false
	}
	return unicode.IsLetter(base) && unicode.IsLetter(before) ||
		unicode.IsDigit(base) && (utf8.RuneCountInString(text) > 1 || strings.Contains("aeoºª", text))
}

// index returns what is lowered behind the base. A number stays as it is, H2O, but next
// to another one: log_2 8.
func index(text string, base, next rune) string {
	switch digits := only(text, unicode.IsDigit); {
	case digits && !unicode.IsNumber(base) && !unicode.IsDigit(next), strings.HasPrefix(text, "("): // such as (aq)
		return text
	case unicode.IsLetter(next) || unicode.IsDigit(next):
		return "_" + grouped(text) + " "
	}
	return "_" + grouped(text)
}

// grouped returns the text in brackets, but a number or a word.
func grouped(text string) string {
	if utf8.RuneCountInString(text) == 1 || only(text, unicode.IsLetter) || only(text, func(c rune) bool { return unicode.IsDigit(c) || c == '.' || c == ',' }) {
		return text
	}
	return "(" + text + ")"
}

// only reports whether the text has but characters of a kind.
func only(text string, kind func(rune) bool) bool {
	return !strings.ContainsFunc(text, func(c rune) bool { return !kind(c) })
}

// mostFormula bounds the bytes of an operand, which is copied for each around it: what
// is longer is text.
const mostFormula = 10_000

// operand is an element of a formula of Office's that isn't read to its end.
type operand struct {
	name  string
	text  strings.Builder
	size  int                 // of the text and the parts
	parts map[string][]string // by the name of their elements
	marks map[string]string   // signs that it has instead of the usual ones
}

// isFormula reports whether the element is one of Office's formulas.
func isFormula(e xml.StartElement) bool {
	return strings.HasSuffix(e.Name.Space, "officeDocument/2006/math") || strings.HasSuffix(e.Name.Space, "officeDocument/math")
}

// begin opens an element of a formula.
func (l *line) begin(e xml.StartElement) {
	if n := len(l.open); n > 1 && strings.HasSuffix(e.Name.Local, "Chr") || n > 1 && e.Name.Local == "chr" {
		of := l.open[n-2] // the last one has its properties
		if of.marks == nil {
			of.marks = map[string]string{}
		}
		of.marks[e.Name.Local] = unmarked(attribute(e, "val"))
	}
	l.open = append(l.open, &operand{name: e.Name.Local})
}

// finish closes an element of a formula, if it is the last one that was opened.
func (l *line) finish(name string) {
	n := len(l.open)
	if n == 0 || l.open[n-1].name != name {
		return
	}
	ended := l.open[n-1]
	l.open = l.open[:n-1]
	text := ended.typed()
	if n == 1 || l.open[n-2].size >= mostFormula {
		l.write(text, upright)
		return
	}
	around := l.open[n-2]
	around.size += len(text)
	switch around.name {
	case "f", "sSup", "sSub", "sSubSup", "rad", "nary", "d", "func", "limLow":
		if around.parts == nil {
			around.parts = map[string][]string{}
		}
		around.parts[name] = append(around.parts[name], strings.TrimSpace(text))
	default:
		if last, _ := utf8.DecodeLastRuneInString(around.text.String()); name == "f" && unicode.IsDigit(last) {
			text = " " + text // 3 1/2 isn't 31/2
		}
		around.text.WriteString(text)
	}
}

// typed returns the element in one line.
func (o *operand) typed() string {
	part := func(name string) string { return strings.Join(o.parts[name], "") }
	mark := func(name, usual string) string {
		if sign, ok := o.marks[name]; ok {
			return sign
		}
		return usual
	}
	power := func() string {
		if part("sup") == "" {
			return ""
		}
		return superscript(part("sup"))
	}
	under := func(name string) string {
		if part(name) == "" {
			return ""
		}
		return "_" + grouped(part(name))
	}
	switch o.name {
	case "f":
		return grouped(part("num")) + "/" + grouped(part("den"))
	case "sSup", "sSub", "sSubSup":
		return part("e") + under("sub") + power()
	case "limLow":
		return part("e") + under("lim")
	case "func":
		return part("fName") + " " + part("e")
	case "rad":
		degree := ""
		if part("deg") != "" {
			degree = superscript(part("deg"))
		}
		return degree + "√" + grouped(part("e"))
	case "nary":
		return mark("chr", "∫") + under("sub") + power() + " " + part("e")
	case "d":
		return mark("begChr", "(") + strings.Join(o.parts["e"], mark("sepChr", "|")) + mark("endChr", ")")
	}
	return o.text.String()
}
