// Package limits counts how often something is done, across all instances.
package limits

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/database"
	"aksio.app/shared/fault"
)

// Rate allows Count events at once, and lets them come back one by one, evenly
// over Per (GCRA).
type Rate struct {
	Count int
	Per   time.Duration
}

// Limiter counts events by key, such as "search:" and a student.
type Limiter interface {
	// Take counts one event. It is Throttled, and counts nothing, when the rate of
	// the key is used up. One round trip.
	Take(ctx context.Context, key string, rate Rate) error
}

// InDatabase returns the limiter that counts in the database.
func InDatabase(db *database.DB) Limiter { return inDatabase{db} }

type inDatabase struct{ db *database.DB }

func (l inDatabase) Take(ctx context.Context, key string, rate Rate) error {
	return turn(l.db.QueryRow(ctx, `SELECT take_turn($1, $2, $3)`, key, rate.Count, rate.Per))
}

// Taken is what Take would return, of the row of a statement that calls the migrations'
// take_turn by itself: its key is found in the database, or not every call counts. No
// row says that nothing was to be counted.
func Taken(row pgx.Row) error {
	if err := turn(row); !errors.Is(err, pgx.ErrNoRows) {
		return err
	}
	return nil
}

func turn(row pgx.Row) error {
	var wait time.Duration
	if err := row.Scan(&wait); err != nil {
		return err
	}
	if wait > 0 {
		return Throttled(wait)
	}
	return nil
}

// Throttled is the fault of an event that came too early by the wait.
func Throttled(wait time.Duration) error {
	return fault.New(fault.Throttled, "Request was throttled: too many in a short time. Try again in %s.", words(wait)).RetryAfter(wait)
}

func words(wait time.Duration) string {
	if wait < time.Minute {
		return fmt.Sprintf("%d seconds", int(wait.Seconds())+1)
	}
	return fmt.Sprintf("%d minutes", int(wait.Minutes())+1)
}
