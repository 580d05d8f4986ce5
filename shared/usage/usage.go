// Package usage meters what students use of what costs money, and says what
// their plans allow.
package usage

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"aksio.app/shared/ai"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits"
)

// Plan says how much a student may use. What no plan lifts stands in the migration
// 20261124081100_lists.sql, in the function most_items.
type Plan struct {
	DocumentBytes  int64 // of one document
	Documents      int   // that aren't deleted
	StorageBytes   int64 // of all of them
	TokensPerMonth int   // sent to and received from models, of gpt-4o-mini; fewer of dearer ones
}

// Free is everybody's plan until plans are sold.
var Free = Plan{
	DocumentBytes:  50 << 20,
	Documents:      1_000,
	StorageBytes:   5 << 30,
	TokensPerMonth: 3_000_000,
}

// Megabytes writes a number of bytes as students read it: "50.0 MiB".
func Megabytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// callRate is how often a student may make the platform ask a model.
var callRate = limits.Rate{Count: 100, Per: time.Hour}

// Allow says whether the student may use a model now: Throttled after too many
// calls within an hour, Exhausted when the month's tokens are used up. It is
// asked before the model answers or makes something; the few tokens by which a
// search's words are embedded are recorded only. The model says what each token
// of the month counts. Two round trips.
func Allow(ctx context.Context, limiter limits.Limiter, db *database.DB, model ai.Model, user auth.UserID) error {
	if err := limiter.Take(ctx, "ai:"+user.String(), callRate); err != nil {
		return err
	}
	return Budget(ctx, db, model, user)
}

// Budget is Allow for work that nobody waits for, such as reading documents: it
// takes no turn from whom the student talks to. It is Exhausted when the month's
// tokens are used up.
func Budget(ctx context.Context, db *database.DB, model ai.Model, user auth.UserID) error {
	rows, _ := db.Query(ctx, `
		SELECT model, sum(prompt_tokens + completion_tokens)::float8 FROM model_usage
		WHERE user_id = $1 AND day >= date_trunc('month', now())::date
		GROUP BY model`, user)
	var name string
	var tokens, weighed float64
	_, err := pgx.ForEachRow(rows, []any{&name, &tokens}, func() error {
		weighed += tokens * model.Weight(name)
		return nil
	})
	if err != nil {
		return err
	}
	if weighed >= float64(Free.TokensPerMonth) {
		return fault.New(fault.Exhausted, "This month's allowance for the tutor, for generated material and for reading documents is used up. It starts anew on the first of the month.").
			Coded("model_budget")
	}
	return nil
}

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

// Queue is Record as part of a batch.
func Queue(batch *pgx.Batch, user auth.UserID, purpose Purpose, u ai.Usage) {
	QueueUnless(batch, user, purpose, u, "false")
}

// QueueUnless is Queue unless the condition holds: SQL whose parameters begin with $6.
func QueueUnless(batch *pgx.Batch, user auth.UserID, purpose Purpose, u ai.Usage, condition string, args ...any) {
	batch.Queue(record(condition), append([]any{user, purpose, u.Model, u.PromptTokens, u.CompletionTokens}, args...)...)
}
