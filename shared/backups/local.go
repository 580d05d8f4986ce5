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
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/fault"
)

// Local exports by pg_dump into a folder, and restores by pg_restore into another
// database of the same server.
type Local struct {
	folder, url string
}

// NewLocal returns an exporter into the configured folder.
func NewLocal(c Config) *Local { return &Local{c.Folder, c.URL} }

// kept is how many backups stay; the oldest go.
const kept = 14

// part is the ending of a dump until its manifest is kept.
const part = ".part"

// Witness is Snapshot: pg_dump takes the one that it is given.
func (l *Local) Witness() Witness { return Snapshot }

// Export dumps the snapshot.
func (l *Local) Export(ctx context.Context, m *Manifest, snapshot string) error {
	if err := os.MkdirAll(l.folder, 0o700); err != nil {
		return err
	}
	m.Location = filepath.Join(l.folder, name(m.Started, ".dump"))
	command, err := l.command(ctx, m.ServerVersion, l.database(), "pg_dump", "--format=custom", "--no-owner", "--no-privileges",
		"--snapshot="+snapshot, "--file="+m.Location+part)
	if err != nil {
		return err
	}
	if err := run(command); err != nil {
		return err
	}
	file, err := os.Open(m.Location + part)
	if err != nil {
		return err
	}
	defer file.Close()
	sum := sha256.New()
	if m.Bytes, err = io.Copy(sum, file); err != nil {
		return err
	}
	m.Checksum = "sha256:" + hex.EncodeToString(sum.Sum(nil))
	return nil
}

