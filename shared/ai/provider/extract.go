package provider

import (
	"cmp"
	"context"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"aksio.app/shared/ai"
	"aksio.app/shared/fault"
	"aksio.app/shared/language"
)

const (
	mostExtracts = 4
	leastFit     = 0.3 // share of the question's weight that the best sentence must have
	defining     = 1.3 // advantage of sentences that say what something is
	literal      = 1.7 // advantage of sentences with a word of the question as it stands there: "run" is the stem of "rune", too
	leant        = 0.8 // disadvantage of sentences that need the one before, such as "These are …"
	otherFit     = 0.6 // of the best sentence's score that the others must have
)

// Answer implements Model: it quotes the sentences of the sources that fit the
// last question best, and says that they are quotes.
func (o Offline) Answer(ctx context.Context, q ai.Question, emit func(ai.Part) error) (ai.Answer, error) {
	question, err := lastQuestion(q)
	if err != nil {
		return ai.Answer{}, err
	}
	if emit == nil {
		emit = func(ai.Part) error { return nil }
	}
	tongue := tongueOf(cmp.Or(language.Guess(question), languageOf(q.Sources)))
	answer := ai.Answer{Usage: o.usage()}
	send := func(p ai.Part) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		answer.Text += p.Text
		if p.Citation != nil {
			answer.Citations = append(answer.Citations, *p.Citation)
		}
		return emit(p)
	}
	extracts := extract(ctx, q, question, tongue)
	if len(extracts) == 0 {
		return answer, send(ai.Part{Text: tongue.text.nothing})
	}
	if err := send(ai.Part{Text: tongue.text.preface}); err != nil {
		return answer, err
	}
	for i, s := range extracts {
		c := ai.Citation{Source: s.source, Start: s.start, End: s.end, Quote: s.quote}
		line := strings.Join(strings.Fields(joinBroken(s.quote)), " ")
		if err := send(ai.Part{Text: "\n\n> " + unformatted(line) + " [" + strconv.Itoa(i+1) + "]"}); err != nil {
			return answer, err
		}
		if err := send(ai.Part{Citation: &c}); err != nil {
			return answer, err
		}
	}
	return answer, nil
}

// unformatted writes a text so that Markdown shows it as it is: material that is quoted can
// neither make a mark that looks like a citation's nor load a picture from elsewhere, and
// its first characters begin no code, heading, quotation or list.
func unformatted(line string) string {
	return opening().ReplaceAllString(formats.Replace(line), `$1\$2`)
}

var formats = strings.NewReplacer(`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `<`, `\<`, `&`, `\&`, `~`, `\~`)

// opening matches what makes something else of a line than a paragraph.
var opening = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^([0-9]*)([-+#>]|[.)](?: |$))`) })

// lastQuestion returns the turn that is to be answered.
func lastQuestion(q ai.Question) (string, error) {
	if n := len(q.Turns); n > 0 && q.Turns[n-1].Role == ai.RoleUser && strings.TrimSpace(q.Turns[n-1].Text) != "" {
		return q.Turns[n-1].Text, nil
	}
	return "", fault.New(fault.Invalid, "there is no question to answer: the last message must be the student's")
}

