package extract

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	pdfiumlib "github.com/klippa-app/go-pdfium"
	"github.com/klippa-app/go-pdfium/enums"
	pdfiumerrors "github.com/klippa-app/go-pdfium/errors"
	"github.com/klippa-app/go-pdfium/references"
	"github.com/klippa-app/go-pdfium/requests"
	"github.com/klippa-app/go-pdfium/webassembly"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"

	"aksio.app/shared/resource"
)

// pdfium is PDFium compiled to WebAssembly: a hostile file is confined to the
// memory of its sandbox, which sees no file and no network.
type pdfium struct {
	pool   pdfiumlib.Pool
	places chan struct{} // taken by those who read

	starting sync.Mutex
	memory   sandbox // of the instance that was started last

	killing sync.Mutex
	read    <-chan struct{} // closed when nothing runs any more in the instance that is being killed
}

// mostReaders is how many files are read at once.
const mostReaders = 2

var (
	enginesMu sync.Mutex
	engines   = map[string]func(context.Context) (*pdfium, error){} // by their cache: all readers of a process share one
)

// engine returns the process's PDFium, which it starts at the first call.
func engine(ctx context.Context, cache string) (*pdfium, error) {
	enginesMu.Lock()
	start := engines[cache]
	if start == nil {
		start = resource.Lazily(func(context.Context) (*pdfium, error) { return newEngine(cache) })
		engines[cache] = start
	}
	enginesMu.Unlock()
	return start(ctx)
}

func newEngine(cache string) (*pdfium, error) {
	config := wazero.NewRuntimeConfig().
		WithCoreFeatures(api.CoreFeaturesV2 | experimental.CoreFeaturesExceptionHandling).
		WithCloseOnContextDone(true) // so that Kill stops it in the middle of a page
	if cache != "" {
		compiled, err := wazero.NewCompilationCacheWithDir(cache)
		if err != nil {
			return nil, fmt.Errorf("pdfium: cache: %w", err)
		}
		config = config.WithCompilationCache(compiled)
	}
	p := &pdfium{places: make(chan struct{}, mostReaders)}
	ctx := experimental.WithMemoryAllocator(context.Background(), experimental.MemoryAllocatorFunc(p.allocate))
	ctx = experimental.WithCloseNotifier(ctx, experimental.CloseNotifyFunc(p.closing))
	var err error
	p.pool, err = webassembly.Init(webassembly.Config{
		Context: ctx,
		MinIdle: 0, MaxIdle: 1, MaxTotal: mostReaders,
		RuntimeConfig: config, FSConfig: wazero.NewFSConfig(), Stdout: io.Discard, Stderr: io.Discard,
	})
	if err != nil {
		return nil, fmt.Errorf("pdfium: %w", err)
	}
	return p, nil
}

// start returns a new instance of PDFium and its memory.
func (p *pdfium) start(ctx context.Context) (pdfiumlib.Pdfium, sandbox, error) {
	p.starting.Lock()
	defer p.starting.Unlock()
	p.memory = nil
	instance, err := p.pool.GetInstanceWithContext(ctx)
	if err != nil {
		p.memory.release()
		return nil, nil, err
	}
	return instance, p.memory, nil
}

// kill ends what runs in the instance, and then the instance; read is closed when nothing runs in it
// any more.
func (p *pdfium) kill(instance pdfiumlib.Pdfium, read <-chan struct{}) {
	p.killing.Lock()
	defer p.killing.Unlock()
	p.read = read
	instance.Kill()
}

// closing is called before an instance is closed, and has Kill wait, which has cancelled the
// instance's context: the runtime would take the memory away beneath the call that is being
// ended. That call may close the instance, too, but not with Kill's exit code: PDFium never exits.
func (p *pdfium) closing(ctx context.Context, exitCode uint32) {
	if killed := exitCode == 0 && ctx.Err() != nil; killed {
		<-p.read
	}
}

