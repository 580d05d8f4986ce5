package extract

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestWaitingForOthersTakesNoneOfAFilesTime waits for a place among those who read, in a
// time that isn't real: a file isn't slow because others are.
func TestWaitingForOthersTakesNoneOfAFilesTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const name = "of nothing but taken places"
		enginesMu.Lock()
		engines[name] = func(context.Context) (*pdfium, error) { return &pdfium{places: make(chan struct{})}, nil }
		enginesMu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), 2*DefaultLimits.Time)
		defer cancel()
		if _, err := New(DefaultLimits, name).Extract(ctx, []byte("%PDF-1.7"), "a.pdf"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// TestStartingPDFiumTakesNoneOfAFilesTime starts it on a machine that is far too slow.
func TestStartingPDFiumTakesNoneOfAFilesTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const name = "of a start that fails in the end"
		failed := errors.New("started in vain")
		enginesMu.Lock()
		engines[name] = func(context.Context) (*pdfium, error) {
			time.Sleep(2 * DefaultLimits.Time)
			return nil, failed
		}
		enginesMu.Unlock()
		if _, err := New(DefaultLimits, name).Extract(t.Context(), []byte("%PDF-1.7"), "a.pdf"); !errors.Is(err, failed) {
			t.Errorf("got %v, want that it %v", err, failed)
		}
	})
}
