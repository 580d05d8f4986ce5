package postgres_test

import (
	"context"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"aksio.app/scripts/internal/postgres"
)

func TestTemporary(t *testing.T) {
	alone(t)
	server := start(t, postgres.Options{Fast: true})
	data := query[string](t, server.URL, "SHOW data_directory")
	if got := query[string](t, server.URL, "SHOW fsync"); got != "off" {
		t.Errorf("a fast server has fsync %s", got)
	}
	exec(t, server.URL, "CREATE EXTENSION vector", "CREATE DATABASE another")
	if got := query[float64](t, server.URL, "SELECT '[3,4]'::halfvec(2) <-> '[0,0]'"); got != 5 {
		t.Errorf("the distance by pgvector is %v, want 5", got)
	}

	stop(t, server)
	stop(t, server) // does nothing
	if reachable(t, server.URL) {
		t.Error("a stopped server still answers")
	}
	if _, err := os.Stat(filepath.Dir(data)); !os.IsNotExist(err) {
		t.Errorf("%s is left behind: %v", filepath.Dir(data), err)
	}
}

// What is kept is there at the next start, whatever happened in between.
func TestKept(t *testing.T) {
	for _, tc := range []struct {
		name     string
		between  func(t *testing.T, dir, address string)
		samePort bool
	}{
		{"stopped", func(*testing.T, string, string) {}, true},
		{"an id of a process that is gone", leaveMark("999999999"), true},
		{"an id that is another's now", leaveMark("1"), true},
		{"a broken mark", leaveMark("none"), true},
		{"its port is taken", takePort, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			alone(t)
			dir := openDir(t)
			first := start(t, postgres.Options{Dir: dir})
			if got := query[string](t, first.URL, "SHOW fsync"); got != "on" {
				t.Errorf("a server that isn't fast has fsync %s", got)
			}
			exec(t, first.URL, "CREATE TABLE kept AS SELECT 42 AS answer")
			stop(t, first)
			if log, err := os.ReadFile(filepath.Join(dir, "postgres.log")); !strings.Contains(string(log), "fast shutdown") {
				t.Errorf("the server wasn't shut down in order: %v, its log is %s", err, log)
			}
			tc.between(t, dir, first.URL)

			second := start(t, postgres.Options{Dir: dir})
			if got := query[int](t, second.URL, "SELECT answer FROM kept"); got != 42 {
				t.Errorf("kept %d, want 42", got)
			}
			if (second.URL == first.URL) != tc.samePort {
				t.Errorf("first at %s, then at %s; want the same: %v", first.URL, second.URL, tc.samePort)
			}
		})
	}
}

func TestKilled(t *testing.T) {
	alone(t)
	dir := openDir(t)
	first := start(t, postgres.Options{Dir: dir})
	exec(t, first.URL, "CREATE TABLE kept AS SELECT 42 AS answer")
	mark, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	kill(t, strings.Fields(string(mark))[0], syscall.SIGKILL)
	stop(t, first)
	second := start(t, postgres.Options{Dir: dir})
	if got := query[int](t, second.URL, "SELECT answer FROM kept"); got != 42 {
		t.Errorf("kept %d, want 42", got)
	}
}

