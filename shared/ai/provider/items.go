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
	r := read(m)
	queues := r.queues()
	check := newChecker(m)
	used := map[[2]int]bool{}
	answered := map[string]int{} // statements, by their answer
	var out []ai.Item
	for round := true; round && len(out) < m.Count; {
		round = false
		for i := range queues {
			for len(queues[i]) > 0 && len(out) < m.Count {
				var item ai.Item
				item, queues[i] = next(queues[i], used, answered)
				at := [2]int{item.Source, item.Start}
				if !used[at] && check.item(&item) {
					used[at], round = true, true
					out = append(out, item)
					if item.Type == ai.TrueFalse {
						answered[item.Correct[0]]++
					}
					break
				}
			}
		}
	}
	return out, o.usage(), nil
}

// next takes the queue's first item, of statements the first whose answer is the
// rarer one so far, and returns it and the others.
func next(queue []ai.Item, used map[[2]int]bool, answered map[string]int) (ai.Item, []ai.Item) {
	rarer := "False"
	if answered["True"] < answered["False"] {
		rarer = "True"
	}
	at := slices.IndexFunc(queue, func(i ai.Item) bool {
		return i.Type != ai.TrueFalse || i.Correct[0] == rarer && !used[[2]int{i.Source, i.Start}]
	})
	at = max(at, 0)
	item := queue[at]
	return item, slices.Delete(queue, at, at+1)
}

// queues returns the possible items of each wanted type, the best first.
func (r *reading) queues() [][]ai.Item {
	definitions, clozes := r.definitions(), r.clozes()
	var terms []string
	for _, d := range definitions {
		if d.which {
			terms = append(terms, r.lowerFirst(d.term))
		}
	}
	var out [][]ai.Item
	for _, kind := range wantedTypes(r.material) {
		var queue []ai.Item
		switch kind {
		case ai.MultipleChoice:
			queue = append(r.describedChoices(definitions, terms), r.gapChoices(clozes)...)
		case ai.TrueFalse:
			queue = r.statements(clozes)
		case ai.ShortAnswer:
			queue = r.described(definitions)
		case ai.FillBlank:
			queue = r.gaps(clozes)
		}
		slices.SortStableFunc(queue, func(a, b ai.Item) int {
			return boolFirst(a.Level == r.material.Level, b.Level == r.material.Level)
		})
		out = append(out, queue)
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
func (r *reading) described(definitions []definition) []ai.Item {
	var out []ai.Item
	for _, d := range definitions {
		if !d.which || len(splitWords(d.back)) < 5 {
			continue
		}
		item := r.item(d.sentence, ai.ShortAnswer, fmt.Sprintf(r.tongue.text.which, quoteMarks(d.back)), r.lowerFirst(d.term))
		item.Hint = r.hint(d.term)
		item.Level = ai.Medium
		out = append(out, item)
	}
	return out
}

// describedChoices is described with other terms to choose from.
func (r *reading) describedChoices(definitions []definition, terms []string) []ai.Item {
	var out []ai.Item
	for _, item := range r.described(definitions) {
		s := r.sentenceAt(item.Source, item.Start)
		item.Type, item.Hint, item.Level = ai.MultipleChoice, "", ai.Easy
		if item.Options = r.choose(item, common, s, terms); item.Options != nil {
			out = append(out, item)
		}
	}
	return out
}

// gapChoices asks what belongs into a gap, with other terms to choose from.
func (r *reading) gapChoices(clozes []cloze) []ai.Item {
	var out []ai.Item
	for _, c := range clozes {
		item := r.gap(c, ai.MultipleChoice)
		item.Hint = ""
		if item.Options = r.choose(item, c.phrase.kind, c.sentence, nil); item.Options != nil {
			out = append(out, item)
		}
	}
	return out
}

// choose returns the answer among its distractors, nil if there are too few.
func (r *reading) choose(item ai.Item, kind phraseKind, s sentence, extra []string) []string {
	options := r.distractors(item.Correct[0], kind, s, extra)
	if len(options) < 2 {
		return nil
	}
	at := int(hash(item.Text) % uint64(len(options)+1))
	return slices.Insert(options, at, item.Correct[0])
}

func (r *reading) gaps(clozes []cloze) []ai.Item {
	var out []ai.Item
	for _, c := range clozes {
		out = append(out, r.gap(c, ai.FillBlank))
	}
	return out
}

func (r *reading) gap(c cloze, kind string) ai.Item {
	item := r.item(c.sentence, kind, fmt.Sprintf(r.tongue.text.cloze, c.gapped), c.answer)
	item.Hint = r.hint(c.answer)
	item.Level = ai.Medium
	if kind == ai.FillBlank || len(c.words) > 25 {
		item.Level = ai.Hard
	}
	item.Tags = r.tags(c.sentence, c.phrase.text)
	return item
}

// statements states what the material says, and the same with another term in the
// place of the right one, where one fits.
func (r *reading) statements(clozes []cloze) []ai.Item {
	var out []ai.Item
	add := func(c cloze, statement, correct, explanation string) {
		item := r.item(c.sentence, ai.TrueFalse, fmt.Sprintf(r.tongue.text.truth, statement), correct)
		item.Explanation, item.Level = explanation, ai.Easy
		item.Tags = r.tags(c.sentence, c.phrase.text)
		out = append(out, item)
	}
	for _, c := range clozes {
		add(c, c.text, "True", c.text)
		others := slices.DeleteFunc(r.distractors(c.answer, c.phrase.kind, c.sentence, nil), func(o string) bool { return !r.fits(c, o) })
		if len(others) == 0 || c.phrase.kind == common && !c.afterArticle() {
			continue
		}
		add(c, strings.Replace(c.gapped, gap, others[0], 1), "False", fmt.Sprintf(r.tongue.text.instead, quoteMarks(c.answer))+" "+c.text)
	}
	return out
}

func (r *reading) item(s sentence, kind, text, correct string) ai.Item {
	return ai.Item{
		Text: text, Type: kind, Correct: []string{correct}, Explanation: s.text, Tags: r.tags(s, ""),
		Source: s.source, Start: s.start, End: s.end, Quote: slice(r.material.Sources[s.source].Text, s.start, s.end),
	}
}

func (r *reading) sentenceAt(source, start int) sentence {
	for _, s := range r.sentences {
		if s.source == source && s.start == start {
			return s
		}
	}
	return sentence{}
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
