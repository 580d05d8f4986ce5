package main

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"aksio.app/shared/database"
)

// statement is one query with its arguments.
type statement struct {
	sql  string
	args []any
}

// capture runs what a domain does once and returns the statements that it sent, a
// group a round trip: the baselines run these, so they can't drift from them.
func (s *stage) capture(ctx context.Context, run func(*database.DB) error) ([][]statement, error) {
	config, err := pgxpool.ParseConfig(s.url)
	if err != nil {
		return nil, err
	}
	trace := &trace{}
	config.ConnConfig.Tracer = trace
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	if err := run(&database.DB{Pool: pool}); err != nil {
		return nil, err
	}
	if len(trace.groups) == 0 {
		return nil, errors.New("no statement was sent")
	}
	return trace.groups, nil
}

// trace is a pgx tracer that keeps statements.
type trace struct {
	groups [][]statement
}

func (t *trace) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if data.SQL != "begin" && data.SQL != "commit" {
		t.groups = append(t.groups, []statement{{data.SQL, data.Args}})
	}
	return ctx
}

func (t *trace) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (t *trace) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	t.groups = append(t.groups, nil)
	return ctx
}

func (t *trace) TraceBatchQuery(_ context.Context, _ *pgx.Conn, data pgx.TraceBatchQueryData) {
	last := &t.groups[len(t.groups)-1]
	*last = append(*last, statement{data.SQL, data.Args})
}

func (t *trace) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
