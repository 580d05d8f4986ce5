package provider_test

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"aksio.app/shared/ai"
	"aksio.app/shared/ai/aitest"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/fault"
)

// material returns a file of testdata as sources of a paragraph each.
func material(t *testing.T, file string) []ai.Source {
	t.Helper()
	data, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var sources []ai.Source
	heading := ""
	for paragraph := range strings.SplitSeq(string(data), "\n\n") {
		if title, ok := strings.CutPrefix(paragraph, "#"); ok && !strings.Contains(title, "\n") {
			heading = strings.Trim(title, "# ")
			continue
		}
		sources = append(sources, ai.Source{Document: file, Heading: heading, Page: len(sources) + 1, Text: paragraph})
	}
	return sources
}

// Scripted replies for what both models are asked in TestModels. Sources are
// numbered from one on the wire.
func scripted(t *testing.T) ai.Model {
	card := func(front, back, quote string) map[string]any {
		return map[string]any{"front": front, "back": back, "explanation": "", "difficulty": "easy", "tags": []string{"cell"}, "source": 1, "quote": quote, "confidence": 0.9}
	}
	item := func(text string) map[string]any {
		return map[string]any{"text": text, "type": "multiple_choice", "options": []string{"cell", "nucleus", "stroma", "membrane"}, "correct": []string{"cell"},
			"explanation": "", "hint": "", "difficulty": "easy", "tags": []string{"cell"}, "source": 1, "quote": "A cell is the smallest unit of life"}
	}
	return aitest.New(t,
		aitest.Text("The nucleus stores it [[2|stores the gene", "tic\nmaterial of the cell]]."),
		aitest.JSON(map[string]any{"cards": []any{
			card("What is the smallest unit of life?", "A cell", "A cell is the smallest unit of life"),
			card("What are plants made of?", "Of many millions of cells", "Most plants and animals are made of many millions of cells"),
		}}),
		aitest.JSON(map[string]any{"items": []any{item("What is the smallest unit of life that can replicate independently?")}}),
		aitest.JSON(map[string]any{"answers": []any{map[string]any{"question": 1, "answer": "cell"}}}),
		aitest.JSON(map[string]any{"items": []any{}}),
		aitest.JSON(map[string]any{"text": "Cells and their parts.", "topics": []string{"cell", "organelle"}}),
	).Model()
}

// TestModels asks both models for the same and checks what holds of either.
func TestModels(t *testing.T) {
	t.Parallel()
	for name, model := range map[string]ai.Model{"offline": provider.Offline{}, "openai": scripted(t)} {
		t.Run(name, func(t *testing.T) {
			sources := material(t, "cells.md")
			checkAnswer(t, model, sources)
			checkCards(t, model, sources)
			checkItems(t, model, sources)
			summary, usage, err := model.Summarize(t.Context(), ai.Material{Sources: sources})
			if err != nil || summary.Text == "" || len(summary.Topics) < 2 || usage.Model != model.Name() {
				t.Errorf("Summarize = %+v, %+v, %v", summary, usage, err)
			}
			checkEmbed(t, model)
			checkRefusals(t, model, sources)
		})
	}
}

func checkAnswer(t *testing.T, model ai.Model, sources []ai.Source) {
	t.Helper()
	var text strings.Builder
	var cited []ai.Citation
	question := ai.Question{Turns: []ai.Turn{{Role: ai.RoleUser, Text: "Where is the genetic material of a cell stored?"}}, Sources: sources}
	answer, err := model.Answer(t.Context(), question, func(p ai.Part) error {
		text.WriteString(p.Text)
		if p.Citation != nil {
			cited = append(cited, *p.Citation)
		}
		return nil
	})
	if err != nil {
		t.Fatalf("Answer: %v", err)
	}
	if answer.Text != text.String() || !slices.Equal(answer.Citations, cited) {
		t.Errorf("Answer = %+v; emitted %q %v", answer, text.String(), cited)
	}
	if !strings.Contains(answer.Text, "nucleus") || len(cited) == 0 || !strings.Contains(provider.Fold(cited[0].Quote), "stores the genetic material of the cell") {
		t.Errorf("Answer = %q %v, want the nucleus, with its sentence", answer.Text, cited)
	}
	for _, c := range cited {
		checkQuote(t, sources, c.Source, c.Start, c.End, c.Quote)
	}
}

