// Package stack runs the whole platform on one machine: every function behind
// one gateway, with what the cloud has around them. It serves the same code as
// the cloud; only the services behind it are local ones.
package stack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"slices"
	"time"

	"aksio.app/scripts/internal/lockfile"
	"aksio.app/shared/api"
	"aksio.app/shared/resource"
)

// Config says how to run a stack.
type Config struct {
	Dir      string            // for what outlives a run: the database, uploads, keys
	Port     int               // of the gateway on 127.0.0.1; private functions get the next one. 0 takes any that are free
	Settings map[string]string // the functions' settings, such as OPENAI_API_KEY; what is missing is filled in
	Log      *slog.Logger      // for deliveries and schedules

	Progress func(step, result string, took time.Duration) // called after each step; nil is silent
	Detail   func(line string)                             // called within steps that take long, by several at once; nil is silent
}

// Stack is the running platform.
type Stack struct {
	Address   string // of the API, http://127.0.0.1:8080
	Private   string // where private functions are called
	Storage   string // the bucket server
	Firestore string // the emulator's host:port; empty if live events are kept in memory
	Settings  map[string]string

	process *resource.Process
	courier *courier
	failed  chan error
	closers []func() error // the last one is closed first
}

// Start runs the platform. Every function is set up before anything is served:
// a setting that can't work is found here and not by the first call.
func Start(ctx context.Context, config Config) (*Stack, error) {
	s := &Stack{Settings: map[string]string{}, failed: make(chan error, 2)}
	if err := s.start(ctx, config); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Stack) start(ctx context.Context, config Config) error {
	if config.Progress == nil {
		config.Progress = func(string, string, time.Duration) {}
	}
	if config.Detail == nil {
		config.Detail = func(string) {}
	}
	// Taken before anything is started: most failures are a port that is taken, or a
	// second start beside the first.
	release, err := lockfile.Lock(config.Dir)
	if err != nil {
		return err
	}
	s.onClose(release)
	public, private, err := listen(config.Port)
	if err != nil {
		return err
	}
	s.onClose(func() error { return ignoreClosed(public.Close()) })
	s.onClose(func() error { return ignoreClosed(private.Close()) })
	s.Address, s.Private = "http://"+public.Addr().String(), "http://"+private.Addr().String()

	courier, err := newCourier(s.Private, filepath.Join(config.Dir, "events"), config.Log)
	if err != nil {
		return err
	}
	s.courier = courier
	if err := s.open(ctx, config, courier.deliver); err != nil {
		return err
	}

	began := time.Now()
	s.process = resource.NewProcess(s.Settings)
	if err := check(s.process); err != nil {
		return err
	}
	if err := s.awaitLive(ctx); err != nil {
		return err
	}
	gateway := api.NewGateway(s.process)
	document, err := api.Document()
	if err != nil {
		return err
	}
	s.serve(private, atHome(gateway.Internal))
	s.serve(public, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/openapi.json" {
			gateway.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Access-Control-Allow-Origin", "*") // for pages that show it
		w.Write(document)
	}))
	s.onClose(courier.close)
	courier.resume()
	config.Progress("functions", fmt.Sprintf("%d are served", len(api.Declared())), time.Since(began))

	began = time.Now()
	schedules, err := startSchedules(s.Private, config.Log)
	if err != nil {
		return err
	}
	s.onClose(schedules.close)
	config.Progress("schedules", fmt.Sprintf("%d are kept", schedules.count), time.Since(began))
	return nil
}

// Failed receives an error if the stack stops serving by itself.
func (s *Stack) Failed() <-chan error { return s.failed }

// Delivered waits until functions have taken every event so far, also those that come
// twice. Nothing may be uploaded meanwhile.
func (s *Stack) Delivered(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		s.courier.going.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close stops what Start started, the last first. Calls that run get 5 seconds to end.
func (s *Stack) Close() error {
	var errs []error
	for _, closer := range slices.Backward(s.closers) {
		errs = append(errs, closer())
	}
	s.closers = nil
	return errors.Join(errs...)
}

func (s *Stack) onClose(closer func() error) { s.closers = append(s.closers, closer) }

// serve answers calls on the listener until the stack is closed.
func (s *Stack) serve(listener net.Listener, handler http.Handler) {
	// No time limit on writing: event streams last as long as somebody listens.
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- fmt.Errorf("serve %s: %w", listener.Addr(), err)
		}
	}()
	s.onClose(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if server.Shutdown(ctx) != nil { // somebody still listens to events
			return server.Close()
		}
		return nil
	})
}
