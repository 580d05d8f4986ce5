package provider_test

import (
	"maps"
	"strings"
	"testing"

	"aksio.app/shared/ai"
	"aksio.app/shared/ai/aitest"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/fault"
)

// object returns base with the changes.
func object(base map[string]any, changes map[string]any) map[string]any {
	out := maps.Clone(base)
	maps.Copy(out, changes)
	return out
}

var goodCard = map[string]any{
	"front": "What do mitochondria do?", "back": "They release energy from sugar", "explanation": "", "difficulty": "easy",
	"tags": []string{"cell"}, "source": 1, "quote": "Mitochondria release energy from sugar", "confidence": 0.9,
}

func TestCardsAreCheckedAndAskedForAgain(t *testing.T) {
	t.Parallel()
	bad := []map[string]any{
		object(goodCard, map[string]any{"front": "What glows?", "quote": "Mitochondria glow in the dark"}),
		object(goodCard, map[string]any{"front": "What is elsewhere?", "source": 2}),
		object(goodCard, map[string]any{"front": "What is nowhere?", "source": 9}),
		object(goodCard, map[string]any{"front": "what do MITOCHONDRIA do"}),
		object(goodCard, map[string]any{"front": "What exists already?"}),
		object(goodCard, map[string]any{"front": "Do they release energy from sugar in cells?"}),
		object(goodCard, map[string]any{"front": "No back?", "back": " "}),
	}
	server := aitest.New(t,
		aitest.JSON(map[string]any{"cards": append([]map[string]any{goodCard}, bad...)}),
		aitest.JSON(map[string]any{"cards": []any{object(goodCard, map[string]any{"front": "What assembles proteins?", "back": "Ribosomes", "source": 2, "quote": "Ribosomes assemble proteins"})}}),
	)
	cards, usage, err := server.Model().Cards(t.Context(), ai.Material{Sources: energy, Count: 5, Avoid: []string{"What exists already?"}})
	if err != nil || len(cards) != 2 {
		t.Fatalf("Cards = %+v, %v; want the two that hold", cards, err)
	}
	if cards[0].Source != 0 || cards[1].Source != 1 || cards[1].Start != 0 || cards[1].End != 27 {
		t.Errorf("cards = %+v", cards)
	}
	calls := server.Calls()
	if usage.PromptTokens == 0 || len(calls) != 2 || !strings.Contains(calls[0].Text("user"), "Write 5 cards") || !strings.Contains(calls[1].Text("user"), "Write 4 cards") {
		t.Errorf("%d calls, usage %+v; want one more for the four that are missing", len(calls), usage)
	}
	if !strings.Contains(calls[0].Text("user"), "What exists already?") || !strings.Contains(calls[1].Text("user"), "What do mitochondria do?") {
		t.Error("the model isn't told what exists")
	}
}

var goodItem = map[string]any{
	"text": "What do mitochondria release?", "type": "multiple_choice", "options": []string{"Energy", "Water", "Light", "Salt"}, "correct": []string{"energy"},
	"explanation": "", "hint": "", "difficulty": "medium", "tags": []string{}, "source": 1, "quote": "release energy from sugar",
}

func TestItemsThatCantBeAnsweredAreDropped(t *testing.T) {
	t.Parallel()
	for name, changes := range map[string]map[string]any{
		"two options the same":      {"options": []string{"Energy", "energy.", "Light", "Salt"}},
		"two right options":         {"correct": []string{"Energy", "Water"}},
		"no right option":           {"correct": []string{"Heat"}},
		"two options in all":        {"options": []string{"Energy", "Water"}},
		"an empty option":           {"options": []string{"Energy", " ", "Light"}},
		"answer in the question":    {"text": "Which energy do mitochondria release?"},
		"no key":                    {"correct": []string{}},
		"invented quote":            {"quote": "release energy from starch"},
		"type that wasn't asked":    {"type": "short_answer"},
		"statement with other key":  {"type": "true_false", "correct": []string{"Perhaps"}},
		"cloze without a gap":       {"type": "fill_blank"},
		"question that exists":      {"text": "Which organelle has a double membrane?"},
		"gap that gives its answer": {"type": "fill_blank", "text": "Energy: mitochondria release _____."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			none := aitest.JSON(map[string]any{"items": []any{}})
			server := aitest.New(t, aitest.JSON(map[string]any{"items": []any{object(goodItem, changes)}}), none)
			m := ai.Material{Sources: energy, Count: 1, Types: []string{ai.MultipleChoice, ai.TrueFalse, ai.FillBlank}, Avoid: []string{"Which organelle has a double membrane"}}
			if items, _, err := server.Model().Questions(t.Context(), m); err != nil || len(items) != 0 {
				t.Errorf("Questions = %+v, %v; want none", items, err)
			}
		})
	}
}

