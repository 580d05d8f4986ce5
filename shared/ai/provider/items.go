package provider

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
	"unicode/utf8"

	"aksio.app/shared/ai"
)

// Questions implements Model: it asks for terms by what the material says of
// them, with other terms of the same material to choose from. The wanted types
// take turns, no sentence is asked about twice, and as many statements are false as
// true: of those that are mostly true a student learns to say so.
func (o Offline) Questions(ctx context.Context, m ai.Material) ([]ai.Item, ai.Usage, error) {
	if err := cmp.Or(ctx.Err(), checkMaterial(m)); err != nil {
		return nil, o.usage(), err
	}
	r, err := read(ctx, m)
	if err != nil {
		return nil, o.usage(), err
	}
	queues := r.queues(ctx)
	check := newChecker(m)
	used := map[[2]int]bool{}
	answered := map[string]int{} // statements, by their answer
	var out []ai.Item
	for round := true; round && len(out) < m.Count; {
		round = false
		for _, queue := range queues {
			for len(out) < m.Count {
				if err := ctx.Err(); err != nil {
					return out, o.usage(), err
				}
				p, ok := queue.next(used, answered)
				if !ok {
					break
				}
				if item, ok := p.item(); ok && check.item(&item) {
					used[p.at()], round = true, true
					out = append(out, item)
					if item.Type == ai.TrueFalse {
						answered[item.Correct[0]]++
					}
					break
				}
			}
		}
	}
	return out, o.usage(), ctx.Err()
}

// possible is an item that may be asked. It is made when its turn comes: to find
// what else could be the answer takes long, and few of a long text are asked.
type possible struct {
	sentence sentence
	level    string
	answer   string                 // of a statement
	item     func() (ai.Item, bool) // false if the material doesn't hold what it needs
}

func (p possible) at() [2]int { return [2]int{p.sentence.source, p.sentence.start} }

// queue has the possible items of a type, the best first; statements by their answer.
type queue map[string][]possible

// next takes the queue's first item whose sentence isn't used, of statements one
// whose answer is the rarer one so far, if there is one.
func (q queue) next(used map[[2]int]bool, answered map[string]int) (possible, bool) {
	answers := []string{"", "False", "True"}
	if answered["True"] < answered["False"] {
		answers = []string{"", "True", "False"}
	}
	for _, answer := range answers {
		for len(q[answer]) > 0 {
			first := q[answer][0]
			if q[answer] = q[answer][1:]; !used[first.at()] {
				return first, true
			}
		}
	}
	return possible{}, false
}

// mostTerms is how many of the material's terms are tried as other options.
const mostTerms = 500

// queues returns the possible items of each wanted type.
func (r *reading) queues(ctx context.Context) []queue {
	definitions, clozes := r.definitions(ctx), r.clozes(ctx)
	var terms []term
	for _, d := range definitions {
		if d.which && len(terms) < mostTerms {
			text := r.lowerFirst(d.term)
			terms = append(terms, term{text, stems(text)})
		}
	}
	var out []queue
	for _, kind := range wantedTypes(r.material) {
		var all []possible
		switch kind {
		case ai.MultipleChoice:
			all = append(r.describedChoices(definitions, terms), r.gapChoices(clozes)...)
		case ai.TrueFalse:
			all = r.statements(clozes)
		case ai.ShortAnswer:
			all = r.described(definitions)
		case ai.FillBlank:
			all = r.gaps(clozes)
		}
		slices.SortStableFunc(all, func(a, b possible) int {
			return boolFirst(a.level == r.material.Level, b.level == r.material.Level)
		})
		q := queue{}
		for _, p := range all {
			q[p.answer] = append(q[p.answer], p)
		}
		out = append(out, q)
	}
	return out
}

func boolFirst(a, b bool) int {
	switch {
	case a && !b:
		return -1
	case b && !a:
		return 1
	}
	return 0
}

// described asks for the term that a definition is about.
func (r *reading) described(definitions []definition) []possible {
	var out []possible
	for _, d := range definitions {
		if d.which && len(splitWords(d.back)) >= 5 {
			out = append(out, possible{d.sentence, ai.Medium, "", func() (ai.Item, bool) {
				item := r.which(d, ai.ShortAnswer)
				item.Hint, item.Level = r.hint(d.term), ai.Medium
				return item, true
			}})
		}
	}
	return out
}

