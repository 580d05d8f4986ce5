// Package backups exports the database every night and proves that what was
// exported is whole; and, in drills, that it can be restored.
package backups

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/resource"
)

// Resource is declared by functions that back up.
const Resource resource.Name = "backups"

// Config says where backups go. In the cloud Cloud SQL exports to a bucket;
// elsewhere pg_dump writes to a folder.
type Config struct {
	Instance string `env:"CLOUD_SQL_INSTANCE"` // project:region:instance
	Database string `env:"DATABASE_NAME" envDefault:"aksio"`
	Bucket   string `env:"BACKUPS_BUCKET"`
	Folder   string `env:"BACKUPS_DIR" envDefault:".local/backups"`
	URL      string `env:"DATABASE_URL"`
}

// Validate reports every setting that can't work.
func (c Config) Validate() error {
	if c.Instance != "" && c.Bucket == "" {
		return errors.New("BACKUPS_BUCKET is missing: write the name of the bucket for database exports")
	}
	return nil
}

// Manifest says what a backup holds and how to tell that it is whole. It stands
// beside the backup, under its name and .json. A backup without one isn't verified.
type Manifest struct {
	Location      string           `json:"location"`
	Bytes         int64            `json:"bytes"`
	Checksum      string           `json:"checksum" doc:"sha256:… or crc32c:… of the backup."`
	Started       time.Time        `json:"started_at"`
	Finished      time.Time        `json:"finished_at" doc:"When it was verified."`
	ServerVersion string           `json:"server_version"`
	Schema        Schema           `json:"schema"`
	Roles         []string         `json:"roles" doc:"Roles that the backup names as owners or grants something: there must be such before it is restored."`
	Tables        map[string]Table `json:"tables" doc:"What each table holds: read from the backup, so that it is the backup's own snapshot."`
	Witness       Witness          `json:"witness"`
}

// Witness says how the database bore out what was read from its backup.
type Witness string

// The witnesses.
const (
	Snapshot Witness = "snapshot" // rows and checksums of every table are equal in the backup's own snapshot
	Bounds   Witness = "bounds"   // every table's rows differ by no more than was inserted and deleted while the backup was made
)

// Rows returns the rows of all tables.
func (m Manifest) Rows() (n int64) {
	for _, t := range m.Tables {
		n += t.Rows
	}
	return n
}

// Exporter makes backups, keeps them and reads them.
type Exporter interface {
	// Witness is Snapshot if Export dumps the snapshot that it is given.
	Witness() Witness
	// Export dumps the database and completes the manifest's location, bytes and checksum.
	Export(ctx context.Context, m *Manifest, snapshot string) error
	// Dump returns a backup that isn't kept yet as SQL, in pg_dump's plain format.
	Dump(ctx context.Context, m Manifest) (io.ReadCloser, error)
	// Keep stores the manifest: the backup is good. Drop gives up one that isn't; it
	// does nothing after Keep.
	Keep(ctx context.Context, m Manifest) error
	Drop(m Manifest)
}

// Store makes backups of the database.
type Store struct {
	db       *database.DB
	exporter Exporter
}

// Open returns the backups of the database, in the way that the settings say.
func Open(env *resource.Env, db *database.DB) (*Store, error) {
	return resource.Open(env, Resource, func() (*Store, error) {
		config, err := resource.Settings[Config](env)
		if err != nil {
			return nil, err
		}
		if config.Instance != "" {
			return New(db, NewCloud(config, Google{})), nil
		}
		if err := writable(config.Folder); err != nil {
			return nil, fmt.Errorf("settings: BACKUPS_DIR is %q: %w: name a folder that can be made and written, or leave it out", config.Folder, err)
		}
		return New(db, NewLocal(config)), nil
	})
}

// writable makes the folder and tries to write there.
func writable(folder string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, ".try-")
	if err != nil {
		return err
	}
	return errors.Join(file.Close(), os.Remove(file.Name()))
}

// New returns backups that the exporter makes.
func New(db *database.DB, exporter Exporter) *Store { return &Store{db, exporter} }

// lock is the advisory lock of whoever backs up.
const lock = 7_260_919_004

