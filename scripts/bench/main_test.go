package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"aksio.app/scripts/internal/schoolday"
)

func TestOnly(t *testing.T) {
	t.Parallel()
	for only, want := range map[string]string{"": "start requests growth search pdf", "pdf,start": "start pdf", "search": "search"} {
		some, err := partsOf(only)
		var names []string
		for _, p := range some {
			names = append(names, p.name)
		}
		if got := strings.Join(names, " "); err != nil || got != want {
			t.Errorf("-only %q: got %q, %v, want %q", only, got, err, want)
		}
	}
	for _, only := range []string{"serach", "pdf,", "pdf,start search"} {
		if _, err := partsOf(only); err == nil || !strings.Contains(err.Error(), "start, requests, growth, search, pdf") {
			t.Errorf("-only %q: got %v, want the names of the parts", only, err)
		}
	}
}

func TestBenchtime(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"": true, "short": true, "10s": false, "Short": false} {
		if _, err := effortOf(text, "a.pdf"); (err == nil) != want {
			t.Errorf("BENCHTIME=%s: got %v", text, err)
		}
	}
}

// TestAShortRunSaysSo in the first line of its report, which is kept like any other.
func TestAShortRunSaysSo(t *testing.T) {
	t.Parallel()
	for benchtime, want := range map[string]string{"": "# Measured beside", "short": "# Only tried (BENCHTIME=short): these figures prove nothing\n"} {
		e, err := effortOf(benchtime, "a.pdf")
		r := &Report{Short: e.short}
		if text := r.document().Markdown(); err != nil || !strings.HasPrefix(text, want) {
			t.Errorf("BENCHTIME=%s: got %.80q, %v, want %q", benchtime, text, err, want)
		}
	}
}

func TestRowsSayOfHowManyFunctionsTheyAre(t *testing.T) {
	t.Parallel()
	one := started{"one", []float64{3}, []float64{1}, []float64{2}}
	two := started{"two", []float64{4}, []float64{1}, []float64{2}}
	for all, among := range map[int]string{2: "all 2 functions", 100: "2 of 100 functions"} {
		rows := medianAndWorst([]started{one, two}, all)
		for i, which := range map[int]string{0: "median", 2: "worst"} { // the others are beside the least
			if want := "the " + which + " ratio of " + among + " (two)"; !strings.HasSuffix(rows[i].Name, want) {
				t.Errorf("2 of %d functions: got %q, want %q", all, rows[i].Name, want)
			}
		}
	}
}

// TestAStartStandsBesideItsOwnMinute: the machine was twice as slow when slow was started.
func TestAStartStandsBesideItsOwnMinute(t *testing.T) {
	t.Parallel()
	rows := medianAndWorst([]started{
		{"slow", []float64{24, 30, 26}, []float64{10, 10, 13}, []float64{20, 20, 20}},
		{"worst", []float64{20, 20, 20}, []float64{5, 5, 5}, []float64{10, 10, 10}},
		{"good", []float64{5, 5, 5}, []float64{5, 5, 5}, []float64{10, 10, 10}},
	}, 3)
	want := []Row{
		{Subject: 26, Baseline: 10, Ratio: 2.4, Budget: 2, Accepted: 3}, {Subject: 26, Baseline: 20, Ratio: 1.3},
		{Subject: 20, Baseline: 5, Ratio: 4, Budget: 5}, {Subject: 20, Baseline: 10, Ratio: 2},
	}
	if len(rows) != len(want) {
		t.Fatalf("got %+v", rows)
	}
	for i, row := range rows {
		want[i].Name, want[i].Unit = row.Name, "ms"
		if row != want[i] {
			t.Errorf("got %+v, want %+v", row, want[i])
		}
	}
}

func TestTurns(t *testing.T) {
	t.Parallel()
	var order strings.Builder
	side := func(name string) func() (float64, error) {
		return func() (float64, error) {
			order.WriteString(name)
			return float64(order.Len()), nil
		}
	}
	values, err := turns(2, side("a"), side("b"), side("c"))
	if want := "abc" + "cba" + "abc"; err != nil || order.String() != want {
		t.Errorf("got %s, %v, want %s", &order, err, want)
	}
	if got, want := fmt.Sprint(values), "[[6 7] [5 8] [4 9]]"; got != want {
		t.Errorf("got %s, want %s: of the rounds after the first", got, want)
	}
}

