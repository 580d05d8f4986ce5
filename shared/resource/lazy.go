package resource

import (
	"context"
	"sync"
)

// Lazily returns a function that makes its value at the first call and hands out
// the same one from then on. A failure isn't remembered, as a sync.Once would:
// the next call tries again. What make returns outlives the call, so it must not
// keep the context.
func Lazily[T any](make func(context.Context) (T, error)) func(context.Context) (T, error) {
	var (
		mu    sync.Mutex
		value T
		made  bool
	)
	return func(ctx context.Context) (T, error) {
		mu.Lock()
		defer mu.Unlock()
		if made {
			return value, nil
		}
		v, err := make(ctx)
		if err == nil {
			value, made = v, true
		}
		return v, err
	}
}
