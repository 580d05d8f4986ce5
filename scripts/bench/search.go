package main

import (
	"context"
	"math/rand/v2"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"aksio.app/shared/ai/provider"
	"aksio.app/shared/retrieval"
)

// search measures searching a large course beside the bare query for the nearest
// vectors of the same table, and beside searching a course of a hundredth. And it
// measures what a hundred times the passages of others cost a course.
func search(ctx context.Context, s *stage, e effort) ([]Row, error) {
	large, err := s.large(ctx, e.passages)
	if err != nil {
		return nil, err
	}
	small, err := s.learn(ctx, size{courses: 1, documents: 1, cards: 1, messages: 1, passages: e.passages / 100})
	if err != nil {
		return nil, err
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	alone, err := newStage(ctx) // with no others
	if err != nil {
		return nil, err
	}
	defer alone.close()
	single, err := alone.learn(ctx, size{courses: 1, documents: 1, cards: 1, messages: 1, passages: e.passages / 100})
	if err != nil {
		return nil, err
	}
	if err := alone.settle(ctx); err != nil {
		return nil, err
	}
	on := func(s *stage, l learner) func(context.Context, int) error {
		store := retrieval.NewStore(s.db, provider.Offline{})
		return func(ctx context.Context, i int) error {
			_, err := store.Search(ctx, l.user, retrieval.Query{Course: l.course, Text: question(i), Limit: 10})
			return err
		}
	}
	in := func(l learner) func(context.Context, int) error { return on(s, l) }
	bare := func(l learner) func(context.Context, int) error {
		return func(ctx context.Context, i int) error {
			vectors, _, err := provider.Offline{}.Embed(ctx, []string{question(i)})
			if err != nil {
				return err
			}
			// Planned for its course each time, as ours is: one plan for all courses would be without parallel workers.
			rows, _ := s.plain.Query(ctx, `SELECT id, document_id, text FROM passages WHERE course_id = $1 ORDER BY embedding <=> $2 LIMIT 10`,
				pgx.QueryExecModeCacheDescribe, l.course, pgvector.NewVector(vectors[0]))
			_, err = pgx.CollectRows(rows, pgx.RowToMap)
			return err
		}
	}
	ours, base, ratio, err := p95(ctx, e.samples*2, in(large), bare(large))
	if err != nil {
		return nil, err
	}
	rows := []Row{{Name: "search of a large course beside the bare vector query, p95", Subject: ours, Baseline: base, Unit: "ms", Ratio: ratio, Budget: 2}}
	ours, base, ratio, err = p95(ctx, e.samples*2, in(large), in(small))
	if err != nil {
		return rows, err
	}
	rows = append(rows, Row{Name: "growth: search of a course of 100× the passages, p95", Subject: ours, Baseline: base, Unit: "ms", Ratio: ratio, Budget: 1.5})
	ours, base, ratio, err = p95(ctx, e.samples*2, bare(large), bare(small))
	if err != nil {
		return rows, err
	}
	// A search asks that query, too, and may take twice its time by its own budget.
	rows[len(rows)-1].Accepted = 2 * ours / rows[len(rows)-1].Baseline
	rows = append(rows, Row{Name: "growth: the bare vector query of a course of 100× the passages, p95", Subject: ours, Baseline: base, Unit: "ms", Ratio: ratio})
	ours, base, ratio, err = p95(ctx, e.samples*2, in(small), on(alone, single))
	return append(rows, Row{Name: "growth: search of a course beside 100× the passages of others, p95", Subject: ours, Baseline: base, Unit: "ms", Ratio: ratio, Budget: 1.5}), err
}

// question is of five words, usual ones and rare ones, another for each i.
func question(i int) string {
	return text(rand.New(rand.NewPCG(2, uint64(i))), 5, 200)
}

// large returns a learner whose course has so many passages. The index of words
// is built when they are all there, which takes a fraction of the time.
func (s *stage) large(ctx context.Context, passages int) (learner, error) {
	var index string
	if err := s.db.QueryRow(ctx, `SELECT pg_get_indexdef('passages_words'::regclass)`).Scan(&index); err != nil {
		return learner{}, err
	}
	if _, err := s.db.Exec(ctx, `DROP INDEX passages_words`); err != nil {
		return learner{}, err
	}
	l, err := s.learn(ctx, size{courses: 1, documents: 1, cards: 1, messages: 1, passages: passages})
	if err != nil {
		return l, err
	}
	conn, err := s.db.Acquire(ctx)
	if err != nil {
		return l, err
	}
	defer conn.Release()
	_, err = conn.Exec(ctx, `SET statement_timeout = 0; SET maintenance_work_mem = '256MB'; `+index+`; RESET statement_timeout; RESET maintenance_work_mem`)
	return l, err
}
