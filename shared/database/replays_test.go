package database_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/uuid"

	"aksio.app/shared/auth"
	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
)

// A try settles its own claim and no other's: it may have failed to claim the key, or
// been so slow that another took over.
func TestATrySettlesItsOwnClaim(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	ctx, user := context.Background(), id.New[auth.User]()
	if _, err := db.Exec(ctx, `INSERT INTO users (id, username, email, password) VALUES ($1, 'ada', 'ada@example.com', '')`, user); err != nil {
		t.Fatal(err)
	}
	begin := func(claim uuid.UUID) (answer []byte, first uuid.UUID, err error) {
		return db.BeginReplay(ctx, user, "op", "key", []byte("request"), claim, time.Minute)
	}
	settled := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	held := func(when string) {
		t.Helper()
		_, _, err := begin(uuid.New())
		var f *fault.Fault
		if !errors.As(err, &f) || f.Kind != fault.Conflict || f.Wait < 50*time.Second || f.Wait > time.Minute {
			t.Fatalf("%s: got %v, want a conflict that says to wait for what is left of the minute", when, err)
		}
	}
	slow, next := uuid.New(), uuid.New()
	_, first, err := begin(slow)
	settled(err)
	held("while it runs")
	settled(db.AbandonReplay(ctx, user, "op", "key", uuid.New()))
	held("after a try failed that had no claim")
	settled(db.AbandonReplay(ctx, user, "op", "key", slow))
	if _, again, err := begin(next); err != nil || again != first {
		t.Fatalf("repeated: got %v, %v, want the first id %v", again, err, first)
	}
	settled(db.AbandonReplay(ctx, user, "op", "key", slow))
	settled(db.FinishReplay(ctx, user, "op", "key", slow, []byte("late")))
	held("after the one before settled late")
	settled(db.FinishReplay(ctx, user, "op", "key", next, []byte("answer")))
	if answer, _, err := begin(uuid.New()); err != nil || string(answer) != "answer" {
		t.Fatalf("afterwards: got %q, %v", answer, err)
	}
}
