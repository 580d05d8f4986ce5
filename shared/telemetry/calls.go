package telemetry

import (
	"context"
	"sync"
	"time"
)

// Calls counts what one request asked of a service, such as the database.
type Calls struct {
	mu   sync.Mutex
	n    int
	took time.Duration
	wait time.Duration
}

// Add counts one call.
func (c *Calls) Add(took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.n++
	c.took += took
}

// Wait adds time that was spent waiting for one of the connections.
func (c *Calls) Wait(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wait += d
}

// Waited returns how long was waited for connections.
func (c *Calls) Waited() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.wait
}

// Total returns the number of calls and the time that they took together.
func (c *Calls) Total() (n int, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n, c.took
}

type databaseKey struct{}

// WithDatabaseCalls returns a context that counts round trips to the database, and
// the count. It is the context's own if it counts already.
func WithDatabaseCalls(ctx context.Context) (context.Context, *Calls) {
	if calls := DatabaseCalls(ctx); calls != nil {
		return ctx, calls
	}
	calls := new(Calls)
	return context.WithValue(ctx, databaseKey{}, calls), calls
}

// DatabaseCalls returns the context's count of round trips to the database, or nil.
func DatabaseCalls(ctx context.Context) *Calls {
	calls, _ := ctx.Value(databaseKey{}).(*Calls)
	return calls
}
