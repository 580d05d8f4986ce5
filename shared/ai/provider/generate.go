package provider

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"aksio.app/shared/ai"
)

const (
	countTokens = 230 // of a card or an item, generously
	rounds      = 2   // the second asks for what the checks of the first dropped
)

// What the model writes. The schema of its answer is made from these types.
type (
	writtenCards struct {
		Cards []writtenCard `json:"cards"`
	}
	writtenCard struct {
		Front       string   `json:"front" description:"one question or prompt that can be understood without the source"`
		Back        string   `json:"back" description:"the answer, short and complete"`
		Explanation string   `json:"explanation" description:"one or two sentences of context from the source"`
		Level       string   `json:"difficulty" enum:"easy,medium,hard"`
		Tags        []string `json:"tags" description:"one to three topics in lower case"`
		Source      int      `json:"source" description:"number of the source"`
		Quote       string   `json:"quote" description:"5 to 40 consecutive words copied exactly from the source that prove the answer"`
		Confidence  float64  `json:"confidence" description:"0 to 1: how surely the quote proves the answer"`
	}
	writtenItems struct {
		Items []writtenItem `json:"items"`
	}
	writtenItem struct {
		Text        string   `json:"text" description:"the question; fill_blank has _____ where the answer belongs; true_false is a statement"`
		Type        string   `json:"type" enum:"multiple_choice,true_false,short_answer,fill_blank"`
		Options     []string `json:"options" description:"four for multiple_choice, exactly one of them right; True and False for true_false; otherwise none"`
		Correct     []string `json:"correct" description:"the right option's text, or every accepted answer"`
		Explanation string   `json:"explanation" description:"why it is right, from the source"`
		Hint        string   `json:"hint" description:"a hint that doesn't give the answer away"`
		Level       string   `json:"difficulty" enum:"easy,medium,hard"`
		Tags        []string `json:"tags" description:"one to three topics in lower case"`
		Source      int      `json:"source" description:"number of the source"`
		Quote       string   `json:"quote" description:"5 to 40 consecutive words copied exactly from the source that prove the answer"`
	}
)

const cardRules = `You write flashcards for a student from the numbered sources and from nothing else.
Each card asks for one thing worth remembering, in words that make sense without the source; no trivia about the document itself, no yes-or-no questions.`

const itemRules = `You write quiz questions for a student from the numbered sources and from nothing else.
Each asks for one thing worth knowing and has one clear answer that its text doesn't contain. Wrong options are plausible, of the same kind and length as the right one, and surely wrong.`

// Cards implements Model.
func (o *OpenAI) Cards(ctx context.Context, m ai.Material) ([]ai.Card, ai.Usage, error) {
	return generate(ctx, o, m, task[ai.Card]{
		ask: func(ctx context.Context, w window, check *checker, want int) ([]ai.Card, ai.Usage, error) {
			written, usage, err := fill[writtenCards](ctx, o, "cards", cardRules+"\n"+commonRules(m), order("cards", w, m, check, want), want*countTokens+200)
			if err != nil {
				return nil, usage, err
			}
			var cards []ai.Card
			for _, c := range written.Cards {
				card := ai.Card{Front: clean(c.Front), Back: clean(c.Back), Explanation: clean(c.Explanation), Level: c.Level, Tags: tags(c.Tags), Source: c.Source - 1, Quote: c.Quote, Confidence: c.Confidence}
				if len(cards) < want && check.card(&card) {
					cards = append(cards, card)
				}
			}
			return cards, usage, nil
		},
		place: func(c ai.Card) (int, int) { return c.Source, c.Start },
	})
}