func checkQuote(t *testing.T, sources []ai.Source, source, start, end int, quote string) {
	t.Helper()
	if source < 0 || source >= len(sources) || quote == "" || cut(sources[source].Text, start, end) != quote {
		t.Errorf("source %d from %d to %d isn't %q", source, start, end, quote)
	}
}

func checkCards(t *testing.T, model ai.Model, sources []ai.Source) {
	t.Helper()
	cards, usage, err := model.Cards(t.Context(), ai.Material{Sources: sources, Count: 2})
	if err != nil || len(cards) != 2 || usage.Model != model.Name() {
		t.Fatalf("Cards = %+v, %+v, %v; want 2", cards, usage, err)
	}
	for _, c := range cards {
		checkQuote(t, sources, c.Source, c.Start, c.End, c.Quote)
		if c.Front == "" || c.Back == "" || c.Level == "" || c.Confidence <= 0 || c.Confidence > 1 {
			t.Errorf("card %+v is incomplete", c)
		}
	}
}

func checkItems(t *testing.T, model ai.Model, sources []ai.Source) {
	t.Helper()
	items, _, err := model.Questions(t.Context(), ai.Material{Sources: sources, Count: 2, Types: []string{ai.MultipleChoice}})
	if err != nil || len(items) == 0 {
		t.Fatalf("Questions = %+v, %v", items, err)
	}
	for _, i := range items {
		checkQuote(t, sources, i.Source, i.Start, i.End, i.Quote)
		if i.Type != ai.MultipleChoice || len(i.Options) < 3 || len(i.Correct) != 1 || !slices.Contains(i.Options, i.Correct[0]) {
			t.Errorf("item %+v can't be answered", i)
		}
	}
}

func checkEmbed(t *testing.T, model ai.Model) {
	t.Helper()
	texts := make([]string, 200) // more than a batch
	for i := range texts {
		texts[i] = strings.Repeat("cell membrane ", i%7+1) + string(rune('a'+i%26))
	}
	vectors, usage, err := model.Embed(t.Context(), texts)
	if err != nil || len(vectors) != len(texts) {
		t.Fatalf("Embed = %d vectors, %v", len(vectors), err)
	}
	for i, v := range vectors {
		if len(v) != ai.Dimensions || math.Abs(dot(v, v)-1) > 1e-4 {
			t.Fatalf("vector %d has %d dimensions and the length² %f", i, len(v), dot(v, v))
		}
		if same := vectors[i%182]; i >= 182 && math.Abs(dot(v, same)-1) > 1e-4 {
			t.Fatalf("texts %d and %d are the same, but not their vectors", i, i%182)
		}
	}
	if usage.Model == "" {
		t.Error("the usage names no model")
	}
}

func dot(a, b []float32) (sum float64) {
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}

func checkRefusals(t *testing.T, model ai.Model, sources []ai.Source) {
	t.Helper()
	calls := map[string]func(context.Context) error{
		"no question": func(ctx context.Context) error {
			_, err := model.Answer(ctx, ai.Question{Sources: sources}, nil)
			return err
		},
		"count of nought": func(ctx context.Context) error {
			_, _, err := model.Cards(ctx, ai.Material{Sources: sources})
			return err
		},
		"unknown type": func(ctx context.Context) error {
			_, _, err := model.Questions(ctx, ai.Material{Sources: sources, Count: 1, Types: []string{"essay"}})
			return err
		},
		"no text": func(ctx context.Context) error {
			_, _, err := model.Summarize(ctx, ai.Material{Sources: []ai.Source{{Text: " "}}})
			return err
		},
		"nothing to embed": func(ctx context.Context) error {
			_, _, err := model.Embed(ctx, []string{"a", " "})
			return err
		},
	}
	for name, call := range calls {
		if err := call(t.Context()); fault.KindOf(err) != fault.Invalid {
			t.Errorf("%s: %v, want Invalid", name, err)
		}
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := model.Cards(ended, ai.Material{Sources: sources, Count: 1}); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that ended: %v, want context.Canceled", err)
	}
}
