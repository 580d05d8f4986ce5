// Package firestore starts the Firestore emulator that live topics use in development and tests.
package firestore

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"aksio.app/scripts/internal/child"
	"aksio.app/scripts/internal/port"
)

// ErrAbsent says that this machine has no Firestore emulator: no Java, or no emulator in the gcloud SDK.
var ErrAbsent = errors.New("no Firestore emulator here: install Java 21 or newer and run `gcloud components install cloud-firestore-emulator`")

// mainClass is what the SDK's own script runs: the jar names none.
const mainClass = "com.google.cloud.datastore.emulator.firestore.CloudFirestore"

// Java takes seconds to begin, on a busy machine many.
const startTimeout = 90 * time.Second

// Options say how Start works.
type Options struct {
	Address  string       // host:port of an emulator that someone else runs; "" runs one
	Progress func(string) // one line for each step; nil is silent
}

// Server is an emulator that answers.
type Server struct {
	Address string // host:port, for FIRESTORE_EMULATOR_HOST

	command *exec.Cmd // nil when someone else runs it
	exited  chan error
	once    sync.Once
}

// Start uses the given emulator, else runs the installed one.
// Its error is ErrAbsent where there is none. The context bounds only the start.
func Start(ctx context.Context, options Options) (*Server, error) {
	if options.Address != "" {
		return &Server{Address: options.Address}, nil
	}
	java, err := exec.LookPath("java")
	if err != nil {
		return nil, ErrAbsent
	}
	jar, err := findJar()
	if err != nil {
		return nil, err
	}
	free, err := port.Free(0)
	if err != nil {
		return nil, err
	}
	if options.Progress != nil {
		options.Progress("starting the Firestore emulator")
	}
	s := &Server{Address: net.JoinHostPort("127.0.0.1", strconv.Itoa(free)), exited: make(chan error, 1)}
	output := new(tail)
	s.command = exec.Command(java, "-Duser.language=en", "-cp", jar, mainClass,
		"--host", "127.0.0.1", "--port", strconv.Itoa(free), "--database-mode=firestore-native")
	s.command.Stdout, s.command.Stderr = output, output
	if err := child.Start(s.command, syscall.SIGTERM, func(err error) { s.exited <- err }); err != nil {
		return nil, fmt.Errorf("start the Firestore emulator: %w", err)
	}
	if err := s.wait(ctx); err != nil {
		s.Stop()
		return nil, fmt.Errorf("the Firestore emulator doesn't start: %w; its last output: %s", err, output)
	}
	return s, nil
}

// wait returns when the emulator answers HTTP.
func (s *Server) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		if answers(ctx, s.Address) {
			return nil
		}
		select {
		case err := <-s.exited:
			s.exited <- err // for Stop
			return fmt.Errorf("it ended (%v)", err)
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func answers(ctx context.Context, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+address+"/", nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// Stop ends the emulator if Start began it. A second call does nothing.
func (s *Server) Stop() {
	if s.command == nil {
		return
	}
	s.once.Do(func() {
		group := -s.command.Process.Pid
		_ = syscall.Kill(group, syscall.SIGTERM)
		select {
		case <-s.exited:
		case <-time.After(5 * time.Second):
			_ = syscall.Kill(group, syscall.SIGKILL)
			<-s.exited
		}
	})
}
