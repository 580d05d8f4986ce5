package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
)

// TestMain lets the test's own binary be the command, too.
func TestMain(m *testing.M) {
	if os.Getenv("BE_WITH") != "" {
		main()
	}
	os.Exit(m.Run())
}

func TestStatus(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name string
		args []string
		want int
	}{
		{"success", []string{"--", "true"}, 0},
		{"without dashes", []string{"true"}, 0},
		{"failure", []string{"--", "sh", "-c", "exit 7"}, 7},
		{"killed", []string{"--", "sh", "-c", "kill -KILL $$"}, 137},
		{"no such command", []string{"--", "no-such-command-here"}, 127},
		{"no command", []string{"--"}, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			cmd := command(t, tc.args...)
			output, _ := cmd.CombinedOutput() // the status tells
			if got := cmd.ProcessState.ExitCode(); got != tc.want {
				t.Errorf("status %d, want %d; it said: %s", got, tc.want, output)
			}
		})
	}
}

// The services answer as long as the command runs, and no longer; a signal reaches the command first.
func TestServices(t *testing.T) {
	t.Parallel()
	cmd := command(t, "--", "sh", "-c", `
		trap 'echo told; exit 5' TERM
		echo "$DATABASE_URL"; echo "$STORAGE_EMULATOR_HOST"
		while :; do sleep 0.05; done`)
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	output := bufio.NewReader(stdout)
	database, storage := line(t, output), line(t, output)
	if err := makeDatabase(t, database); err != nil {
		t.Errorf("the database doesn't work: %v", err)
	}
	if err := listBuckets(storage); err != nil {
		t.Errorf("the storage doesn't work: %v", err)
	}

	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(output)
	if err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // the status tells
	if got := strings.TrimSpace(string(rest)); got != "told" {
		t.Errorf("at SIGTERM the command said %q, want %q", got, "told")
	}
	if got := cmd.ProcessState.ExitCode(); got != 5 {
		t.Errorf("status %d, want the command's 5", got)
	}
	if makeDatabase(t, database) == nil || listBuckets(storage) == nil {
		t.Error("services go on after the command")
	}
}

// command prepares this command, with services of its own but for the emulator, which takes long to begin.
func command(t *testing.T, args ...string) *exec.Cmd {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Env = append(os.Environ(), "BE_WITH=1", "DATABASE_URL=", "STORAGE_EMULATOR_HOST=", "FIRESTORE_EMULATOR_HOST=127.0.0.1:1")
	return cmd
}

func line(t *testing.T, from *bufio.Reader) string {
	t.Helper()
	text, err := from.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(text)
}

func makeDatabase(t *testing.T, address string) error {
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		return err
	}
	defer conn.Close(t.Context())
	_, err = conn.Exec(t.Context(), "CREATE DATABASE another")
	return err
}

func listBuckets(address string) error {
	response, err := http.Get(address + "/storage/v1/b?project=test")
	if err != nil {
		return err
	}
	return response.Body.Close()
}
