package lockfile_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"aksio.app/scripts/internal/lockfile"
)

func TestFolderIsLockedByOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release, err := lockfile.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockfile.Lock(dir); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("(pid %d)", os.Getpid())) {
		t.Errorf("the second got %v, want to be told who runs", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if _, err := lockfile.Lock(dir); err != nil {
		t.Errorf("after the first ended: %v", err)
	}
}
