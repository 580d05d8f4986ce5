package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
)

const advice = "start Docker, or name a server with pgvector by DATABASE_URL=postgres://user:password@host:5432/name"

// installPostgres installs the server of the major version by this system's package manager.
func installPostgres(ctx context.Context, major int, progress func(string)) error {
	name := fmt.Sprintf("postgresql-%d", major)
	if err := canInstall(name); err != nil {
		return fmt.Errorf("no PostgreSQL %d here: %w", major, err)
	}
	unlock, err := lockInstall(ctx, progress)
	if err != nil {
		return err
	}
	defer unlock()
	if err := update(ctx, progress); err != nil {
		return err
	}
	return install(ctx, progress, name)
}

// canInstall tells what to do instead if the packages can't be installed from here.
func canInstall(packages string) error {
	if runtime.GOOS == "darwin" {
		return errors.New("run `brew install postgresql@17 pgvector`, or " + advice)
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		return errors.New("install it by your package manager, or " + advice)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("run `sudo apt-get install %s`, or %s", packages, advice)
	}
	return nil
}

// lockInstall lets only one process install at a time; the others find its work done.
func lockInstall(ctx context.Context, progress func(string)) (func(), error) {
	return lockFile(ctx, filepath.Join(os.TempDir(), "aksio-install.lock"), func() { progress("waiting for another installation") })
}

func update(ctx context.Context, progress func(string)) error {
	progress("apt-get update")
	_, err := run(ctx, patience, aptGet("update"))
	return err
}

func install(ctx context.Context, progress func(string), packages ...string) error {
	progress(fmt.Sprintf("apt-get install %v, which can take minutes", packages))
	_, err := run(ctx, patience, aptGet(append([]string{"install", "--yes", "--no-install-recommends"}, packages...)...))
	return err
}

// aptGet asks nothing, and waits for others that install.
func aptGet(args ...string) *exec.Cmd {
	cmd := exec.Command("apt-get", append([]string{"--quiet", "-o", "DPkg::Lock::Timeout=300"}, args...)...)
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C")
	return cmd
}
