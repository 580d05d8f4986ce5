package provider

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"aksio.app/shared/ai"
)

// reading is material as the offline model has read it.
type reading struct {
	material  ai.Material
	tongue    *tongue
	sentences []sentence
	phrases   []phrase        // the weightiest first
	inside    map[int][]int   // the phrases of each sentence
	about     map[int]bool    // the sentences about the topic
	upper     map[string]bool // words written with a capital inside a sentence
	lower     map[string]bool // words written without one
}

// phrase is a term of the material: one to three words that it uses as a noun.
type phrase struct {
	text   string // as mostly written
	stems  []string
	weight float64
	in     []int // the sentences that have it
}

// read reads the material. It stops when the context is done, and so do the loops
// over what was read.
func read(ctx context.Context, m ai.Material) (*reading, error) {
	sentences := slices.DeleteFunc(splitSentences(ctx, m.Sources), func(s sentence) bool { return s.row })
	r := &reading{material: m, sentences: sentences, upper: map[string]bool{}, lower: map[string]bool{}}
	r.tongue = tongueOf(cmp.Or(m.Language, languageOf(m.Sources)))
	r.readCase()
	r.phrases = r.findPhrases(ctx)
	r.inside = map[int][]int{}
	for p, phrase := range r.phrases {
		for _, i := range phrase.in {
			r.inside[i] = append(r.inside[i], p)
		}
	}
	r.about = r.findAbout(ctx)
	return r, ctx.Err()
}

// phrasesIn yields the phrases of a sentence, the weightiest first.
func (r *reading) phrasesIn(sentence int) iter.Seq2[int, phrase] {
	return func(yield func(int, phrase) bool) {
		for _, p := range r.inside[sentence] {
			if !yield(p, r.phrases[p]) {
				return
			}
		}
	}
}

// readCase learns which words are written with a capital where no sentence starts.
func (r *reading) readCase() {
	for _, s := range r.sentences {
		for i, w := range s.words {
			switch {
			case !w.capital():
				r.lower[w.text] = true
			case i > 0:
				r.upper[w.text] = true
			}
		}
	}
}

// found counts how a phrase is used.
type found struct {
	forms map[string]int
	in    []int
	noun  int // times that what stands around it says that it is a noun
	caps  int // times that all its words have capitals
	words int
}

func (r *reading) findPhrases(ctx context.Context) []phrase {
	all := map[string]*found{}
	for i, s := range r.sentences {
		if ctx.Err() != nil {
			return nil
		}
		if len(s.words) > 80 || s.isFormula() {
			continue
		}
		for from := 0; from < len(s.words); from++ {
			for size := 1; size <= 3 && from+size <= len(s.words); size++ {
				r.count(all, i, s.words, from, size)
			}
		}
	}
	var out []phrase
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if p, ok := r.phrase(key, all[key]); ok {
			out = append(out, p)
		}
	}
	slices.SortStableFunc(out, func(a, b phrase) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.text, b.text))
	})
	return out
}

func (r *reading) count(all map[string]*found, in int, words []word, from, size int) {
	run := words[from : from+size]
	if from > 0 && run[0].after && len(words[from-1].text) == 1 { // P. falciparum
		return
	}
	var key, form []string
	caps := 0
	for i, w := range run {
		if !r.mayName(w.text) || i > 0 && w.after || r.isShouted(w.text) {
			return
		}
		key = append(key, w.stem)
		form = append(form, w.text)
		if w.capital() && (from+i > 0 || r.upper[w.text]) {
			caps++
		}
	}
	id := strings.Join(key, " ")
	f := all[id]
	if f == nil {
		f = &found{forms: map[string]int{}, words: size}
		all[id] = f
	}
	text := strings.Join(form, " ")
	if from == 0 {
		text = r.lowerFirst(text)
	}
	f.forms[text]++
	if n := len(f.in); n == 0 || f.in[n-1] != in {
		f.in = append(f.in, in)
	}
	if caps == size {
		f.caps++
	}
	before := from == 0 || words[from].after || r.beforeNouns(words[from-1].text)
	behind := from+size == len(words) || words[from+size].after || stopped(words[from+size].text) && !isArticle(words[from+size].text)
	if r.tongue.code == "de" {
		if last := run[size-1]; last.capital() && behind && (from > 0 || size > 1) {
			f.noun++
		}
	} else if before && behind {
		f.noun++
	}
}

