package extract

import (
	"slices"
	"strings"
	"unicode"

	pdfiumlib "github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
)

// pageText returns the text of a page, in which exponents are raised. PDFium gives
// the characters in one call, but where each of them stands in some calls of its own.
func pageText(instance pdfiumlib.Pdfium, document references.FPDF_DOCUMENT, page int) (string, error) {
	loaded, err := instance.FPDFText_LoadPage(&requests.FPDFText_LoadPage{Page: requests.Page{ByIndex: &requests.PageByIndex{Document: document, Index: page}}})
	if err != nil {
		return "", err
	}
	defer instance.FPDFText_ClosePage(&requests.FPDFText_ClosePage{TextPage: loaded.TextPage}) // it has been read, whatever comes of this
	count, err := instance.FPDFText_CountChars(&requests.FPDFText_CountChars{TextPage: loaded.TextPage})
	if err != nil {
		return "", err
	}
	text, err := instance.FPDFText_GetText(&requests.FPDFText_GetText{TextPage: loaded.TextPage, Count: count.Count})
	if err != nil {
		return "", err
	}
	p := printed{instance: instance, page: loaded.TextPage, text: []rune(strings.TrimRight(text.Text, "\x00"))}
	return p.raise(), nil
}

// printed is the text of a page with the way to where its characters stand.
type printed struct {
	instance pdfiumlib.Pdfium
	page     references.FPDF_TEXTPAGE
	text     []rune
	at       []int // for each character, its place in what PDFium counts: units of UTF-16
	looked   int
}

// Bounds of exponents; sizes are relative to that of what they stand at.
const (
	leastRaise = 0.15
	mostRaise  = 0.8
	mostSize   = 0.9
	mostGap    = 0.2
	mostToken  = 200    // characters of what has one
	mostLooked = 20_000 // characters of a page that are looked at
)

// place is where a character stands: its left end on the line, its right end, its size.
type place struct{ x, y, right, size float64 }

// baseline returns where a character begins, and PDFium's number for it.
func (p *printed) baseline(i int) (at place, index int, ok bool) {
	if p.looked++; p.looked > mostLooked {
		return place{}, 0, false
	}
	char, err := p.instance.FPDFText_GetCharIndexFromTextIndex(&requests.FPDFText_GetCharIndexFromTextIndex{TextPage: p.page, NTextIndex: p.at[i]})
	if err != nil {
		return place{}, 0, false
	}
	origin, err := p.instance.FPDFText_GetCharOrigin(&requests.FPDFText_GetCharOrigin{TextPage: p.page, Index: char.CharIndex})
	if err != nil {
		return place{}, 0, false
	}
	return place{x: origin.X, y: origin.Y}, char.CharIndex, true
}

// place returns all of where a character stands.
func (p *printed) place(i int) (place, bool) {
	at, index, ok := p.baseline(i)
	if !ok {
		return place{}, false
	}
	box, err := p.instance.FPDFText_GetLooseCharBox(&requests.FPDFText_GetLooseCharBox{TextPage: p.page, Index: index})
	if err != nil {
		return place{}, false
	}
	font, err := p.instance.FPDFText_GetFontSize(&requests.FPDFText_GetFontSize{TextPage: p.page, Index: index})
	if err != nil {
		return place{}, false
	}
	scale, err := p.instance.FPDFText_GetMatrix(&requests.FPDFText_GetMatrix{TextPage: p.page, Index: index})
	if err != nil {
		return place{}, false
	}
	at.right, at.size = float64(box.Rect.Right), font.FontSize*float64(scale.Matrix.D) // the box's height depends on the font
	return at, at.size > 0
}

// raise returns the text with exponents written as such: 10³² isn't 1032. They are
// digits and signs, smaller and higher than the letter, digit or bracket before them.
func (p *printed) raise() string {
	p.at = make([]int, len(p.text))
	units := 0
	for i, c := range p.text {
		p.at[i] = units
		if units++; c > 0xFFFF {
			units++
		}
	}
	var out strings.Builder
	out.Grow(units)
	for start := 0; start < len(p.text); {
		end := p.tokenEnd(start)
		if p.suspect(start, end) {
			end = p.token(&out, start, end)
		} else {
			out.WriteString(string(p.text[start:end]))
		}
		start = end
	}
	return out.String()
}

// tokenEnd returns where the token that begins at the place ends: before white space
// that isn't a space or a line's end which PDFium sees before an exponent.
func (p *printed) tokenEnd(start int) int {
	end := start + 1
	for end < len(p.text) && end-start < mostToken && !unicode.IsSpace(p.text[start]) {
		if unicode.IsSpace(p.text[end]) {
			next := max(end+1, p.lineStart(end))
			if !p.begins(next) || !carries(p.text[end-1]) {
				break
			}
			end = next
		}
		end++
	}
	return min(end, len(p.text))
}

// behind returns the last place before the one given that has no white space. A
// token has none in front.
func (p *printed) behind(i int) int {
	for i--; unicode.IsSpace(p.text[i]); i-- {
	}
	return i
}

// begins reports whether a number begins at the place.
func (p *printed) begins(i int) bool {
	number := func(i int) bool { return i < len(p.text) && p.text[i] >= '0' && p.text[i] <= '9' }
	return number(i) || number(i+1) && raisable(p.text[i])
}