func (r *Reader) readPDF(ctx context.Context, budget *time.Timer, content []byte) (raw, error) {
	budget.Stop() // how long PDFium takes to start, and others' files take, is no fault of this one
	engine, err := engine(ctx, r.cache)
	if err != nil {
		return raw{}, err
	}
	select {
	case engine.places <- struct{}{}:
		budget.Reset(r.limits.Time)
		defer func() { <-engine.places }()
	case <-ctx.Done():
		return raw{}, ctx.Err()
	}
	instance, memory, err := engine.start(ctx)
	if err != nil {
		return raw{}, fmt.Errorf("pdfium: %w", err)
	}
	defer memory.release()
	work, stop := context.WithCancelCause(ctx)
	read, killed := make(chan struct{}), make(chan struct{})
	context.AfterFunc(work, func() {
		defer close(killed)
		engine.kill(instance, read)
	})
	defer func() {
		close(read)
		stop(nil)
		<-killed
	}()
	f := &pdfFile{instance, r.limits, time.AfterFunc(r.limits.Step, func() { stop(tooSlow()) })}
	defer f.watch.Stop()
	found, err := f.read(content)
	switch {
	case errors.Is(err, errMemory):
		return raw{}, fmt.Errorf("%w: %w", bomb(), err)
	case work.Err() != nil:
		return raw{}, context.Cause(work)
	}
	return found, err
}

// pdfFile is a file that is being read.
type pdfFile struct {
	instance pdfiumlib.Pdfium
	limits   Limits
	watch    *time.Timer // kills the instance
}

func (f *pdfFile) read(content []byte) (raw, error) {
	opened, err := f.instance.OpenDocument(&requests.OpenDocument{File: &content})
	if err != nil {
		return raw{}, openFault(err)
	}
	document := opened.Document
	count, err := f.instance.FPDF_GetPageCount(&requests.FPDF_GetPageCount{Document: document})
	if err != nil || count.PageCount == 0 {
		return raw{}, damaged()
	}
	if count.PageCount > f.limits.Pages {
		return raw{}, f.limits.tooManyPages(count.PageCount)
	}
	var found raw
	lines := make([][]string, count.PageCount)
	characters, read := 0, 0
	for i := range lines {
		f.watch.Reset(f.limits.Step)
		text, err := pageText(f.instance, document, i)
		if errors.Is(err, errMemory) {
			return raw{}, err
		}
		if err != nil {
			continue // one page that can't be read doesn't take the others along
		}
		read++
		if characters += utf8.RuneCountInString(text); characters > f.limits.Characters {
			return raw{}, f.limits.tooLong(characters)
		}
		lines[i] = pageLines(text)
		if len(text) < 100 && !found.pictures {
			found.pictures = pictured(f.instance, document, i)
		}
	}
	if read == 0 {
		return raw{}, damaged()
	}
	f.watch.Reset(f.limits.Step)
	found.headings = bookmarks(f.instance, document)
	dropRunning(lines)
	for _, page := range lines {
		found.pages = append(found.pages, paragraphs(page))
	}
	if len(found.headings) == 0 {
		found.headings = numberedHeadings(lines)
	}
	return found, nil
}

// mostLines is how many lines, each of whatever shape, are drawn around a text. Letters
// that are drawn as outlines are more, unless all of them are one shape, as a curve is.
const mostLines = 20

// pictured reports whether there are pictures on the page, or what may be text that was
// drawn.
func pictured(instance pdfiumlib.Pdfium, document references.FPDF_DOCUMENT, page int) bool {
	on := requests.Page{ByIndex: &requests.PageByIndex{Document: document, Index: page}}
	count, err := instance.FPDFPage_CountObjects(&requests.FPDFPage_CountObjects{Page: on})
	if err != nil {
		return false
	}
	lines := 0
	for i := range min(count.Count, 100) {
		object, err := instance.FPDFPage_GetObject(&requests.FPDFPage_GetObject{Page: on, Index: i})
		if err != nil {
			return false
		}
		kind, err := instance.FPDFPageObj_GetType(&requests.FPDFPageObj_GetType{PageObject: object.PageObject})
		switch {
		case err != nil, kind.Type == enums.FPDF_PAGEOBJ_TEXT:
		case kind.Type == enums.FPDF_PAGEOBJ_PATH:
			if lines++; lines > mostLines {
				return true
			}
		default:
			return true
		}
	}
	return false
}