// A killed server's processes may take their time to end; one that is stopped doesn't end at all.
func TestKilledServerLingers(t *testing.T) {
	alone(t)
	dir := openDir(t)
	first := start(t, postgres.Options{Dir: dir})
	left := query[int](t, first.URL, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'")
	mark, err := os.ReadFile(filepath.Join(dir, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	kill(t, strconv.Itoa(left), syscall.SIGSTOP)
	goOn := func() { _ = syscall.Kill(left, syscall.SIGCONT) }
	t.Cleanup(goOn)
	kill(t, strings.Fields(string(mark))[0], syscall.SIGKILL)
	stop(t, first)
	waited := false
	start(t, postgres.Options{Dir: dir, Progress: func(line string) {
		if strings.HasPrefix(line, "waiting for") {
			waited = true
			goOn()
		}
	}})
	if !waited {
		t.Error("it didn't wait for the old server's process, which this test wants to be there")
	}
}

// Several starts at once share one server, and whoever adopted it can end it.
func TestAtOnce(t *testing.T) {
	alone(t)
	dir := openDir(t)
	servers := make([]*postgres.Server, 3)
	errs := make([]error, len(servers))
	var group sync.WaitGroup
	for i := range servers {
		group.Go(func() { servers[i], errs[i] = postgres.Start(t.Context(), postgres.Options{Dir: dir, Fast: true}) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	for _, server := range servers {
		if server.URL != servers[0].URL {
			t.Errorf("one start is at %s, another at %s", servers[0].URL, server.URL)
		}
	}
	stop(t, servers[len(servers)-1])
	if reachable(t, servers[0].URL) {
		t.Error("a stop of one that was adopted didn't end the server")
	}
}

func TestGiven(t *testing.T) {
	alone(t)
	running := start(t, postgres.Options{Fast: true})
	t.Setenv("DATABASE_URL", running.URL)
	given := start(t, postgres.Options{Fast: true})
	if given.URL != running.URL {
		t.Errorf("started %s, want the given %s", given.URL, running.URL)
	}
	stop(t, given)
	if !reachable(t, running.URL) {
		t.Error("the given server was ended")
	}
}

func TestUnusable(t *testing.T) {
	alone(t)
	running := start(t, postgres.Options{Fast: true})
	exec(t, running.URL, "CREATE ROLE somebody LOGIN")
	for _, tc := range []struct{ name, address, reason string }{
		{"nobody listens", "postgres://postgres@127.0.0.1:1/postgres", "refused"},
		{"no superuser", strings.Replace(running.URL, "postgres@", "somebody@", 1), "no superuser"},
		{"no address", "postgres://:::", "write postgres://"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Setenv("DATABASE_URL", tc.address)
			var lines []string
			own := start(t, postgres.Options{Fast: true, Progress: func(line string) { lines = append(lines, line) }})
			if own.URL == tc.address || !reachable(t, own.URL) {
				t.Errorf("started %s, want a server of its own", own.URL)
			}
			tells := func(line string) bool {
				return strings.Contains(line, "DATABASE_URL") && strings.Contains(line, tc.reason)
			}
			if !slices.ContainsFunc(lines, tells) {
				t.Errorf("told %q, want why: %s", lines, tc.reason)
			}
		})
	}
}

func TestCanceled(t *testing.T) {
	alone(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if server, err := postgres.Start(ctx, postgres.Options{Fast: true}); err == nil {
		stop(t, server)
		t.Error("started though the context had ended")
	}
}

// Root's servers run as the user postgres, which may not be allowed where the data should be.
func TestClosedDirectory(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root's servers run as another user: run as root")
	}
	alone(t)
	dir := t.TempDir() // below a directory that only its owner enters
	first := start(t, postgres.Options{Dir: dir, Fast: true})
	data := query[string](t, first.URL, "SHOW data_directory")
	t.Cleanup(func() { os.RemoveAll(filepath.Dir(data)) })
	exec(t, first.URL, "CREATE TABLE kept AS SELECT 42 AS answer")
	stop(t, first)
	second := start(t, postgres.Options{Dir: dir, Fast: true})
	if got := query[string](t, second.URL, "SHOW data_directory"); got != data {
		t.Errorf("first the data was in %s, then in %s", data, got)
	}
}

// alone has the test run this machine's own PostgreSQL.
func alone(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
}

func start(t *testing.T, options postgres.Options) *postgres.Server {
	t.Helper()
	if options.Progress == nil {
		options.Progress = func(line string) { t.Log(line) }
	}
	server, err := postgres.Start(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server) })
	return server
}

func stop(t *testing.T, server *postgres.Server) {
	t.Helper()
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}

// openDir is a directory that every user can enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "aksio-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func leaveMark(pid string) func(*testing.T, string, string) {
	return func(t *testing.T, dir, _ string) {
		data := filepath.Join(dir, "data")
		mark := strings.Join([]string{pid, data, "1700000000", "1", "", "127.0.0.1", "", "ready", ""}, "\n")
		if err := os.WriteFile(filepath.Join(data, "postmaster.pid"), []byte(mark), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func takePort(t *testing.T, _, address string) {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
}

func kill(t *testing.T, pid string, signal syscall.Signal) {
	t.Helper()
	id, err := strconv.Atoi(pid)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(id, signal); err != nil {
		t.Fatal(err)
	}
}

func reachable(t *testing.T, address string) bool {
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		return false
	}
	conn.Close(t.Context())
	return true
}

func exec(t *testing.T, address string, statements ...string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for _, statement := range statements {
		if _, err := conn.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
}

func query[T any](t *testing.T, address, statement string) T {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var value T
	if err := conn.QueryRow(t.Context(), statement).Scan(&value); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}
