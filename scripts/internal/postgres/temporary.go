package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"
)

// Temporary makes an empty database on the server of the address, which has to be a
// superuser's, and returns the new one's address and what drops it with all
// connections to it.
func Temporary(ctx context.Context, server, purpose string) (address string, drop func() error, err error) {
	u, err := url.Parse(server)
	if err != nil {
		return "", nil, errors.New("DATABASE_URL can't be parsed: write postgres://user:password@host:5432/name")
	}
	name := fmt.Sprintf("%s_%d", purpose, time.Now().UnixNano())
	if err := execute(ctx, server, "CREATE DATABASE "+name); err != nil {
		return "", nil, err
	}
	u.Path = "/" + name
	return u.String(), func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		if err := execute(ctx, server, "DROP DATABASE "+name+" WITH (FORCE)"); err != nil {
			return fmt.Errorf("the database %s is left behind: %w", name, err)
		}
		return nil
	}, nil
}

func execute(ctx context.Context, server, statement string) error {
	conn, err := connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	_, err = conn.Exec(ctx, statement)
	return err
}
