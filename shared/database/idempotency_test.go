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
		return db.BeginIdempotent(ctx, user, "op", "key", []byte("request"), claim, time.Minute, 0)
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
		if !errors.As(err, &f) || f.Kind != fault.Conflict || f.Wait < time.Second || f.Wait > 10*time.Second {
			t.Fatalf("%s: got %v, want a conflict that says to ask again in some seconds", when, err)
		}
	}
	slow, next := uuid.New(), uuid.New()
	_, first, err := begin(slow)
	settled(err)
	held("while it runs")
	settled(db.AbandonIdempotent(ctx, user, "op", "key", uuid.New()))
	held("after a try failed that had no claim")
	settled(db.AbandonIdempotent(ctx, user, "op", "key", slow))
	if _, again, err := begin(next); err != nil || again != first {
		t.Fatalf("repeated: got %v, %v, want the first id %v", again, err, first)
	}
	settled(db.AbandonIdempotent(ctx, user, "op", "key", slow))
	settled(db.FinishIdempotent(ctx, user, "op", "key", slow, []byte("late")))
	held("after the one before settled late")
	settled(db.FinishIdempotent(ctx, user, "op", "key", next, []byte("answer")))
	if answer, _, err := begin(uuid.New()); err != nil || string(answer) != "answer" {
		t.Fatalf("afterwards: got %q, %v", answer, err)
	}
}

// An answer that is good for some minutes makes room for another then, and the key stays
// its request's for a day.
func TestAnAnswerEndsBeforeItsKey(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	ctx, user := context.Background(), id.New[auth.User]()
	if _, err := db.Exec(ctx, `INSERT INTO users (id, username, email, password) VALUES ($1, 'ada', 'ada@example.com', '')`, user); err != nil {
		t.Fatal(err)
	}
	var made uuid.UUID
	for _, tc := range []struct {
		age     time.Duration // of the answer
		request string
		want    string // the answer, the kind of failure, or whose id it is carried out with
	}{
		{0, "request", "first"},
		{9 * time.Minute, "request", "answer"},
		{11 * time.Minute, "other", "conflict"},
		{11 * time.Minute, "request", "first"},
		{23 * time.Hour, "other", "conflict"},
		{23 * time.Hour, "request", "first"},
		{25 * time.Hour, "request", "fresh"},
		{25 * time.Hour, "other", "fresh"},
	} {
		if _, err := db.Exec(ctx, `UPDATE idempotency_keys SET answer = 'answer', created_at = now() - $1::interval`, tc.age); err != nil {
			t.Fatal(err)
		}
		answer, first, err := db.BeginIdempotent(ctx, user, "op", "key", []byte(tc.request), uuid.New(), time.Minute, 10*time.Minute)
		if made == uuid.Nil {
			made = first
		}
		got := string(answer)
		switch {
		case fault.KindOf(err) == fault.Conflict && err != nil:
			got = "conflict"
		case err != nil:
			t.Fatal(err)
		case answer == nil && first == made:
			got = "first"
		case answer == nil:
			got = "fresh"
		}
		if got != tc.want {
			t.Errorf("%s after %v: got %q, want %q", tc.request, tc.age, got, tc.want)
		}
	}
}
