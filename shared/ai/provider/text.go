package provider

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"aksio.app/shared/ai"
)

// word is a word of a text, with what stands around it.
type word struct {
	text       string // as written
	start, end int    // bytes of the text
	after      bool   // punctuation stands between it and the word before
	stem       string // of a word of a sentence: forms of one word share it
}

func (w word) capital() bool {
	for _, r := range w.text {
		return unicode.IsUpper(r)
	}
	return false
}

// splitWords returns the words of the text: letters and digits, with hyphens and
// apostrophes inside.
func splitWords(text string) []word {
	var words []word
	start, after := -1, false
	var last rune
	flush := func(end int) {
		if start >= 0 {
			trimmed := strings.TrimRight(text[start:end], "-'’")
			words = append(words, word{text: trimmed, start: start, end: start + len(trimmed), after: after})
			start, after = -1, len(trimmed) < end-start
		}
	}
	for i, r := range text {
		inner := start >= 0 && (r == '-' || r == '\'' || r == '’') && last != r
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r):
			if start < 0 {
				start = i
			}
		case !inner:
			flush(i)
			after = after || !unicode.IsSpace(r)
		}
		last = r
	}
	flush(len(text))
	return words
}

// endings are what words of the languages end in when they are inflected,
// the longest first.
var endings = strings.Fields("ernes ings edly enes erne ungen ene ens ers ern ets ies ing ed en em er es et ly e n s y")

// stem cuts one ending off a lower-case form of the word. It knows no language,
// so a question and a passage are cut alike; what counts is that forms of a word
// meet, not that the stem is one.
func stem(text string) string {
	text = strings.TrimSuffix(strings.TrimSuffix(Fold(text), "'s"), "'")
	for _, ending := range endings {
		cut := strings.TrimSuffix(text, ending)
		least := 4
		if len(ending) == 1 {
			least = 3
		}
		if len(cut) < len(text) && countWordRunes(cut) >= least {
			text = cut
			break
		}
	}
	if n := len(text); n > 3 && text[n-1] == text[n-2] { // running, runs
		text = text[:n-1]
	}
	return text
}

// stems returns the keys of the words of a text that mean something.
func stems(text string) []string {
	var out []string
	for _, w := range splitWords(text) {
		if !stopped(w.text) {
			out = append(out, stem(w.text))
		}
	}
	return out
}

// sentence is a sentence of a source.
type sentence struct {
	source     int
	start, end int    // code points in the source's text
	quote      string // the source's words
	text       string // on one line, without mark-up
	heading    string // under which it stands
	lead       bool   // first under its heading
	row        bool   // of a table
	uncased    bool   // of a text without capitals
	words      []word // of text
}

// stems returns the keys of the sentence's words that mean something.
func (s sentence) stems() []string {
	var out []string
	for _, w := range s.words {
		if !stopped(w.text) {
			out = append(out, w.stem)
		}
	}
	return out
}

// splitSentences returns the sentences and rows of tables of all sources, in order.
// Headings and tables of contents are left out. It stops when the context is done.
func splitSentences(ctx context.Context, sources []ai.Source) []sentence {
	var out []sentence
	known := map[string]string{} // stems of words
	uncased := isUncased(sources)
	for i, source := range sources {
		heading, lead := source.Heading, true
		text := []rune(source.Text)
		for _, b := range splitBlocks(text) {
			if b.heading {
				heading, lead = title(string(text[b.start:b.end])), true
				continue
			}
			spans := [][2]int{{b.start, b.end}}
			if !b.row {
				spans = splitBlock(text, b.start, b.end, uncased)
			}
			for _, span := range spans {
				s := sentence{source: i, start: span[0], end: span[1], heading: heading, lead: lead, row: b.row, uncased: uncased}
				s.quote = string(text[s.start:s.end])
				s.text = tidy(s.quote)
				if s.words = splitWords(s.text); len(s.words) > 0 && !s.isNotice() {
					stemWords(s.words, known)
					out = append(out, s)
					lead = lead && s.row
				}
				if ctx.Err() != nil {
					return out
				}
			}
		}
	}
	return out
}

// stemWords gives the words their stems, which are made once of each.
func stemWords(words []word, known map[string]string) {
	for i, w := range words {
		key, ok := known[w.text]
		if !ok {
			key = stem(w.text)
			known[w.text] = key
		}
		words[i].stem = key
	}
}

