package database

import (
	"context"
	"errors"
	"net"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestARefusedConnectionIsTriedInRounds(t *testing.T) {
	t.Parallel()
	for address, round := range map[string][]string{ // sslmode=prefer dials with TLS, then without
		"a/x?sslmode=disable":   {"a:5432"},
		"a/x?sslmode=prefer":    {"a:5432", "a:5432"},
		"a,b/x?sslmode=disable": {"a:5432", "b:5432"},
		"a,b/x?sslmode=prefer":  {"a:5432", "a:5432", "b:5432", "b:5432"},
	} {
		t.Run(address, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				config, err := pgx.ParseConfig("postgres://ada@" + address)
				if err != nil {
					t.Fatal(err)
				}
				config.LookupFunc = func(_ context.Context, host string) ([]string, error) { return []string{host}, nil }
				rounds := [][]string{nil}
				var waits []time.Duration
				last := time.Now()
				config.DialFunc = func(_ context.Context, _, address string) (net.Conn, error) {
					if wait := time.Since(last); wait > 0 {
						rounds, waits = append(rounds, nil), append(waits, wait)
					}
					last = time.Now()
					rounds[len(rounds)-1] = append(rounds[len(rounds)-1], address)
					return nil, errors.New("refused")
				}
				config.Tracer = tracer{}
				retryConnect(config)
				if _, err := pgx.ConnectConfig(t.Context(), config); err == nil {
					t.Fatal("connected to nothing")
				}

				if len(rounds) != 5 {
					t.Fatalf("dialled in %d rounds, want 5: %v", len(rounds), rounds)
				}
				for i, got := range rounds {
					if !slices.Equal(got, round) {
						t.Errorf("round %d: dialled %v, want %v", i+1, got, round)
					}
				}
				most := 100 * time.Millisecond
				for i, got := range waits {
					if got < most/2 || got > most {
						t.Errorf("waited %s before round %d, want %s to %s", got, i+2, most/2, most)
					}
					most *= 2
				}
			})
		})
	}
}
