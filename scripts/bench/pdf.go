package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"strconv"
	"time"

	"aksio.app/scripts/internal/catalogue"
	"aksio.app/shared/extract"
)

// pdf measures reading a book to passages beside pdftotext. Cold, the engine is
// compiled first, as on an instance's first PDF; with its compiled form in a
// folder, loaded. Warm is every later PDF. Cold, the collector is set as functions.tf sets
// it, and the memory is measured: it has to do with what process-document declares.
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
	functions, err := catalogue.Read("infrastructure/functions.json")
	if err != nil {
		return nil, err
	}
	declared := functions["process-document"].MemoryMiB
	var cold float64
	peak, err := peakMemory(func() (err error) {
		defer debug.SetGCPercent(debug.SetGCPercent(400))
		defer debug.SetMemoryLimit(debug.SetMemoryLimit(int64(declared) << 20 / 10 * 9))
		cold, err = read()
		return err
	})
	_, unknown := errors.AsType[unmeasurable](err)
	if err != nil && !unknown {
		return nil, err
	}
	warm, pairErr := pair(e.rounds, read, plain)
	if pairErr != nil {
		return nil, pairErr
	}
	warm.Name, warm.Unit, warm.Budget = "PDF to passages, warm", "ms", 3
	rows := []Row{
		warm,
		{Name: "PDF to passages, the process's first, engine compiled", Subject: cold, Baseline: warm.Baseline, Unit: "ms", Ratio: cold / warm.Baseline},
	}
	if unknown {
		return rows, err
	}
	return append(rows, Row{
		Name: "PDF to passages, the process's first, peak of resident memory beside what process-document declares", Unit: "MiB",
		Subject: peak, Baseline: float64(declared), Ratio: peak / float64(declared), Budget: 1,
	}), nil
}

var highWater = regexp.MustCompile(`(?m)^VmHWM:\s+(\d+) kB$`)

// peakMemory returns the most memory that this process had resident while it ran, in MiB.
// Only Linux tells it: elsewhere it is unmeasurable, once it ran.
func peakMemory(run func() error) (float64, error) {
	debug.FreeOSMemory() // of what was measured before
	resetErr := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
	if err := run(); err != nil {
		return 0, err
	}
	status, err := os.ReadFile("/proc/self/status")
	match := highWater.FindSubmatch(status)
	if err := errors.Join(resetErr, err); err != nil || match == nil {
		return 0, unmeasurable(fmt.Sprintf("only Linux tells how much memory it took at its peak, by VmHWM of /proc/self/status (%v)", err))
	}
	kib, err := strconv.ParseFloat(string(match[1]), 64)
	return kib / 1024, err
}
