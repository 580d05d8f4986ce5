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
// that of the hello function; and each time that of the least of a function with the
// database, since minutes of a machine differ.
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
	linked, err := programs.LinkedHello(ctx)
	if err != nil {
		return nil, err
	}
	first := func(p coldstart.Program) func() (float64, error) {
		return func() (float64, error) { return p.First(ctx) }
	}
	ids, err := coldstart.IDs()
	if err != nil {
		return nil, err
	}
	all := len(ids)
	ids = ids[:min(all, e.functions)]
	var rows, floors []Row
	for i, id := range ids {
		p, err := programs.Function(ctx, id)
		if err != nil {
			return nil, err
		}
		ours, bare, ratio, err := pair(e.rounds, first(p), first(base))
		if err != nil {
			return nil, err
		}
		rows = append(rows, Row{Name: id, Subject: ours, Baseline: bare, Unit: "ms", Ratio: ratio})
		if ours, bare, ratio, err = pair(e.rounds, first(linked), first(base)); err != nil {
			return nil, err
		}
		floors = append(floors, Row{Subject: ours, Baseline: bare, Unit: "ms", Ratio: ratio})
		if (i+1)%10 == 0 {
			fmt.Fprintf(os.Stderr, "bench: %d of %d functions started\n", i+1, len(ids))
		}
	}
	byRatio(floors)
	floor := floors[len(floors)/2]
	floor.Name = "start to first answer, a hello that links pgx and cloudsqlconn: the least of a function with the database"
	return append([]Row{floor}, medianAndWorst(rows, all)...), nil
}

func byRatio(rows []Row) {
	slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Ratio, b.Ratio) })
}

// medianAndWorst chooses by the ratio: the baseline of the same minute is in it, so that
// the times of two functions don't compare.
func medianAndWorst(rows []Row, all int) []Row {
	byRatio(rows)
	among := fmt.Sprintf("all %d functions", all)
	if len(rows) < all {
		among = fmt.Sprintf("%d of %d functions", len(rows), all)
	}
	median, worst := rows[len(rows)/2], rows[len(rows)-1]
	median.Name, median.Budget = fmt.Sprintf("start to first answer, the median ratio of %s (%s)", among, median.Name), 2
	worst.Name, worst.Budget = fmt.Sprintf("start to first answer, the worst ratio of %s (%s)", among, worst.Name), 5
	return []Row{median, worst}
}
