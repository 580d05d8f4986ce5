package postgres

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"aksio.app/scripts/internal/port"
)

// adopt returns the server that an earlier process left running on the data, if one did. It removes the mark
// of one that was killed, which could keep a new one from starting.
func (c cluster) adopt(ctx context.Context) (*Server, error) {
	mark := filepath.Join(c.data, "postmaster.pid")
	text, err := os.ReadFile(mark)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read PostgreSQL's process id: %w", err)
	}
	lines := strings.Split(string(text), "\n") // process id, data directory, start, port, …
	if len(lines) < 4 || !isPostgres(ctx, lines[0]) {
		if err := os.Remove(mark); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("remove what a killed PostgreSQL left: %w", err)
		}
		return nil, nil
	}
	port, err := strconv.Atoi(lines[3])
	if err != nil {
		return nil, fmt.Errorf("%s names no port; remove it if no PostgreSQL runs", mark)
	}
	pid, err := strconv.Atoi(lines[0])
	if err != nil {
		return nil, fmt.Errorf("%s names no process; remove it if no PostgreSQL runs", mark)
	}
	process, err := os.FindProcess(pid)
	if err != nil {
		return nil, fmt.Errorf("find PostgreSQL's process: %w", err)
	}
	isOver := func() bool {
		_, err := os.Stat(mark) // it removes it, and may be known as ended for long
		return errors.Is(err, fs.ErrNotExist) || !isPostgres(context.Background(), lines[0])
	}
	server := &Server{URL: address(port), stop: func() error { return errors.Join(stop(process, isOver, c.fast), c.home.discard()) }}
	gone := func() error {
		if isOver() {
			return errors.New("it ended")
		}
		return nil
	}
	if err := await(ctx, server.URL, startLimit, gone); err != nil {
		if gone() != nil {
			return nil, nil // it was just ending
		}
		return nil, fmt.Errorf("process %s runs PostgreSQL on %s but can't be reached: %w; end it", lines[0], c.data, err)
	}
	return server, nil
}

// isPostgres tells whether the process runs and is a PostgreSQL server: after a crash its
// id may be somebody else's.
func isPostgres(ctx context.Context, pid string) bool {
	if _, err := strconv.Atoi(pid); err != nil {
		return false
	}
	name, err := os.ReadFile(filepath.Join("/proc", pid, "comm"))
	if _, noProc := os.Stat("/proc/self"); noProc != nil { // not Linux
		var text string
		text, err = run(ctx, quickly, exec.Command("ps", "-p", pid, "-o", "comm="))
		name = []byte(filepath.Base(text))
	}
	return err == nil && strings.HasPrefix(string(name), "post") // postgres, once postmaster
}

// port returns the port of the last run if it is free, so that open tools go on working; else any that is.
func (c cluster) port() (int, error) {
	file := filepath.Join(c.home.dir, "port")
	if text, err := os.ReadFile(file); err == nil {
		last, err := strconv.Atoi(strings.TrimSpace(string(text)))
		if err == nil {
			last, err = port.Free(last)
		}
		if err == nil {
			return last, nil
		}
	}
	free, err := port.Free(0)
	if err != nil {
		return 0, err
	}
	if err := os.WriteFile(file, fmt.Appendln(nil, free), 0o644); err != nil {
		return 0, fmt.Errorf("remember PostgreSQL's port: %w", err)
	}
	return free, nil
}
