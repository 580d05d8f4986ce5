package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
)

// usual is what one learner has in the part of requests.
var usual = size{courses: 12, documents: 40, cards: 2_000, messages: 60, passages: 1_000}

// others is how many more learners' rows share the tables.
const others = 20

// requests measures the throughput of hot operations: the function's real
// handler beside net/http and pgx written by hand. Both check the signed token, run
// the same statements on pools of one size, and answer the same fields.
// Client, server and database share the machine.
func requests(ctx context.Context, s *stage, e effort) ([]Row, error) {
	me, err := s.learn(ctx, usual)
	if err != nil {
		return nil, err
	}
	for range others {
		if _, err := s.learn(ctx, size{courses: 12, documents: 40, cards: 500, messages: 60, passages: 100}); err != nil {
			return nil, err
		}
	}
	if err := s.settle(ctx); err != nil {
		return nil, err
	}
	token, err := s.token(me.user)
	if err != nil {
		return nil, err
	}
	verifier, err := auth.NewVerifier(s.keys)
	if err != nil {
		return nil, err
	}
	var rows []Row
	for _, op := range operations(me, s.bucket) {
		row, err := s.compare(ctx, e, op, token, verifier)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", op.id, err)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// compare measures one operation beside its baseline.
func (s *stage) compare(ctx context.Context, e effort, op operation, token string, verifier *auth.Verifier) (Row, error) {
	declared, ok := api.Lookup(op.id)
	if !ok {
		return Row{}, fmt.Errorf("there is no such function")
	}
	function, err := declared.Handler(s.process)
	if err != nil {
		return Row{}, err
	}
	sent, err := s.capture(ctx, op.domain)
	if err != nil {
		return Row{}, err
	}
	mux := http.NewServeMux()
	mux.HandleFunc(declared.Path, byHand(s.plain, verifier, op.answer, sent))

	ours, hand := httptest.NewServer(function), httptest.NewServer(mux)
	defer ours.Close()
	defer hand.Close()
	if err := sameFields(ctx, ours.URL, hand.URL, op, token); err != nil {
		return Row{}, err
	}
	throughput := func(address string) func() (float64, error) {
		return func() (float64, error) {
			// Nobody is to be told that he asks too often, or has too many of what the last slice made.
			for _, clear := range []string{"TRUNCATE rate_limits", "DELETE FROM chats WHERE message_count = 0"} {
				if _, err := s.db.Exec(ctx, clear); err != nil {
					return 0, err
				}
			}
			return load(ctx, e.slice, address, op, token)
		}
	}
	row, err := pair(e.rounds, throughput(ours.URL), throughput(hand.URL))
	row.Name, row.Unit, row.Budget, row.AtLeast = "request: "+op.id, "/s", 0.7, true
	return row, err
}

// answering is the body of a baseline: it runs the statements and says what to answer.
type answering func(ctx context.Context, db *database.DB, sent [][]statement, r *http.Request) (status int, body any, err error)

// load calls from as many clients as the pools have connections for a while, and
// returns the calls a second.
func load(ctx context.Context, length time.Duration, address string, op operation, token string) (float64, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}
	defer client.CloseIdleConnections()
	var calls atomic.Int64
	var failed atomic.Pointer[error]
	var group sync.WaitGroup
	began := time.Now()
	for range connections {
		group.Go(func() {
			for time.Since(began) < length && failed.Load() == nil {
				if _, err := call(ctx, client, address, op, token); err != nil {
					failed.Store(&err)
				}
				calls.Add(1)
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return 0, *err
	}
	return float64(calls.Load()) / time.Since(began).Seconds(), nil
}

// call makes one request and returns the body of the good answer.
func call(ctx context.Context, client *http.Client, address string, op operation, token string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, op.method, address+op.path(), strings.NewReader(op.body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	if op.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("%s %s answers %d: %.200s", op.method, r.URL.Path, resp.StatusCode, body)
	}
	return body, err
}
