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
						answered[p.answer]++
					}
					break
				}
			}
		}
	}
	if len(out) == 0 {
		return nil, o.usage(), cmp.Or(ctx.Err(), o.nothing(m))
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

// next takes the queue's first item whose sentence isn't used, of statements none
// whose answer is the more frequent one so far.
func (q queue) next(used map[[2]int]bool, answered map[string]int) (possible, bool) {
	most := min(answered["True"], answered["False"])
	for _, answer := range []string{"", "False", "True"} {
		for answered[answer] <= most && len(q[answer]) > 0 {
			first := q[answer][0]
			if q[answer] = q[answer][1:]; !used[first.at()] {
				return first, true
			}
		}
	}
	return possible{}, false
}

// queues returns the possible items of each wanted type.
func (r *reading) queues(ctx context.Context) []queue {
	definitions, clozes := r.definitions(ctx), r.clozes(ctx)
	definitions = slices.DeleteFunc(definitions, func(d definition) bool { return !d.which || len(splitWords(d.back)) < leastDescribed })
	definitions = definitions[:min(len(definitions), mostDescribed)]
	var out []queue
	for _, kind := range wantedTypes(r.material) {
		var all []possible
		switch kind {
		case ai.MultipleChoice:
			all = r.choices(definitions)
		case ai.TrueFalse:
			all = r.statements(definitions)
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

// leastDescribed is how many words tell a term from others, and mostDescribed how many
// terms are asked for: each is compared with all others.
const (
	leastDescribed = 5
	mostDescribed  = 500
)

// described asks for the term that a definition is about.
func (r *reading) described(definitions []definition) []possible {
	var out []possible
	for _, d := range definitions {
		out = append(out, possible{d.sentence, ai.Medium, "", func() (ai.Item, bool) {
			item := r.which(d, ai.ShortAnswer)
			item.Hint, item.Level = r.hint(d.term), ai.Medium
			return item, true
		}})
	}
	return out
}

// choices is described with other terms to choose from.
func (r *reading) choices(definitions []definition) []possible {
	var out []possible
	for _, d := range definitions {
		out = append(out, possible{d.sentence, ai.Easy, "", func() (ai.Item, bool) {
			item := r.which(d, ai.MultipleChoice)
			item.Level = ai.Easy
			for _, other := range rivals(d, definitions, 3) {
				item.Options = append(item.Options, r.lowerFirst(other.term))
			}
			at := int(hash(item.Text) % uint64(len(item.Options)+1))
			item.Options = slices.Insert(item.Options, at, item.Correct[0])
			return item, len(item.Options) > 2
		}})
	}
	return out
}

func (r *reading) which(d definition, kind string) ai.Item {
	return r.item(d.sentence, kind, fmt.Sprintf(r.tongue.text.which, quoteMarks(d.back)), r.lowerFirst(d.term))
}

// statements states what the material says of a term, and the same of another one.
func (r *reading) statements(definitions []definition) []possible {
	var out []possible
	for _, d := range definitions {
		out = append(out, possible{d.sentence, ai.Easy, "True", func() (ai.Item, bool) {
			return r.statement(d, d.text, "True", d.text), true
		}}, possible{d.sentence, ai.Easy, "False", func() (ai.Item, bool) {
			others := rivals(d, definitions, 1)
			if len(others) == 0 {
				return ai.Item{}, false
			}
			explanation := fmt.Sprintf(r.tongue.text.instead, quoteMarks(d.term)) + " " + d.text
			return r.statement(d, others[0].begin+strings.TrimPrefix(d.text, d.begin), "False", explanation), true
		}})
	}
	return out
}

func (r *reading) statement(d definition, statement, correct, explanation string) ai.Item {
	item := r.item(d.sentence, ai.TrueFalse, fmt.Sprintf(r.tongue.text.truth, statement), correct)
	item.Explanation, item.Level, item.Tags = explanation, ai.Easy, r.tags(d.sentence, d.term)
	return item
}

// rivals returns up to most definitions of which the same could be said by their
// form, the likest terms first: they have the same verb, and nothing in common with
// the sentence or each other.
func rivals(d definition, among []definition, most int) []definition {
	if d.begin == "" {
		return nil
	}
	var same []definition
	for _, other := range among {
		if other.verb == d.verb {
			same = append(same, other)
		}
	}
	slices.SortStableFunc(same, func(a, b definition) int { return cmp.Compare(unlike(d.term, a.term), unlike(d.term, b.term)) })
	taken := slices.Concat(d.stems(), stems(d.heading))
	var out []definition
	for _, other := range same {
		if len(out) < most && !shares(taken, other.key) {
			taken = append(taken, other.key...)
			out = append(out, other)
		}
	}
	return out
}

// unlike returns how much the shapes of two terms differ: what differs in shape
// gives the answer away.
func unlike(a, b string) int {
	return 6*abs(strings.Count(a, " ")-strings.Count(b, " ")) + abs(utf8.RuneCountInString(a)-utf8.RuneCountInString(b))/2
}

func abs(n int) int { return max(n, -n) }

// gaps asks what belongs into the gaps of sentences.
func (r *reading) gaps(clozes []cloze) []possible {
	var out []possible
	for _, c := range clozes {
		out = append(out, possible{c.sentence, ai.Hard, "", func() (ai.Item, bool) {
			item := r.item(c.sentence, ai.FillBlank, fmt.Sprintf(r.tongue.text.cloze, c.gapped), c.answer)
			item.Level, item.Tags, item.Hint = ai.Hard, r.tags(c.sentence, c.phrase.text), r.hint(c.answer)
			return item, true
		}})
	}
	return out
}

func (r *reading) item(s sentence, kind, text, correct string) ai.Item {
	return ai.Item{
		Text: text, Type: kind, Correct: []string{correct}, Explanation: s.text, Tags: r.tags(s, ""),
		Source: s.source, Start: s.start, End: s.end, Quote: s.quote,
	}
}

// hint says how long the answer is and how it starts.
func (r *reading) hint(answer string) string {
	first, _ := utf8.DecodeRuneInString(answer)
	return fmt.Sprintf(r.tongue.text.hint, countWordRunes(answer), strings.ToUpper(string(first)))
}

func quoteMarks(text string) string { return "“" + text + "”" }

func hash(text string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(text))
	return h.Sum64() >> 16
}