// Questions implements Model. The model then answers its own questions from the
// sources without seeing the key; where it disagrees with itself, the question goes.
func (o *OpenAI) Questions(ctx context.Context, m ai.Material) ([]ai.Item, ai.Usage, error) {
	return generate(ctx, o, m, task[ai.Item]{
		ask: func(ctx context.Context, w window, check *checker, want int) ([]ai.Item, ai.Usage, error) {
			rules := itemRules + "\nUse these types only: " + strings.Join(wantedTypes(m), ", ") + ".\n" + commonRules(m)
			written, usage, err := fill[writtenItems](ctx, o, "items", rules, order("questions", w, m, check, want), want*countTokens+200)
			if err != nil {
				return nil, usage, err
			}
			var items []ai.Item
			for _, i := range written.Items {
				item := ai.Item{Text: clean(i.Text), Type: i.Type, Options: cleanAll(i.Options), Correct: cleanAll(i.Correct), Explanation: clean(i.Explanation), Hint: clean(i.Hint), Level: i.Level, Tags: tags(i.Tags), Source: i.Source - 1, Quote: i.Quote}
				if len(items) < want && check.item(&item) {
					items = append(items, item)
				}
			}
			if len(items) == 0 {
				return nil, usage, nil
			}
			items, spent, err := o.verify(ctx, w, check, items)
			return items, usage.Add(spent), err
		},
		place: func(i ai.Item) (int, int) { return i.Source, i.Start },
	})
}

// task is how a kind of thing is asked for.
type task[T any] struct {
	ask   func(ctx context.Context, w window, check *checker, want int) ([]T, ai.Usage, error) // checked; at most want
	place func(T) (source, start int)
}

// generate asks for things window by window, a second time for those that are
// missing, and returns them in the material's order. Fewer than wanted is no error;
// what was made before one stands beside it.
func generate[T any](ctx context.Context, o *OpenAI, m ai.Material, t task[T]) ([]T, ai.Usage, error) {
	usage := ai.Usage{Model: o.config.Chat}
	if err := checkMaterial(m); err != nil {
		return nil, usage, err
	}
	all, err := windows(m.Sources, o.config.InputTokens)
	if err != nil {
		return nil, usage, err
	}
	check := newChecker(m)
	var out []T
	for round := 0; round < rounds && len(out) < m.Count && err == nil; round++ {
		var things []T
		var spent ai.Usage
		things, spent, err = t.round(ctx, all, check, m.Count-len(out))
		out, usage = append(out, things...), usage.Add(spent)
	}
	if len(check.dropped) > 0 {
		slog.InfoContext(ctx, "generated content dropped",
			"model", o.config.Chat,
			"kept", len(out),
			"reasons", check.dropped)
	}
	slices.SortStableFunc(out, func(a, b T) int {
		sourceA, startA := t.place(a)
		sourceB, startB := t.place(b)
		return cmp.Or(cmp.Compare(sourceA, sourceB), cmp.Compare(startA, startB))
	})
	return out, usage, err
}

// round asks each window for its share of what is missing, until that fails.
func (t task[T]) round(ctx context.Context, all []window, check *checker, missing int) (out []T, usage ai.Usage, err error) {
	for i, w := range all {
		for share := missing*(i+1)/len(all) - missing*i/len(all); share > 0; share -= ai.BatchCount {
			things, spent, err := t.ask(ctx, w, check, min(share, ai.BatchCount))
			out, usage = append(out, things...), usage.Add(spent)
			if err != nil {
				return out, usage, err
			}
		}
	}
	return out, usage, nil
}

func commonRules(m ai.Material) string {
	return "Copy each quote exactly; what isn't proved by its quote is thrown away. Fewer good ones are better than many.\n" + dataRule + "\n" + languageRule(m.Language)
}

// mostAvoided is how many existing questions the model is told of; the checks know all.
const mostAvoided = 60

// order is the request itself: how many, about what, and the sources.
func order(things string, w window, m ai.Material, check *checker, want int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Write %d %s.\n", want, things)
	if m.Topic != "" {
		fmt.Fprintf(&b, "Topic: %.200s\n", oneLine(m.Topic))
	}
	if m.Level != "" {
		fmt.Fprintf(&b, "Difficulty: %s\n", level(m.Level))
	}
	if known := check.known.texts[max(0, len(check.known.texts)-mostAvoided):]; len(known) > 0 {
		b.WriteString("These exist already; write others:\n")
		for _, text := range known {
			fmt.Fprintf(&b, "- %.200s\n", oneLine(text))
		}
	}
	b.WriteString("\n" + delimit(w.sources, w.first))
	return b.String()
}

