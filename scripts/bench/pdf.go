package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"aksio.app/shared/extract"
)

// pdf measures reading a book to passages beside pdftotext. Cold, the engine is
// compiled first, as on an instance's first PDF; with its compiled form in a
// folder, loaded. Warm is every later PDF.
func pdf(ctx context.Context, _ *stage, e effort) ([]Row, error) {
	if _, err := exec.LookPath("pdftotext"); err != nil {
		return nil, unmeasurable("pdftotext isn't installed, so reading a PDF has no baseline; it is in poppler-utils")
	}
	content, err := os.ReadFile(e.book)
	if err != nil {
		return nil, err
	}
	cache, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(cache)
	reader := extract.New(extract.DefaultLimits, cache)
	read := func() (float64, error) {
		began := time.Now()
		doc, err := reader.Extract(ctx, content, filepath.Base(e.book))
		if err == nil && len(extract.Split(doc)) == 0 {
			err = fmt.Errorf("%s has no passages", e.book)
		}
		return time.Since(began).Seconds() * 1000, err
	}
	plain := func() (float64, error) {
		began := time.Now()
		err := exec.CommandContext(ctx, "pdftotext", e.book, os.DevNull).Run()
		return time.Since(began).Seconds() * 1000, err
	}
	cold, err := read()
	if err != nil {
		return nil, err
	}
	subject, base, ratio, err := pair(e.rounds, read, plain)
	return []Row{
		{Name: "PDF to passages, warm", Subject: subject, Baseline: base, Unit: "ms", Ratio: ratio, Budget: 3},
		{Name: "PDF to passages, the process's first, engine compiled", Subject: cold, Baseline: base, Unit: "ms", Ratio: cold / base},
	}, err
}
