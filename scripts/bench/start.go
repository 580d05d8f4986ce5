package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"

	"aksio.app/scripts/internal/coldstart"
)

// start measures the time from a function's process to its first answer, beside
// that of the hello function.
func start(ctx context.Context, s *stage, e effort) ([]Row, error) {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	programs := coldstart.New(folder, map[string]string{
		"DATABASE_URL": s.url, "TOKEN_KEYS": string(s.keys), "TOKEN_SIGNING_KEY": string(s.key),
	})
	base, err := programs.Hello(ctx)
	if err != nil {
		return nil, err
	}
	ids, err := coldstart.IDs()
	if err != nil {
		return nil, err
	}
	ids = ids[:min(len(ids), e.functions)]
	var rows []Row
	for i, id := range ids {
		p, err := programs.Function(ctx, id)
		if err != nil {
			return nil, err
		}
		ours, bare, ratio, err := pair(e.rounds, func() (float64, error) { return p.First(ctx) }, func() (float64, error) { return base.First(ctx) })
		if err != nil {
			return nil, err
		}
		rows = append(rows, Row{Name: id, Subject: ours, Baseline: bare, Unit: "ms", Ratio: ratio})
		if (i+1)%10 == 0 {
			fmt.Fprintf(os.Stderr, "bench: %d of %d functions started\n", i+1, len(ids))
		}
	}
	linked, err := programs.LinkedHello(ctx)
	if err != nil {
		return nil, err
	}
	floor := Row{Name: "start to first answer, a hello that links pgx, cloudsqlconn and huma: the least of a function with the database", Unit: "ms"}
	floor.Subject, floor.Baseline, floor.Ratio, err = pair(e.rounds, func() (float64, error) { return linked.First(ctx) }, func() (float64, error) { return base.First(ctx) })
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Ratio, b.Ratio) })
	median, worst := rows[len(rows)/2], rows[len(rows)-1]
	median.Name, median.Budget = "start to first answer, the median of all functions ("+median.Name+")", 2
	worst.Name, worst.Budget = "start to first answer, the worst ("+worst.Name+")", 5
	return []Row{floor, median, worst}, nil
}
