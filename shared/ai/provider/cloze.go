package provider

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
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
			best = cloze{s, p, s.text[:start] + gap + s.text[end:], s.text[start:end]}
		}
	}
	if top > 0 {
		asked[best.phrase.text]++
	}
	return best, top > 0
}

// standsAsNoun reports whether the words stand there as the thing that they name: not
// as a verb, behind "we" or "to", and not as a part of a path or a name with dots.
func (r *reading) standsAsNoun(s sentence, from, to int) bool {
	start, end := s.words[from].start, s.words[to-1].end
	if start > 0 && strings.ContainsRune(`/.\:@#-`, rune(s.text[start-1])) || end+1 < len(s.text) && strings.ContainsRune(`/\@-`, rune(s.text[end])) ||
		end+1 < len(s.text) && s.text[end] == '.' && s.text[end+1] != ' ' && s.text[end+1] != '"' {
		return false
	}
	if r.tongue.code == "en" && participle(s.words[to-1].text) { // "the decrease", but "sales decreased"
		return false
	}
	if r.tongue.code == "de" || from == 0 {
		return true
	}
	switch before := strings.ToLower(s.words[from-1].text); before {
	case "to", "and", "or": // may stand before either
		return false
	default:
		return !s.words[from].after && (lists().nouns[before] || !stopped(before))
	}
}

// mostAsked is how many gaps may ask for the same phrase.
const mostAsked = 2

// afterArticle reports whether an article or the like stands before the gap, so
// that another term fits there.
func (c cloze) afterArticle() bool {
	return lists().nouns[c.before()]
}

// before is the word before the gap, in lower case.
func (c cloze) before() string {
	words := splitWords(c.gapped[:strings.Index(c.gapped, gap)])
	if len(words) == 0 {
		return ""
	}
	return strings.ToLower(words[len(words)-1].text)
}

// fits reports whether the other term can stand in the gap by its form, as far as
// English shows it. Elsewhere the article before the gap shows its gender.
func (r *reading) fits(c cloze, other string) bool {
	if r.tongue.code != "en" {
		words := splitWords(other)
		article, noun := r.tongue.genders[c.before()], r.genders[stem(words[len(words)-1].text)]
		return article == "" || noun == "" || strings.ContainsAny(article, noun)
	}
	vowel := other != "" && strings.ContainsAny(strings.ToLower(other[:1]), "aeiou")
	switch c.before() {
	case "a":
		return !vowel && !strings.HasSuffix(other, "s")
	case "an":
		return vowel && !strings.HasSuffix(other, "s")
	}
	return strings.HasSuffix(other, "s") == strings.HasSuffix(c.answer, "s")
}

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

// term is what may stand among the options, with its stems.
type term struct {
	text  string
	stems []string
}

// distractors returns up to three other terms of the material that could stand in
// the answer's place: of the same kind and shape, and not in the sentence itself.
func (r *reading) distractors(answer string, kind phraseKind, s sentence, extra []term) []string {
	type candidate struct {
		term
		cost int
	}
	var found []candidate
	own, here := stems(answer), set(append(s.stems(), stems(s.heading)...))
	consider := func(t term, cost int) {
		if shares(own, t.stems) || slices.ContainsFunc(t.stems, func(key string) bool { return here[key] }) {
			return
		}
		found = append(found, candidate{t, cost + unlike(answer, t.text)})
	}
	for _, t := range extra {
		consider(t, 0)
	}
	for rank, p := range r.phrases[:min(150, len(r.phrases))] {
		if p.kind == kind {
			consider(term{p.text, p.stems}, 4+rank/8)
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(a.cost, b.cost) })
	var out []string
	var taken [][]string
	for _, c := range found {
		if slices.ContainsFunc(taken, func(t []string) bool { return shares(t, c.stems) }) {
			continue
		}
		taken = append(taken, c.stems)
		if out = append(out, matchCase(c.text, answer)); len(out) == 3 {
			break
		}
	}
	return out
}

// unlike returns how much the shapes of two terms differ: what differs in shape
// gives the answer away.
func unlike(a, b string) int {
	x, y := strings.ToLower(a), strings.ToLower(b)
	if n, err := strconv.Atoi(x); err == nil {
		if m, err := strconv.Atoi(y); err == nil {
			return max(n-m, m-n) / 10
		}
	}
	cost := 6 * abs(strings.Count(x, " ")-strings.Count(y, " "))
	cost += abs(utf8.RuneCountInString(x)-utf8.RuneCountInString(y)) / 2
	if strings.HasSuffix(x, "s") != strings.HasSuffix(y, "s") {
		cost += 6
	}
	if strings.ContainsAny(x[:1], "aeiou") != strings.ContainsAny(y[:1], "aeiou") {
		cost++
	}
	if len(x) > 3 && len(y) > 3 && x[len(x)-2:] == y[len(y)-2:] {
		cost -= 3
	}
	return cost
}

func abs(n int) int { return max(n, -n) }

// matchCase gives the term a capital if the model has one.
func matchCase(term, model string) string {
	if r, _ := utf8.DecodeRuneInString(model); unicode.IsUpper(r) {
		return upperFirst(term)
	}
	return term
}
