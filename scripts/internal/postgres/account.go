package postgres

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// account is who runs PostgreSQL's programs, which refuse to run as root. The zero account is
// the one of this process.
type account struct{ credential *syscall.Credential }

// runner is this process's account, or that of the user "postgres", which it makes, if this one is root's.
func runner(ctx context.Context, progress func(string)) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	u, err := user.Lookup("postgres")
	if errors.As(err, new(user.UnknownUserError)) {
		progress("making the system user postgres, as PostgreSQL refuses to run as root")
		if _, err := run(ctx, quickly, exec.Command("useradd", "--system", "--user-group", "--shell", "/bin/sh", "postgres")); err != nil {
			return account{}, fmt.Errorf("make the user postgres: %w; make it yourself or don't be root", err)
		}
		u, err = user.Lookup("postgres")
	}
	if err != nil {
		return account{}, fmt.Errorf("look up the user postgres: %w", err)
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(errUID, errGID); err != nil {
		return account{}, fmt.Errorf("the ids of the user postgres: %w", err)
	}
	return account{&syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}, nil
}

// command prepares a program of this account. It starts in dir: the account may not be allowed
// into the directory of this process.
func (a account) command(dir, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential}
	return cmd
}

// own makes the account the owner of the file or directory.
func (a account) own(path string) error {
	if a.credential == nil {
		return nil
	}
	return os.Chown(path, int(a.credential.Uid), int(a.credential.Gid))
}

// enters tells whether the account can write in the directory: the ones above it may be closed to it.
func (a account) enters(ctx context.Context, dir string) bool {
	if a.credential == nil {
		return true
	}
	_, err := run(ctx, quickly, a.command("/", "test", "-w", dir))
	return err == nil
}
