// Package backups exports the database every night and proves that what was
// exported can be used.
package backups

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/database"
	"aksio.app/shared/fault"
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
// beside the backup, under its name and .json.
type Manifest struct {
	Location      string           `json:"location"`
	Bytes         int64            `json:"bytes"`
	Checksum      string           `json:"checksum" doc:"sha256:… or crc32c:… of the backup."`
	Started       time.Time        `json:"started_at"`
	Finished      time.Time        `json:"finished_at"`
	ServerVersion string           `json:"server_version"`
	SchemaVersion int64            `json:"schema_version"`
	Rows          map[string]int64 `json:"rows" doc:"Rows of each table."`
	Exact         bool             `json:"exact" doc:"The rows were counted in the backup's own snapshot; else shortly before it."`
}

// Exporter writes one backup and its manifest, and verifies them.
type Exporter interface {
	// Export completes the manifest: location, bytes and checksum. The snapshot, if
	// the exporter takes one, is that of the counted rows.
	Export(ctx context.Context, manifest *Manifest, snapshot string) error
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
			return New(db, NewCloud(config)), nil
		}
		return New(db, NewLocal(config)), nil
	})
}

// New returns backups that the exporter writes.
func New(db *database.DB, exporter Exporter) *Store { return &Store{db, exporter} }

// lock is the advisory lock of whoever backs up.
const lock = 7_260_919_004

// Run makes one backup. While another is made it is a Conflict.
func (s *Store) Run(ctx context.Context) (Manifest, error) {
	m := Manifest{Started: time.Now().UTC(), Rows: map[string]int64{}}
	err := pgx.BeginTxFunc(ctx, s.db, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		var free bool
		var snapshot string
		var batch pgx.Batch
		batch.Queue(`SET LOCAL statement_timeout = 0`)
		batch.Queue(`SET LOCAL idle_in_transaction_session_timeout = 0`) // the export takes its time
		batch.Queue(`SELECT pg_try_advisory_xact_lock($1), pg_export_snapshot(), current_setting('server_version')`, lock).
			QueryRow(func(row pgx.Row) error { return row.Scan(&free, &snapshot, &m.ServerVersion) })
		batch.Queue(`SELECT coalesce(max(version_id), 0) FROM goose_db_version WHERE is_applied`).
			QueryRow(func(row pgx.Row) error { return row.Scan(&m.SchemaVersion) })
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		if !free {
			return fault.New(fault.Conflict, "A backup is being made. Wait for it to end.").Coded("backup_running")
		}
		if err := s.count(ctx, tx, &m); err != nil {
			return err
		}
		return s.exporter.Export(ctx, &m, snapshot)
	})
	if err != nil {
		return m, fmt.Errorf("back up: %w", err)
	}
	return m, nil
}

// count notes the rows of every table.
func (s *Store) count(ctx context.Context, tx pgx.Tx, m *Manifest) error {
	rows, _ := tx.Query(ctx, `SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename`)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	var batch pgx.Batch
	for _, table := range tables {
		batch.Queue(`SELECT count(*) FROM ` + pgx.Identifier{table}.Sanitize()).QueryRow(func(row pgx.Row) error {
			var n int64
			err := row.Scan(&n)
			m.Rows[table] = n
			return err
		})
	}
	return tx.SendBatch(ctx, &batch).Close()
}

// seal notes the end and returns the manifest as it is stored.
func (m *Manifest) seal() ([]byte, error) {
	m.Finished = time.Now().UTC()
	return json.MarshalIndent(m, "", "  ")
}

// name returns the name of a backup that was started at the time.
func name(started time.Time, ending string) string {
	return "aksio-" + started.UTC().Format("20060102T150405Z") + ending
}
