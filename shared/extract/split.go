package extract

import (
	"slices"
	"strings"
	"unicode"
)

// Passage is a stretch of a document's text that is searched and cited.
type Passage struct {
	Text      string
	Heading   string // the headings above it, joined by " > "
	PageStart int    // from 1; 0 in a document without pages
	PageEnd   int
	Breaks    []int // where each page after the first begins, in code points from Start
	Start     int   // code points of the document's text, End excluded
	End       int
	Words     int
}

// Sizes of passages, in words. They aim at the middle; the last of a chapter may
// be shorter, and a sentence longer than the most is cut.
const (
	least = 30 // less isn't worth a passage: it goes on across the heading
	aimed = 180
	most  = 260

	// mostCharacters bounds what has few words for its length, such as formulas and
	// data. Prose stays below it in every language; models take some times more.
	mostCharacters = 2_600
)

// Split cuts a document's text into passages that end with a paragraph or at
// least a sentence, and don't go on across a heading of the first two levels.
// What stands between them is white space only.
func Split(doc Document) []Passage {
	text := []rune(strings.Join(doc.Pages, "\n\n"))
	starts := make([]int, 0, len(doc.Pages)) // of the pages
	at := 0
	for _, page := range doc.Pages {
		starts = append(starts, at)
		at += len([]rune(page)) + 2
	}
	pageOf := func(offset int) int {
		i, found := slices.BinarySearch(starts, offset)
		if found {
			i++
		}
		return max(1, i)
	}
	// pages are those of a stretch, and where the ones after the first begin in it.
	pages := func(begin, end int) (first, last int, breaks []int) {
		breaks = []int{}
		if !doc.HasPages() {
			return 0, 0, breaks
		}
		first, last = pageOf(begin), pageOf(end-1)
		for _, start := range starts[first:last] {
			breaks = append(breaks, start-begin)
		}
		return first, last, breaks
	}
	outline := slices.Clone(doc.Outline)
	slices.SortStableFunc(outline, func(a, b Heading) int { return a.Offset - b.Offset })

	var passages []Passage
	var above []Heading // the headings that the current passage stands below
	next := 0
	begin, words := -1, 0
	flush := func(end int) {
		if begin >= 0 && words > 0 {
			p := Passage{Text: string(text[begin:end]), Heading: trail(above), Start: begin, End: end, Words: words}
			p.PageStart, p.PageEnd, p.Breaks = pages(begin, end)
			passages = append(passages, p)
		}
		begin, words = -1, 0
	}
	last := 0 // end of the last sentence that was taken
	for _, s := range sentences(text) {
		for next < len(outline) && outline[next].Offset <= s.start {
			h := outline[next]
			if words >= aimed/2 || h.Level <= 2 && words >= least {
				flush(last)
			}
			for len(above) > 0 && above[len(above)-1].Level >= h.Level {
				above = above[:len(above)-1]
			}
			above = append(above, h)
			next++
		}
		if words > 0 && (words+s.words > most || s.end-begin > mostCharacters || words >= aimed && s.paragraph) {
			flush(last)
		}
		if begin < 0 {
			begin = s.start
		}
		words += s.words
		last = s.end
	}
	flush(last)
	return passages
}

func trail(above []Heading) string {
	titles := make([]string, len(above))
	for i, h := range above {
		titles[i] = h.Title
	}
	return strings.Join(titles, " > ")
}

// sentence is a stretch of the text without white space at its ends.
type sentence struct {
	start, end int // code points
	words      int
	paragraph  bool // it begins a paragraph
}

// sentences cuts the text after sentences, at paragraphs, and at the most words
// and characters that a passage may have.
func sentences(text []rune) []sentence {
	var found []sentence
	paragraph := true
	for at := 0; at < len(text); {
		if unicode.IsSpace(text[at]) {
			if text[at] == '\n' && at+1 < len(text) && text[at+1] == '\n' {
				paragraph = true
			}
			at++
			continue
		}
		s := sentence{start: at, paragraph: paragraph}
		s.end, s.words = sentenceEnd(text, at)
		found = append(found, s)
		paragraph = false
		at = s.end
	}
	return found
}

// sentenceEnd returns where the sentence that begins at the place ends, and how
// many words it has. One that is too long ends at its last white space or comma.
func sentenceEnd(text []rune, start int) (end, words int) {
	var count counter
	pause, before := 0, 0 // the last place to cut it at, and the words before that
	last := start         // what stands last before quotation marks and brackets that close
	for at := start; at < len(text); at++ {
		if at > start && !strings.ContainsRune(`"'”’»)]」』）】》〉］｝`, text[at-1]) {
			last = at - 1
		}
		if at > start && (text[at] == '\n' && at+1 < len(text) && text[at+1] == '\n' || ends(text, last, at)) {
			return at, count.words()
		}
		if unicode.IsSpace(text[at]) || at > start && strings.ContainsRune("，、；：", text[at-1]) {
			pause, before = at, count.words()
		}
		if count.add(text[at]); count.words() > most || at-start >= mostCharacters {
			if pause > start {
				return pause, before
			}
			return at, most
		}
	}
	return len(text), count.words()
}

// ends reports whether a sentence whose last character stands at i ends before the
// place: after a full stop and the like, if white space follows and then something
// that can begin a sentence. The full stops of Chinese and Japanese need no white space.
func ends(text []rune, i, at int) bool {
	if !unicode.Is(unicode.STerm, text[i]) && text[i] != '…' {
		return false
	}
	if strings.ContainsRune("。！？｡．", text[i]) {
		return !strings.ContainsRune(`"'”’»)]」』）】》〉］｝。！？｡．…`, text[at]) && !unicode.IsDigit(text[at])
	}
	if !unicode.IsSpace(text[at]) {
		return false
	}
	if text[i] == '.' && (i < 2 || unicode.IsUpper(text[i-1]) && !unicode.IsLetter(text[i-2])) {
		return false // an initial
	}
	for at < len(text) && unicode.IsSpace(text[at]) {
		at++
	}
	return at == len(text) || !unicode.IsLower(text[at])
}
