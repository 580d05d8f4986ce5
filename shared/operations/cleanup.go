// Package operations keeps the platform in order: what expired is removed, and
// what depends on others is asked whether it is well.
package operations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"aksio.app/shared/database"
	"aksio.app/shared/documents/files"
	"aksio.app/shared/quizzes"
	"aksio.app/shared/uploads"
)

// Step is one thing that cleanup removes, or ends because its time is up.
type Step struct {
	Name string
	Run  func(ctx context.Context) (removed int, err error)
}

// Result is what became of a step.
type Result struct {
	Step    string `json:"step"`
	Removed int    `json:"removed"`
	Failed  bool   `json:"failed"`
}

// Cleanup runs the steps one by one. A step that fails doesn't stop the others;
// the error names all that failed.
func Cleanup(ctx context.Context, steps []Step) ([]Result, error) {
	var results []Result
	var errs []error
	for _, step := range steps {
		removed, err := step.Run(ctx)
		if err != nil {
			errs = append(errs, fmt.Errorf("cleanup: %s: %w", step.Name, err))
		}
		results = append(results, Result{step.Name, removed, err != nil})
	}
	return results, errors.Join(errs...)
}

// batch is how many rows go at once: locks stay short.
const batch = 5000

// Steps returns everything that cleanup removes every night.
func Steps(db *database.DB, bucket *uploads.Bucket) []Step {
	expired := func(name, sql string, args ...any) Step {
		return Step{name, func(ctx context.Context) (int, error) { return deleteAll(ctx, db, sql, args...) }}
	}
	return []Step{
		expired("refresh_tokens", `DELETE FROM refresh_tokens WHERE id IN (
			SELECT id FROM refresh_tokens WHERE expires_at < now() ORDER BY expires_at LIMIT $1)`),
		expired("idempotency_keys", `DELETE FROM idempotency_keys WHERE (user_id, operation, key) IN (
			SELECT user_id, operation, key FROM idempotency_keys WHERE created_at < now() - $2::interval ORDER BY created_at LIMIT $1)`, database.IdempotencyKeyLifetime),
		expired("rate_limits", `DELETE FROM rate_limits WHERE key IN (
			SELECT key FROM rate_limits WHERE ready < now() ORDER BY ready LIMIT $1)`),
		{"documents", func(ctx context.Context) (int, error) { return files.Purge(ctx, db, bucket) }},
		{"quiz_attempts", func(ctx context.Context) (int, error) {
			store := quizzes.NewStore(db)
			return repeat(ctx, func() (int, error) {
				timedOut, abandoned, err := store.ExpireAttempts(ctx, batch)
				return timedOut + abandoned, err
			}, batch)
		}},
		expired("chats", `DELETE FROM chats WHERE id IN (
			SELECT id FROM chats WHERE status = 'deleted' AND updated_at < now() - interval '1 day' ORDER BY updated_at LIMIT least($1, 500))`),
		// A course goes when the last of its files is gone.
		expired("courses", `DELETE FROM courses WHERE id IN (
			SELECT id FROM courses c WHERE deleted_at < now() - interval '1 day'
			AND NOT EXISTS (SELECT FROM documents WHERE course_id = c.id) ORDER BY deleted_at LIMIT least($1, 100))`),
	}
}

// deleteAll repeats a DELETE of at most $1 rows until it finds nothing more; args are $2….
func deleteAll(ctx context.Context, db *database.DB, sql string, args ...any) (int, error) {
	return repeat(ctx, func() (int, error) {
		tag, err := db.Exec(ctx, sql, append([]any{batch}, args...)...)
		return int(tag.RowsAffected()), err
	}, 1)
}

// repeat calls remove while it removes at least the number, and until the time is
// nearly up: the next night goes on.
func repeat(ctx context.Context, remove func() (int, error), least int) (int, error) {
	total := 0
	for {
		removed, err := remove()
		total += removed
		if err != nil || removed < least {
			return total, err
		}
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < 30*time.Second {
			return total, nil
		}
	}
}