// isUncased reports whether the texts are written without capitals, as quick notes are.
func isUncased(sources []ai.Source) bool {
	upper, lower, _ := cases(sources)
	return upper*500 < lower
}

// cases counts the texts' letters; others belong to scripts that have no capitals.
func cases(sources []ai.Source) (upper, lower, others int) {
	for _, source := range sources {
		for _, r := range source.Text {
			switch {
			case unicode.IsUpper(r):
				upper++
			case unicode.IsLower(r):
				lower++
			case unicode.IsLetter(r):
				others++
			}
		}
	}
	return upper, lower, others
}

// block is a paragraph, a list entry, a row of a table or a heading, in code points.
type block struct {
	start, end   int
	heading, row bool
}

func splitBlocks(text []rune) []block {
	lines := splitLines(text)
	usual := usualWidth(lines)
	var out []block
	open := false
	for i, l := range lines {
		line := strings.TrimSpace(string(text[l.start:l.end]))
		marker := max(listMarker(line), labelWidth(line))
		start := l.start
		for start < l.end && unicode.IsSpace(text[start]) {
			start++
		}
		start = min(start+marker, l.end)
		switch {
		case strings.Count(line, "|") >= 2:
			out = append(out, block{start: l.start, end: l.end, row: true})
			open = false
			continue
		case line == "" || isTabular(line):
			open = false
			continue
		case strings.HasPrefix(line, "#"), strings.ToUpper(line) == line && isTitle(line):
			out = append(out, block{start: l.start, end: l.end, heading: true})
			open = false
			continue
		case isShortLine(line, usual) && (i+1 == len(lines) || startsUpper(text, lines[i+1])):
			out = append(out, block{start: start, end: l.end, heading: isTitle(line)})
			open = false
			continue
		}
		if !open || marker > 0 {
			out = append(out, block{start: start, end: l.end})
			open = true
			continue
		}
		out[len(out)-1].end = l.end
	}
	return out
}

func splitLines(text []rune) []block {
	var lines []block
	start := 0
	for i, r := range text {
		if r == '\n' || r == '\f' {
			lines = append(lines, block{start: start, end: i})
			start = i + 1
		}
	}
	return append(lines, block{start: start, end: len(text)})
}

// usualWidth returns the width of a full line: nine in ten are no wider.
func usualWidth(lines []block) int {
	var count [121]int
	total := 0
	for _, l := range lines {
		if width := l.end - l.start; width > 0 {
			count[min(width, 120)]++
			total++
		}
	}
	seen := 0
	for width, n := range count {
		if seen += n; seen*10 >= total*9 {
			return width
		}
	}
	return 120
}

// isShortLine reports whether the line stops before it is full and before a sentence ends.
func isShortLine(line string, usual int) bool {
	return len([]rune(line))*10 < usual*6 && !strings.ContainsAny(line[len(line)-1:], ".!?:;,-")
}

// isTitle reports whether a short line reads like a heading.
func isTitle(line string) bool {
	line = title(line)
	words := splitWords(line)
	letters, long := 0, false
	for _, r := range line {
		if unicode.IsLetter(r) || r == ' ' {
			letters++
		}
	}
	for _, w := range words {
		long = long || len(w.text) > 3
	}
	if !long || stopped(words[len(words)-1].text) || !words[0].capital() || strings.ContainsAny(line, ";=[]{}") {
		return false
	}
	return len(words) <= 9 && letters*10 >= len([]rune(line))*8
}

// title returns the heading without numbers and marks around it.
func title(line string) string {
	line = tidy(line)
	if width := labelWidth(line); width > 0 {
		line = string([]rune(line)[width:])
	}
	return strings.TrimFunc(line, func(r rune) bool { return !unicode.IsLetter(r) })
}

// labelWidth returns how many code points at the start of the line number what
// follows: "Definition 12 (Ring)" or "Theorem 3.1:".
func labelWidth(line string) int {
	label, rest, _ := strings.Cut(line, " ")
	if !lists().labels[strings.ToLower(label)] {
		return 0
	}
	number := strings.TrimLeft(rest, "0123456789.")
	if len(number) == len(rest) {
		return 0
	}
	if strings.HasPrefix(number, " (") {
		if i := strings.IndexByte(number, ')'); i > 0 {
			number = number[i+1:]
		}
	}
	number = strings.TrimLeft(number, ":. ")
	return utf8.RuneCountInString(line) - utf8.RuneCountInString(number)
}