// suspect reports whether a digit or sign of the token stands higher than what it may
// be an exponent of. Of those in a row it looks at the last.
func (p *printed) suspect(start, end int) bool {
	base, known := -1, -1
	var below place // of known
	higher := func(base int, at place) bool {
		if known != base {
			found, _, ok := p.baseline(base)
			if !ok {
				return false
			}
			below, known = found, base
		}
		return at.y > below.y+0.5
	}
	for i := start + 1; i < end; i++ {
		before, c := p.behind(i), p.text[i]
		switch {
		case unicode.IsSpace(c):
			continue
		case !raisable(c):
			base = -1
			continue
		case base >= 0 && before == i-1:
		case carries(p.text[before]):
			base = before
		default:
			continue
		}
		if before < i-1 { // behind white space
			if at, _, ok := p.baseline(i); ok && !higher(base, at) {
				base = i // a number of its own, which may have an exponent
			}
		}
		if i+1 < end && unicode.IsDigit(p.text[i+1]) || c == '-' && i+1 < end && unicode.IsLetter(p.text[i+1]) {
			continue // not the last one, or a hyphen
		}
		if at, _, ok := p.baseline(i); ok && higher(base, at) {
			return true
		}
	}
	return false
}

// token writes the characters from start to end with their exponents raised, and
// returns where it stopped: behind a line's end that is none, after an exponent.
func (p *printed) token(out *strings.Builder, start, end int) int {
	var base, before place // what is on the line, and what stands right before
	written := start
	raised := func(i int) (at place, higher bool) {
		at, ok := p.place(i)
		return at, ok && base.size > 0 && at.size <= mostSize*base.size && at.y >= base.y+leastRaise*base.size && at.x-before.right < mostGap*base.size
	}
	for i := start; i < end; i++ {
		if unicode.IsSpace(p.text[i]) {
			continue
		}
		first, higher := raised(i)
		if !higher {
			if before = first; first.size > mostSize*base.size { // else it is an index of what is on the line
				base = first
			}
			continue
		}
		upright := first.y <= base.y+mostRaise*base.size
		last := i
		before = first
		for j := i + 1; j < len(p.text) && j-i < mostToken && p.text[j] != '\r' && p.text[j] != '\n'; j++ {
			if p.text[j] == ' ' {
				continue
			}
			next, ok := raised(j)
			if !ok {
				break
			}
			upright = upright && max(next.y-first.y, first.y-next.y) < 0.1*base.size
			last, before = j, next
		}
		if last >= end { // it goes on in the next token, and with words
			upright = false
			last = end - 1
		}
		carrier := p.behind(i)
		if upright && raisable(p.text[i]) && carries(p.text[carrier]) && !p.fraction(carrier, last, base) {
			out.WriteString(string(p.text[written : carrier+1]))
			out.WriteString(p.exponent(i, last+1))
			written = last + 1
			if next := p.lineStart(written); next > written {
				if at, _, ok := p.baseline(next); ok && max(at.y-base.y, base.y-at.y) < 0.1*base.size && at.x > before.x {
					out.WriteByte(' ')
					written = next
				}
			}
		}
		i = last
	}
	out.WriteString(string(p.text[written:max(written, end)]))
	return max(written, end)
}

// lineStart returns where the next line begins if the place is a line's end, else the place.
func (p *printed) lineStart(i int) int {
	if i+2 < len(p.text) && p.text[i] == '\r' && p.text[i+1] == '\n' {
		return i + 2
	}
	return i
}

// fraction reports whether what is raised behind a digit is the upper part of a
// fraction: 3½ isn't 3¹2.
func (p *printed) fraction(carrier, last int, base place) bool {
	next := last + 1
	for next < len(p.text) && unicode.IsSpace(p.text[next]) {
		next++
	}
	if !unicode.IsDigit(p.text[carrier]) || next == len(p.text) {
		return false
	}
	if c := p.text[next]; c == '/' || c == '⁄' {
		return true
	}
	upper, ok := p.place(last)
	lower, there := p.place(next)
	return ok && there && lower.size <= mostSize*base.size && lower.y < base.y && lower.x <= upper.x
}

// carries reports whether an exponent may stand behind the character.
func carries(c rune) bool {
	return unicode.IsLetter(c) || unicode.IsDigit(c) || strings.ContainsRune(")]}|", c)
}

const onLine, above = "0123456789+-−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻"

// raisable reports whether there is a raised sign of the character.
func raisable(c rune) bool { return strings.ContainsRune(onLine, c) }

var raisedSigns = func() map[rune]rune {
	signs, at := map[rune]rune{}, []rune(above)
	for i, c := range []rune(onLine) {
		signs[c] = at[i]
	}
	return signs
}()

// exponent returns what is raised as it is written.
func (p *printed) exponent(start, end int) string {
	run := slices.Clone(p.text[start:end])
	for i, c := range run {
		if c == '0' && p.prime(start+i) {
			run[i] = '′'
		}
	}
	return superscript(string(run))
}

// superscript returns an exponent as it is written in a line: 10⁻³, x^n, e^(2x). The
// marks of several notes keep their commas.
func superscript(text string) string {
	notes := strings.ContainsAny(text, ",*†‡§®")
	var out strings.Builder
	for _, c := range text {
		switch sign := raisedSigns[c]; {
		case sign > 0:
			out.WriteRune(sign)
		case notes, strings.ContainsRune("'′″‴", c):
			out.WriteRune(c)
		default:
			return "^" + grouped(text)
		}
	}
	return out.String()
}

// prime reports whether the zero is one: TeX's font of signs has it in its place.
func (p *printed) prime(i int) bool {
	_, index, ok := p.baseline(i)
	if !ok {
		return false
	}
	font, err := p.instance.FPDFText_GetFontInfo(&requests.FPDFText_GetFontInfo{TextPage: p.page, Index: index})
	return err == nil && strings.Contains(font.FontName, "CMSY")
}
