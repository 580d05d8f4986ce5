package provider

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"aksio.app/shared/ai"
	"aksio.app/shared/fault"
)

// logged writes a line for each call of a model: who watches sees what it costs, how
// long it takes and how it fails, and nothing of what was said.
type logged struct{ ai.Model }

func (l logged) note(ctx context.Context, task string, began time.Time, spent ai.Usage, err error) {
	level, outcome := slog.LevelInfo, "ok"
	var f *fault.Fault
	switch {
	case err == nil:
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		level, outcome = slog.LevelWarn, "ai_timeout" // as when the provider's own time is up
	case ctx.Err() != nil:
		outcome = "abandoned" // by the caller: the student left
	case errors.As(err, &f):
		level, outcome = slog.LevelWarn, cmp.Or(f.Code, "refused")
	default:
		level, outcome = slog.LevelWarn, "failed"
	}
	model := cmp.Or(spent.Model, l.Name())
	slog.Log(ctx, level, "model called",
		"model", model,
		"task", task,
		"outcome", outcome,
		"ms", time.Since(began).Milliseconds(),
		"tokens", spent.PromptTokens+spent.CompletionTokens,
		"usd", l.Weight(model)*prices[usual]*float64(spent.PromptTokens+outputPrice*spent.CompletionTokens)/1e6)
}

func (l logged) Embed(ctx context.Context, texts []string) ([][]float32, ai.Usage, error) {
	began := time.Now()
	vectors, spent, err := l.Model.Embed(ctx, texts)
	l.note(ctx, "embed", began, spent, err)
	return vectors, spent, err
}

func (l logged) Answer(ctx context.Context, q ai.Question, emit func(ai.Part) error) (ai.Answer, error) {
	began := time.Now()
	answer, err := l.Model.Answer(ctx, q, emit)
	l.note(ctx, "answer", began, answer.Usage, err)
	return answer, err
}

func (l logged) Cards(ctx context.Context, m ai.Material) ([]ai.Card, ai.Usage, error) {
	began := time.Now()
	cards, spent, err := l.Model.Cards(ctx, m)
	l.note(ctx, "cards", began, spent, err)
	return cards, spent, err
}

func (l logged) Questions(ctx context.Context, m ai.Material) ([]ai.Item, ai.Usage, error) {
	began := time.Now()
	items, spent, err := l.Model.Questions(ctx, m)
	l.note(ctx, "questions", began, spent, err)
	return items, spent, err
}

func (l logged) Summarize(ctx context.Context, m ai.Material) (ai.Summary, ai.Usage, error) {
	began := time.Now()
	summary, spent, err := l.Model.Summarize(ctx, m)
	l.note(ctx, "summarize", began, spent, err)
	return summary, spent, err
}