func startsUpper(text []rune, l block) bool {
	for _, r := range text[l.start:l.end] {
		if !unicode.IsSpace(r) {
			return !unicode.IsLower(r)
		}
	}
	return true
}

// isTabular reports whether the line belongs to a table without rules or a table of contents.
func isTabular(line string) bool {
	return strings.Contains(line, "\t\t") ||
		strings.Contains(line, "....") || strings.Contains(line, ". . .") || strings.HasPrefix(line, "```")
}

// listMarker returns how many code points at the start of the line mark a list entry.
func listMarker(line string) int {
	runes := []rune(line)
	if len(runes) < 3 {
		return 0
	}
	if strings.ContainsRune("-*•–·▪◦", runes[0]) && unicode.IsSpace(runes[1]) {
		return 2
	}
	i := 0
	for i < len(runes) && i < 5 && (unicode.IsDigit(runes[i]) || unicode.IsLetter(runes[i]) || runes[i] == '(') {
		i++
	}
	numbered := i > 0 && i <= 3 && i+1 < len(runes) && unicode.IsSpace(runes[i+1])
	letter := unicode.IsLetter(runes[0]) && i > 1
	if numbered && (runes[i] == ')' || runes[i] == '.' && !letter) {
		return i + 2
	}
	return 0
}

// splitBlock returns the sentences of a block, in code points.
func splitBlock(text []rune, start, end int, uncased bool) [][2]int {
	var out [][2]int
	add := func(from, to int) {
		for from < to && unicode.IsSpace(text[from]) {
			from++
		}
		for to > from && unicode.IsSpace(text[to-1]) {
			to--
		}
		if from < to {
			out = append(out, [2]int{from, to})
		}
	}
	from := start
	for i := start; i < end; i++ {
		if !strings.ContainsRune(".!?", text[i]) || text[i] == '.' && isAbbreviation(text[from:i]) {
			continue
		}
		next := i + 1
		for next < end && strings.ContainsRune(`"'”’»)]*`, text[next]) {
			next++
		}
		if next >= end || endsSentence(text, next, end, uncased) {
			add(from, next)
			from, i = next, next-1
		}
	}
	add(from, end)
	return out
}

// endsSentence reports whether what follows the full stop starts another sentence.
func endsSentence(text []rune, next, end int, uncased bool) bool {
	if !unicode.IsSpace(text[next]) {
		return false
	}
	for next < end && unicode.IsSpace(text[next]) {
		next++
	}
	return next >= end || uncased || !unicode.IsLower(text[next])
}

// longestAbbreviation is how far before a full stop is looked, in code points.
const longestAbbreviation = 10

// isAbbreviation reports whether the full stop behind the text belongs to its last word.
func isAbbreviation(before []rune) bool {
	i := len(before)
	for i > 0 && len(before)-i <= longestAbbreviation && (unicode.IsLetter(before[i-1]) || unicode.IsDigit(before[i-1]) || before[i-1] == '.') {
		i--
	}
	last := string(before[i:])
	switch {
	case last == "":
		return false
	case len([]rune(last)) == 1 && unicode.IsLetter(before[i]):
		return true // an initial
	case unicode.IsDigit(before[i]) && len(last) <= 2:
		return true // an ordinal, as German writes it
	}
	return lists().abbreviations[strings.ToLower(last)]
}

// markup is what tidy takes out or mends.
var markup = strings.NewReplacer("**", "", "__", "", "`", "", "ﬁ", "fi", "ﬂ", "fl", "ﬀ", "ff", "ﬃ", "ffi", "ﬄ", "ffl", "\u00ad", "",
	"“", `"`, "”", `"`, "„", `"`)

// brokenWord is a word broken at the end of a line. Where "and" follows, the
// hyphen stands for the rest of a word.
var brokenWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`(\p{Ll})-[ \t]*\n\s*(\p{Ll}+)`)
})

func joinBroken(text string) string {
	if !strings.Contains(text, "-") || !strings.Contains(text, "\n") {
		return text
	}
	return brokenWord().ReplaceAllStringFunc(text, func(match string) string {
		parts := brokenWord().FindStringSubmatch(match)
		if stopped(parts[2]) {
			return parts[1] + "- " + parts[2]
		}
		return parts[1] + parts[2]
	})
}

