package database

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"aksio.app/shared/fault"
)

func init() { fault.Classify(kindOf) }

// kindOf knows PostgreSQL's errors that mean "not now" or "not like this"
// wherever they come from. What they mean for one statement, Fault says.
func kindOf(err error) (fault.Kind, bool) {
	var connect *pgconn.ConnectError
	if errors.As(err, &connect) || errors.Is(err, pgconn.ErrConnClosed) { // so says pgx when BEGIN or COMMIT is cut off
		return fault.Unavailable, true
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return 0, false
	}
	switch pg.Code {
	case "57P01", "57P02", "57P03", // shutting down, crashed, starting up
		"57P05", "25P03", // a session that was idle for too long
		"57014",          // statement timeout
		"55P03",          // lock timeout
		"40001", "40P01", // serialization, deadlock
		"25006": // read-only: a failover
		return fault.Unavailable, true
	}
	switch pg.Code[:2] {
	case "08", // connection failures
		"53": // too many connections, no memory, a full disk
		return fault.Unavailable, true
	case "22": // values that can't be stored, such as a NUL in a text
		return fault.Invalid, true
	}
	return 0, false
}

// Fault turns what PostgreSQL says of a statement about what ("card 0199…")
// into what it means to the caller: no row is NotFound, a broken unique
// constraint Conflict, as is one item more than a student may have, one too soon
// Throttled, and a reference to nothing Invalid. Other errors are wrapped.
func Fault(err error, what string) error {
	var pg *pgconn.PgError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, pgx.ErrNoRows):
		return fault.New(fault.NotFound, "There is no %s.", what)
	case errors.As(err, &pg) && pg.Code == "23505":
		return fmt.Errorf("%w (%w)", fault.New(fault.Conflict, "There is such a %s already.", what), err) // for Repeated
	case errors.As(err, &pg) && pg.Code == "23503":
		return fault.New(fault.Invalid, "The %s refers to something that isn't there.", what)
	case errors.As(err, &pg) && pg.ConstraintName == "list_is_full":
		return TooMany(pg.ColumnName, pg.Detail)
	case errors.As(err, &pg) && pg.ConstraintName == "added_too_fast":
		seconds, _ := strconv.Atoi(pg.Detail)
		return fault.New(fault.Throttled, "Request was throttled: too many in the last days. Try again in %d seconds.", seconds).
			RetryAfter(time.Duration(seconds) * time.Second)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// Changed turns what became of a statement that was to change one row into what it
// means to the caller, as Fault does: no row is NotFound.
func Changed(tag pgconn.CommandTag, err error, what string) error {
	if err == nil && tag.RowsAffected() == 0 {
		err = pgx.ErrNoRows
	}
	return Fault(err, what)
}

// TooMany is the fault of one item more than the most that a student's list of
// list_counts may have.
func TooMany(list, most string) error {
	return fault.New(fault.Conflict, "That would be more than the %s %s that you may have. Delete some of them, or what they belong to, first.",
		most, strings.ReplaceAll(list, "_", " ")).Coded("too_many")
}

// Violates reports whether err is the breaking of the named constraint.
func Violates(err error, constraint string) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.ConstraintName == constraint
}
