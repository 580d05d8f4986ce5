package postgres

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// suite is Debian's first release with a pgvector that is recent enough. Its source
// package builds against any PostgreSQL that we run.
const suite = "trixie"

const keyring = "/usr/share/keyrings/debian-archive-keyring.gpg"

// ensureVector installs pgvector if the programs lack it. That may bring another minor version of
// the server, too, whose libraries a running one can't load: it goes before the start.
func ensureVector(ctx context.Context, programs binaries, progress func(string)) error {
	if recent(programs.vector(ctx)) {
		return nil
	}
	if err := canInstall(fmt.Sprintf("postgresql-%d-pgvector", programs.major)); err != nil {
		return fmt.Errorf("the PostgreSQL of %s has no recent pgvector: %w", programs.dir, err)
	}
	unlock, err := lockInstall(ctx, progress)
	if err != nil {
		return err
	}
	defer unlock()
	if recent(programs.vector(ctx)) {
		return nil // another process has installed it
	}
	if err := installVector(ctx, programs, progress); err != nil {
		return fmt.Errorf("install pgvector: %w; or %s", err, advice)
	}
	return nil
}

// installVector takes the system's package if it has a recent one, else builds Debian's source package.
func installVector(ctx context.Context, programs binaries, progress func(string)) error {
	if err := update(ctx, progress); err != nil {
		return err
	}
	name := fmt.Sprintf("postgresql-%d-pgvector", programs.major)
	if recent(candidate(ctx, name)) {
		return install(ctx, progress, name)
	}
	return buildVector(ctx, programs, "", progress)
}

// candidate is the version of the package that apt would install, such as "0.8.0-1"; empty if none.
func candidate(ctx context.Context, name string) string {
	output, err := run(ctx, quickly, exec.Command("apt-cache", "show", "--no-all-versions", name))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(output) {
		if version, ok := strings.CutPrefix(line, "Version: "); ok {
			return strings.TrimSpace(version)
		}
	}
	return ""
}

// buildVector builds pgvector from Debian's source package and installs it below the root; "" is the system's.
func buildVector(ctx context.Context, programs binaries, root string, progress func(string)) error {
	mirror, err := debianMirror(ctx)
	if err != nil {
		return err
	}
	if err := install(ctx, progress, fmt.Sprintf("postgresql-server-dev-%d", programs.major),
		"gcc", "libc6-dev", "make", "dpkg-dev", "debian-archive-keyring"); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "aksio-pgvector-")
	if err != nil {
		return fmt.Errorf("make a directory to build in: %w", err)
	}
	defer os.RemoveAll(dir)
	progress("fetching the source of pgvector from Debian " + suite)
	source, err := fetchVector(ctx, dir, mirror)
	if err != nil {
		return err
	}
	progress("building pgvector")
	// Without OPTFLAGS it may run only on the processor that it was built on.
	arguments := []string{"-C", source, "PG_CONFIG=" + programs.path("pg_config"), "OPTFLAGS=", "DESTDIR=" + root}
	for _, target := range []string{"all", "install"} {
		if _, err := run(ctx, patience, exec.Command("make", append(arguments, target)...)); err != nil {
			return err
		}
	}
	return nil
}

// fetchVector unpacks the source package below dir, by an apt configuration of its own: the system's stays
// as it is. It returns where the source is.
func fetchVector(ctx context.Context, dir, mirror string) (string, error) {
	list := filepath.Join(dir, "sources.list")
	entry := fmt.Sprintf("deb-src [signed-by=%s] %s %s main\n", keyring, mirror, suite)
	if err := os.WriteFile(list, []byte(entry), 0o644); err != nil {
		return "", fmt.Errorf("write apt's sources: %w", err)
	}
	for _, below := range []string{"lists/partial", "cache/archives/partial"} {
		if err := os.MkdirAll(filepath.Join(dir, below), 0o755); err != nil {
			return "", fmt.Errorf("make apt's directories: %w", err)
		}
	}
	private := []string{
		"-o", "Dir::Etc::sourcelist=" + list,
		"-o", "Dir::Etc::sourceparts=-",
		"-o", "Dir::State::lists=" + filepath.Join(dir, "lists"),
		"-o", "Dir::Cache=" + filepath.Join(dir, "cache"),
		"-o", "APT::Sandbox::User=root", // apt's own user can't enter the directory
	}
	for _, args := range [][]string{{"update"}, {"source", "pgvector"}} {
		cmd := aptGet(append(private, args...)...)
		cmd.Dir = dir
		if _, err := run(ctx, patience, cmd); err != nil {
			return "", err
		}
	}
	sources, _ := filepath.Glob(filepath.Join(dir, "pgvector-*", "Makefile")) // the only error is a bad pattern
	if len(sources) == 0 {
		return "", errors.New("the source package of pgvector holds no Makefile")
	}
	return filepath.Dir(sources[0]), nil
}

// debianMirror is where this machine gets Debian's main packages.
func debianMirror(ctx context.Context) (string, error) {
	codename, err := systemCodename()
	if err != nil {
		return "", err
	}
	output, err := run(ctx, quickly, aptGet("indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)", "Created-By: Packages"))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(output) {
		if fields := strings.Fields(line); len(fields) == 3 && fields[0] == codename && fields[1] == "main" {
			return fields[2], nil
		}
	}
	return "", fmt.Errorf("apt's sources name no mirror of Debian %s", codename)
}

func systemCodename() (string, error) {
	file, err := os.Open("/etc/os-release")
	if err != nil {
		return "", fmt.Errorf("tell which system this is: %w", err)
	}
	defer file.Close()
	values := map[string]string{}
	for lines := bufio.NewScanner(file); lines.Scan(); {
		name, value, _ := strings.Cut(lines.Text(), "=")
		values[name] = strings.Trim(value, `"`)
	}
	if values["ID"] != "debian" {
		return "", fmt.Errorf("%s has no package of a recent pgvector, and only Debian's can be built", values["PRETTY_NAME"])
	}
	return values["VERSION_CODENAME"], nil
}
