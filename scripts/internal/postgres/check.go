package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
)

// The first pgvector with halfvec.
const vectorMajor, vectorMinor = 0, 7

// errNoVector says that the server lacks the extension, or has one that is too old.
var errNoVector = fmt.Errorf("it has no pgvector %d.%d or newer", vectorMajor, vectorMinor)

// connect gives up after some seconds: a server that development uses is near.
func connect(ctx context.Context, address string) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, errors.New("write postgres://user:password@host:5432/name")
	}
	config.ConnectTimeout = 5 * time.Second
	return pgx.ConnectConfig(ctx, config)
}

// ping tells why the server doesn't accept connections, if it doesn't.
func ping(ctx context.Context, address string) error {
	conn, err := connect(ctx, address)
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// usable tells why tests can't use the server, if they can't: they make databases
// and the extension "vector" in them.
func usable(ctx context.Context, address string) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	conn, err := connect(ctx, address)
	if err != nil {
		return errors.New(lastLine(err.Error()))
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var super bool
	var vector string
	err = conn.QueryRow(ctx, `
		SELECT rolsuper, coalesce((SELECT default_version FROM pg_available_extensions WHERE name = 'vector'), '')
		FROM pg_roles WHERE rolname = current_user`).Scan(&super, &vector)
	switch {
	case err != nil:
		return err
	case !super:
		return errors.New("its user is no superuser, so that it can't make the extension vector")
	case !recent(vector):
		return errNoVector
	}
	return nil
}

// recent tells whether a version of pgvector, such as "0.8.0", will do.
func recent(version string) bool {
	major, rest, _ := strings.Cut(version, ".")
	minor, _, _ := strings.Cut(rest, ".")
	a, errA := strconv.Atoi(major)
	b, errB := strconv.Atoi(minor)
	return errA == nil && errB == nil && (a > vectorMajor || a == vectorMajor && b >= vectorMinor)
}