// TestHotOperationsAreMeasured that students call on a school day.
func TestHotOperationsAreMeasured(t *testing.T) {
	t.Parallel()
	calls := map[string]float64{} // of a student
	for _, v := range schoolday.Day {
		for _, a := range v.Activities {
			for _, s := range a.Steps {
				calls[s.Operation] += v.Share * a.Chance * float64(s.Calls())
			}
		}
	}
	known, least := slices.Clone(leftOut), math.Inf(1)
	for _, op := range operations(learner{}, nil) {
		known, least = append(known, op.id), min(least, calls[op.id])
	}
	for id, n := range calls {
		if n > least && !slices.Contains(known, id) {
			t.Errorf("%s isn't measured: a student calls it %.2f times, and another that is %.2f times", id, n, least)
		}
	}
}

func TestWhatIsNotMeasuredIsSaidAndFails(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	r := &Report{Rows: []Row{{Name: "a", Ratio: 1, Budget: 2}, {Name: "b", Ratio: 1, Budget: 0.7, AtLeast: true}, {Name: "c", Ratio: 9}}}
	if err := r.failure(); err != nil {
		t.Errorf("all budgets are met: got %v", err)
	}
	if err := r.measure(t.Context(), nil, []part{{"pdf", pdf}}, effort{}); err != nil {
		t.Errorf("without pdftotext: got %v, want that the others are measured", err)
	}
	if text := r.document().Markdown(); !strings.Contains(text, "**Not measured**: pdf: pdftotext isn't installed") {
		t.Errorf("without pdftotext the report says %s", text)
	}
	if err := r.failure(); err == nil {
		t.Error("what isn't measured passes a strict run")
	}
	half := part{"half", func(context.Context, *stage, effort) ([]Row, error) {
		return []Row{{Name: "d"}}, unmeasurable("not here")
	}}
	if err := r.measure(t.Context(), nil, []part{half}, effort{}); err != nil || r.Rows[len(r.Rows)-1].Name != "d" {
		t.Errorf("with a part that is measured in part: got %+v, %v", r.Rows, err)
	}
	r = &Report{}
	broken := part{"broken", func(context.Context, *stage, effort) ([]Row, error) { return nil, errors.New("429") }}
	if err := r.measure(t.Context(), nil, []part{broken, half}, effort{}); err == nil || len(r.Rows) != 1 || !strings.Contains(r.document().Markdown(), "**Not measured**: broken: 429") {
		t.Errorf("after a part that fails: got %+v, %v, want the other one's rows and the failure", r, err)
	}
	r = &Report{Rows: []Row{{Name: "a", Ratio: 2.1, Budget: 2}, {Name: "b", Ratio: 0.6, Budget: 0.7, AtLeast: true}}}
	if err := r.failure(); err == nil || !strings.HasPrefix(err.Error(), "2 budgets") {
		t.Errorf("two budgets are missed: got %v", err)
	}
	r = &Report{Rows: []Row{{Name: "a", Ratio: 2.1, Budget: 2, Accepted: 2.5}}}
	if text := r.document().Markdown(); r.failure() != nil || !strings.Contains(text, "| **no**, accepted up to 2.50 |") {
		t.Errorf("a miss that is accepted: got %v and %s", r.failure(), text)
	}
	r.Rows[0].Ratio = 2.6
	if text := r.document().Markdown(); r.failure() == nil || !strings.Contains(text, "| **no** |") {
		t.Errorf("a miss of more than is accepted: got %v and %s", r.failure(), text)
	}
}

func TestPeakOfMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells it")
	}
	// fill takes memory that is no business of the collector, nor of the race detector.
	fill := func(mib int) func() error {
		return func() error {
			memory, err := syscall.Mmap(-1, 0, mib<<20, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
			if err != nil {
				return err
			}
			for i := 0; i < len(memory); i += 4096 {
				memory[i] = 1
			}
			return syscall.Munmap(memory)
		}
	}
	high, err := peakMemory(fill(300))
	if err != nil || high < 300 {
		t.Errorf("with 300 MiB: got %.0f MiB, %v", high, err)
	}
	if low, err := peakMemory(fill(1)); err != nil || low > high-200 {
		t.Errorf("with 1 MiB after 300: got %.0f MiB, %v, want what it takes now", low, err)
	}
	broken := errors.New("broken")
	if _, err := peakMemory(func() error { return broken }); err != broken {
		t.Errorf("got %v, want what it failed with", err)
	}
}