// extract returns the sentences that fit the question best, the best first.
func extract(ctx context.Context, q ai.Question, question string, tongue *tongue) []sentence {
	if asksForAll(question) {
		r, _ := read(ctx, ai.Material{Sources: q.Sources, Language: tongue.code})
		return r.gist(ctx, mostExtracts)
	}
	sentences := splitSentences(ctx, q.Sources)
	weights := weigh(terms(q, question, tongue), sentences)
	total := 0.0
	for _, w := range weights {
		total += w
	}
	type scored struct {
		sentence
		score float64
		says  int // how well it says what the thing that is asked about is
	}
	var found []scored
	readings := readingsOf(q.Sources, tongue)
	asked, words := stems(question), askedWords(question)
	for _, s := range sentences {
		if ctx.Err() != nil {
			return nil
		}
		share, score := fit(s, weights)
		if share < leastFit*total || total == 0 || len(s.words) < 3 || len(s.words) > 80 || s.isLabel() {
			continue
		}
		d, defines := readings[s.source].define(s)
		if defines {
			score *= defining
			if shares(d.key, asked) {
				score *= defining
			}
		}
		if slices.ContainsFunc(s.words, func(w word) bool { return words[strings.ToLower(w.text)] }) {
			score *= literal
		}
		if !s.selfContained() {
			score *= leant
		}
		found = append(found, scored{s, score * share / total, d.says(asked)})
	}
	slices.SortStableFunc(found, func(a, b scored) int {
		return cmp.Or(cmp.Compare(b.says, a.says), cmp.Compare(b.score, a.score))
	})
	var out []sentence
	for _, s := range found {
		if len(out) == mostExtracts {
			break
		}
		if s.score >= otherFit*found[0].score && !slices.ContainsFunc(out, func(o sentence) bool { return alike(o.text, s.text) }) {
			out = append(out, s.sentence)
		}
	}
	return out
}

// readingsOf returns for each source what finds its definitions: it may be in another
// language than the question, for which the tongue is.
func readingsOf(sources []ai.Source, tongue *tongue) []*reading {
	out := make([]*reading, len(sources))
	for i, s := range sources {
		out[i] = &reading{tongue: tongueOf(cmp.Or(language.Guess(s.Text), tongue.code))}
	}
	return out
}

// says tells how well the definition, if it is one, says what the thing with the stems is: 2
// if it defines just that, 1 if a kind of it without falling back on the thing, else 0.
// "A Hermitian matrix is a complex square matrix" doesn't say what a matrix is.
func (d definition) says(asked []string) int {
	from := len(d.key) - len(asked)
	switch {
	case len(asked) == 0 || from < 0 || !slices.Equal(d.key[from:], asked):
		return 0
	case from == 0:
		return 2
	case shares(stems(d.back), asked):
		return 0
	}
	return 1
}

// whole are words of questions about all of the material.
var whole = set(strings.Fields(`about summary summaries summarise summarize overview document text material file lecture
worum geht handelt zusammenfassung zusammen fasse dokument thema handler handlar dokumentet teksten texten materialet sammendrag oppsummer oppsummering sammanfatta sammanfattning
résumé résumer résume document documents texte parle resumen resume resumir documento texto trata`))

// asksForAll reports whether the question is what the material is about.
func asksForAll(question string) bool {
	words := splitWords(strings.ToLower(question))
	all := func(w word) bool { return whole[w.text] }
	return slices.ContainsFunc(words, all) && !slices.ContainsFunc(words, func(w word) bool { return !all(w) && !stopped(w.text) })
}

// askedWords returns the words of the question that mean something.
func askedWords(question string) map[string]bool {
	out := map[string]bool{}
	for _, w := range splitWords(question) {
		if !stopped(w.text) {
			out[strings.ToLower(w.text)] = true
		}
	}
	return out
}

// leastAsked is how many letters a word of a question has that counts, in a language
// whose question words the model doesn't know.
const leastAsked = 5

// terms returns what the question asks about, with how much each counts. A
// question that names nothing is about what the one before it asks about.
func terms(q ai.Question, question string, tongue *tongue) map[string]float64 {
	out := map[string]float64{}
	for _, w := range splitWords(question) {
		asks := tongue == &neutral && utf8.RuneCountInString(w.text) < leastAsked // as "what is" does
		if !asks && !stopped(w.text) {
			out[stem(w.text)] = 1
		}
	}
	if len(out) == 0 {
		for _, turn := range slices.Backward(q.Turns[:len(q.Turns)-1]) {
			if turn.Role == ai.RoleUser {
				for _, s := range stems(turn.Text) {
					out[s] = 1
				}
				break
			}
		}
	}
	return out
}

