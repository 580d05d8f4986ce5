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
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

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

// HasPages reports whether the file has pages that people can open; those of other
// kinds are our own.
func (d Document) HasPages() bool { return d.ContentType == PDF || d.ContentType == Slides }

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
	Step       time.Duration // of opening a PDF, of reading one page, and of its table of contents
}

// DefaultLimits are more than any course book needs: its pages take milliseconds.
var DefaultLimits = Limits{Bytes: 50 << 20, Pages: 2_000, Characters: 20_000_000, Time: 2 * time.Minute, Step: 20 * time.Second}

func (l Limits) tooLong(characters int) error {
	return fault.New(fault.TooLarge, "The file has more than %d million characters; %d million are the most. Split it and upload the parts.",
		characters/1_000_000, l.Characters/1_000_000).Coded("too_large")
}

func (l Limits) tooManyPages(pages int) error {
	return fault.New(fault.TooLarge, "The file has %d pages; %d are the most. Split it and upload the parts.", pages, l.Pages).Coded("too_many_pages")
}

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

// Warm makes ready what the first PDF would wait for: PDFium is compiled, for some
// seconds, unless its compiled form is kept.
func (r *Reader) Warm() error {
	_, err := engine(context.Background(), r.cache)
	return err
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
	if config.Cache != "" {
		if err := os.MkdirAll(config.Cache, 0o700); err != nil {
			return nil, fmt.Errorf("settings: EXTRACT_CACHE is %q: %w: name a folder that can be made and written, or leave it out", config.Cache, err)
		}
	}
	return New(DefaultLimits, config.Cache), nil
}

// raw is what a parser finds: text by page, and its headings in order.
type raw struct {
	pages    []string
	headings []rawHeading
	marked   bool // the text has a mark where each of the headings begins
	pictures bool // there are some that text may be on; PDFs with much of it aren't looked through
}

// rawHeading is a heading. If the text isn't marked, its title is looked for on its page.
type rawHeading struct {
	title string
	level int
	page  int // from 0
}

// mark is a noncharacter of Unicode that stands before each heading until the text
// is assembled. No file's own text may have it, see unmarked.
const mark = "\uFDD0"

// unmarked returns the text of a file without what would be taken for a mark.
func unmarked(text string) string { return strings.ReplaceAll(text, mark, "") }

// Bounds of a table of contents.
const (
	mostHeadings = 5_000
	longestTitle = 200 // characters: it stands above each passage of its section; longer ones are paragraphs that look like headings
)

// title returns the text as a title: on one line, and not too long.
func title(text string) string {
	text = tidy(unmarked(text[:min(len(text), 20*longestTitle)]))
	runes := []rune(strings.Join(strings.Fields(text), " "))
	return strings.TrimSpace(string(runes[:min(len(runes), longestTitle)]))
}

// Extract reads a file. Its kind is decided by its content; the name tells only
// Markdown from plain text. It returns when the reader's time is up or the context
// ends, and stops the parser. That of articles in web pages can't be stopped: it gets
// pages that it is soon through with.
func (r *Reader) Extract(ctx context.Context, content []byte, filename string) (Document, error) {
	if len(content) == 0 {
		return Document{}, fault.New(fault.Invalid, "The file is empty. Check it on your device and upload it again.").Coded("empty_file")
	}
	if int64(len(content)) > r.limits.Bytes {
		return Document{}, fault.New(fault.TooLarge, "The file has %d MiB; %d MiB are the most. Split it, or make its pictures smaller.",
			len(content)>>20, r.limits.Bytes>>20).Coded("too_large")
	}
	limited, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	budget := time.AfterFunc(r.limits.Time, func() { stop(tooSlow()) })
	defer budget.Stop()
	type result struct {
		doc Document
		err error
	}
	results := make(chan result, 1)
	go func() {
		doc, err := r.read(limited, budget, content, filename)
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
		return Document{}, context.Cause(limited)
	}
	return read.doc, read.err
}

// read is Extract without its limit of time; the budget ends the context.
func (r *Reader) read(ctx context.Context, budget *time.Timer, content []byte, filename string) (doc Document, err error) {
	defer func() {
		if panicked := recover(); panicked != nil {
			err = fmt.Errorf("%w: parser panicked: %v", damaged(), panicked)
		}
	}()
	doc.ContentType = Detect(content, filename)
	var found raw
	switch doc.ContentType {
	case PDF:
		found, err = r.readPDF(ctx, budget, content)
		if about(content, filename, err) {
			doc.ContentType = Plain
			found, err = readPlain(content, r.limits)
		}
	case Word:
		found, err = readWord(ctx, content, r.limits)
	case Slides:
		found, err = readSlides(ctx, content, r.limits)
	case Markdown:
		found, err = readMarkdown(ctx, content, r.limits)
	case HTML:
		found, err = readHTML(ctx, content)
	case Plain:
		found, err = readPlain(content, r.limits)
	default:
		return doc, unreadable(doc.ContentType, filename)
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
		return doc, r.limits.tooManyPages(len(found.pages))
	}
	characters, letters, legible := 0, 0, false
	starts := make([]int, len(found.pages))
	var marked []Heading // the places of the marks
	for i, page := range found.pages {
		page = tidy(page)
		starts[i] = characters
		for _, c := range page {
			if string(c) == mark {
				marked = append(marked, Heading{Page: i + 1, Offset: characters})
				continue
			}
			characters++
			if unicode.IsLetter(c) {
				letters++
			}
			legible = legible || unicode.IsLetter(c) || unicode.IsNumber(c) || unicode.IsSymbol(c)
		}
		characters += 2 // the empty line between pages
		page = unmarked(page)
		doc.Pages = append(doc.Pages, page)
		doc.Words += countWords(page)
	}
	if characters > r.limits.Characters {
		return doc, r.limits.tooLong(characters)
	}
	few := letters < 20 && letters <= 5*len(found.pages) // as the numbers that a scanner stamps on pages
	if !legible || found.pictures && few {
		message := "There is no text in this file. Upload one with text in it."
		if found.pictures {
			message = "There is no text in this file, only pictures of it. Text recognition isn't offered: " +
				"run it through a scanner app that makes the text selectable, and upload the result."
		}
		return doc, fault.New(fault.Invalid, "%s", message).Coded("no_text")
	}
	doc.Language = language.Of(doc.Pages...)
	look := newFinder(doc.Pages)
	for i, h := range found.headings {
		at := Heading{title(h.title), max(1, h.level), h.page + 1, 0}
		if at.Title == "" || len(doc.Outline) >= mostHeadings {
			continue
		}
		switch {
		case found.marked && i < len(marked):
			at.Page, at.Offset = marked[i].Page, marked[i].Offset
		case found.marked || h.page < 0 || h.page >= len(doc.Pages):
			continue
		default:
			at.Offset = starts[h.page] + look.place(h.page, at.Title)
		}
		doc.Outline = append(doc.Outline, at)
	}
	return doc, nil
}

