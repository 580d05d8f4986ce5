package migrations

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/database"
	"aksio.app/shared/resource"
)

// Resource is declared by functions that change the schema. Others may only read
// and write rows.
const Resource resource.Name = "schema"

// Config says who uses the database that isn't its owner.
type Config struct {
	Users  []string `env:"DATABASE_USERS"`  // who may read and write rows; nothing is granted or revoked if empty
	People []string `env:"DATABASE_PEOPLE"` // who may, beside that, see and end what others' sessions do
}

// Schema is the database's schema, and who may do what with it.
type Schema struct {
	db     *database.DB
	config Config
}

// Open returns the schema of the database.
func Open(env *resource.Env, db *database.DB) (*Schema, error) {
	return resource.Open(env, Resource, func() (*Schema, error) {
		config, err := resource.Settings[Config](env)
		if err != nil {
			return nil, err
		}
		return &Schema{db, config}, nil
	})
}

// Update brings the schema up to date, and then the users' rights.
func (s *Schema) Update(ctx context.Context) ([]Applied, error) {
	applied, err := Run(ctx, s.db)
	if err == nil && len(s.config.Users) > 0 {
		err = allow(ctx, s.db, s.config)
	}
	return applied, err
}

// The roles whose members may read and write rows, and no more; and also see and end
// what others' sessions do.
const (
	rows   = "aksio_rows"
	people = "aksio_people"
)

// accessLock keeps those who change rights from each other.
const accessLock = 7_260_919_005

// allow lets the users and the people, and nobody else, read and write rows. None of
// them may change the schema, or say that a migration was applied.
func allow(ctx context.Context, db *database.DB, config Config) error {
	err := pgx.BeginFunc(ctx, db, func(tx pgx.Tx) error {
		if err := execute(ctx, tx, fmt.Sprintf(`SELECT pg_advisory_xact_lock(%d)`, accessLock)); err != nil {
			return err
		}
		// The right to make roles isn't inherited: who has it through another role, as of
		// Cloud SQL's cloudsqlsuperuser, puts that on.
		var maker string
		if err := tx.QueryRow(ctx, `
			SELECT coalesce((
				SELECT rolname FROM pg_roles WHERE (rolcreaterole OR rolsuper) AND pg_has_role(oid, 'MEMBER')
				ORDER BY rolname <> current_user, rolname LIMIT 1), current_user)`).Scan(&maker); err != nil {
			return err
		}
		if err := execute(ctx, tx,
			`SET LOCAL ROLE `+pgx.Identifier{maker}.Sanitize(),
			create(rows),
			create(people),
			`GRANT pg_monitor, pg_signal_backend TO `+people,
		); err != nil {
			return err
		}
		if err := setMembers(ctx, tx, rows, append([]string{people}, config.Users...)); err != nil {
			return err
		}
		if err := setMembers(ctx, tx, people, config.People); err != nil {
			return err
		}
		return execute(ctx, tx,
			`RESET ROLE`,
			`GRANT USAGE ON SCHEMA public TO `+rows,
			`GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO `+rows,
			`GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO `+rows,
			`REVOKE INSERT, UPDATE, DELETE ON goose_db_version FROM `+rows,
		)
	})
	if err != nil {
		return fmt.Errorf("rights of the database's users: %w", err)
	}
	return nil
}

func execute(ctx context.Context, tx pgx.Tx, statements ...string) error {
	for _, statement := range statements {
		if _, err := tx.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return nil
}

// create makes the role unless it is there.
func create(role string) string {
	return `DO $$ BEGIN CREATE ROLE ` + role + ` NOLOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`
}

// setMembers lets the users, and nobody else, be members of the role.
func setMembers(ctx context.Context, tx pgx.Tx, role string, users []string) error {
	found, _ := tx.Query(ctx, `
		SELECT m.rolname FROM pg_auth_members JOIN pg_roles m ON m.oid = member JOIN pg_roles g ON g.oid = roleid
		WHERE g.rolname = $1 ORDER BY 1`, role)
	members, err := pgx.CollectRows(found, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, user := range users {
		if !slices.Contains(members, user) {
			if _, err := tx.Exec(ctx, `GRANT `+role+` TO `+pgx.Identifier{user}.Sanitize()); err != nil {
				return fmt.Errorf("user %s: %w", user, err)
			}
		}
	}
	for _, member := range members {
		if !slices.Contains(users, member) {
			if _, err := tx.Exec(ctx, `REVOKE `+role+` FROM `+pgx.Identifier{member}.Sanitize()); err != nil {
				return fmt.Errorf("user %s: %w", member, err)
			}
		}
	}
	return nil
}
