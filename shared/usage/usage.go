// Package usage meters what students use of what costs money, and says what
// their plans allow.
package usage

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"aksio.app/shared/ai"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/limits"
)

// Plan says how much a student may use. What no plan lifts stands in the migration
// 20261124081100_lists.sql, in the function most_items.
type Plan struct {
	DocumentBytes  int64 // of one document
	Documents      int   // that aren't deleted
	StorageBytes   int64 // of all of them
	Passages       int   // of all of them, copies too: the text that the database holds, however small its files
	TokensPerMonth int   // sent to and received from models, of gpt-4o-mini; fewer of dearer ones
}

// Free is everybody's plan until plans are sold. A thousand documents of ninety pages have
// its passages, or two hundred textbooks. They are some 1 GB of the database, and reading
// them takes the tokens of two months.
var Free = Plan{
	DocumentBytes:  50 << 20,
	Documents:      1_000,
	StorageBytes:   5 << 30,
	Passages:       200_000,
	TokensPerMonth: 3_000_000,
}

// Megabytes writes a number of bytes as students read it: "50.0 MiB".
func Megabytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// callRate is how often a student may make the platform ask a model.
var callRate = limits.Rate{Count: 100, Per: time.Hour}

// Call is what makes one thing with a model, with as many questions to it as that takes.
type Call struct {
	ID     CallID  // of what is made: another try of the same is the same call
	Tokens float64 // about the most that it takes of the month's
}

// CallID identifies a call.
type CallID = id.ID[Call]

// How long calls may take.
const (
	callTime      = 10 * time.Minute // longer than any function that asks models: of an older one, the process died
	settleTimeout = 3 * time.Second
	budgetWait    = 10 * time.Second // until another try, while others use the rest of the month's tokens
)

// Allow says whether the student may use a model now: Throttled after too many
// calls within an hour, and else what Budget says. It is asked before the model
// answers or makes something; the few tokens by which a search's words are
// embedded are recorded only. Two round trips.
func Allow(ctx context.Context, limiter limits.Limiter, db *database.DB, model ai.Model, user auth.UserID, call Call) error {
	if err := limiter.Take(ctx, "ai:"+user.String(), callRate); err != nil {
		return err
	}
	return Budget(ctx, db, model, user, call)
}

// Budget is Allow for work that nobody waits for, such as reading documents, and that
// takes no turn: what it may use is held all the same. It is Exhausted when the month's
// tokens are used up, and Throttled while calls that aren't settled may use up the
// rest: however many are made at once, the month ends over the plan by one at most.
// The model says what each token of the month counts. A call that is granted is to be
// settled; until then, but not for longer than callTime, it counts as if it took all
// of its tokens. One round trip.
func Budget(ctx context.Context, db *database.DB, model ai.Model, user auth.UserID, call Call) error {
	var batch pgx.Batch // one transaction; the student's calls wait for each other, so that the later one sees the earlier
	batch.Queue(`SELECT pg_advisory_xact_lock(hashtextextended($1::text, 3))`, user)
	batch.Queue(`
		WITH died AS (DELETE FROM model_calls WHERE user_id = $1 AND id <> $2 AND until < now())
		INSERT INTO model_calls (user_id, id, tokens, until) VALUES ($1, $2, $3, now() + $4::interval)
		ON CONFLICT (user_id, id) DO UPDATE SET tokens = excluded.tokens, until = excluded.until`, user, call.ID, call.Tokens, callTime)
	var held, used float64
	// First: of a call that is settled meanwhile, both count and not neither.
	batch.Queue(`SELECT coalesce(sum(tokens), 0) FROM model_calls WHERE user_id = $1 AND id <> $2`, user, call.ID).
		QueryRow(func(row pgx.Row) error { return row.Scan(&held) })
	batch.Queue(`
		SELECT model, sum(prompt_tokens + completion_tokens)::float8 FROM model_usage
		WHERE user_id = $1 AND day >= date_trunc('month', now())::date
		GROUP BY model`, user).Query(func(rows pgx.Rows) error {
		var name string
		var tokens float64
		_, err := pgx.ForEachRow(rows, []any{&name, &tokens}, func() error {
			used += tokens * model.Weight(name)
			return nil
		})
		return err
	})
	if err := db.SendBatch(ctx, &batch).Close(); err != nil {
		Settle(ctx, db, user, call.ID) // it may have been granted
		return database.Fault(err, "call")
	}
	left := float64(Free.TokensPerMonth) - used
	if left > held {
		return nil
	}
	Settle(ctx, db, user, call.ID)
	if left > 0 {
		return fault.New(fault.Throttled, "What you have asked for already may use up the rest of this month's allowance. Wait until it is there, then try again.").
			Coded("model_budget_in_use").RetryAfter(budgetWait).AsRoutine()
	}
	return fault.New(fault.Exhausted, "This month's allowance for the tutor, for generated material and for reading documents is used up. It starts anew on the first of the month.").
		Coded("model_budget")
}