// finder finds the places of titles on pages, each behind the one before.
type finder struct {
	pages []string
	found map[int]spot // by page
	work  int          // bytes that may still be looked through
}

// spot is a place on a page.
type spot struct{ bytes, runes int }

// newFinder returns a finder that gives up when it has looked through all pages
// often: a hostile file has thousands of titles that stand nowhere.
func newFinder(pages []string) *finder {
	return &finder{pages: pages, found: map[int]spot{}, work: 50*length(pages) + 1<<20}
}

// place returns the code point at which the title stands on the page; where it was
// looked for from if it isn't there.
func (f *finder) place(page int, title string) int {
	at := f.found[page]
	rest := f.pages[page][at.bytes:]
	if f.work -= 2 * len(rest); f.work < 0 {
		return at.runes
	}
	i := strings.Index(rest, title)
	if lower := strings.ToLower(rest); i < 0 && len(lower) == len(rest) {
		i = strings.Index(lower, strings.ToLower(title))
	}
	if i > 0 {
		at = spot{at.bytes + i, at.runes + utf8.RuneCountInString(rest[:i])}
		f.found[page] = at
	}
	return at.runes
}

func length(pages []string) (n int) {
	for _, page := range pages {
		n += len(page)
	}
	return n
}

// pattern returns an expression that is compiled on first use: most instances that link
// this read no document, or none of the kind, and shall start fast.
func pattern(expression string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// wholePage matches how a page begins, other than a piece of one.
var wholePage = pattern(`(?i)<!doctype html|<html[\s>]`)

// Detect returns the media type of the content.
func Detect(content []byte, filename string) string {
	ending := strings.ToLower(path.Ext(filename))
	// Some producers put bytes before a PDF's header; readers look into the first KiB.
	// A text about PDFs has no objects behind it.
	if at := bytes.Index(content[:min(len(content), 1024)], []byte("%PDF-")); at == 0 || at > 0 && bytes.Contains(content[at:], []byte(" obj")) {
		return PDF
	}
	for kind := mimetype.Detect(content); kind != nil; kind = kind.Parent() {
		switch base, _, _ := strings.Cut(kind.String(), ";"); {
		case base == HTML && (ending == ".md" || ending == ".markdown") && !wholePage().Match(content[:min(len(content), 1024)]):
			return Markdown // which may begin with a tag
		case base == Word, base == Slides, base == HTML:
			return base
		case base == "application/zip":
			if kind := officeKind(content); kind != "" {
				return kind
			}
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

// about reports whether what isn't a PDF after all is a text that begins like one.
func about(content []byte, filename string, err error) bool {
	var f *fault.Fault
	text, ok := decode(content)
	return errors.As(err, &f) && f.Code == "truncated_or_damaged" && strings.ToLower(path.Ext(filename)) != ".pdf" && ok && mostlyText(text)
}

// unreadable says what is wrong with a file of a type that isn't read.
func unreadable(contentType, filename string) error {
	if ending := strings.ToLower(path.Ext(filename)); ending == ".docx" || ending == ".pptx" {
		switch contentType {
		case "application/zip": // without its text
			return damaged()
		case "application/x-ole-storage": // Office puts what it encrypts into one
			return encrypted()
		}
	}
	return fault.New(fault.Unsupported, "This is %s, which can't be read. Upload a PDF, Word, PowerPoint, Markdown, HTML or text file.",
		describe(contentType)).Coded("unsupported_type")
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
	case strings.HasPrefix(rest, "vnd.oasis.opendocument"):
		return "a LibreOffice file"
	case strings.Contains(rest, "spreadsheet") || rest == "vnd.ms-excel":
		return "a spreadsheet"
	case rest == "epub+zip":
		return "an e-book"
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

func tooSlow() error {
	return fault.New(fault.Invalid, "Reading this file takes too long. Split it into smaller ones and upload those.").Coded("too_slow")
}

func damaged() error {
	return fault.New(fault.Invalid, "The file is damaged or cut off. Open it on your device to check it, and upload it again.").Coded("truncated_or_damaged")
}

func encrypted() error {
	return fault.New(fault.Invalid, "The file is protected by a password. Save it without one and upload that.").Coded("encrypted")
}
