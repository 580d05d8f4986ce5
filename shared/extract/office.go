package extract

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"aksio.app/shared/fault"
)

// Bounds of an Office file, which is a zip of XML.
const (
	mostEntries  = 20_000
	mostInflated = 100 << 20 // bytes of all parts that are read
	mostDepth    = 200       // of XML elements
	mostElements = 3_000_000 // and attributes of all parts: a book of 2,000 pages has as many
	mostTag      = 4 << 20   // bytes of one tag, text or comment: its attributes take thirty times as much
)

// pack is an Office file whose parts are read within bounds.
type pack struct {
	ctx      context.Context
	files    map[string]*zip.File
	inflated int64
	elements int
}

func openPack(ctx context.Context, content []byte) (*pack, error) {
	reader, err := zip.NewReader(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", damaged(), err)
	}
	if len(reader.File) > mostEntries {
		return nil, bomb()
	}
	p := &pack{ctx: ctx, files: map[string]*zip.File{}}
	for _, file := range reader.File {
		p.files[strings.TrimPrefix(path.Clean("/"+file.Name), "/")] = file
	}
	return p, nil
}

func bomb() error {
	return fault.New(fault.Invalid, "The file unpacks to far more than it should. Save it anew, or as a PDF, and upload that.").Coded("zip_bomb")
}

// bounded fails when the pack's parts get larger than they may, whatever their
// headers claim, or one tag does.
type bounded struct {
	io.Reader
	pack *pack
	tag  int64 // bytes since the last one
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	b.pack.inflated += int64(n)
	if b.tag += int64(n); b.pack.inflated > mostInflated || b.tag > mostTag {
		return n, bomb()
	}
	return n, err
}

// walk reads a part of the pack element by element. A missing part has none.
func (p *pack) walk(name string, open func(xml.StartElement), text func([]byte), end func(string)) error {
	file := p.files[name]
	if file == nil {
		return nil
	}
	if file.UncompressedSize64 > mostInflated {
		return bomb()
	}
	part, err := file.Open()
	if err != nil {
		return fmt.Errorf("%w: %w", damaged(), err)
	}
	defer part.Close()
	source := &bounded{timely{part, p.ctx}, p, 0}
	decoder := xml.NewDecoder(source)
	depth := 0
	for {
		token, err := decoder.Token()
		var f *fault.Fault
		switch {
		case errors.Is(err, io.EOF) && depth == 0:
			return nil
		case errors.As(err, &f):
			return f
		case err != nil:
			return fmt.Errorf("%w: %s: %w", damaged(), name, err)
		}
		source.tag = 0
		switch t := token.(type) {
		case xml.StartElement:
			depth++
			if p.elements += 1 + len(t.Attr); depth > mostDepth || p.elements > mostElements {
				return bomb()
			}
			open(t)
		case xml.CharData:
			text(t)
		case xml.EndElement:
			depth--
			end(t.Name.Local)
		}
	}
}