func oneLine(text string) string { return strings.Join(strings.Fields(unsigned.Replace(text)), " ") }

type (
	verdicts struct {
		Answers []verdict `json:"answers"`
	}
	verdict struct {
		Question int    `json:"question" description:"number of the question"`
		Answer   string `json:"answer" description:"the right option's text, or the answer in as few words as possible; empty if the sources don't say or more than one fits"`
	}
)

const verifyRules = `You take a quiz. Answer each question from the numbered sources alone. Where the sources do not decide the answer, or more than one option is right, leave it empty.`

// verify keeps the items that the model answers as their keys do.
func (o *OpenAI) verify(ctx context.Context, w window, check *checker, items []ai.Item) ([]ai.Item, ai.Usage, error) {
	var b strings.Builder
	for i, item := range items {
		fmt.Fprintf(&b, "Question %d (%s): %s\n", i+1, item.Type, oneLine(item.Text))
		for _, option := range item.Options {
			fmt.Fprintf(&b, "- %s\n", oneLine(option))
		}
	}
	given, usage, err := fill[verdicts](ctx, o, "verdicts", verifyRules+"\n"+dataRule, b.String()+"\n"+delimit(w.sources, w.first), len(items)*60+200)
	if err != nil {
		return nil, usage, err
	}
	answers := map[int]string{}
	for _, v := range given.Answers {
		answers[v.Question-1] = v.Answer
	}
	var out []ai.Item
	for i, item := range items {
		if agrees(item, answers[i]) {
			out = append(out, item)
		} else {
			check.drop("the second reading answers otherwise")
		}
	}
	return out, usage, nil
}

// agrees reports whether the answer is the item's key. For a free answer it is
// enough that one has the other's words.
func agrees(item ai.Item, answer string) bool {
	if strings.TrimSpace(answer) == "" {
		return false
	}
	return slices.ContainsFunc(item.Correct, func(correct string) bool {
		if optionKey(correct) == optionKey(answer) {
			return true
		}
		free := item.Type == ai.ShortAnswer || item.Type == ai.FillBlank
		return free && (reveals(answer, correct) || reveals(correct, answer) || alike(correct, answer))
	})
}

type writtenSummary struct {
	Text   string   `json:"text" description:"what the material says, in at most 150 words"`
	Topics []string `json:"topics" description:"three to eight topics, the most important first"`
}

const summaryRules = `You summarize study material for a student, from the numbered sources and from nothing else: what it is about and what it claims, in plain words.`

// Summarize implements Model. Long material is summarized part by part, and the
// parts' summaries together.
func (o *OpenAI) Summarize(ctx context.Context, m ai.Material) (ai.Summary, ai.Usage, error) {
	usage := ai.Usage{Model: o.config.Chat}
	if err := checkText(m); err != nil {
		return ai.Summary{}, usage, err
	}
	all, err := windows(m.Sources, o.config.InputTokens)
	if err != nil {
		return ai.Summary{}, usage, err
	}
	rules := summaryRules + "\n" + dataRule + "\n" + languageRule(m.Language)
	var parts []ai.Source
	for _, w := range all {
		written, spent, err := fill[writtenSummary](ctx, o, "summary", rules, delimit(w.sources, w.first), 600)
		usage = usage.Add(spent)
		if err != nil || len(all) == 1 {
			return written.summary(), usage, err
		}
		parts = append(parts, ai.Source{Heading: strings.Join(written.Topics, ", "), Text: written.Text})
	}
	written, spent, err := fill[writtenSummary](ctx, o, "summary", rules, delimit(parts, 0), 600)
	return written.summary(), usage.Add(spent), err
}

func (w writtenSummary) summary() ai.Summary {
	return ai.Summary{Text: strings.TrimSpace(cut(clean(w.Text), longestSide)), Topics: tags(w.Topics)}
}
