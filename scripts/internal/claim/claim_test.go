package claim_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"aksio.app/scripts/internal/claim"
)

func TestFolderIsClaimedByOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	release, err := claim.Folder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claim.Folder(dir); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("(pid %d)", os.Getpid())) {
		t.Errorf("the second got %v, want to be told who runs", err)
	}
	if err := release(); err != nil {
		t.Fatal(err)
	}
	if _, err := claim.Folder(dir); err != nil {
		t.Errorf("after the first ended: %v", err)
	}
}
