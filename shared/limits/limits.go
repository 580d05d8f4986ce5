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
	return taken(db.QueryRow(ctx, take, key, rate.interval(), rate.Per))
}

// TakeIf is Take if the statement, whose arguments are $4 and up, selects a row; else
// nothing is counted. One round trip.
func TakeIf(ctx context.Context, db *database.DB, key string, rate Rate, statement string, args ...any) error {
	return taken(db.QueryRow(ctx, fmt.Sprintf(takeIf, statement), append([]any{key, rate.interval(), rate.Per}, args...)...))
}

// Queue adds a Take to the batch. Its refusal is heard as QueueBoth says.
func Queue(batch *pgx.Batch, key string, rate Rate) {
	batch.Queue(take, key, rate.interval(), rate.Per).QueryRow(taken)
}

// QueueBoth adds to the batch what counts an event for the outer key and, only if
// that was granted, one for the inner key: who is over their own rate can't use up
// another's. Closing the batch's results returns what Take would, before it looks at
// what was queued later. The statements queued later run all the same, so they must
// do no harm when a rate is used up.
func QueueBoth(batch *pgx.Batch, outerKey string, outer Rate, innerKey string, inner Rate) {
	batch.Queue(takeBoth, outerKey, outer.interval(), outer.Per, innerKey, inner.interval(), inner.Per).QueryRow(taken)
}

// interval is the time after which one event comes back.
func (r Rate) interval() time.Duration { return r.Per / time.Duration(r.Count) }

func taken(row pgx.Row) error {
	var wait time.Duration
	err := row.Scan(&wait)
	if err == nil && wait > 0 {
		return throttled(wait)
	}
	return err
}

func throttled(wait time.Duration) error {
	return fault.New(fault.Throttled, "Request was throttled: too many in a short time. Try again in %s.", words(wait)).RetryAfter(wait)
}

// move moves a key's theoretical arrival time on by one interval unless that leads
// further ahead than the window; then it returns no row. Its verbs are the numbers of
// the arguments, key, interval and window, and of what must be there for it to happen.
const move = `
	INSERT INTO rate_limits AS l (key, ready) SELECT $%[1]d, now() + $%[2]d::interval %[4]s
	ON CONFLICT (key) DO UPDATE SET ready = greatest(l.ready, now()) + $%[2]d::interval
	WHERE greatest(l.ready, now()) + $%[2]d::interval <= now() + $%[3]d::interval
	RETURNING 1`

// wait is how long until the key may be moved. A row that came after the statement
// began isn't seen: then one interval is the guess.
const wait = `greatest(interval '1 second', coalesce(
	(SELECT ready + $%[2]d::interval - now() - $%[3]d::interval FROM rate_limits WHERE key = $%[1]d), $%[2]d::interval))`

// take, takeIf and takeBoth answer how long to wait, 0 if the events are counted.
var (
	take = `WITH taken AS (` + fmt.Sprintf(move, 1, 2, 3, "") + `)
		SELECT CASE WHEN EXISTS (SELECT FROM taken) THEN interval '0' ELSE ` + fmt.Sprintf(wait, 1, 2, 3) + ` END`
	takeIf = `WITH counted AS (%s), taken AS (` + fmt.Sprintf(move, 1, 2, 3, "FROM counted") + `)
		SELECT CASE WHEN EXISTS (SELECT FROM taken) OR NOT EXISTS (SELECT FROM counted) THEN interval '0' ELSE ` + fmt.Sprintf(wait, 1, 2, 3) + ` END`
	takeBoth = `WITH outer_taken AS (` + fmt.Sprintf(move, 1, 2, 3, "") + `
		), inner_taken AS (` + fmt.Sprintf(move, 4, 5, 6, "FROM outer_taken") + `)
		SELECT CASE
			WHEN EXISTS (SELECT FROM inner_taken) THEN interval '0'
			WHEN EXISTS (SELECT FROM outer_taken) THEN ` + fmt.Sprintf(wait, 4, 5, 6) + `
			ELSE ` + fmt.Sprintf(wait, 1, 2, 3) + ` END`
)

func words(wait time.Duration) string {
	if wait < time.Minute {
		return fmt.Sprintf("%d seconds", int(wait.Seconds())+1)
	}
	return fmt.Sprintf("%d minutes", int(wait.Minutes())+1)
}
