package postgres_test

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aksio.app/scripts/internal/postgres"
)

// The engine is played by a script, as few machines that test have one: it notes what it is
// told and publishes the port of a real server.
func TestDocker(t *testing.T) {
	alone(t)
	running := start(t, postgres.Options{Fast: true})
	for _, tc := range []struct {
		name    string
		running bool // the container of the same directory runs already
		fast    bool
		calls   []string // how each begins
	}{
		{"fast", false, true, []string{"info", "inspect", "rm", "run --detach", "port", "stop", "rm"}},
		{"kept", false, false, []string{"info", "inspect", "rm", "run --detach", "port", "stop", "rm"}},
		{"adopted", true, false, []string{"info", "inspect", "port", "stop", "rm"}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			log := engine(t, running.URL, tc.running)
			server := start(t, postgres.Options{Dir: openDir(t), Fast: tc.fast})
			if server.URL != running.URL {
				t.Errorf("the server is at %s, want what Docker publishes, %s", server.URL, running.URL)
			}
			stop(t, server)

			text, err := os.ReadFile(log)
			if err != nil {
				t.Fatal(err)
			}
			calls := strings.Split(strings.TrimSpace(string(text)), "\n")
			if len(calls) != len(tc.calls) {
				t.Fatalf("docker was told %q, want %q", calls, tc.calls)
			}
			for i, call := range calls {
				if !strings.HasPrefix(call, tc.calls[i]) {
					t.Errorf("call %d is %q, want %q", i, call, tc.calls[i])
				}
			}
			if kept := strings.Contains(string(text), "--volume "); kept == tc.fast && !tc.running {
				t.Errorf("data in a volume: %v, want it only for a server that isn't fast: %s", kept, text)
			}
		})
	}
}

// A Docker that can't start the container doesn't keep PostgreSQL from being started otherwise.
func TestBrokenDocker(t *testing.T) {
	alone(t)
	dir := t.TempDir()
	script := "#!/bin/sh\n[ \"$1\" = info ] || { echo 'no such host' >&2; exit 1; }\n"
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	var told strings.Builder
	server := start(t, postgres.Options{Fast: true, Progress: func(line string) { fmt.Fprintln(&told, line) }})
	if !reachable(t, server.URL) {
		t.Error("the server doesn't answer")
	}
	if !strings.Contains(told.String(), "not using Docker: docker: no such host") {
		t.Errorf("told %q, want why Docker isn't used", told.String())
	}
}

// engine puts a docker into PATH, and returns where it notes its calls.
func engine(t *testing.T, address string, running bool) (log string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	log = filepath.Join(dir, "log")
	script := fmt.Sprintf(`#!/bin/sh
echo "$@" >>%q
case "$1" in
inspect) %v && echo true || exit 1 ;;
port) echo %s ;;
esac
`, log, running, u.Host)
	if err := os.WriteFile(filepath.Join(dir, "docker"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	return log
}
