package postgres

import (
	"os"
	"path/filepath"
	"testing"
)

// The build isn't carried out where the system has pgvector, so that a test must ask for it.
func TestBuildVector(t *testing.T) {
	if os.Getenv("AKSIO_TEST_INSTALL") == "" {
		t.Skip("not tested: the build of pgvector takes a minute and installs packages; AKSIO_TEST_INSTALL=1 on a Debian, as root, does it")
	}
	programs, err := choose(t.Context(), 0, func(line string) { t.Log(line) })
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	if err := buildVector(t.Context(), programs, root, func(line string) { t.Log(line) }); err != nil {
		t.Fatal(err)
	}
	for _, pattern := range []string{"usr/share/postgresql/*/extension/vector.control", "usr/lib/postgresql/*/lib/vector.so"} {
		if files, _ := filepath.Glob(filepath.Join(root, pattern)); len(files) != 1 {
			t.Errorf("installed %v as %s, want one file", files, pattern)
		}
	}
}

func TestRecent(t *testing.T) {
	t.Parallel()
	for version, want := range map[string]bool{
		"0.8.0": true, "0.7.4": true, "0.8.0-1": true, "1.0": true, "0.10.2-1.pgdg12+1": true,
		"0.6.2": false, "0.5": false, "": false, "unknown": false,
	} {
		if got := recent(version); got != want {
			t.Errorf("recent(%q) is %v, want %v", version, got, want)
		}
	}
}
