package firestore_test

import (
	"errors"
	"net/http"
	"os"
	"testing"

	"aksio.app/scripts/internal/firestore"
)

func TestStart(t *testing.T) {
	t.Parallel()
	server, err := firestore.Start(t.Context(), firestore.Options{Progress: func(line string) { t.Log(line) }})
	if errors.Is(err, firestore.ErrAbsent) {
		t.Skipf("not tested: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Stop)
	documents := "http://" + server.Address + "/v1/projects/test/databases/(default)/documents/things"
	if status, err := get(documents); err != nil || status != http.StatusOK {
		t.Errorf("listing documents gives %d, %v", status, err)
	}
	for range 2 { // the second does nothing
		server.Stop()
	}
	if _, err := get(documents); err == nil {
		t.Error("a stopped emulator still answers")
	}
}

func TestGiven(t *testing.T) {
	t.Parallel()
	server, err := firestore.Start(t.Context(), firestore.Options{Address: "127.0.0.1:1"})
	if err != nil {
		t.Fatal(err)
	}
	if server.Address != "127.0.0.1:1" {
		t.Errorf("the emulator is at %s, want the given one", server.Address)
	}
	server.Stop()
}

func TestAbsent(t *testing.T) {
	t.Setenv("PATH", os.DevNull)
	if _, err := firestore.Start(t.Context(), firestore.Options{}); !errors.Is(err, firestore.ErrAbsent) {
		t.Errorf("without Java the error is %v, want ErrAbsent", err)
	}
}

func get(address string) (status int, err error) {
	response, err := http.Get(address)
	if err != nil {
		return 0, err
	}
	return response.StatusCode, response.Body.Close()
}