func TestItemsAreAnsweredASecondTime(t *testing.T) {
	t.Parallel()
	disputed := object(goodItem, map[string]any{"text": "What has a double membrane?", "options": []string{"Mitochondria", "Ribosomes", "Sugar"}, "correct": []string{"Ribosomes"}, "quote": "They have a double membrane"})
	open := object(goodItem, map[string]any{"text": "What assembles proteins?", "type": "short_answer", "options": []string{}, "correct": []string{"Ribosomes"}, "source": 2, "quote": "Ribosomes assemble proteins"})
	statement := object(goodItem, map[string]any{"text": "Ribosomes use amino acids.", "type": "true_false", "options": []string{"x"}, "correct": []string{"true"}, "source": 2, "quote": "from amino acids"})
	server := aitest.New(t,
		aitest.JSON(map[string]any{"items": []any{goodItem, disputed, open, statement}}),
		aitest.JSON(map[string]any{"answers": []any{
			map[string]any{"question": 1, "answer": "Energy"}, map[string]any{"question": 2, "answer": "Mitochondria"},
			map[string]any{"question": 3, "answer": "the ribosomes"}, map[string]any{"question": 4, "answer": "True"},
		}}),
		aitest.JSON(map[string]any{"items": []any{}}),
	)
	items, _, err := server.Model().Questions(t.Context(), ai.Material{Sources: energy, Count: 4})
	if err != nil || len(items) != 3 {
		t.Fatalf("Questions = %+v, %v; want the three that were answered alike", items, err)
	}
	if items[0].Correct[0] != "Energy" || items[0].Options[0] != "Energy" {
		t.Errorf("item = %+v; want the key in the option's own words", items[0])
	}
	for _, i := range items {
		if i.Type == ai.TrueFalse && (len(i.Options) != 2 || i.Correct[0] != "True") || i.Type == ai.ShortAnswer && i.Options != nil {
			t.Errorf("item = %+v", i)
		}
	}
	if quiz := server.Calls()[1]; strings.Contains(quiz.Text("user"), "correct") || quiz.SchemaName != "verdicts" {
		t.Errorf("the second reading sees %q", quiz.Text("user"))
	}
}

func TestLongMaterialIsReadInParts(t *testing.T) {
	t.Parallel()
	part := func(front, quote string, source int) aitest.Reply {
		return aitest.JSON(map[string]any{"cards": []any{object(goodCard, map[string]any{"front": front, "back": "A thing", "quote": quote, "source": source})}})
	}
	server := aitest.New(t, part("What is first?", "first words of it", 1), part("What comes last?", "last words of it", 2))
	config := server.Config()
	config.InputTokens = 1000
	filler := strings.Repeat(" and so on", 200)
	sources := []ai.Source{{Text: "The first words of it" + filler}, {Text: "The last words of it" + filler}}
	cards, _, err := provider.New(config).Cards(t.Context(), ai.Material{Sources: sources, Count: 2})
	if err != nil || len(cards) != 2 || cards[1].Source != 1 {
		t.Fatalf("Cards = %+v, %v; want one of each part", cards, err)
	}
	sources[0].Text += strings.Repeat(filler, 3)
	if _, _, err := provider.New(config).Cards(t.Context(), ai.Material{Sources: sources, Count: 2}); fault.KindOf(err) != fault.TooLarge {
		t.Errorf("a source that fits nowhere: %v, want TooLarge", err)
	}
}

func TestUnusableOutputIsABadGateway(t *testing.T) {
	t.Parallel()
	_, usage, err := aitest.New(t, aitest.Text(`{"cards": [{"front": "cut o`)).Model().Cards(t.Context(), ai.Material{Sources: energy, Count: 1})
	if fault.KindOf(err) != fault.BadGateway || usage.PromptTokens == 0 {
		t.Errorf("%v, usage %+v; want BadGateway, and what it cost", err, usage)
	}
}
