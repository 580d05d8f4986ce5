// Package database opens the PostgreSQL database and holds what all SQL in the
// project has in common: errors, pages, changes, migrations.
package database

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"aksio.app/shared/resource"
)

// Resource is declared by functions that use the database.
const Resource resource.Name = "database"

// Config says where the database is. Exactly one of URL and Instance is set.
type Config struct {
	URL      string `env:"DATABASE_URL"`       // postgres://user:password@host/name, for every place but Cloud SQL
	Instance string `env:"CLOUD_SQL_INSTANCE"` // project:region:instance, signed in to by IAM
	User     string `env:"DATABASE_USER"`      // for Instance: the service account without .gserviceaccount.com
	Name     string `env:"DATABASE_NAME" envDefault:"aksio"`
	Private  bool   `env:"CLOUD_SQL_PRIVATE_IP"` // for Instance: dial its private address
	Pool     int32  `env:"DATABASE_POOL"`        // connections at once; DefaultPool when zero
}

// DefaultPool is how many connections an instance of a function has at most. Many
// instances share the database, so that the sum over all functions is what counts;
// a test keeps it in bounds.
const DefaultPool = 2

// Validate reports every setting that can't work.
func (c Config) Validate() error {
	var errs []error
	switch {
	case c.URL == "" && c.Instance == "":
		errs = append(errs, errors.New("DATABASE_URL is missing: write postgres://user:password@host:5432/name, or set CLOUD_SQL_INSTANCE"))
	case c.URL != "" && c.Instance != "":
		errs = append(errs, errors.New("DATABASE_URL and CLOUD_SQL_INSTANCE are both set: remove one"))
	case c.URL != "":
		if u, err := url.Parse(c.URL); err != nil || !strings.HasPrefix(u.Scheme, "postgres") || u.Host == "" {
			errs = append(errs, errors.New("DATABASE_URL isn't an address of PostgreSQL: write postgres://user:password@host:5432/name"))
		}
	default:
		if strings.Count(c.Instance, ":") != 2 {
			errs = append(errs, fmt.Errorf("CLOUD_SQL_INSTANCE is %q: write project:region:instance", c.Instance))
		}
		if c.User == "" {
			errs = append(errs, errors.New("DATABASE_USER is missing: write the service account's address without .gserviceaccount.com"))
		}
	}
	if c.Pool < 0 || c.Pool > 100 {
		errs = append(errs, fmt.Errorf("DATABASE_POOL is %d: write 1 to 100 connections, or leave it out", c.Pool))
	}
	return errors.Join(errs...)
}

// DB is a pool of connections. It connects when it is first used, and again
// after a failure.
type DB struct {
	*pgxpool.Pool
}

// Open returns the process's pool.
func Open(env *resource.Env) (*DB, error) {
	return resource.Open(env, Resource, func() (*DB, error) {
		config, err := resource.Settings[Config](env)
		if err != nil {
			return nil, err
		}
		return New(config)
	})
}

// New returns a pool for the configured database without connecting to it.
func New(config Config) (*DB, error) {
	dsn := config.URL
	if config.Instance != "" {
		dsn = fmt.Sprintf("user=%s dbname=%s sslmode=disable", config.User, config.Name) // the dialer does TLS
	}
	pool, err := pgxpool.ParseConfig(dsn)
	if err != nil {
		return nil, errors.New("DATABASE_URL can't be parsed: write postgres://user:password@host:5432/name")
	}
	// Few connections and none idle: an instance of a function serves few
	// requests at once, and there are many instances.
	pool.MaxConns = cmp.Or(config.Pool, DefaultPool)
	pool.MinConns = 0
	pool.MaxConnIdleTime = 45 * time.Second
	pool.MaxConnLifetime = 10 * time.Minute
	pool.MaxConnLifetimeJitter = time.Minute
	pool.PingTimeout = 2 * time.Second // of a connection that was idle: one that went silent is replaced
	pool.ConnConfig.ConnectTimeout = 5 * time.Second
	params := pool.ConnConfig.RuntimeParams
	params["application_name"] = "aksio"
	params["timezone"] = "UTC"
	params["statement_timeout"] = "30s"
	params["lock_timeout"] = "10s"
	params["idle_in_transaction_session_timeout"] = "60s"
	params["idle_session_timeout"] = "5min" // ends what a sleeping instance still holds
	if config.Instance != "" {
		dialCloudSQL(pool.ConnConfig, config)
	}
	pool.ConnConfig.Tracer = tracer{}
	retryConnect(pool.ConnConfig)
	p, err := pgxpool.NewWithConfig(context.Background(), pool)
	if err != nil {
		return nil, err
	}
	return &DB{Pool: p}, nil
}