func openFault(err error) error {
	for _, locked := range []error{pdfiumerrors.ErrPassword, pdfiumerrors.ErrSecurity} {
		if errors.Is(err, locked) || strings.HasPrefix(err.Error(), locked.Error()) {
			return encrypted()
		}
	}
	return fmt.Errorf("%w: %w", damaged(), err)
}

// mostTitles is how many bytes of titles are read, enough for the longest of all headings that
// are kept: in a broken table of contents many entries may have one title of megabytes.
const mostTitles = 1 << 20

// bookmarks returns the file's own table of contents. A broken one may lead in
// circles, so it is walked no further than its bounds.
func bookmarks(instance pdfiumlib.Pdfium, document references.FPDF_DOCUMENT) []rawHeading {
	var headings []rawHeading
	entries, bytes := 0, 0
	var walk func(parent *references.FPDF_BOOKMARK, level int)
	walk = func(parent *references.FPDF_BOOKMARK, level int) {
		first, err := instance.FPDFBookmark_GetFirstChild(&requests.FPDFBookmark_GetFirstChild{Document: document, Bookmark: parent})
		if err != nil {
			return
		}
		for at := first.Bookmark; at != nil; {
			if entries++; entries > mostHeadings || bytes > mostTitles {
				return
			}
			if title, err := instance.FPDFBookmark_GetTitle(&requests.FPDFBookmark_GetTitle{Bookmark: *at}); err == nil {
				bytes += len(title.Title)
				if page, ok := target(instance, document, *at); ok {
					headings = append(headings, rawHeading{title.Title, level, page})
				}
			}
			if level < 8 {
				walk(at, level+1)
			}
			next, err := instance.FPDFBookmark_GetNextSibling(&requests.FPDFBookmark_GetNextSibling{Document: document, Bookmark: *at})
			if err != nil {
				return
			}
			at = next.Bookmark
		}
	}
	walk(nil, 1)
	return headings
}

// target returns the page, from 0, that a bookmark leads to.
func target(instance pdfiumlib.Pdfium, document references.FPDF_DOCUMENT, bookmark references.FPDF_BOOKMARK) (int, bool) {
	place, err := instance.FPDFBookmark_GetDest(&requests.FPDFBookmark_GetDest{Document: document, Bookmark: bookmark})
	if err != nil || place.Dest == nil {
		return 0, false
	}
	page, err := instance.FPDFDest_GetDestPageIndex(&requests.FPDFDest_GetDestPageIndex{Document: document, Dest: *place.Dest})
	if err != nil {
		return 0, false
	}
	return page.Index, true
}

// pageLines splits a page's text as PDFium gives it. It marks a hyphen at a
// line's end that only breaks a word by U+0002 or U+FFFE.
func pageLines(text string) []string {
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(text)
	text = strings.NewReplacer("\u0002\n", "", "\ufffe\n", "", "\u0002", "", "\ufffe", "").Replace(text)
	var lines []string
	for line := range strings.SplitSeq(text, "\n") {
		lines = append(lines, strings.TrimSpace(line))
	}
	return lines
}

var digits = pattern(`\d+`)

// counted matches lines with a page's number at one end.
var counted = pattern(`^\d+\b|\b\d+$`)

// dropRunning removes lines that stand first or last on most pages, and numbered
// ones that stand there on some, as the names of chapters do: headers, footers,
// page numbers.
func dropRunning(pages [][]string) {
	if len(pages) < 4 {
		return
	}
	edge := func(page []string, i int) (int, string) { // the i-th line from an edge, -1 if there is none
		var filled []int
		for at, line := range page {
			if line != "" {
				filled = append(filled, at)
			}
		}
		if i < 0 {
			i += len(filled)
		}
		if i < 0 || i >= len(filled) {
			return -1, ""
		}
		return filled[i], digits().ReplaceAllString(page[filled[i]], "#")
	}
	for _, i := range []int{-1, -1, 0, 0} { // two lines at either end
		seen := map[string]int{}
		for _, page := range pages {
			if at, shape := edge(page, i); at >= 0 {
				seen[shape]++
			}
		}
		for _, page := range pages {
			at, shape := edge(page, i)
			if at >= 0 && (seen[shape]*2 > len(pages) || seen[shape] >= 3 && counted().MatchString(page[at])) {
				page[at] = ""
			}
		}
	}
}

