package extract

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
)

// TestWaitingForOthersTakesNoneOfAFilesTime waits for a place among those who read, in a
// time that isn't real: a file isn't slow because others are.
func TestWaitingForOthersTakesNoneOfAFilesTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const name = "of nothing but taken places"
		enginesMu.Lock()
		engines[name] = &pdfium{places: make(chan struct{})}
		enginesMu.Unlock()
		ctx, cancel := context.WithTimeout(t.Context(), 2*DefaultLimits.Time)
		defer cancel()
		if _, err := New(DefaultLimits, name).Extract(ctx, []byte("%PDF-1.7"), "a.pdf"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}
