// Command bench measures the platform beside the least that could do the same
// work, and writes a table of the ratios. It needs PostgreSQL at DATABASE_URL,
// on which it makes a database of its own, and drops it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"aksio.app/scripts/internal/commandline"
	"aksio.app/shared/telemetry"
)

func main() {
	strict := flag.Bool("strict", false, "fail if a budget is missed")
	out := flag.String("out", "build/bench.md", "where the table goes, too")
	only := flag.String("only", "", "parts to run, separated by commas; all of them when empty")
	book := flag.String("pdf", "shared/extract/testdata/GeoTopo-komprimiert.pdf", "the PDF to read")
	flag.Parse()
	if err := commandline.NoArguments(flag.CommandLine); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()

	// Functions log each call, as in production, but to nobody.
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	slog.SetDefault(slog.New(telemetry.NewHandler(null, "aksio")))

	report, err := bench(ctx, *only, *book)
	if err == nil {
		err = save(*out, report.String())
		fmt.Print(report)
	}
	if missed := report.missed(); err == nil && *strict && missed > 0 {
		err = fmt.Errorf("%d budgets are missed; see %s", missed, *out)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// effort is how long and on how much is measured.
type effort struct {
	rounds    int           // of each pair, interleaved
	slice     time.Duration // of one side in one round of requests
	samples   int           // of one side, where single times are taken
	passages  int           // of the large course
	functions int           // that are started
}

// chosen reads BENCHTIME: short proves that everything runs, in seconds.
func chosen() effort {
	if os.Getenv("BENCHTIME") == "short" {
		return effort{rounds: 1, slice: 50 * time.Millisecond, samples: 5, passages: 2_000, functions: 3}
	}
	return effort{rounds: 5, slice: 400 * time.Millisecond, samples: 60, passages: 100_000, functions: 1_000}
}

// A part measures one subject. Its setup is not measured.
type part struct {
	name string
	run  func(context.Context, *stage, effort) ([]Row, error)
}

var parts = []part{
	{"start", start},
	{"requests", requests},
	{"growth", growth},
	{"search", search},
	{"pdf", func(ctx context.Context, s *stage, e effort) ([]Row, error) { return pdf(ctx, s.book, e) }},
}

func bench(ctx context.Context, only, book string) (*Report, error) {
	s, err := newStage(ctx, book)
	if err != nil {
		return &Report{}, err
	}
	defer s.close()
	report, e := &Report{Machine: describe(ctx, s.db)}, chosen()
	for _, p := range parts {
		if only != "" && !strings.Contains(","+only+",", ","+p.name+",") {
			continue
		}
		began := time.Now()
		rows, err := p.run(ctx, s, e)
		if err != nil {
			return report, fmt.Errorf("%s: %w", p.name, err)
		}
		report.Rows = append(report.Rows, rows...)
		fmt.Fprintf(os.Stderr, "bench: %s took %s\n", p.name, time.Since(began).Round(time.Second))
	}
	return report, nil
}

func save(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o644)
}
