package main

import (
	"context"

	"aksio.app/shared/courses"
	"aksio.app/shared/documents"
	"aksio.app/shared/flashcards"
	"aksio.app/shared/page"
	"aksio.app/shared/tutor"
)

// growth measures lists of a learner who has a hundred times the rows of another.
func growth(ctx context.Context, s *stage, e effort) ([]Row, error) {
	start := size{courses: 20, documents: 20, cards: 300, messages: 20, passages: 1}
	small, err := s.learn(ctx, start)
	if err != nil {
		return nil, err
	}
	large, err := s.learn(ctx, start.times(100))
	if err != nil {
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	first := page.Request{Number: 1, Size: page.DefaultSize}
	var rows []Row
	for _, list := range []struct {
		name string
		read func(context.Context, learner) error
	}{
		{"due cards", func(ctx context.Context, l learner) error {
			_, err := flashcards.NewStore(s.db).Due(ctx, l.user, courses.ID{}, 100)
			return err
		}},
		{"due cards of a course", func(ctx context.Context, l learner) error {
			_, err := flashcards.NewStore(s.db).Due(ctx, l.user, l.course, 100)
			return err
		}},
		{"list of cards", func(ctx context.Context, l learner) error {
			_, err := flashcards.NewStore(s.db).List(ctx, l.user, courses.ID{}, first)
			return err
		}},
		{"list of courses", func(ctx context.Context, l learner) error {
			_, err := courses.NewStore(s.db).List(ctx, l.user, first)
			return err
		}},
		{"list of documents", func(ctx context.Context, l learner) error {
			_, err := documents.NewStore(s.db).List(ctx, l.user, l.course, first)
			return err
		}},
		{"list of messages", func(ctx context.Context, l learner) error {
			_, err := tutor.NewStore(s.db).ListMessages(ctx, l.user, l.chat, "", "", first)
			return err
		}},
	} {
		in := func(l learner) func(context.Context, int) error {
			return func(ctx context.Context, _ int) error { return list.read(ctx, l) }
		}
		ours, base, ratio, err := p95(ctx, e.samples*20, in(large), in(small)) // of less than a millisecond each
		if err != nil {
			return rows, err
		}
		rows = append(rows, Row{Name: "growth: " + list.name + " at 100×, p95", Subject: ours, Baseline: base, Unit: "ms", Ratio: ratio, Budget: 1.5})
	}
	return rows, nil
}
