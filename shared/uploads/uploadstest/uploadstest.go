// Package uploadstest gives every test a bucket of its own in the storage emulator.
package uploadstest

import (
	"net/http"
	"os"
	"strings"
	"testing"

	"aksio.app/shared/id"
	"aksio.app/shared/uploads"
)

// New returns an empty bucket.
func New(t testing.TB) *uploads.Bucket {
	t.Helper()
	return uploads.New(Config(t))
}

// Config is New for tests that open the bucket themselves.
func Config(t testing.TB) uploads.Config {
	t.Helper()
	host := os.Getenv("STORAGE_EMULATOR_HOST")
	if host == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("STORAGE_EMULATOR_HOST is missing: run the tests by `make test`")
		}
		t.Skip("no storage emulator: run the tests by `make test`")
	}
	if !strings.Contains(host, "://") {
		host = "http://" + host
	}
	name := "test-" + id.New[uploads.Bucket]().String()
	resp, err := http.Post(host+"/storage/v1/b?project=test", "application/json", strings.NewReader(`{"name":"`+name+`"}`))
	if err != nil {
		t.Fatalf("storage emulator: %v", err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("storage emulator: make bucket: %s", resp.Status)
	}
	return uploads.Config{Bucket: name, Emulator: host}
}
