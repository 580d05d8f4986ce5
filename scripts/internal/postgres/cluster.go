package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"aksio.app/scripts/internal/child"
)

// A busy machine needs its time to recover what a crash left.
const startLimit = time.Minute

// lingering is what PostgreSQL says while processes of a server on the same data still end
// that was killed, which take lingerLimit at most.
const (
	lingering   = "pre-existing shared memory block"
	lingerLimit = 15 * time.Second
)

// startCluster runs the home's data with this machine's own PostgreSQL.
func startCluster(ctx context.Context, home home, options Options) (*Server, error) {
	var major int
	for _, dir := range []string{home.dir, home.elsewhere()} {
		major = max(major, version(filepath.Join(dir, "data")))
	}
	programs, err := choose(ctx, major, options.Progress)
	if err != nil {
		return nil, err
	}
	who, err := runner(ctx, options.Progress)
	if err != nil {
		return nil, err
	}
	data, err := home.place(ctx, who)
	if err != nil {
		return nil, err
	}
	c := cluster{programs: programs, who: who, home: home, data: data, fast: options.Fast}
	server, err := c.adopt(ctx)
	if err == nil && server == nil {
		if err = ensureVector(ctx, programs, options.Progress); err == nil {
			server, err = c.start(ctx, options.Progress)
		}
	}
	if err != nil {
		return nil, err
	}
	if err := usable(ctx, server.URL); err != nil {
		return nil, errors.Join(fmt.Errorf("the PostgreSQL of %s: %w", programs.dir, err), server.Stop())
	}
	return server, nil
}

// cluster is a data directory and who runs it.
type cluster struct {
	programs binaries
	who      account
	home     home
	data     string
	fast     bool
}

// start makes the data if there is none and runs the server on it.
func (c cluster) start(ctx context.Context, progress func(string)) (*Server, error) {
	if version(c.data) == 0 {
		progress("making a PostgreSQL cluster in " + c.data)
		if err := c.initialize(ctx); err != nil {
			return nil, err
		}
	}
	port, err := c.port()
	if err != nil {
		return nil, err
	}
	progress(fmt.Sprintf("starting PostgreSQL %d on port %d", c.programs.major, port))
	server, err := c.launch(ctx, port)
	lingers := func() bool { return err != nil && strings.Contains(err.Error(), lingering) }
	if lingers() {
		progress("waiting for the processes of a killed PostgreSQL to end")
	}
	for began := time.Now(); lingers() && time.Since(began) < lingerLimit; server, err = c.launch(ctx, port) {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
	return server, err
}

// launch runs the server and waits until it answers.
func (c cluster) launch(ctx context.Context, port int) (*Server, error) {
	log, err := os.OpenFile(c.log(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	defer log.Close()
	cmd := c.who.command(c.data, c.programs.path("postgres"), c.arguments(port)...)
	cmd.Stdout, cmd.Stderr = log, log
	ended := make(chan struct{})
	if err := child.Start(cmd, ending(c.fast), func(error) { close(ended) }); err != nil { // its log tells more
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	isOver := func() bool {
		select {
		case <-ended:
			return true
		default:
			return false
		}
	}
	server := &Server{URL: address(port), stop: func() error { return errors.Join(stop(cmd.Process, isOver, c.fast), c.home.discard()) }}
	failed := func() error {
		if isOver() {
			return fmt.Errorf("it ended: %s", lastWords(c.log()))
		}
		return nil
	}
	if err := await(ctx, server.URL, startLimit, failed); err != nil {
		return nil, errors.Join(fmt.Errorf("PostgreSQL doesn't start: %w; its log is %s", err, c.log()), stop(cmd.Process, isOver, c.fast))
	}
	return server, nil
}

// initialize makes the cluster. Everybody on this machine may connect: it holds nothing but tests and demonstrations.
func (c cluster) initialize(ctx context.Context) error {
	locale := "C.UTF-8"
	if runtime.GOOS == "darwin" {
		locale = "en_US.UTF-8" // has no C.UTF-8
	}
	_, err := run(ctx, 2*time.Minute, c.who.command(c.data, c.programs.path("initdb"),
		"--pgdata", c.data, "--username", "postgres", "--auth", "trust", "--encoding", "UTF8", "--locale", locale, "--no-sync"))
	if err != nil {
		return fmt.Errorf("make a PostgreSQL cluster: %w", err)
	}
	return nil
}

func (c cluster) arguments(port int) []string {
	settings := []string{
		"listen_addresses=127.0.0.1",
		"unix_socket_directories=", // their paths may be too long for the system
		"max_connections=200",
		"timezone=UTC",
	}
	if c.fast {
		settings = append(settings, "fsync=off", "synchronous_commit=off", "full_page_writes=off",
			"wal_level=minimal", "max_wal_senders=0", "max_wal_size=4GB")
	}
	args := []string{"-D", c.data, "-p", strconv.Itoa(port)}
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	return args
}

func (c cluster) log() string { return filepath.Join(c.home.dir, "postgres.log") }

func address(port int) string {
	return fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable", port)
}

// lastWords is what the log says about why a server ended.
func lastWords(log string) string {
	text, err := os.ReadFile(log)
	if err != nil {
		return err.Error()
	}
	if i := strings.LastIndex(string(text), "FATAL:"); i >= 0 {
		reason, _, _ := strings.Cut(string(text[i:]), "\n")
		return reason
	}
	return lastLine(string(text))
}

// ending is the signal that ends a server and its sessions; at once if nobody needs its
// data any more.
func ending(discard bool) syscall.Signal {
	if discard {
		return syscall.SIGQUIT
	}
	return syscall.SIGINT
}

// stop ends the server.
func stop(server *os.Process, isOver func() bool, discard bool) error {
	for _, signal := range []syscall.Signal{ending(discard), syscall.SIGQUIT, syscall.SIGKILL} {
		_ = server.Signal(signal) // fails only if it has ended
		for range 1000 {
			if isOver() {
				return nil
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	return fmt.Errorf("PostgreSQL doesn't end; end its process yourself: %d", server.Pid)
}
