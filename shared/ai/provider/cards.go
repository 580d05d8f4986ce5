package provider

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"

	"aksio.app/shared/ai"
)

// Cards implements Model: what the material defines, then gaps for its key terms.
func (o Offline) Cards(ctx context.Context, m ai.Material) ([]ai.Card, ai.Usage, error) {
	if err := cmp.Or(ctx.Err(), checkMaterial(m)); err != nil {
		return nil, o.usage(), err
	}
	r, err := read(ctx, m)
	if err != nil {
		return nil, o.usage(), err
	}
	candidates := slices.Concat(r.definitionCards(ctx), r.clozeCards(ctx))
	r.prefer(candidates)
	check := newChecker(m)
	used := map[[2]int]bool{}
	of := make([]int, len(m.Sources)) // cards of each source
	var out []ai.Card
	// First a fair share of each source, so that the cards are about all of it.
	for _, share := range []int{1 + m.Count/len(m.Sources), m.Count} {
		for _, card := range candidates {
			if err := ctx.Err(); err != nil {
				return out, o.usage(), err
			}
			at := [2]int{card.Source, card.Start}
			if len(out) < m.Count && of[card.Source] < share && !used[at] && check.card(&card) {
				used[at] = true
				of[card.Source]++
				out = append(out, card)
			}
		}
	}
	slices.SortStableFunc(out, func(a, b ai.Card) int {
		return cmp.Or(cmp.Compare(a.Source, b.Source), cmp.Compare(a.Start, b.Start))
	})
	if len(out) == 0 {
		return nil, o.usage(), cmp.Or(ctx.Err(), o.nothing(m))
	}
	return out, o.usage(), ctx.Err()
}

// prefer puts the surest cards first, after those of the wanted difficulty.
func (r *reading) prefer(cards []ai.Card) {
	slices.SortStableFunc(cards, func(a, b ai.Card) int {
		wantA, wantB := a.Level == r.material.Level, b.Level == r.material.Level
		switch {
		case wantA && !wantB:
			return -1
		case wantB && !wantA:
			return 1
		}
		return cmp.Compare(b.Confidence, a.Confidence)
	})
}

// definitions returns what the material says about what something is. What stands
// before several colons is the name of a field or a speaker, and nothing is said of it.
func (r *reading) definitions(ctx context.Context) []definition {
	var out []definition
	explains := map[string]int{}
	for i := range r.wanted(ctx) {
		if d, ok := r.define(r.sentences[i]); ok {
			out = append(out, d)
			if d.verb == colon {
				explains[d.term]++
			}
		}
	}
	out = slices.DeleteFunc(out, func(d definition) bool { return d.verb == colon && explains[d.term] > 1 })
	slices.SortStableFunc(out, func(a, b definition) int { return cmp.Compare(b.trust, a.trust) })
	return out
}

// wanted yields the sentences about the topic, or all if none is, each text once. It
// stops when the context is done.
func (r *reading) wanted(ctx context.Context) iter.Seq[int] {
	return func(yield func(int) bool) {
		seen := map[string]bool{}
		for i, s := range r.sentences {
			if ctx.Err() != nil {
				return
			}
			if seen[s.text] || len(r.about) > 0 && !r.about[i] {
				continue
			}
			seen[s.text] = true
			if !yield(i) {
				return
			}
		}
	}
}

// findAbout returns the sentences about the topic.
func (r *reading) findAbout(ctx context.Context) map[int]bool {
	topic := stems(r.material.Topic)
	if len(topic) == 0 {
		return nil
	}
	about := map[int]bool{}
	for i, s := range r.sentences {
		if ctx.Err() != nil {
			break
		}
		if shares(topic, s.stems()) || shares(topic, stems(s.heading)) {
			about[i] = true
		}
	}
	return about
}

func (r *reading) definitionCards(ctx context.Context) []ai.Card {
	var out []ai.Card
	for _, d := range r.definitions(ctx) {
		card := r.card(d.sentence, d.front, d.back, d.trust)
		card.Level = ai.Easy
		if len(d.words) > 20 {
			card.Level = ai.Medium
		}
		card.Tags = r.tags(d.sentence, d.term)
		out = append(out, card)
	}
	return out
}

func (r *reading) clozeCards(ctx context.Context) []ai.Card {
	var out []ai.Card
	for _, c := range r.clozes(ctx) {
		card := r.card(c.sentence, fmt.Sprintf(r.tongue.text.cloze, c.gapped), c.answer, 0.4+0.15*c.phrase.weight/r.phrases[0].weight)
		card.Level = ai.Medium
		if len(c.words) > 25 {
			card.Level = ai.Hard
		}
		card.Tags = r.tags(c.sentence, c.phrase.text)
		out = append(out, card)
	}
	return out
}

// clozes returns the gapped sentences, those that say most first.
func (r *reading) clozes(ctx context.Context) []cloze {
	var out []cloze
	asked := map[string]int{}
	for i := range r.wanted(ctx) {
		s := r.sentences[i]
		if !s.readable() || r.tongue != &neutral && !s.selfContained() || r.speaks(s.words) || len(s.words) < 8 || len(s.words) > 32 {
			continue
		}
		if c, ok := r.cloze(i, asked); ok {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b cloze) int { return cmp.Compare(b.phrase.weight, a.phrase.weight) })
	return spread(out)
}

// spread reorders the gaps so that each phrase is asked for once before any is again.
func spread(in []cloze) []cloze {
	var out []cloze
	for len(in) > 0 {
		var rest []cloze
		asked := map[string]bool{}
		for _, c := range in {
			if asked[c.phrase.text] {
				rest = append(rest, c)
				continue
			}
			asked[c.phrase.text] = true
			out = append(out, c)
		}
		in = rest
	}
	return out
}

func (r *reading) card(s sentence, front, back string, confidence float64) ai.Card {
	return ai.Card{
		Front: front, Back: back, Explanation: s.text, Confidence: confidence, Tags: r.tags(s, ""),
		Source: s.source, Start: s.start, End: s.end, Quote: s.quote,
	}
}

// tags returns the term and the heading of the sentence, whichever there are.
func (r *reading) tags(s sentence, term string) []string {
	var out []string
	for _, tag := range []string{term, s.heading} {
		tag = strings.ToLower(strings.TrimSpace(tag))
		if tag != "" && len(tag) <= 60 && !slices.Contains(out, tag) {
			out = append(out, tag)
		}
	}
	return out
}
