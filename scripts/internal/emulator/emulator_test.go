package emulator_test

import (
	"errors"
	"net"
	"net/http"
	"testing"
	"time"

	"aksio.app/scripts/internal/emulator"
)

func TestUsesTheEmulatorOfTheEnvironment(t *testing.T) {
	t.Setenv("FIRESTORE_EMULATOR_HOST", "127.0.0.1:1")
	server, err := emulator.Start(t.Context(), emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if server.Address != "127.0.0.1:1" {
		t.Errorf("address %s, want that of the environment", server.Address)
	}
	if err := server.Stop(); err != nil {
		t.Errorf("stop: %v", err)
	}
}

func TestWithoutJavaThereIsNone(t *testing.T) {
	t.Setenv("FIRESTORE_EMULATOR_HOST", "")
	t.Setenv("PATH", t.TempDir())
	if _, err := emulator.Start(t.Context(), emulator.Options{}); !errors.Is(err, emulator.ErrAbsent) {
		t.Errorf("error %v, want ErrAbsent", err)
	}
}

func TestRunsUntilStopped(t *testing.T) {
	t.Setenv("FIRESTORE_EMULATOR_HOST", "")
	server, err := emulator.Start(t.Context(), emulator.Options{Progress: func(step string) { t.Log(step) }})
	if errors.Is(err, emulator.ErrAbsent) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Stop() })
	response, err := http.Get("http://" + server.Address)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Errorf("answers %s, want 200", response.Status)
	}
	if err := errors.Join(server.Stop(), server.Stop()); err != nil {
		t.Errorf("stop twice: %v", err)
	}
	if conn, err := net.DialTimeout("tcp", server.Address, time.Second); err == nil {
		conn.Close()
		t.Error("it still listens after Stop")
	}
}
