// Package extract reads the text of files that students bring: PDF, Word,
// PowerPoint, Markdown, HTML and plain text.
//
// Files come from anywhere and may be broken or made to do harm: what is read is
// bounded in bytes, pages, characters and time, and a parser that panics is
// reported as a damaged file. Failures are faults with a stable code and a
// sentence for the student.
package extract

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"path"
	"strings"
	"time"
	"unicode"

	"github.com/gabriel-vasile/mimetype"

	"aksio.app/shared/fault"
	"aksio.app/shared/language"
	"aksio.app/shared/resource"
)

// The media types that can be read.
const (
	PDF      = "application/pdf"
	Word     = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	Slides   = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
	Markdown = "text/markdown"
	HTML     = "text/html"
	Plain    = "text/plain"
)

// Document is the text of a file.
//
// Its text is its pages joined by an empty line ("\n\n"). All offsets count
// Unicode code points of that text.
type Document struct {
	ContentType string
	Language    string // ISO 639-1; "" if it isn't one of those that are known
	Pages       []string
	Outline     []Heading
	Words       int
}

// Heading is an entry of the table of contents, or a heading of the text.
type Heading struct {
	Title  string
	Level  int // from 1
	Page   int // from 1
	Offset int // of the heading's place in the text
}

// Limits bound what one file may cost.
type Limits struct {
	Bytes      int64
	Pages      int
	Characters int
	Time       time.Duration
}

// DefaultLimits are more than any course book needs.
var DefaultLimits = Limits{Bytes: 50 << 20, Pages: 2_000, Characters: 20_000_000, Time: 5 * time.Minute}

// Reader reads files. It starts PDFium when it reads its first PDF.
type Reader struct {
	limits Limits
	cache  string
}

// New returns a reader. The folder, if it isn't "", keeps PDFium's compiled form
// from one process to the next, which saves the three seconds of compiling it.
func New(limits Limits, cache string) *Reader {
	return &Reader{limits: limits, cache: cache}
}

// Config says how files are read.
type Config struct {
	Cache string `env:"EXTRACT_CACHE"` // folder for PDFium's compiled form; "" compiles it in every process
}

// Open returns a reader with the process's settings.
func Open(env *resource.Env) (*Reader, error) {
	config, err := resource.Settings[Config](env)
	if err != nil {
		return nil, err
	}
	return New(DefaultLimits, config.Cache), nil
}

// raw is what a parser finds: text by page, and headings by their place in it.
type raw struct {
	pages    []string
	headings []rawHeading
}

// rawHeading is a heading on a page, whose place there isn't known yet.
type rawHeading struct {
	title string
	level int
	page  int // from 0
}

// Extract reads a file. Its kind is decided by its content; the name tells only
// Markdown from plain text. It returns when the reader's time is up or the context
// ends, and stops the parser. Those of Markdown and of articles in web pages can't
// be stopped: they go on until they are through.
func (r *Reader) Extract(ctx context.Context, content []byte, filename string) (Document, error) {
	if len(content) == 0 {
		return Document{}, fault.New(fault.Invalid, "The file is empty. Check it on your device and upload it again.").Coded("empty_file")
	}
	if int64(len(content)) > r.limits.Bytes {
		return Document{}, fault.New(fault.TooLarge, "The file has %d MiB; %d MiB are the most. Split it, or make its pictures smaller.",
			len(content)>>20, r.limits.Bytes>>20).Coded("too_large")
	}
	limited, cancel := context.WithTimeout(ctx, r.limits.Time)
	defer cancel()
	type result struct {
		doc Document
		err error
	}
	results := make(chan result, 1)
	go func() {
		doc, err := r.read(limited, content, filename)
		results <- result{doc, err}
	}()
	var read result
	select {
	case read = <-results:
	case <-limited.Done():
	}
	switch {
	case ctx.Err() != nil:
		return Document{}, ctx.Err()
	case limited.Err() != nil: // whatever the parser made of its being stopped
		return Document{}, fault.New(fault.Invalid, "Reading this file takes too long. Split it into smaller ones and upload those.").Coded("too_slow")
	}
	return read.doc, read.err
}

// read is Extract without its limit of time.
func (r *Reader) read(ctx context.Context, content []byte, filename string) (doc Document, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("%w: parser panicked: %v", damaged(), panicked)
		}
	}()
	doc.ContentType = Detect(content, filename)
	var found raw
	switch doc.ContentType {
	case PDF:
		found, err = r.readPDF(ctx, content)
	case Word:
		found, err = readWord(ctx, content, r.limits)
	case Slides:
		found, err = readSlides(ctx, content, r.limits)
	case Markdown:
		found, err = readMarkdown(content)
	case HTML:
		found, err = readHTML(ctx, content)
	case Plain:
		found, err = readPlain(content)
	default:
		return doc, fault.New(fault.Unsupported, "This is %s, which can't be read. Upload a PDF, Word, PowerPoint, Markdown, HTML or text file.",
			describe(doc.ContentType)).Coded("unsupported_type")
	}
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return doc, err
	}
	return r.assemble(doc, found)
}