// officeKind tells what kind of Office file a zip is, "" if it is none.
func officeKind(content []byte) string {
	p, err := openPack(context.Background(), content) // no part of it is read
	switch {
	case err != nil:
	case p.files["word/document.xml"] != nil:
		return Word
	case p.files["ppt/presentation.xml"] != nil:
		return Slides
	}
	return ""
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// headingStyle matches the names of Word's heading styles in the languages of
// its users; the level is the number.
var headingStyle = pattern(`(?i)^(?:heading|title|overskrift|rubrik|überschrift|titre|título|titolo|kop|otsikko|berschrift) ?([1-6])?$`)

// paragraph is one that isn't read to its end.
type paragraph struct {
	line
	level int // of a heading; 0 if it is none
}

// readWord reads a Word file. It has no pages until it is printed: explicit page
// breaks and those that Word noted when it saved the file make them, else the length.
func readWord(ctx context.Context, content []byte, limits Limits) (raw, error) {
	p, err := openPack(ctx, content)
	if err != nil {
		return raw{}, err
	}
	levels, err := p.headingLevels()
	if err != nil {
		return raw{}, err
	}
	w := word{levels: levels, most: 4 * limits.Characters, found: raw{marked: true}}
	for name := range p.files {
		w.found.pictures = w.found.pictures || strings.HasPrefix(name, "word/media/")
	}
	if err := p.walk("word/document.xml", w.start, w.characters, w.end); err != nil {
		return raw{}, err
	}
	if w.read > w.most {
		return raw{}, limits.tooLong(w.read / 4)
	}
	w.turn()
	if !w.noted && len(w.found.pages) <= 1 {
		w.found.pages = paginate(tidy(strings.Join(w.found.pages, "\n\n")))
	}
	return w.found, nil
}

// verticals are Word's names of where a run stands.
var verticals = map[string]shift{"superscript": higher, "subscript": lower}

// word is a Word file on its way through the reader.
type word struct {
	levels map[string]int // of headings, by style id
	most   int            // bytes of text that are kept
	found  raw
	page   strings.Builder
	open   []*paragraph // one within the other, where there are text boxes
	read   int          // bytes of text

	noted, inText, inProperties, cell bool
	at                                shift
	copies                            int // open elements that say again what was said before, for older readers
}

func (w *word) write(text string) {
	if len(w.open) > 0 && w.copies == 0 && w.read <= w.most {
		w.read += len(text)
		w.open[len(w.open)-1].write(text, w.at)
	}
}

// turn ends the page.
func (w *word) turn() {
	if strings.TrimSpace(w.page.String()) != "" {
		w.found.pages = append(w.found.pages, w.page.String())
	}
	w.page.Reset()
}

func (w *word) start(e xml.StartElement) {
	if isFormula(e) && len(w.open) > 0 && w.copies == 0 {
		w.open[len(w.open)-1].begin(e)
	}
	switch e.Name.Local {
	case "p":
		w.open = append(w.open, &paragraph{})
	case "r":
		w.at = upright
	case "vertAlign":
		if !w.inProperties {
			w.at = verticals[attribute(e, "val")]
		}
	case "pPr":
		w.inProperties = true
	case "pStyle":
		if len(w.open) > 0 {
			w.open[len(w.open)-1].level = w.levels[attribute(e, "val")]
		}
	case "outlineLvl":
		if n, err := strconv.Atoi(attribute(e, "val")); err == nil && w.inProperties && n < 6 && len(w.open) > 0 {
			w.open[len(w.open)-1].level = n + 1
		}
	case "t":
		w.inText = true
	case "tab":
		if !w.inProperties {
			w.write(" ")
		}
	case "tc":
		w.cell = true
	case "lastRenderedPageBreak":
		w.noted = true
		w.turn()
	case "br":
		if attribute(e, "type") == "page" {
			w.turn()
		} else {
			w.write("\n")
		}
	case "Fallback":
		w.copies++
	}
}

func (w *word) characters(text []byte) {
	if w.inText {
		w.write(unmarked(string(text)))
	}
}

func (w *word) end(name string) {
	if len(w.open) > 0 {
		w.open[len(w.open)-1].finish(name)
	}
	switch name {
	case "t":
		w.inText = false
	case "pPr":
		w.inProperties = false
	case "tr":
		w.cell = false
		w.page.WriteString("\n\n")
	case "Fallback":
		w.copies--
	case "p":
		w.endParagraph()
	}
}

func (w *word) endParagraph() {
	ended := w.open[len(w.open)-1]
	w.open = w.open[:len(w.open)-1]
	text := ended.String()
	if text == "" {
		return
	}
	if ended.level > 0 && len(w.found.headings) < mostHeadings {
		w.found.headings = append(w.found.headings, rawHeading{title: text, level: ended.level})
		w.page.WriteString(mark)
	}
	w.page.WriteString(text)
	if w.cell {
		w.page.WriteString(" | ")
	} else {
		w.page.WriteString("\n\n")
	}
}

// headingLevels returns the levels of the styles that are headings, by style id.
func (p *pack) headingLevels() (map[string]int, error) {
	levels := map[string]int{}
	id := ""
	err := p.walk("word/styles.xml", func(e xml.StartElement) {
		switch e.Name.Local {
		case "style":
			id = attribute(e, "styleId")
		case "name":
			if m := headingStyle().FindStringSubmatch(attribute(e, "val")); m != nil {
				level, _ := strconv.Atoi(m[1])
				levels[id] = max(1, level)
			}
		case "outlineLvl":
			if n, err := strconv.Atoi(attribute(e, "val")); err == nil && n < 6 {
				levels[id] = n + 1
			}
		}
	}, func([]byte) {}, func(string) {})
	return levels, err
}

var slideName = pattern(`^ppt/slides/slide([0-9]+)\.xml$`)

// readSlides reads a presentation: each slide is a page, its title a heading, and
// the speaker's notes stand below it.
func readSlides(ctx context.Context, content []byte, limits Limits) (raw, error) {
	p, err := openPack(ctx, content)
	if err != nil {
		return raw{}, err
	}
	found := raw{marked: true}
	names, err := p.slides()
	if err != nil {
		return raw{}, err
	}
	if len(names) > limits.Pages {
		found.pages = make([]string, len(names))
		return found, nil // assemble says that it is too much
	}
	characters := 0
	for _, name := range names {
		text, title, err := p.slide(name)
		if err != nil {
			return raw{}, err
		}
		targets, err := p.relations(name)
		if err != nil {
			return raw{}, err
		}
		for _, target := range targets {
			found.pictures = found.pictures || strings.HasPrefix(target, "ppt/media/")
		}
		if title != "" {
			found.headings = append(found.headings, rawHeading{title: title, level: 1})
		}
		if notes := notesOf(targets); notes != "" {
			below, _, err := p.slide(notes)
			if err != nil {
				return raw{}, err
			}
			text += "\n\n" + unmarked(below)
		}
		if characters += len(text); characters > 4*limits.Characters {
			return raw{}, limits.tooLong(characters / 4)
		}
		found.pages = append(found.pages, text)
	}
	return found, nil
}

// notesOf returns the part with the notes among those that a slide refers to. A slide has one.
func notesOf(targets map[string]string) string {
	for _, id := range slices.Sorted(maps.Keys(targets)) {
		if strings.HasPrefix(targets[id], "ppt/notesSlides/") {
			return targets[id]
		}
	}
	return ""
}

// slides returns the names of the slides in the order of the presentation.
func (p *pack) slides() ([]string, error) {
	targets, err := p.relations("ppt/presentation.xml")
	if err != nil {
		return nil, err
	}
	var names []string
	err = p.walk("ppt/presentation.xml", func(e xml.StartElement) {
		if e.Name.Local != "sldId" {
			return
		}
		for _, a := range e.Attr {
			if name := targets[a.Value]; a.Name.Space != "" && a.Name.Local == "id" && p.files[name] != nil {
				names = append(names, name)
			}
		}
	}, func([]byte) {}, func(string) {})
	if err != nil || len(names) > 0 {
		return names, err
	}
	for name := range p.files {
		if slideName().MatchString(name) {
			names = append(names, name)
		}
	}
	number := func(name string) int {
		n, _ := strconv.Atoi(slideName().FindStringSubmatch(name)[1])
		return n
	}
	slices.SortFunc(names, func(a, b string) int { return number(a) - number(b) })
	return names, nil
}

// relations returns what a part refers to, by the reference's id.
func (p *pack) relations(part string) (map[string]string, error) {
	targets := map[string]string{}
	dir, base := path.Split(part)
	err := p.walk(dir+"_rels/"+base+".rels", func(e xml.StartElement) {
		if target := attribute(e, "Target"); target != "" && attribute(e, "TargetMode") != "External" {
			if !strings.HasPrefix(target, "/") {
				target = dir + target
			}
			targets[attribute(e, "Id")] = strings.TrimPrefix(path.Clean("/"+target), "/")
		}
	}, func([]byte) {}, func(string) {})
	return targets, err
}

// slide returns the text and the title of a slide or of its notes. A mark stands
// where the title begins.
func (p *pack) slide(name string) (text, title string, err error) {
	var out strings.Builder
	var paragraph line
	kind, inText, at := "", false, upright
	err = p.walk(name,
		func(e xml.StartElement) {
			if isFormula(e) {
				paragraph.begin(e)
			}
			switch e.Name.Local {
			case "sp", "graphicFrame":
				kind = ""
			case "ph":
				kind = attribute(e, "type")
			case "p":
				paragraph = line{}
			case "r", "fld":
				at = upright
			case "rPr":
				at = baseline(e)
			case "t":
				inText = true
			case "br", "tab":
				paragraph.write(" ", at)
			}
		},
		func(text []byte) {
			if inText {
				paragraph.write(unmarked(string(text)), at)
			}
		},
		func(local string) {
			paragraph.finish(local)
			switch local {
			case "t":
				inText = false
			case "p":
				text := paragraph.String()
				if text == "" {
					return
				}
				switch kind {
				case "sldNum", "ftr", "dt", "sldImg":
					return
				case "title", "ctrTitle":
					if title == "" {
						out.WriteString(mark)
					}
					if len(title) < 20*longestTitle {
						title = strings.TrimSpace(title + " " + text)
					}
				}
				out.WriteString(text + "\n\n")
			}
		})
	return out.String(), title, err
}

// baseline returns where a run of PowerPoint's stands by its properties.
func baseline(e xml.StartElement) shift {
	switch moved := attribute(e, "baseline"); {
	case moved == "" || moved == "0" || moved == "0%":
		return upright
	case strings.HasPrefix(moved, "-"):
		return lower
	}
	return higher
}
