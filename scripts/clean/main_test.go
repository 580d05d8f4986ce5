package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"aksio.app/scripts/internal/lockfile"
)

func TestDataOfARunningStackIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	local, build := filepath.Join(dir, "local"), filepath.Join(dir, "build")
	release, err := lockfile.Lock(local)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(local, "postgres"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := clean(local, build); err == nil || !strings.Contains(err.Error(), "is running") || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line that says that it runs", err)
	}
	if _, err := os.Stat(filepath.Join(local, "postgres")); err != nil {
		t.Fatal(err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if err := clean(local, build); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v is left, %v", left, err)
	}
}
