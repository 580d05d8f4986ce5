package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A busy machine needs its time to recover what a crash left.
const startLimit = time.Minute

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
	log, err := os.OpenFile(c.log(), os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o644)
	if err != nil {
		return nil, fmt.Errorf("open PostgreSQL's log: %w", err)
	}
	defer log.Close()
	cmd := c.who.command(c.data, c.programs.path("postgres"), c.arguments(port)...)
	cmd.Stdout, cmd.Stderr = log, log
	// Its own group, so that Ctrl-C reaches it through Stop only, after those who use it.
	cmd.SysProcAttr.Setpgid = true
	if c.fast {
		endWithParent(cmd.SysProcAttr)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start PostgreSQL: %w", err)
	}
	p := &process{cmd: cmd, ended: make(chan struct{})}
	go p.wait()
	server := &Server{URL: address(port), stop: func() error { return errors.Join(p.stop(c.fast), c.home.discard()) }}
	failed := func() error {
		select {
		case <-p.ended:
			return fmt.Errorf("it ended: %s", lastWords(c.log()))
		default:
			return nil
		}
	}
	if err := await(ctx, server.URL, startLimit, failed); err != nil {
		return nil, errors.Join(fmt.Errorf("PostgreSQL doesn't start: %w; its log is %s", err, c.log()), p.stop(c.fast))
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

// process is a server that this process started.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
}

func (p *process) wait() {
	_ = p.cmd.Wait() // its log tells more than its status
	close(p.ended)
}

// stop ends the server and its sessions; at once if nobody needs its data any more.
func (p *process) stop(discard bool) error {
	signal := syscall.SIGINT
	if discard {
		signal = syscall.SIGQUIT
	}
	for _, signal := range []syscall.Signal{signal, syscall.SIGQUIT, syscall.SIGKILL} {
		_ = p.cmd.Process.Signal(signal) // fails only if it has ended
		select {
		case <-p.ended:
			return nil
		case <-time.After(10 * time.Second):
		}
	}
	return errors.New("PostgreSQL doesn't end; end its process yourself: " + strconv.Itoa(p.cmd.Process.Pid))
}