const settle = `DELETE FROM model_calls WHERE user_id = $1 AND id = $2`

// Settle ends a call whose usage is recorded. If it can't, the call counts until its time
// is up.
func Settle(ctx context.Context, db *database.DB, user auth.UserID, call CallID) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	if _, err := db.Exec(ctx, settle, user, call); err != nil {
		slog.WarnContext(ctx, "a model's call counts until its time is up", "call_id", call, "error", err)
	}
}

// QueueSettle is Settle as part of the batch that records the usage.
func QueueSettle(batch *pgx.Batch, user auth.UserID, call CallID) { batch.Queue(settle, user, call) }

// Purpose is what a model was asked for.
type Purpose string

// The purposes.
const (
	Embedding  Purpose = "embedding"
	Answering  Purpose = "answering"
	Generating Purpose = "generating"
	Summary    Purpose = "summary"
)

// Execer is a connection, a pool or, so that result and usage can't part, a transaction.
type Execer interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
}

// record adds a call to the usage unless the condition holds.
func record(unless string) string {
	return `
	INSERT INTO model_usage AS m (user_id, day, purpose, model, calls, prompt_tokens, completion_tokens)
	SELECT $1, now()::date, $2, $3, 1, $4, $5 WHERE NOT (` + unless + `)
	ON CONFLICT (user_id, day, purpose, model) DO UPDATE SET
		calls = m.calls + 1,
		prompt_tokens = m.prompt_tokens + excluded.prompt_tokens,
		completion_tokens = m.completion_tokens + excluded.completion_tokens`
}

// Record adds a model call to the student's usage. Give it the transaction that
// stores what the model answered.
func Record(ctx context.Context, tx Execer, user auth.UserID, purpose Purpose, u ai.Usage) error {
	_, err := tx.Exec(ctx, record("false"), user, purpose, u.Model, u.PromptTokens, u.CompletionTokens)
	return err
}

// lostTimeout is how long a call may take, its own time aside, to record what it lost.
const lostTimeout = 5 * time.Second

// RecordLost is Record of a call of which nothing is stored: the student may have left,
// and its time may be up.
func RecordLost(ctx context.Context, db Execer, user auth.UserID, purpose Purpose, u ai.Usage) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lostTimeout)
	defer cancel()
	return Record(ctx, db, user, purpose, u)
}

// Queue is Record as part of a batch.
func Queue(batch *pgx.Batch, user auth.UserID, purpose Purpose, u ai.Usage) {
	QueueUnless(batch, user, purpose, u, "false")
}

// QueueUnless is Queue unless the condition holds: SQL whose parameters begin with $6.
func QueueUnless(batch *pgx.Batch, user auth.UserID, purpose Purpose, u ai.Usage, condition string, args ...any) {
	batch.Queue(record(condition), append([]any{user, purpose, u.Model, u.PromptTokens, u.CompletionTokens}, args...)...)
}
