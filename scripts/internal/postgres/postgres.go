// Package postgres finds or starts the PostgreSQL with pgvector that development and tests use.
package postgres

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"time"
)

// Options say which server Start runs.
type Options struct {
	Dir      string       // where data, log and port are kept; "" is a temporary one that Stop removes
	Fast     bool         // gives up surviving a crash of the machine; for tests
	Progress func(string) // one line for each step; nil is silent
}

// Server is a PostgreSQL that accepts connections.
type Server struct {
	URL string // for DATABASE_URL; a superuser of the database "postgres"

	stop func() error // nil if DATABASE_URL named it
}

// Start uses the server that DATABASE_URL names if it is reachable, else runs one in Docker,
// else one of this machine's own binaries, which it installs if need be.
// A server of the same Dir that an earlier process left running is adopted. The context bounds only the start.
func Start(ctx context.Context, options Options) (*Server, error) {
	if options.Progress == nil {
		options.Progress = func(string) {}
	}
	if address := os.Getenv("DATABASE_URL"); address != "" {
		err := usable(ctx, address)
		if err == nil {
			return &Server{URL: address}, nil
		}
		options.Progress(fmt.Sprintf("not using the server of DATABASE_URL: %v", err))
	}
	home, err := newHome(options)
	if err != nil {
		return nil, err
	}
	server, err := start(ctx, home, options)
	if err != nil {
		home.discard()
		return nil, err
	}
	return server, nil
}

func start(ctx context.Context, home home, options Options) (*Server, error) {
	unlock, err := home.lock(ctx, options.Progress)
	if err != nil {
		return nil, err
	}
	defer unlock()
	// Docker may come and go: data that was begun by own binaries stays with them.
	if !home.hasCluster() && dockerRuns(ctx) {
		server, err := startContainer(ctx, home, options)
		if err == nil {
			return server, nil
		}
		options.Progress(fmt.Sprintf("not using Docker: %v", err))
	}
	return startCluster(ctx, home, options)
}

// Stop ends the server, an adopted one, too; one of the environment goes on.
// A second call does nothing.
func (s *Server) Stop() error {
	if s.stop == nil {
		return nil
	}
	stop := s.stop
	s.stop = nil
	return stop()
}

// await returns when the server of the address can be used, or with the reason why it
// isn't when the time is over or failed gives one.
func await(ctx context.Context, address string, limit time.Duration, failed func() error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var last error
	for {
		err := ping(ctx, address)
		if err == nil {
			return nil
		}
		if failure := failed(); failure != nil {
			return failure
		}
		if ctx.Err() == nil {
			last = err // the later ones only say that the time is over
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it doesn't answer within %v: %w", limit, cmp.Or(last, err))
		case <-time.After(50 * time.Millisecond):
		}
	}
}
