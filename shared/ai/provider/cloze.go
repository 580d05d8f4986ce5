package provider

import (
	"slices"
	"strings"
)

// cloze is a sentence with a gap where a phrase stood.
type cloze struct {
	sentence
	phrase phrase
	gapped string
	answer string // as it stood there
}

// cloze takes a phrase that stands once in the sentence out of it: the weightiest
// of those that weren't asked for more often.
func (r *reading) cloze(at int, asked map[string]int) (cloze, bool) {
	s := r.sentences[at]
	var best cloze
	top := 0.0
	for _, p := range r.phrasesIn(at) {
		from, to, once := s.place(p)
		if !once || from == 0 && r.tongue.code != "de" { // the subject is too easily guessed from what is said of it
			continue
		}
		if !r.standsAsNoun(s, from, to) {
			continue
		}
		start, end := s.words[from].start, s.words[to-1].end
		if worth := p.weight / float64(1+asked[p.text]*asked[p.text]); worth > top && asked[p.text] < mostAsked {
			top = worth
			best = cloze{s, p, r.open(s, from) + gap + s.text[end:], s.text[start:end]}
		}
	}
	if top > 0 {
		asked[best.phrase.text]++
	}
	return best, top > 0
}

// open returns what stands before a gap without what would tell how its answer begins.
func (r *reading) open(s sentence, at int) string {
	article := s.words[max(at-1, 0)]
	text := article.text
	if at == 1 { // elsewhere an "A" is the vitamin's name
		text = strings.ToLower(text)
	}
	if r.tongue.code == "en" && (text == "a" || text == "an") {
		return s.text[:article.start+1] + "(n) "
	}
	return s.text[:s.words[at].start]
}

// standsAsNoun reports whether the words stand there as the thing that they name: not
// as a verb, behind "we" or "to" or before "the", and not as a part of a path or a name with dots.
func (r *reading) standsAsNoun(s sentence, from, to int) bool {
	start, end := s.words[from].start, s.words[to-1].end
	if start > 0 && strings.ContainsRune(`/.\:@#-`, rune(s.text[start-1])) || end+1 < len(s.text) && strings.ContainsRune(`/\@-`, rune(s.text[end])) ||
		end+1 < len(s.text) && strings.ContainsRune(".:", rune(s.text[end])) && s.text[end+1] != ' ' && s.text[end+1] != '"' {
		return false
	}
	if r.tongue.code != "de" && s.words[from].capital() && s.inName(from, to) {
		return false
	}
	if r.tongue.code == "en" && participle(s.words[to-1].text) { // "the decrease", but "sales decreased"
		return false
	}
	if to < len(s.words) && !s.words[to].after && isArticle(s.words[to].text) {
		return false
	}
	if r.tongue.code == "de" || from == 0 {
		return true
	}
	switch before := strings.ToLower(s.words[from-1].text); {
	case before == "to", before == "and", before == "or": // may stand before either
		return false
	case lists().pointing[before]: // which one, isn't said here
		return false
	default:
		return !s.words[from].after && (r.beforeNouns(before) || !stopped(before))
	}
}

// inName reports whether a longer name has the words: the "War" of the "Civil War".
func (s sentence) inName(from, to int) bool {
	return from > 1 && !s.words[from].after && s.words[from-1].capital() || to < len(s.words) && !s.words[to].after && s.words[to].capital()
}

// mostAsked is how many gaps may ask for the same phrase.
const mostAsked = 2

// place returns where the phrase's words stand in the sentence, and whether none
// of its words stands anywhere else in it.
func (s sentence) place(p phrase) (from, to int, once bool) {
	from = -1
	times := 0
	for i, w := range s.words {
		if slices.Contains(p.stems, w.stem) {
			times++
		}
		if i+len(p.stems) > len(s.words) {
			continue
		}
		if from < 0 && slices.EqualFunc(s.words[i:i+len(p.stems)], p.stems, func(w word, key string) bool { return w.stem == key }) {
			from = i
		}
	}
	return from, from + len(p.stems), from >= 0 && times == len(p.stems)
}
