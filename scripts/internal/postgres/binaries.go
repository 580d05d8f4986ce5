package postgres

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// The major version that the cloud runs; newer ones do for development.
const wanted = 15

// binaries are an installed PostgreSQL's programs.
type binaries struct {
	dir   string
	major int
}

func (b binaries) path(program string) string { return filepath.Join(b.dir, program) }

var defaultVersion = regexp.MustCompile(`(?m)^default_version\s*=\s*'([^']+)'`)

// vector is the version of pgvector that a server of these programs finds; empty if none.
func (b binaries) vector(ctx context.Context) string {
	share, err := run(ctx, quickly, exec.Command(b.path("pg_config"), "--sharedir"))
	if err != nil {
		return ""
	}
	control, err := os.ReadFile(filepath.Join(strings.TrimSpace(share), "extension", "vector.control"))
	if err != nil {
		return ""
	}
	if match := defaultVersion.FindSubmatch(control); match != nil {
		return string(match[1])
	}
	return ""
}

// findBinaries looks where PostgreSQL's packages put their programs, and in PATH. The best come first.
func findBinaries(ctx context.Context) []binaries {
	var dirs []string
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	} {
		matches, _ := filepath.Glob(pattern) // the only error is a bad pattern
		dirs = append(dirs, matches...)
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		if path, err = filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(path))
		}
	}
	var found []binaries
	for _, dir := range dirs {
		b := binaries{dir: dir}
		if _, err := exec.LookPath(b.path("initdb")); err != nil {
			continue
		}
		if b.major = majorOf(ctx, b.path("postgres")); b.major >= wanted {
			found = append(found, b)
		}
	}
	// The cloud's version is the lowest of those that will do.
	slices.SortStableFunc(found, func(a, b binaries) int { return cmp.Compare(a.major, b.major) })
	return found
}

var versionPattern = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)

// majorOf asks a program of PostgreSQL for its version; 0 if it doesn't tell.
func majorOf(ctx context.Context, program string) int {
	output, err := run(ctx, quickly, exec.Command(program, "--version"))
	if err != nil {
		return 0
	}
	match := versionPattern.FindStringSubmatch(output)
	if match == nil {
		return 0
	}
	major, _ := strconv.Atoi(match[1])
	return major
}

// choose returns the programs that can run the data of the major version, any if that is 0.
// It installs them if need be.
func choose(ctx context.Context, major int, progress func(string)) (binaries, error) {
	fits := func(b binaries) bool { return major == 0 || b.major == major }
	found := findBinaries(ctx)
	if i := slices.IndexFunc(found, fits); i >= 0 {
		return found[i], nil
	}
	if err := installPostgres(ctx, cmp.Or(major, wanted), progress); err != nil {
		return binaries{}, err
	}
	found = findBinaries(ctx)
	if i := slices.IndexFunc(found, fits); i >= 0 {
		return found[i], nil
	}
	return binaries{}, fmt.Errorf("PostgreSQL %d isn't found after it was installed; %s", cmp.Or(major, wanted), advice)
}
