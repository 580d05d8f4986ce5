package child_test

import (
	"io"
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"aksio.app/scripts/internal/child"
)

// TestMain is also the process that starts a program and is killed.
func TestMain(m *testing.M) {
	if os.Getenv("CHILD_TEST_PARENT") == "" {
		os.Exit(m.Run())
	}
	cmd := exec.Command("sh", "-c", "echo runs; exec sleep 600")
	cmd.Stdout = os.Stdout
	if err := child.Start(cmd, syscall.SIGTERM, func(error) {}); err != nil {
		panic(err)
	}
	select {}
}

func TestProgramEndsWithItsKilledParent(t *testing.T) {
	t.Parallel()
	output, theirs, err := os.Pipe() // its reader sees the end when the last of them has ended
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), "CHILD_TEST_PARENT=yes")
	parent.Stdout = theirs
	err = parent.Start()
	theirs.Close()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(output, make([]byte, len("runs\n"))); err != nil {
		t.Fatal(err)
	}
	parent.Process.Kill()
	parent.Wait()
	output.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.ReadAll(output); err != nil {
		t.Errorf("the program outlives its parent: %v", err)
	}
}