// weigh multiplies the terms' weights by how rare they are among the sentences. A
// term that none has counts as a rare one: the material doesn't know it.
func weigh(terms map[string]float64, sentences []sentence) map[string]float64 {
	in := map[string]int{}
	for _, s := range sentences {
		for key := range s.counts() {
			in[key]++
		}
	}
	n := float64(len(sentences))
	for key, w := range terms {
		terms[key] = w * math.Log(1+(n-float64(in[key])+0.5)/(float64(in[key])+0.5)) * rarity([]string{key})
	}
	return terms
}

// counts returns how often each stem stands in the sentence; its heading counts, too.
func (s sentence) counts() map[string]float64 {
	out := map[string]float64{}
	for _, key := range s.stems() {
		out[key]++
	}
	for _, key := range stems(s.heading) {
		out[key] += 0.5
	}
	return out
}

// fit returns how much of the terms' weight the sentence has, and its BM25 score.
func fit(s sentence, weights map[string]float64) (share, score float64) {
	const k, b, usual = 1.2, 0.5, 20.0
	length := 1 - b + b*float64(len(s.words))/usual
	counts := s.counts()
	for _, key := range sortedKeys(weights) { // sums of floats depend on the order
		if n := counts[key]; n > 0 {
			share += weights[key]
			score += weights[key] * n * (k + 1) / (n + k*length)
		}
	}
	if s.readable() {
		score *= 1.25
	}
	return share, score
}

// alike reports whether the texts say the same in nearly the same words.
func alike(a, b string) bool {
	x, y := set(stems(a)), set(stems(b))
	both := 0
	for key := range x {
		if y[key] {
			both++
		}
	}
	if len(x) == 0 || len(y) == 0 {
		return Fold(a) == Fold(b)
	}
	return mostly(both, len(x), len(y))
}

// mostly reports whether texts of x and y stems that have both in common are alike.
func mostly(both, x, y int) bool { return both*100 >= 85*(x+y-both) }

func set(keys []string) map[string]bool {
	out := map[string]bool{}
	for _, key := range keys {
		out[key] = true
	}
	return out
}

// Summarize implements Model: the sentences that have most of the key phrases.
func (o Offline) Summarize(ctx context.Context, m ai.Material) (ai.Summary, ai.Usage, error) {
	if err := cmp.Or(ctx.Err(), checkText(m)); err != nil {
		return ai.Summary{}, o.usage(), err
	}
	r, err := read(ctx, m)
	if err != nil {
		return ai.Summary{}, o.usage(), err
	}
	said := r.gist(ctx, 5)
	if len(said) == 0 {
		said = r.sentences[:min(2, len(r.sentences))]
	}
	var parts []string
	for _, s := range said {
		parts = append(parts, s.text)
	}
	// Text without a full stop is one sentence, and text without spaces one topic, however long.
	summary := ai.Summary{Text: cut(strings.Join(parts, " "), longestSide), Topics: tags(r.topics(mostTags))}
	return summary, o.usage(), ctx.Err()
}

// mostCovered is how many phrases a summary should cover.
const mostCovered = 25

// gist returns up to most readable sentences that together cover the weightiest
// phrases, in the material's order.
func (r *reading) gist(ctx context.Context, most int) []sentence {
	var open []int // may be chosen
	for i, s := range r.sentences {
		if ctx.Err() != nil {
			return nil
		}
		if s.readable() && s.selfContained() {
			open = append(open, i)
		}
	}
	covered := map[int]bool{}
	var chosen []int
	for len(chosen) < most {
		best, top := -1, 0.0
		for _, i := range open {
			s, weight := r.sentences[i], 0.0
			if slices.Contains(chosen, i) {
				continue
			}
			for p, phrase := range r.phrasesIn(i) {
				if !covered[p] && p < mostCovered {
					weight += phrase.weight
				}
			}
			weight /= math.Sqrt(8 + float64(len(s.words)))
			if s.lead {
				weight *= 1.2
			}
			if weight > top {
				best, top = i, weight
			}
		}
		if best < 0 {
			break
		}
		chosen = append(chosen, best)
		for p := range r.phrasesIn(best) {
			covered[p] = true
		}
	}
	slices.Sort(chosen)
	var out []sentence
	for _, i := range chosen {
		out = append(out, r.sentences[i])
	}
	return out
}
