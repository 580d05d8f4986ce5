package database

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aksio.app/shared/telemetry"
)

// acquireTimeout is how long a request waits for one of the pool's connections.
// After it the request is refused with a Retry-After: those that queue up behind
// a slow database must not all be answered late.
const acquireTimeout = 5 * time.Second

// tracer counts a request's round trips, bounds its wait for a connection, and begins the
// attempts at one.
// Preparing a statement isn't counted: a connection does it once.
type tracer struct{}

type startKey struct{}

func start(ctx context.Context) context.Context {
	return context.WithValue(ctx, startKey{}, time.Now())
}

func end(ctx context.Context) {
	if calls := telemetry.DatabaseCalls(ctx); calls != nil {
		calls.Add(time.Since(ctx.Value(startKey{}).(time.Time)))
	}
}

// The methods are those of pgx.QueryTracer, BatchTracer and CopyFromTracer.

func (tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	return start(ctx)
}

func (tracer) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) { end(ctx) }

func (tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	return start(ctx)
}

func (tracer) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

func (tracer) TraceBatchEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchEndData) { end(ctx) }

func (tracer) TraceCopyFromStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromStartData) context.Context {
	return start(ctx)
}

func (tracer) TraceCopyFromEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceCopyFromEndData) {
	end(ctx)
}

type acquireKey struct{}

// acquiring is a wait for a connection.
type acquiring struct {
	began  time.Time
	cancel context.CancelFunc
}

// TraceAcquireStart returns the context by which the pool waits. What is then done
// with the connection isn't bound by it.
func (tracer) TraceAcquireStart(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireStartData) context.Context {
	ctx, cancel := context.WithTimeout(ctx, acquireTimeout)
	return context.WithValue(ctx, acquireKey{}, acquiring{time.Now(), cancel})
}

// TraceAcquireEnd is called with that context.
func (tracer) TraceAcquireEnd(ctx context.Context, _ *pgxpool.Pool, _ pgxpool.TraceAcquireEndData) {
	a := ctx.Value(acquireKey{}).(acquiring)
	a.cancel()
	if calls := telemetry.DatabaseCalls(ctx); calls != nil {
		calls.Wait(time.Since(a.began))
	}
}
