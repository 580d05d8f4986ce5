// Command with runs a command that needs real services, such as the tests.
//
//	go run ./scripts/with -- go test ./shared/...
//
// It finds or starts PostgreSQL, the Firestore emulator where one is installed, and a
// Cloud Storage, and tells the command by DATABASE_URL, FIRESTORE_EMULATOR_HOST and
// STORAGE_EMULATOR_HOST where they are. A service that such a variable names already is used.
// What with started ends with the command, and its data with it. Compiled PDFium is kept
// from one command to the next, where EXTRACT_CACHE says or among the user's caches: each
// process of tests would take seconds for it.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	args := os.Args[1:]
	if len(args) > 0 && args[0] == "--" {
		args = args[1:]
	}
	if len(args) == 0 {
		fmt.Fprintln(os.Stderr, "with: say what to run: go run ./scripts/with -- <command> [argument…]")
		os.Exit(2)
	}
	status, err := with(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "with:", err)
	}
	os.Exit(status)
}

// with runs the command among its services and returns its exit status.
func with(args []string) (status int, err error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	starting, cancel := context.WithCancel(context.Background())
	defer cancel()
	interrupted := cancelAt(starting, signals, cancel)

	services, err := start(starting, func(line string) { fmt.Fprintln(os.Stderr, "with:", line) })
	defer func() { err = errors.Join(err, services.stop()) }()
	if caught := interrupted(); caught != nil {
		return statusOf(caught), nil
	}
	if err != nil {
		return 1, err
	}
	return run(args, services.environment, signals)
}

// cancelAt cancels the context at a signal. The returned function ends that and tells the signal, if there was one.
func cancelAt(ctx context.Context, signals <-chan os.Signal, cancel func()) func() os.Signal {
	done, end := context.WithCancel(ctx)
	caught := make(chan os.Signal, 1)
	go func() {
		select {
		case s := <-signals:
			cancel()
			caught <- s
		case <-done.Done():
			caught <- nil
		}
	}()
	return func() os.Signal {
		end()
		return <-caught
	}
}
