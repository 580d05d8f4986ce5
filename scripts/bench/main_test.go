package main

import (
	"strings"
	"testing"
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
	r = &Report{Rows: []Row{{Name: "a", Ratio: 2.1, Budget: 2}, {Name: "b", Ratio: 0.6, Budget: 0.7, AtLeast: true}}}
	if err := r.failure(); err == nil || !strings.HasPrefix(err.Error(), "2 budgets") {
		t.Errorf("two budgets are missed: got %v", err)
	}
}