// describedChoices is described with other terms to choose from.
func (r *reading) describedChoices(definitions []definition, terms []term) []possible {
	var out []possible
	for _, d := range definitions {
		if d.which && len(splitWords(d.back)) >= 5 {
			out = append(out, possible{d.sentence, ai.Easy, "", func() (ai.Item, bool) {
				item := r.which(d, ai.MultipleChoice)
				item.Level, item.Options = ai.Easy, r.choose(item, common, d.sentence, terms)
				return item, item.Options != nil
			}})
		}
	}
	return out
}

func (r *reading) which(d definition, kind string) ai.Item {
	return r.item(d.sentence, kind, fmt.Sprintf(r.tongue.text.which, quoteMarks(d.back)), r.lowerFirst(d.term))
}

// gapChoices asks what belongs into a gap, with other terms to choose from.
func (r *reading) gapChoices(clozes []cloze) []possible {
	var out []possible
	for _, c := range clozes {
		out = append(out, possible{c.sentence, c.level(ai.MultipleChoice), "", func() (ai.Item, bool) {
			item := r.gap(c, ai.MultipleChoice)
			item.Options = r.choose(item, c.phrase.kind, c.sentence, nil)
			return item, item.Options != nil
		}})
	}
	return out
}

// choose returns the answer among its distractors, nil if there are too few.
func (r *reading) choose(item ai.Item, kind phraseKind, s sentence, extra []term) []string {
	options := r.distractors(item.Correct[0], kind, s, extra)
	if len(options) < 2 {
		return nil
	}
	at := int(hash(item.Text) % uint64(len(options)+1))
	return slices.Insert(options, at, item.Correct[0])
}

func (r *reading) gaps(clozes []cloze) []possible {
	var out []possible
	for _, c := range clozes {
		out = append(out, possible{c.sentence, c.level(ai.FillBlank), "", func() (ai.Item, bool) {
			item := r.gap(c, ai.FillBlank)
			item.Hint = r.hint(c.answer)
			return item, true
		}})
	}
	return out
}

func (c cloze) level(kind string) string {
	if kind == ai.FillBlank || len(c.words) > 25 {
		return ai.Hard
	}
	return ai.Medium
}

func (r *reading) gap(c cloze, kind string) ai.Item {
	item := r.item(c.sentence, kind, fmt.Sprintf(r.tongue.text.cloze, c.gapped), c.answer)
	item.Level, item.Tags = c.level(kind), r.tags(c.sentence, c.phrase.text)
	return item
}

// statements states what the material says, and the same with another term in the
// place of the right one, where one fits.
func (r *reading) statements(clozes []cloze) []possible {
	var out []possible
	for _, c := range clozes {
		out = append(out, possible{c.sentence, ai.Easy, "True", func() (ai.Item, bool) {
			return r.statement(c, c.text, "True", c.text), true
		}})
		if c.phrase.kind == common && !c.afterArticle() {
			continue
		}
		out = append(out, possible{c.sentence, ai.Easy, "False", func() (ai.Item, bool) {
			others := slices.DeleteFunc(r.distractors(c.answer, c.phrase.kind, c.sentence, nil), func(o string) bool { return !r.fits(c, o) })
			if len(others) == 0 {
				return ai.Item{}, false
			}
			explanation := fmt.Sprintf(r.tongue.text.instead, quoteMarks(c.answer)) + " " + c.text
			return r.statement(c, strings.Replace(c.gapped, gap, others[0], 1), "False", explanation), true
		}})
	}
	return out
}

func (r *reading) statement(c cloze, statement, correct, explanation string) ai.Item {
	item := r.item(c.sentence, ai.TrueFalse, fmt.Sprintf(r.tongue.text.truth, statement), correct)
	item.Explanation, item.Level = explanation, ai.Easy
	item.Tags = r.tags(c.sentence, c.phrase.text)
	return item
}

func (r *reading) item(s sentence, kind, text, correct string) ai.Item {
	return ai.Item{
		Text: text, Type: kind, Correct: []string{correct}, Explanation: s.text, Tags: r.tags(s, ""),
		Source: s.source, Start: s.start, End: s.end, Quote: s.quote,
	}
}

// hint says how long the answer is and how it starts.
func (r *reading) hint(answer string) string {
	if answer[0] >= '0' && answer[0] <= '9' {
		return r.tongue.text.hintYear
	}
	first, _ := utf8.DecodeRuneInString(answer)
	return fmt.Sprintf(r.tongue.text.hint, countWordRunes(answer), strings.ToUpper(string(first)))
}

func quoteMarks(text string) string { return "“" + text + "”" }

func hash(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64() >> 16
}
