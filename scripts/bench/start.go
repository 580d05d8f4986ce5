package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"slices"

	"aksio.app/scripts/internal/coldstart"
)

// started are the milliseconds from a function's process to its first answer, and those of
// what it is measured beside, round by round: minutes of a machine differ, so that only
// those of one function compare.
type started struct {
	function string
	ours     []float64
	hello    []float64 // of the hello function
	least    []float64 // of the least of a function with the database
}

// start measures the starts of all functions, as many of them as the effort allows.
func start(ctx context.Context, s *stage, e effort) ([]Row, error) {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	programs := coldstart.New(folder, map[string]string{
		"DATABASE_URL": s.url, "TOKEN_KEYS": string(s.keys), "TOKEN_SIGNING_KEY": string(s.key),
	})
	hello, err := programs.Hello(ctx)
	if err != nil {
		return nil, err
	}
	least, err := programs.LinkedHello(ctx)
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
	var starts []started
	for i, id := range ids {
		p, err := programs.Function(ctx, id)
		if err != nil {
			return nil, err
		}
		times, err := turns(e.rounds, first(p), first(hello), first(least))
		if err != nil {
			return nil, err
		}
		starts = append(starts, started{id, times[0], times[1], times[2]})
		if (i+1)%10 == 0 {
			fmt.Fprintf(os.Stderr, "bench: %d of %d functions started\n", i+1, len(ids))
		}
	}
	return medianAndWorst(starts, all), nil
}

// medianAndWorst shows the functions of the median and of the worst ratio to the hello
// function, each also beside the least of a function with the database.
func medianAndWorst(starts []started, all int) []Row {
	slices.SortFunc(starts, func(a, b started) int { return cmp.Compare(medianRatio(a.ours, a.hello), medianRatio(b.ours, b.hello)) })
	among := fmt.Sprintf("all %d functions", all)
	if len(starts) < all {
		among = fmt.Sprintf("%d of %d functions", len(starts), all)
	}
	median, worst := starts[len(starts)/2], starts[len(starts)-1]
	var rows []Row
	// No median can be below the least's; half as much again is for what functions themselves set up.
	for _, chosen := range []struct {
		which string
		started
		budget, accepted float64
	}{{"median", median, 2, 1.5 * medianRatio(median.least, median.hello)}, {"worst", worst, 5, 0}} {
		row := beside(chosen.ours, chosen.hello)
		row.Name = fmt.Sprintf("start to first answer, the %s ratio of %s (%s)", chosen.which, among, chosen.function)
		row.Unit, row.Budget, row.Accepted = "ms", chosen.budget, chosen.accepted
		rows = append(rows, row)
		row = beside(chosen.ours, chosen.least)
		row.Name, row.Unit = fmt.Sprintf("the same start beside a hello that links pgx and cloudsqlconn, the least of a function with the database (%s)", chosen.function), "ms"
		rows = append(rows, row)
	}
	return rows
}
