// Command bench measures the platform beside the least that could do the same
// work, and writes a table of the ratios. It needs PostgreSQL at DATABASE_URL,
// on which it makes a database of its own, and drops it.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"strings"
	"time"

	"aksio.app/scripts/internal/commandline"
	"aksio.app/shared/telemetry"
)

func main() {
	strict := flag.Bool("strict", false, "fail if a budget is missed by more than is accepted, or a part can't be measured")
	out := flag.String("out", "build/bench.md", "where the table goes, too")
	only := flag.String("only", "", "parts to run, separated by commas; all of them when empty")
	book := flag.String("pdf", "shared/extract/testdata/GeoTopo-komprimiert.pdf", "the PDF to read")
	flag.Parse()
	e, err := effortOf(os.Getenv("BENCHTIME"), *book)
	some, onlyErr := partsOf(*only)
	if err := errors.Join(commandline.NoArguments(flag.CommandLine), err, onlyErr); err != nil {
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

	report, err := bench(ctx, some, e)
	if len(report.Rows)+len(report.Unmeasured) > 0 { // also if a part failed: the others took minutes
		d := report.document()
		d.Plain(os.Stdout)
		err = errors.Join(err, d.Save(*out))
	}
	if err == nil && *strict {
		err = report.failure()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// effort is how long and on how much is measured.
type effort struct {
	short     bool          // to try everything, not to measure
	rounds    int           // of each pair, interleaved
	book      string        // the PDF that is read
	slice     time.Duration // of one side in one round of requests
	samples   int           // of one side, where single times are taken
	passages  int           // of the large course
	functions int           // that are started
}

// effortOf is what BENCHTIME chooses: short proves that everything runs, in seconds.
func effortOf(benchtime, book string) (effort, error) {
	switch benchtime {
	case "":
		return effort{rounds: 5, book: book, slice: 400 * time.Millisecond, samples: 60, passages: 100_000, functions: 1_000}, nil
	case "short":
		return effort{short: true, rounds: 1, book: book, slice: 50 * time.Millisecond, samples: 5, passages: 2_000, functions: 3}, nil
	}
	return effort{}, fmt.Errorf("BENCHTIME is %q: write short, or leave it out", benchtime)
}

// A part measures one subject. Its setup is not measured. It may be unmeasurable, or some
// of it beside the rows that it returns.
type part struct {
	name string
	run  func(context.Context, *stage, effort) ([]Row, error)
}

var parts = []part{
	{"start", start},
	{"requests", requests},
	{"growth", growth},
	{"search", search},
	{"pdf", pdf},
}

// unmeasurable is why a part can't be measured here.
type unmeasurable string

func (why unmeasurable) Error() string { return string(why) }

// partsOf returns the parts of the list, all if it is empty.
func partsOf(only string) ([]part, error) {
	if only == "" {
		return parts, nil
	}
	var some []part
	var names []string
	wanted := strings.Split(only, ",")
	for _, p := range parts {
		names = append(names, p.name)
		if slices.Contains(wanted, p.name) {
			some = append(some, p)
		}
	}
	for _, name := range wanted {
		if !slices.Contains(names, name) {
			return nil, fmt.Errorf("-only: there is no part %q; the parts are %s", name, strings.Join(names, ", "))
		}
	}
	return some, nil
}

func bench(ctx context.Context, some []part, e effort) (*Report, error) {
	s, err := newStage(ctx)
	if err != nil {
		return &Report{}, err
	}
	defer s.close()
	report := &Report{Short: e.short, Machine: describe(ctx, s.db)}
	return report, report.measure(ctx, s, some, e)
}

// measure adds what the parts measure, and goes on after one that fails.
func (r *Report) measure(ctx context.Context, s *stage, some []part, e effort) error {
	var failed error
	for _, p := range some {
		began := time.Now()
		rows, err := p.run(ctx, s, e)
		r.Rows = append(r.Rows, rows...)
		if err == nil {
			fmt.Fprintf(os.Stderr, "bench: %s took %s\n", p.name, time.Since(began).Round(time.Second))
			continue
		}
		err = fmt.Errorf("%s: %w", p.name, err)
		r.Unmeasured = append(r.Unmeasured, err.Error())
		if _, ok := errors.AsType[unmeasurable](err); !ok {
			failed = errors.Join(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}