// Dump lets pg_restore write the backup as SQL.
func (l *Local) Dump(ctx context.Context, m Manifest) (io.ReadCloser, error) {
	command, err := l.command(ctx, m.ServerVersion, "", "pg_restore", "--file=-", m.Location+part)
	if err != nil {
		return nil, err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	command.Stderr = new(strings.Builder)
	return program{output, command}, command.Start()
}

// program is a running program whose output is read.
type program struct {
	io.Reader
	command *exec.Cmd
}

// Close waits for the program's end.
func (p program) Close() error {
	io.Copy(io.Discard, p.Reader) // it may be blocked
	if err := p.command.Wait(); err != nil {
		return fmt.Errorf("%s: %w: %.500s", filepath.Base(p.command.Path), err, p.command.Stderr)
	}
	return nil
}

// Keep writes both files under their names, and removes the oldest backups.
func (l *Local) Keep(_ context.Context, m Manifest) error {
	manifest, err := m.encode()
	if err != nil {
		return err
	}
	if err := os.WriteFile(m.Location+manifestEnding, manifest, 0o600); err != nil {
		return err
	}
	if err := os.Rename(m.Location+part, m.Location); err != nil {
		return errors.Join(err, os.Remove(m.Location+manifestEnding))
	}
	dumps, err := l.dumps()
	if err != nil {
		return err
	}
	for len(dumps) > kept {
		if err := errors.Join(os.Remove(dumps[0]), os.Remove(dumps[0]+manifestEnding)); err != nil {
			return err
		}
		dumps = dumps[1:]
	}
	return nil
}

// Drop removes a dump that isn't kept.
func (l *Local) Drop(m Manifest) { os.Remove(m.Location + part) }

// dumps returns the paths of the backups, the oldest first.
func (l *Local) dumps() ([]string, error) {
	dumps, err := filepath.Glob(filepath.Join(l.folder, "aksio-*.dump"))
	slices.Sort(dumps)
	return dumps, err
}

// Newest returns the manifest of the newest backup.
func (l *Local) Newest(context.Context) (m Manifest, err error) {
	dumps, err := l.dumps()
	if err != nil {
		return m, err
	}
	if len(dumps) == 0 {
		return m, fault.New(fault.NotFound, "There is no backup in %s.", l.folder)
	}
	manifest, err := os.Open(dumps[len(dumps)-1] + manifestEnding)
	if err != nil {
		return m, err
	}
	defer manifest.Close()
	return decode(manifest)
}

// Scratch returns the name of a database.
func (l *Local) Scratch(now time.Time) string {
	return fmt.Sprintf("%.40s_drill_%s", l.database(), strconv.FormatInt(now.UnixNano(), 36))
}

// scratchComment tells scratch databases from all others.
func (l *Local) scratchComment() string { return "restore drill of " + l.database() }

// Scratches returns the scratch databases of this one.
func (l *Local) Scratches(ctx context.Context) ([]string, error) {
	db, err := l.Connect(ctx, l.database())
	if err != nil {
		return nil, err
	}
	defer db.Close(ctx)
	rows, _ := db.Query(ctx, `SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') = $1 ORDER BY datname LIMIT 100`,
		l.scratchComment())
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

// Restore begins anew each time: what a broken-off call restored may be anything.
func (l *Local) Restore(ctx context.Context, scratch string, m Manifest) (bool, error) {
	if _, err := l.Remove(ctx, scratch); err != nil {
		return false, err
	}
	db, err := l.Connect(ctx, l.database())
	if err != nil {
		return false, err
	}
	defer db.Close(ctx)
	quoted := pgx.Identifier{scratch}.Sanitize()
	for _, sql := range []string{
		`CREATE DATABASE ` + quoted + ` TEMPLATE template0`,
		`COMMENT ON DATABASE ` + quoted + ` IS '` + strings.ReplaceAll(l.scratchComment(), "'", "''") + `'`,
	} {
		if _, err := db.Exec(ctx, sql); err != nil {
			return false, err
		}
	}
	command, err := l.command(ctx, m.ServerVersion, scratch, "pg_restore", "--no-owner", "--exit-on-error", "--dbname="+scratch, m.Location)
	if err != nil {
		return false, err
	}
	if err := run(command); err != nil {
		if ctx.Err() == nil {
			err = fmt.Errorf("%w: %w", errUnrestorable, err)
		}
		return false, err
	}
	return true, nil
}

// Connect opens a database of the server.
func (l *Local) Connect(ctx context.Context, name string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(l.url)
	if err != nil {
		return nil, err
	}
	config.Database = name
	config.RuntimeParams["timezone"] = "UTC" // in which dumps are written
	return pgx.ConnectConfig(ctx, config)
}

// Remove drops the scratch database.
func (l *Local) Remove(ctx context.Context, scratch string) (bool, error) {
	db, err := l.Connect(ctx, l.database())
	if err != nil {
		return false, err
	}
	defer db.Close(ctx)
	_, err = db.Exec(ctx, `DROP DATABASE IF EXISTS `+pgx.Identifier{scratch}.Sanitize()+` WITH (FORCE)`)
	return err == nil, err
}

// database returns the name of the database that is backed up.
func (l *Local) database() string {
	u, err := url.Parse(l.url)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Path, "/")
}

// command returns the call of one of PostgreSQL's programs for a server of the
// version. The address goes through the environment: a password must not stand in
// the list of processes.
func (l *Local) command(ctx context.Context, version, database, name string, args ...string) (*exec.Cmd, error) {
	binary, err := findProgram(name, version)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(l.url)
	if err != nil {
		return nil, errors.New("DATABASE_URL can't be parsed: write postgres://user:password@host:5432/name")
	}
	password, _ := u.User.Password()
	command := exec.CommandContext(ctx, binary, args...)
	command.Env = append(os.Environ(), "PGHOST="+u.Hostname(), "PGPORT="+u.Port(), "PGUSER="+u.User.Username(),
		"PGPASSWORD="+password, "PGDATABASE="+database, "PGCONNECT_TIMEOUT=10", "PGTZ=UTC")
	if mode := u.Query().Get("sslmode"); mode != "" {
		command.Env = append(command.Env, "PGSSLMODE="+mode)
	}
	return command, nil
}

// run runs the command to its end.
func run(command *exec.Cmd) error {
	if output, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %.500s", filepath.Base(command.Path), err, output)
	}
	return nil
}

// findProgram returns the program of the server's major version or a later one: an
// older pg_dump refuses a newer server.
func findProgram(program, version string) (string, error) {
	major, _, _ := strings.Cut(version, ".")
	least, err := strconv.Atoi(major)
	if err != nil {
		return "", fmt.Errorf("the server's version is %q", version)
	}
	for version := least; version <= least+5; version++ {
		path := fmt.Sprintf("/usr/lib/postgresql/%d/bin/%s", version, program)
		if _, err := os.Stat(path); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(program)
	if err != nil {
		return "", fmt.Errorf("%s isn't installed: install PostgreSQL's client programs of version %d or later", program, least)
	}
	return path, nil
}