// assemble tidies the text and gives the headings their places.
func (r *Reader) assemble(doc Document, found raw) (Document, error) {
	if len(found.pages) > r.limits.Pages {
		return doc, fault.New(fault.TooLarge, "The file has %d pages; %d are the most. Split it and upload the parts.",
			len(found.pages), r.limits.Pages).Coded("too_many_pages")
	}
	characters, letters := 0, 0
	starts := make([]int, len(found.pages))
	for i, page := range found.pages {
		page = tidy(page)
		starts[i] = characters
		for _, c := range page {
			characters++
			if unicode.IsLetter(c) {
				letters++
			}
		}
		characters += 2 // the empty line between pages
		doc.Pages = append(doc.Pages, page)
		doc.Words += countWords(page)
	}
	if characters > r.limits.Characters {
		return doc, fault.New(fault.TooLarge, "The file has %d million characters; %d million are the most. Split it and upload the parts.",
			characters/1_000_000, r.limits.Characters/1_000_000).Coded("too_large")
	}
	if letters < 20 && letters <= 5*len(found.pages) {
		message := "There is no text in this file. Upload one with text in it."
		if doc.ContentType == PDF || doc.ContentType == Slides {
			message = "There is no text in this file, only pictures of it. Text recognition isn't offered: " +
				"run it through a scanner app that makes the text selectable, and upload the result."
		}
		return doc, fault.New(fault.Invalid, "%s", message).Coded("no_text")
	}
	doc.Language = language.Of(doc.Pages...)
	from := map[int]int{} // where on each page the next heading is looked for
	for _, h := range found.headings {
		h.title = shorten(strings.Join(strings.Fields(tidy(h.title)), " "))
		if h.title == "" || h.page < 0 || h.page >= len(doc.Pages) || len(doc.Outline) >= 5_000 {
			continue
		}
		at := place(doc.Pages[h.page], h.title, from[h.page])
		from[h.page] = at
		offset := starts[h.page] + len([]rune(doc.Pages[h.page][:at]))
		doc.Outline = append(doc.Outline, Heading{h.title, max(1, h.level), h.page + 1, offset})
	}
	return doc, nil
}

// titleLength is the most characters of a heading: it stands above each passage of
// its section. Longer ones are paragraphs that look like headings.
const titleLength = 200

func shorten(title string) string {
	if runes := []rune(title); len(runes) > titleLength {
		return string(runes[:titleLength])
	}
	return title
}

// place returns the byte at which the title stands on the page, looked for from
// the byte; where it was looked from if it isn't there.
func place(page, title string, from int) int {
	if i := strings.Index(page[from:], title); i >= 0 {
		return from + i
	}
	if lower := strings.ToLower(page); len(lower) == len(page) {
		if i := strings.Index(lower[from:], strings.ToLower(title)); i >= 0 {
			return from + i
		}
	}
	return from
}

// Detect returns the media type of the content.
func Detect(content []byte, filename string) string {
	ending := strings.ToLower(path.Ext(filename))
	// Some producers put bytes before a PDF's header; readers look into the first KiB.
	if bytes.Contains(content[:min(len(content), 1024)], []byte("%PDF-")) {
		return PDF
	}
	for kind := mimetype.Detect(content); kind != nil; kind = kind.Parent() {
		switch base, _, _ := strings.Cut(kind.String(), ";"); {
		case base == Word, base == Slides, base == HTML:
			return base
		case base == "application/zip":
			return officeKind(content)
		case base == Plain && (ending == ".md" || ending == ".markdown"):
			return Markdown
		case base == Plain && (ending == ".html" || ending == ".htm"):
			return HTML
		case base == Plain:
			return Plain
		}
	}
	if text, ok := decode(content); ok && mostlyText(text) {
		return Plain
	}
	base, _, _ := strings.Cut(mimetype.Detect(content).String(), ";")
	return base
}

// describe names a media type for people.
func describe(contentType string) string {
	kind, rest, _ := strings.Cut(contentType, "/")
	switch {
	case kind == "image":
		return "a picture"
	case kind == "audio":
		return "a sound recording"
	case kind == "video":
		return "a video"
	case rest == "zip" || strings.Contains(rest, "compressed") || strings.Contains(rest, "tar"):
		return "an archive"
	case rest == "msword" || rest == "x-ole-storage":
		return "an old Word or PowerPoint file"
	}
	return "a file of an unknown kind"
}

// timely fails to read on when the context has ended.
type timely struct {
	io.Reader
	ctx context.Context
}

func (t timely) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	return t.Reader.Read(p)
}

func damaged() error {
	return fault.New(fault.Invalid, "The file is damaged or cut off. Open it on your device to check it, and upload it again.").Coded("truncated_or_damaged")
}

func encrypted() error {
	return fault.New(fault.Invalid, "The file is protected by a password. Save it without one and upload that.").Coded("encrypted")
}
