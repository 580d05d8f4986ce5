package backups

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Local exports by pg_dump into a folder.
type Local struct {
	folder, url string
}

// NewLocal returns an exporter into the configured folder.
func NewLocal(c Config) *Local { return &Local{c.Folder, c.URL} }

// kept is how many backups stay; the oldest go.
const kept = 14

// Export dumps the snapshot, reads the dump's table of contents back, and writes
// both files under their names when they are whole.
func (l *Local) Export(ctx context.Context, m *Manifest, snapshot string) error {
	if err := os.MkdirAll(l.folder, 0o700); err != nil {
		return err
	}
	path := filepath.Join(l.folder, name(m.Started, ".dump"))
	part := path + ".part"
	defer os.Remove(part)
	if err := l.run(ctx, m, "pg_dump", "--format=custom", "--no-owner", "--no-privileges", "--snapshot="+snapshot, "--file="+part); err != nil {
		return err
	}
	if err := l.run(ctx, m, "pg_restore", "--list", "--file="+os.DevNull, part); err != nil {
		return fmt.Errorf("the dump can't be read back: %w", err)
	}
	file, err := os.Open(part)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if m.Bytes, err = io.Copy(sum, file); err != nil {
		return err
	}
	m.Location, m.Checksum, m.Exact = path, "sha256:"+hex.EncodeToString(sum.Sum(nil)), true
	manifest, err := m.seal()
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".json", manifest, 0o600); err != nil {
		return err
	}
	if err := os.Rename(part, path); err != nil {
		return errors.Join(err, os.Remove(path+".json"))
	}
	return l.prune()
}

// prune removes the oldest backups. Their names sort by time.
func (l *Local) prune() error {
	dumps, err := filepath.Glob(filepath.Join(l.folder, "aksio-*.dump"))
	if err != nil {
		return err
	}
	slices.Sort(dumps)
	for len(dumps) > kept {
		if err := errors.Join(os.Remove(dumps[0]), os.Remove(dumps[0]+".json")); err != nil {
			return err
		}
		dumps = dumps[1:]
	}
	return nil
}

// run calls one of PostgreSQL's programs. The address goes through the
// environment: a password must not stand in the list of processes.
func (l *Local) run(ctx context.Context, m *Manifest, program string, args ...string) error {
	major, _, _ := strings.Cut(m.ServerVersion, ".")
	binary, err := find(program, major)
	if err != nil {
		return err
	}
	u, err := url.Parse(l.url)
	if err != nil {
		return errors.New("DATABASE_URL can't be parsed: write postgres://user:password@host:5432/name")
	}
	password, _ := u.User.Password()
	command := exec.CommandContext(ctx, binary, args...)
	command.Env = append(os.Environ(), "PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER="+u.User.Username(),
		"PGPASSWORD="+password, "PGDATABASE="+strings.TrimPrefix(u.Path, "/"), "PGCONNECT_TIMEOUT=10")
	if mode := u.Query().Get("sslmode"); mode != "" {
		command.Env = append(command.Env, "PGSSLMODE="+mode)
	}
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.500s", program, err, output)
	}
	return nil
}

// find returns the program of PostgreSQL's major version or a later one: an
// older pg_dump refuses a newer server.
func find(program, major string) (string, error) {
	least, err := strconv.Atoi(major)
	if err != nil {
		return "", fmt.Errorf("the server's version is %q", major)
	}
	for version := least; version <= least+5; version++ {
		path := fmt.Sprintf("/usr/lib/postgresql/%d/bin/%s", version, program)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("%s isn't installed: install PostgreSQL's client programs of version %s or later", program, major)
	}
	return path, nil
}
