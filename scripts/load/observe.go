package main

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
)

// servedCall is a call as its function saw it.
type servedCall struct {
	operation  string
	status     int
	ms         float64 // of the whole call
	trips      int     // round trips to the database
	databaseMS float64
}

// servedLog collects what functions say of the calls that they served, and lets the
// rest pass that somebody should read.
type servedLog struct {
	slog.Handler // for the rest

	calls *servedCalls
}

type servedCalls struct {
	mu  sync.Mutex
	all []servedCall
}

func newServedLog(rest slog.Handler) servedLog { return servedLog{rest, &servedCalls{}} }

// take returns the calls since the last time.
func (c *servedCalls) take() []servedCall {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := c.all
	c.all = nil
	return all
}

// Enabled implements slog.Handler.
func (l servedLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l servedLog) Handle(ctx context.Context, r slog.Record) error {
	if r.Message != "call served" {
		if !l.Handler.Enabled(ctx, r.Level) {
			return nil
		}
		return l.Handler.Handle(ctx, r)
	}
	var s servedCall
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "operation":
			s.operation = a.Value.String()
		case "status":
			s.status = int(a.Value.Int64())
		case "ms":
			s.ms = a.Value.Float64()
		case "database_calls":
			s.trips = int(a.Value.Int64())
		case "database_ms":
			s.databaseMS = a.Value.Float64()
		}
		return true
	})
	l.calls.mu.Lock()
	defer l.calls.mu.Unlock()
	l.calls.all = append(l.calls.all, s)
	return nil
}

// WithAttrs implements slog.Handler.
func (l servedLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return servedLog{l.Handler.WithAttrs(attrs), l.calls}
}

// WithGroup implements slog.Handler.
func (l servedLog) WithGroup(name string) slog.Handler {
	return servedLog{l.Handler.WithGroup(name), l.calls}
}

// connections are those to the database at a moment.
type connections struct {
	at     time.Duration // since the run began
	open   int
	active int // that run a statement
}

// observe looks at the database's connections until the context ends. Its own
// isn't counted.
func observe(ctx context.Context, conn *pgx.Conn, began time.Time, every time.Duration) ([]connections, error) {
	var all []connections
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		c := connections{at: time.Since(began)}
		err := conn.QueryRow(ctx, `
			SELECT count(*), count(*) FILTER (WHERE state = 'active')
			FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()`).
			Scan(&c.open, &c.active)
		if ctx.Err() != nil {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		all = append(all, c)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return all, nil
		}
	}
}
