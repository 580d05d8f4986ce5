// Package migrations holds the database's schema as a sequence of changes that
// only go forward. Old code runs beside a new schema, so a change adds first;
// moving and dropping are changes of later releases.
package migrations

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"aksio.app/shared/database"
)

//go:embed *.sql
var files embed.FS

// Applied is one migration that Run carried out.
type Applied struct {
	Version int64
	Name    string
}

// Run brings the schema up to date and returns what it carried out, beside an error,
// too. Several callers may run it at once: they wait for each other.
func Run(ctx context.Context, db *database.DB) ([]Applied, error) {
	// A pool of its own, which the sum of the functions' pools needn't count: while it is open, db's
	// has no connection, or one that a run just before has left.
	config := db.Config()
	config.ConnConfig.RuntimeParams["statement_timeout"] = "0" // an index on a large table takes its time
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, err
	}
	defer pool.Close()
	handle := stdlib.OpenDBFromPool(pool)
	defer handle.Close()
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return nil, err
	}
	if err := headed(); err != nil {
		return nil, err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, handle, files, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("read the migrations: %w", err)
	}
	results, err := provider.Up(ctx)
	var broken *goose.PartialError
	if errors.As(err, &broken) {
		results = broken.Applied
	}
	var applied []Applied
	for _, r := range results {
		applied = append(applied, Applied{r.Source.Version, r.Source.Path})
	}
	if err != nil {
		return applied, fmt.Errorf("migrate: %w", err)
	}
	return applied, nil
}

// headed refuses a file without goose's first line, whose own words for that don't name it.
func headed() error {
	names, err := fs.Glob(files, "*.sql")
	for _, name := range names {
		content, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		if !bytes.HasPrefix(content, []byte("-- +goose Up\n")) {
			return fmt.Errorf("the migration %s must begin with the line -- +goose Up", name)
		}
	}
	return err
}

// Hash identifies the sequence of migrations: another schema has another hash.
func Hash() (string, error) {
	names, err := fs.Glob(files, "*.sql")
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	for _, name := range names {
		content, err := files.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(sum, "%s %d\n%s", name, len(content), content)
	}
	return hex.EncodeToString(sum.Sum(nil)[:16]), nil
}
