package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// run carries out the command with the environment added to this process's own, and returns its status as a
// shell would. Signals go on to the command, which decides what to do, and are waited for.
func run(args, environment []string, signals <-chan os.Signal) (int, error) {
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), environment...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		return 127, fmt.Errorf("run %s: %w", args[0], err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		select {
		case s := <-signals:
			// A terminal sends Ctrl-C to the command, too: a second one would break off its tidying up.
			if s != os.Interrupt {
				_ = cmd.Process.Signal(s) // fails only if it has ended
			}
		case err := <-ended:
			return exitStatus(cmd.ProcessState), unlessExit(err)
		}
	}
}

func exitStatus(state *os.ProcessState) int {
	if status, ok := state.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return statusOf(status.Signal())
	}
	return state.ExitCode()
}

// statusOf is how a shell reports that a signal ended a command.
func statusOf(s os.Signal) int {
	if number, ok := s.(syscall.Signal); ok {
		return 128 + int(number)
	}
	return 1
}

// unlessExit drops the error that only says that the command failed: its status tells that.
func unlessExit(err error) error {
	if errors.As(err, new(*exec.ExitError)) {
		return nil
	}
	return err
}
