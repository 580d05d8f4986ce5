// Package limits counts how often something is done, across all instances.
package limits

import (
	"context"
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

// Take counts one event for the key, such as "login:203.0.113.7". It is
// Throttled, and counts nothing, when the rate is used up. One round trip.
func Take(ctx context.Context, db *database.DB, key string, rate Rate) error {
	return taken(db.QueryRow(ctx, take, key, rate.Per/time.Duration(rate.Count), rate.Per))
}

// Queue adds a Take to the batch; closing the batch's results returns what Take
// would, before it looks at what was queued later. The statements queued later
// run all the same, so they must do no harm when the rate is used up.
func Queue(batch *pgx.Batch, key string, rate Rate) {
	batch.Queue(take, key, rate.Per/time.Duration(rate.Count), rate.Per).QueryRow(taken)
}

func taken(row pgx.Row) error {
	var wait time.Duration
	err := row.Scan(&wait)
	if err == nil && wait > 0 {
		return fault.New(fault.Throttled, "Request was throttled: too many in a short time. Try again in %s.", words(wait)).RetryAfter(wait)
	}
	return err
}

// take moves the theoretical arrival time on by one emission interval ($2) unless
// that leads further than the window ($3) ahead; then it answers how long to wait,
// else 0. A row that came after the statement began isn't seen by its last part:
// then one interval is the guess.
const take = `
	WITH taken AS (
		INSERT INTO rate_limits AS l (key, ready) VALUES ($1, now() + $2::interval)
		ON CONFLICT (key) DO UPDATE SET ready = greatest(l.ready, now()) + $2::interval
		WHERE greatest(l.ready, now()) + $2::interval <= now() + $3::interval
		RETURNING 1
	)
	SELECT CASE WHEN EXISTS (SELECT FROM taken) THEN interval '0' ELSE greatest(interval '1 second', coalesce(
		(SELECT ready + $2::interval - now() - $3::interval FROM rate_limits WHERE key = $1), $2::interval)) END`

func words(wait time.Duration) string {
	if wait < time.Minute {
		return fmt.Sprintf("%d seconds", int(wait.Seconds())+1)
	}
	return fmt.Sprintf("%d minutes", int(wait.Minutes())+1)
}
