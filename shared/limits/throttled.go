package limits

import (
	"errors"
	"maps"
	"sync"
	"time"

	"aksio.app/shared/fault"
)

// Throttled remembers in this instance for which keys a rate is used up, so that
// what follows is refused at once, before anything is spent on it. The zero value
// is ready.
type Throttled struct {
	mu    sync.Mutex
	until map[string]time.Time
}

// Check returns what the rate of the key last returned, until its time has come.
func (t *Throttled) Check(key string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if wait := time.Until(t.until[key]); wait > 0 {
		return throttled(wait)
	}
	return nil
}

// Note remembers the error of taking from the key's rate, if it is that the rate is used up.
func (t *Throttled) Note(key string, err error) {
	var f *fault.Fault
	if !errors.As(err, &f) || f.Kind != fault.Throttled {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(t.until, func(_ string, until time.Time) bool { return until.Before(now) })
	if t.until == nil {
		t.until = map[string]time.Time{}
	}
	t.until[key] = now.Add(f.Wait)
}
