package backups

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	sqladmin "google.golang.org/api/sqladmin/v1"
)

// provideUser gives the instance a user of its own name, who may do what Cloud SQL
// lets anybody do.
func (l *CloudLab) provideUser(ctx context.Context, admin *sqladmin.Service, scratch string) error {
	users, err := admin.Users.List(l.project, scratch).Context(ctx).Do()
	if err != nil {
		return fmt.Errorf("cloud sql: users of %s: %w", scratch, busy(err))
	}
	if slices.ContainsFunc(users.Items, func(u *sqladmin.User) bool { return u.Name == scratch }) {
		return nil
	}
	operation, err := admin.Users.Insert(l.project, scratch, &sqladmin.User{
		Name: scratch, Password: rand.Text(), DatabaseRoles: []string{"cloudsqlsuperuser"},
	}).Context(ctx).Do()
	if err := l.await(ctx, admin, operation, err); err != nil {
		return fmt.Errorf("cloud sql: add a user to %s: %w", scratch, err)
	}
	return nil
}

// provideDatabase makes the empty database, and the roles that the export names: they
// must be there, whoever imports must be a member of all that are to own something,
// and these must be allowed to.
func (l *CloudLab) provideDatabase(ctx context.Context, scratch string, roles []string) error {
	db, err := l.connect(ctx, scratch, "postgres")
	if err != nil {
		return err
	}
	defer db.Close(context.WithoutCancel(ctx))
	for _, role := range roles {
		_, err := db.Exec(ctx, `CREATE ROLE `+role) // not within $$, which a name may have
		if known := new(pgconn.PgError); err == nil || errors.As(err, &known) && known.Code == "42710" {
			_, err = db.Exec(ctx, `GRANT `+role+` TO CURRENT_USER`)
		}
		if err != nil {
			return fmt.Errorf("make role %s: %w", role, err)
		}
	}
	var exists bool
	if err := db.QueryRow(ctx, `SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)`, l.database).Scan(&exists); err != nil {
		return err
	}
	if !exists {
		if _, err := db.Exec(ctx, `CREATE DATABASE `+pgx.Identifier{l.database}.Sanitize()+` TEMPLATE template0`); err != nil {
			return err
		}
	}
	restored, err := l.Connect(ctx, scratch)
	if err != nil {
		return err
	}
	defer restored.Close(context.WithoutCancel(ctx))
	for _, role := range roles {
		if _, err := restored.Exec(ctx, `GRANT CREATE, USAGE ON SCHEMA public TO `+role); err != nil {
			return fmt.Errorf("let %s own tables: %w", role, err)
		}
	}
	return nil
}
