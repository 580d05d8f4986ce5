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

// Turn is an event of the key, for which the rate has room.
type Turn struct {
	Key  string
	Rate Rate
}

// Limiter counts events by key, such as "search:" and a student.
type Limiter interface {
	// Take counts one event of the key, and then one for each of the further turns. It
	// is Throttled when the rate of a key is used up, and counts nothing for that and
	// those behind it. One round trip.
	Take(ctx context.Context, key string, rate Rate, further ...Turn) error
}

// InDatabase returns the limiter that counts in the database.
func InDatabase(db *database.DB) Limiter { return inDatabase{db} }

type inDatabase struct{ db *database.DB }

func (l inDatabase) Take(ctx context.Context, key string, rate Rate, further ...Turn) error {
	sql, args := `SELECT take_turn($1, $2, $3)`, []any{key, rate.Count, rate.Per}
	for _, t := range further {
		sql = fmt.Sprintf(`SELECT coalesce(nullif((%s), '0'), take_turn($%d, $%d, $%d))`, sql, len(args)+1, len(args)+2, len(args)+3)
		args = append(args, t.Key, t.Rate.Count, t.Rate.Per)
	}
	return turn(l.db.QueryRow(ctx, sql, args...))
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