// listed matches lines that begin something of their own.
var listed = pattern(`^([•●▪–*·‣◦-] |\(?[0-9]{1,2}[.)] |[a-z]\) |[0-9]+(\.[0-9]+)+ )`)

// paragraphs joins the lines of a page. A paragraph ends where a line that ends a
// sentence is clearly shorter than the lines of the page, or where a new thing begins.
func paragraphs(lines []string) string {
	var lengths []int
	for _, line := range lines {
		if n := width(line); n > 0 {
			lengths = append(lengths, n)
		}
	}
	if len(lengths) == 0 {
		return ""
	}
	slices.Sort(lengths)
	usual := lengths[len(lengths)*3/4]
	var out []byte
	fresh := true // the next line begins a paragraph
	last := ""
	for _, line := range lines {
		if line == "" {
			fresh = true
			continue
		}
		if len(out) > 0 {
			switch {
			case fresh || endsParagraph(last, usual) || numbered().MatchString(last) || listed().MatchString(line) || numbered().MatchString(line):
				out = append(out, "\n\n"...)
			case hyphenated(last, line):
				out = out[:len(out)-1]
			case joined(last, line):
			default:
				out = append(out, ' ')
			}
		}
		out = append(out, line...)
		fresh = false
		last = line
	}
	return string(out)
}

func endsParagraph(line string, usual int) bool {
	end, _ := utf8.DecodeLastRuneInString(line)
	length := width(line)
	if strings.ContainsRune(".!?:…»”\"。！？：」』", end) {
		return length*10 < usual*9
	}
	return length >= 12 && length*2 < usual // a heading, or a line of its own; less is a piece of a formula
}

// hyphenated reports whether the hyphen at the line's end only breaks a word.
func hyphenated(line, next string) bool {
	before, hyphen := strings.CutSuffix(line, "-")
	if !hyphen || before == "" {
		return false
	}
	end, _ := utf8.DecodeLastRuneInString(before)
	begin, _ := utf8.DecodeRuneInString(next)
	return unicode.IsLower(end) && unicode.IsLower(begin)
}

// joined reports whether two lines are parts of one run of Chinese or Japanese,
// which puts no space between words.
func joined(line, next string) bool {
	end, _ := utf8.DecodeLastRuneInString(line)
	begin, _ := utf8.DecodeRuneInString(next)
	const also = "“”‘’…—" // stand in all languages
	return (eastAsian(end) || eastAsian(begin)) &&
		(eastAsian(end) || strings.ContainsRune(also, end)) && (eastAsian(begin) || strings.ContainsRune(also, begin))
}

// width returns how wide a line is printed, in Latin letters.
func width(line string) (n int) {
	for _, r := range line {
		if n++; eastAsian(r) {
			n++
		}
	}
	return n
}

func eastAsian(r rune) bool {
	return quarters(r) == 2 || strings.ContainsRune("、。，．：；！？「」『』（）《》〈〉【】・ー", r)
}

// numbered matches a numbered heading, such as `2.3 Compactness` or `1. Introduction`.
var numbered = pattern(`^([0-9]{1,2}(?:\.[0-9]{1,2}){0,3})\.? +([\p{Lu}][^.!?;]{2,80})$`)

// numberedHeadings finds headings by their numbers, where a file has no table of
// contents. The same number twice is no heading.
func numberedHeadings(pages [][]string) []rawHeading {
	var found []rawHeading
	seen := map[string]bool{}
	for page, lines := range pages {
		for _, line := range lines {
			m := numbered().FindStringSubmatch(line)
			if m == nil || seen[m[1]] {
				continue
			}
			seen[m[1]] = true
			found = append(found, rawHeading{line, strings.Count(m[1], ".") + 1, page})
		}
	}
	return found
}