// tidy returns the text on one line, without mark-up.
func tidy(text string) string {
	text = joinBroken(text)
	text = strings.TrimLeft(strings.TrimSpace(text), "#>")
	text = strings.Join(strings.Fields(markup.Replace(text)), " ")
	for _, mark := range []string{",", ".", ";", ":", "!", "?", ")"} {
		text = strings.ReplaceAll(text, " "+mark, mark)
	}
	return strings.ReplaceAll(text, "( ", "(")
}

// readable reports whether a learner can make sense of the sentence by itself:
// a whole sentence of words, not a formula, code, an entry of a list of references,
// a piece of a table, or about the text itself.
func (s sentence) readable() bool {
	if n := len(s.words); n < 6 || n > 45 || len(s.text) > 400 {
		return false
	}
	first := []rune(s.text)[0]
	if !strings.ContainsAny(s.text[len(s.text)-1:], `.!?"`) || !unicode.IsUpper(first) && !unicode.IsDigit(first) && first != '"' && !(s.uncased && unicode.IsLetter(first)) {
		return false
	}
	start := s.words[0]
	labelled := strings.HasPrefix(s.text[start.end:], ":") && lists().general[strings.ToLower(start.text)] // "Note: it is …"
	if labelled || s.uncased && lists().midway[start.text] || speaker().MatchString(s.text) || s.isEntry() {
		return false
	}
	for _, sign := range []string{"http", "www.", "doi:", "ISBN", "et al", "<unk>", "@", "©", "{", "}", "\\", "=", "...", "_"} {
		if strings.Contains(s.text, sign) {
			return false
		}
	}
	if unicode.IsDigit(first) && len(s.words[0].text) > 1 && unicode.IsLetter([]rune(s.text)[1]) { // a footnote
		return false
	}
	return !s.isFormula() && !s.isBroken() && !s.isGlued() && !calls().MatchString(s.text) && !s.isFrontMatter() && !s.pointsElsewhere() && !strings.HasSuffix(s.text, "?") && strings.Count(s.text, `"`)%2 == 0 && strings.Count(s.text, "(") == strings.Count(s.text, ")")
}

// isEntry reports whether the sentence is a label and names: "Editor: Jane Roe, University of Oslo."
func (s sentence) isEntry() bool {
	groups := explained().FindStringSubmatch(s.text)
	return groups != nil && isTitled(groups[2])
}

// speaks reports whether somebody says "I" or "you" in it.
func (r *reading) speaks(words []word) bool {
	return slices.ContainsFunc(words, func(w word) bool {
		return lists().persons[r.tongue.code][strings.ReplaceAll(strings.ToLower(w.text), "’", "'")]
	})
}

// isFormula reports whether signs, digits and single letters take too much of the sentence.
func (s sentence) isFormula() bool {
	letters, signs, digits := 0, 0, 0
	for _, r := range s.text {
		switch {
		case unicode.IsLetter(r) || r == ' ':
			letters++
		case unicode.IsDigit(r):
			digits++
		case !strings.ContainsRune(`.,-–—'’"!?`, r):
			signs++
		}
	}
	single := 0
	for _, w := range s.words {
		if n := utf8.RuneCountInString(w.text); n <= 2 && !stopped(w.text) && !unicode.IsDigit([]rune(w.text)[0]) || n > 28 {
			single++
		}
	}
	total := letters + digits + signs
	return letters*100 < total*88 || signs*100 > total*5 || single*8 > len(s.words)
}

// isGlued reports whether a heading runs into the sentence: "Preface This book …".
func (s sentence) isGlued() bool {
	for _, w := range s.words[1:min(5, len(s.words))] {
		if lower := strings.ToLower(w.text); w.capital() && !w.after && lists().leaning[lower] && !addressed[lower] {
			return true
		}
	}
	for i, w := range s.words[1:] {
		if begins[w.text] && !w.after && s.words[i].capital() {
			return true
		}
	}
	return false
}

// begins are words that are written with a capital where a sentence begins.
var begins = map[string]bool{"The": true, "This": true, "These": true, "We": true, "They": true, "It": true}

