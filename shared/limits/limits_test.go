package limits_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits"
)

func TestTakeAllowsCountAndSaysHowLongToWait(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	rate := limits.Rate{Count: 3, Per: time.Hour}
	for i := range 3 {
		if err := limits.Take(context.Background(), db, "ada", rate); err != nil {
			t.Fatalf("event %d: %v", i+1, err)
		}
	}
	err := limits.Take(context.Background(), db, "ada", rate)
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != fault.Throttled || f.Wait < 19*time.Minute || f.Wait > 20*time.Minute {
		t.Errorf("fourth event in the hour: got %v, want to be told to wait 20 minutes", err)
	}
	if err := limits.Take(context.Background(), db, "bob", rate); err != nil {
		t.Errorf("another key: %v", err)
	}
}

func TestTakeHoldsAcrossConcurrentCallers(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	var mu sync.Mutex
	allowed := 0
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if limits.Take(context.Background(), db, "k", limits.Rate{Count: 5, Per: time.Hour}) == nil {
				mu.Lock()
				allowed++
				mu.Unlock()
			}
		})
	}
	callers.Wait()
	if allowed != 5 {
		t.Errorf("%d of 20 concurrent events were allowed, want 5", allowed)
	}
}