// Run makes one backup, reads all of it back, and compares that with the database.
// While another is made it is a Conflict.
func (s *Store) Run(ctx context.Context) (Manifest, error) {
	m := Manifest{Started: time.Now().UTC(), Witness: s.exporter.Witness()}
	// The transaction holds the lock and, only if that is used, a snapshot: an old
	// one keeps the database from cleaning up.
	options := pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadOnly}
	if m.Witness == Snapshot {
		options.IsoLevel = pgx.RepeatableRead
	}
	err := pgx.BeginTxFunc(ctx, s.db, options, func(tx pgx.Tx) error {
		var free bool
		var snapshot string
		var batch pgx.Batch
		batch.Queue(`SET LOCAL statement_timeout = 0`)
		batch.Queue(`SET LOCAL idle_in_transaction_session_timeout = 0`) // the export takes its time
		batch.Queue(`SET LOCAL stats_fetch_consistency = none`)          // else the first look is repeated
		batch.Queue(`SELECT pg_try_advisory_xact_lock($1), pg_export_snapshot(), current_setting('server_version')`, lock).
			QueryRow(func(row pgx.Row) error { return row.Scan(&free, &snapshot, &m.ServerVersion) })
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		if !free {
			return fault.New(fault.Conflict, "A backup is being made. Wait for it to end.").Coded("backup_running")
		}
		return s.backUp(ctx, tx, &m, snapshot)
	})
	if err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	_, err = s.db.Exec(ctx, `
		INSERT INTO backups (id, location, bytes, row_count, started_at, verified_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		id.New[Manifest](), m.Location, m.Bytes, m.Rows(), m.Started, m.Finished)
	if err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	slog.InfoContext(ctx, "backup verified",
		"location", m.Location, "bytes", m.Bytes, "tables", len(m.Tables), "rows", m.Rows(), "seconds", m.Finished.Sub(m.Started).Seconds())
	return m, nil
}

// backUp makes the backup within the transaction and verifies it.
func (s *Store) backUp(ctx context.Context, tx pgx.Tx, m *Manifest, snapshot string) error {
	var err error
	if m.Schema, err = schema(ctx, tx); err != nil {
		return err
	}
	before, err := relations(ctx, tx)
	if err != nil {
		return err
	}
	counts, err := count(ctx, tx, before)
	if err != nil {
		return err
	}
	defer func() { s.exporter.Drop(*m) }()
	if err := s.exporter.Export(ctx, m, snapshot); err != nil {
		return err
	}
	held, err := s.read(ctx, *m)
	if err != nil {
		return fmt.Errorf("read %s back: %w", m.Location, err)
	}
	m.Roles, m.Tables = held.roles, map[string]Table{}
	for _, r := range before {
		t, ok := held.tables[r.Name]
		if !ok {
			return fmt.Errorf("the backup %s lacks table %s", m.Location, r.Name)
		}
		m.Tables[r.Name] = t
	}
	if m.Witness == Snapshot {
		err = compareSnapshot(ctx, tx, before, m.Tables)
	} else {
		err = compareBounds(ctx, tx, *m, before, counts)
	}
	if err != nil {
		return fmt.Errorf("the backup %s isn't whole: %w", m.Location, err)
	}
	m.Finished = time.Now().UTC()
	return s.exporter.Keep(ctx, *m)
}

// read returns what the backup holds.
func (s *Store) read(ctx context.Context, m Manifest) (held contents, err error) {
	dump, err := s.exporter.Dump(ctx, m)
	if err != nil {
		return held, err
	}
	defer func() { err = errors.Join(err, dump.Close()) }()
	return read(dump)
}

// compareSnapshot compares the tables with those that the transaction sees.
func compareSnapshot(ctx context.Context, tx pgx.Tx, all []relation, held map[string]Table) error {
	for _, r := range all {
		want, err := r.sum(ctx, tx)
		if err != nil {
			return err
		}
		if got := held[r.Name]; got != want {
			return fmt.Errorf("table %s has %d rows with checksum %s, the database %d with %s", r.Name, got.Rows, got.Checksum, want.Rows, want.Checksum)
		}
	}
	return nil
}

// compareBounds compares the tables' rows with those that were counted before the
// export, give or take what was inserted and deleted since.
func compareBounds(ctx context.Context, tx pgx.Tx, m Manifest, before []relation, counts map[string]int64) error {
	now, err := schema(ctx, tx)
	if err != nil {
		return err
	}
	if now != m.Schema {
		return errors.New("the schema changed while it was made; make it again")
	}
	after, err := relations(ctx, tx)
	if err != nil {
		return err
	}
	for i, r := range after { // as many as before: the schema is the same
		inserted, deleted := r.Inserted-before[i].Inserted, r.Deleted-before[i].Deleted
		if inserted < 0 || deleted < 0 {
			return fmt.Errorf("the statistics of table %s were reset while it was made; make it again", r.Name)
		}
		least, most := counts[r.Name]-deleted, counts[r.Name]+inserted
		if got := m.Tables[r.Name].Rows; got < least || got > most {
			return fmt.Errorf("table %s has %d rows; the database had %d to %d while it was made", r.Name, got, least, most)
		}
	}
	return nil
}

// encode returns the manifest as it is stored.
func (m Manifest) encode() ([]byte, error) { return json.MarshalIndent(m, "", "  ") }

// longestManifest is how many bytes of a manifest are read, some hundred times what one has.
const longestManifest = 1 << 20

// wholeRole matches what is a role and nothing else.
var wholeRole = regexp.MustCompile(`^` + roleName + `$`)

// decode reads a stored manifest. Whoever writes to where backups are may have changed
// it; its roles become part of SQL.
func decode(stored io.Reader) (m Manifest, err error) {
	text, err := io.ReadAll(io.LimitReader(stored, longestManifest+1))
	if err != nil {
		return m, err
	}
	if len(text) > longestManifest {
		return m, fmt.Errorf("it has more than %d bytes", longestManifest)
	}
	if err := json.Unmarshal(text, &m); err != nil {
		return m, err
	}
	for _, role := range m.Roles {
		if !wholeRole.MatchString(role) {
			return m, fmt.Errorf("%.100q is no role as SQL writes it", role)
		}
	}
	return m, nil
}

// name returns the name of a backup that was started at the time. Names sort by time.
func name(started time.Time, ending string) string {
	return "aksio-" + started.UTC().Format("20060102T150405Z") + ending
}