// isShouted reports whether the word is only here in capitals, as in a running head.
func (r *reading) isShouted(text string) bool {
	lower := strings.ToLower(text)
	return len(text) > 1 && strings.ToUpper(text) == text && (r.lower[lower] || r.upper[upperFirst(lower)])
}

// mayName reports whether the word may be part of a term.
func (r *reading) mayName(text string) bool {
	lower := strings.ToLower(text)
	if utf8.RuneCountInString(text) < 3 || stopped(lower) || lists().general[lower] {
		return false
	}
	for _, c := range text { // neither numbers nor "that's" and "document's"
		if !unicode.IsLetter(c) && c != '-' {
			return false
		}
	}
	return r.tongue.code != "en" || !strings.HasSuffix(lower, "ly")
}

func (r *reading) phrase(key string, f *found) (phrase, bool) {
	times, text := 0, ""
	total := 0
	for form, n := range f.forms {
		total += n
		if n > times || n == times && form < text {
			times, text = n, form
		}
	}
	p := phrase{text: text, stems: strings.Fields(key), in: f.in}
	name := f.caps == total && r.tongue.code != "de"
	nouns := float64(f.noun) / float64(total)
	if r.tongue == &neutral { // what stands around nouns isn't known
		if nouns = 1; !name && (f.words > 1 || utf8.RuneCountInString(text) < leastUnknown) {
			return phrase{}, false
		}
	}
	switch {
	case r.tongue.code == "en" && strings.HasSuffix(text, "ed"), r.tongue.code == "fr" && strings.HasSuffix(text, "ant"):
		return phrase{}, false
	case f.words == 1 && lists().everyday[r.tongue.code][key]:
		return phrase{}, false
	case nouns < 0.4, f.words > 1 && nouns < 0.5:
		return phrase{}, false
	case name && f.words > 1:
	case len(f.in) < 2, f.words == 1 && utf8.RuneCountInString(text) < longWord && !name && len(f.in) < 2+len(r.sentences)/oftener:
		return phrase{}, false
	}
	// Longer phrases are rarer by nature and say more.
	p.weight = math.Pow(float64(len(f.in)), 0.7) * (1 + 0.6*float64(f.words-1)) * nouns * rarity(p.stems)
	return p, true
}

// oftener is of how many sentences one more must have a word that is a term by
// itself: of a long text, all sorts of words stand in two. Long ones are rarer.
const (
	oftener  = 150
	longWord = 9
)

// leastUnknown is how many letters a word has that is asked for in a language that the
// model doesn't know: its frequent words are shorter.
const leastUnknown = 7

// beforeNouns reports whether nouns stand behind the word.
func (r *reading) beforeNouns(text string) bool {
	return lists().nouns[r.tongue.code][strings.ToLower(text)]
}

func isArticle(text string) bool { return lists().articles[strings.ToLower(text)] }

// rarity is how much a phrase's words are likely to say, by their length: the
// frequent words of a language are short.
func rarity(stems []string) float64 {
	sum := 0.0
	for _, s := range stems {
		sum += 0.5 + 0.1*float64(min(utf8.RuneCountInString(s), 10))
	}
	return sum / float64(len(stems))
}

// topics returns the weightiest phrases of which none contains another.
func (r *reading) topics(most int) []string {
	var out []string
	var taken [][]string
	for _, p := range r.phrases {
		if len(out) == most {
			break
		}
		if slices.ContainsFunc(taken, func(t []string) bool { return shares(t, p.stems) }) {
			continue
		}
		taken = append(taken, p.stems)
		out = append(out, p.text)
	}
	return out
}

// sortedKeys returns the keys in order, so that what is made from them is always the same.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
