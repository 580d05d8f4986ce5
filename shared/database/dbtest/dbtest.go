// Package dbtest gives every test a migrated database of its own.
package dbtest

import (
	"context"
	"database/sql"
	"net/url"
	"os"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver that pgtestdb uses
	"github.com/peterldowns/pgtestdb"

	"aksio.app/shared/database"
	"aksio.app/shared/database/migrations"
)

// New returns a fresh, migrated database, dropped when the test ends unless it fails.
func New(t testing.TB) *database.DB {
	t.Helper()
	db, err := database.New(database.Config{URL: URL(t), Pool: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

// URL is New for tests that open the database themselves.
func URL(t testing.TB) string {
	t.Helper()
	server := os.Getenv("DATABASE_URL")
	if server == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("DATABASE_URL is missing: run the tests by `make test`")
		}
		t.Skip("no database: run the tests by `make test`")
	}
	u, err := url.Parse(server)
	if err != nil {
		t.Fatalf("DATABASE_URL: %v", err)
	}
	password, _ := u.User.Password()
	config := pgtestdb.Custom(t, pgtestdb.Config{
		DriverName:                "pgx",
		Host:                      u.Hostname(),
		Port:                      u.Port(),
		User:                      u.User.Username(),
		Password:                  password,
		Database:                  "postgres",
		Options:                   "sslmode=disable",
		ForceTerminateConnections: true,
		// The schema makes the vector extension, which only a superuser may.
		TestRole: &pgtestdb.Role{Username: "aksio_test", Password: "aksio_test", Capabilities: "SUPERUSER"},
	}, migrator{})
	return config.URL()
}

// migrator lets pgtestdb make its template by the project's own migrations.
type migrator struct{}

var hash = sync.OnceValues(migrations.Hash)

func (migrator) Hash() (string, error) { return hash() }

func (migrator) Migrate(ctx context.Context, _ *sql.DB, config pgtestdb.Config) error {
	db, err := database.New(database.Config{URL: config.URL(), Pool: 2})
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = migrations.Run(ctx, db)
	return err
}