// addressed are the words that are written with a capital out of politeness.
var addressed = map[string]bool{"sie": true, "ihr": true, "ihre": true, "ihrer": true, "ihnen": true, "i": true, "de": true}

// calls finds a function and its arguments: matker0(GEN x, but not f(x).
var calls = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`[\p{L}\d_]{3,}\(`) })

// thanks are words that thank those who helped with a text.
var thanks = []string{"vielen dank", "thank you", "thanks go", "many thanks", "special thanks", "mange takk", "tusen takk", "mange tak ", "stort tack"}

// isFrontMatter reports whether the sentence is about the text and not its subject.
func (s sentence) isFrontMatter() bool {
	lower := strings.ToLower(s.text)
	for _, words := range thanks {
		if strings.Contains(lower, words) {
			return true
		}
	}
	for _, w := range s.words {
		if lists().front[strings.ToLower(w.text)] {
			return true
		}
	}
	for _, w := range splitWords(s.heading) {
		if lists().front[strings.ToLower(w.text)] {
			return true
		}
	}
	return false
}

// isLabel reports whether the sentence is none, but a title, or the piece of one.
func (s sentence) isLabel() bool {
	return !s.row && !strings.ContainsAny(s.text[len(s.text)-1:], `.!?:;"`) && (isTitled(s.text) || stopped(s.words[len(s.words)-1].text))
}

// notices are words of what a page says of itself and of whoever publishes it.
var notices = []string{"click here", "on this website", "on this site", "our privacy policy", "our advertising policy", "our comment policy", "our terms of",
	"registered trade mark of", "registered trademark of", "all rights reserved", "unsere datenschutzerklärung", "alle rechte vorbehalten", "alle rettigheter", "tous droits réservés"}

// isNotice reports whether the sentence is such words: there is nothing to learn in it.
func (s sentence) isNotice() bool {
	lower := strings.ToLower(s.text)
	return slices.ContainsFunc(notices, func(words string) bool { return strings.Contains(lower, words) })
}

// speaker finds who speaks in a transcript: "THE PRESIDENT: Thank you."
var speaker = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^\p{Lu}[\p{Lu}.]+( \p{Lu}[\p{Lu}.]*)*:`) })

// elsewhere are words that send the reader to another place.
var elsewhere = []string{"described above", "described below", "mentioned above", "discussed above", "discussed below", "listed above", "shown above", "see above", "see below",
	"in the text", "not shown", "unpublished data", "wie folgt", "siehe oben", "oben genannt", "oben beschrieben", "ovenfor", "nedenfor", "nedan", "ovan"}

// pointsElsewhere reports whether the sentence speaks of a numbered figure or theorem,
// or of what stands elsewhere.
func (s sentence) pointsElsewhere() bool {
	lower := strings.ToLower(s.text)
	for _, words := range elsewhere {
		if strings.Contains(lower, words) {
			return true
		}
	}
	for i, w := range s.words[:len(s.words)-1] {
		if next := s.words[i+1].text; lists().labels[strings.ToLower(w.text)] && (next[0] >= '0' && next[0] <= '9' || len(next) <= 2) {
			return true
		}
	}
	return false
}

// isBroken reports whether the text came out of its file damaged: words run
// together, signs that no font names.
func (s sentence) isBroken() bool {
	joined := 0
	var last rune
	for _, r := range s.text {
		if unicode.IsControl(r) || unicode.Is(unicode.Co, r) || r == utf8.RuneError || last == ';' && r != ' ' {
			return true
		}
		if unicode.IsUpper(r) && unicode.IsLower(last) {
			joined++
		}
		last = r
	}
	return joined > 1
}

// selfContained reports whether the sentence leans on none before it: what "this"
// or "he" means is not known to who reads the sentence alone. Far into the sentence
// "this" may mean what stands in it.
func (s sentence) selfContained() bool {
	leans := lists().leaning
	if len(s.words) > 1 && s.words[0].text == "Das" && s.words[1].capital() { // the article
		return true
	}
	for _, w := range s.words[:min(5, len(s.words))] {
		if lists().pointing[strings.ToLower(w.text)] {
			return false
		}
	}
	return !leans[strings.ToLower(s.words[0].text)] && (len(s.words) < 2 || !leans[strings.ToLower(s.words[1].text)] || !stopped(s.words[0].text))
}
