package counter_test

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits"
	"aksio.app/shared/limits/counter"
)

// unused is a limiter that mustn't be asked.
type unused struct{ t *testing.T }

func (u unused) Take(context.Context, string, limits.Rate, ...limits.Turn) error {
	u.t.Error("counted elsewhere")
	return nil
}

// everyLimiter runs the test with each limiter there is.
func everyLimiter(t *testing.T, test func(*testing.T, limits.Limiter)) {
	t.Run("database", func(t *testing.T) {
		t.Parallel()
		test(t, limits.InDatabase(dbtest.New(t)))
	})
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		server := miniredis.RunT(t)
		server.RequireAuth("secret")
		limiter, err := counter.New(counter.Config{URL: "redis://:secret@" + server.Addr()}, unused{t})
		if err != nil {
			t.Fatal(err)
		}
		test(t, limiter)
	})
}

func TestTakeAllowsCountAndSaysHowLongToWait(t *testing.T) {
	t.Parallel()
	everyLimiter(t, func(t *testing.T, limiter limits.Limiter) {
		rate := limits.Rate{Count: 3, Per: time.Hour}
		for i := range 3 {
			if err := limiter.Take(t.Context(), "ada", rate); err != nil {
				t.Fatalf("event %d: %v", i+1, err)
			}
		}
		err := limiter.Take(t.Context(), "ada", rate)
		var f *fault.Fault
		if !errors.As(err, &f) || f.Kind != fault.Throttled || f.Wait < 19*time.Minute || f.Wait > 20*time.Minute {
			t.Errorf("fourth event in the hour: got %v, want to be told to wait 20 minutes", err)
		}
		if err := limiter.Take(t.Context(), "bob", rate); err != nil {
			t.Errorf("another key: %v", err)
		}
	})
}

// A key whose events are refused uses up nothing of the one behind it.
func TestTakeCountsForFurtherKeys(t *testing.T) {
	t.Parallel()
	everyLimiter(t, func(t *testing.T, limiter limits.Limiter) {
		class := limits.Turn{Key: "class", Rate: limits.Rate{Count: 4, Per: time.Hour}}
		for i, tc := range []struct {
			key  string
			want bool
		}{
			{"ada", true}, {"ada", true}, {"ada", false}, {"ada", false}, {"ada", false}, // her own two
			{"bob", true}, {"bob", true}, {"eve", false}, // the class's four
		} {
			err := limiter.Take(t.Context(), tc.key, limits.Rate{Count: 2, Per: time.Hour}, class)
			if (err == nil) != tc.want || err != nil && fault.KindOf(err) != fault.Throttled {
				t.Errorf("event %d, of %s: got %v, want it allowed: %t", i+1, tc.key, err, tc.want)
			}
		}
	})
}

func TestTakeHoldsAcrossConcurrentCallers(t *testing.T) {
	t.Parallel()
	everyLimiter(t, func(t *testing.T, limiter limits.Limiter) {
		var allowed atomic.Int64
		var callers sync.WaitGroup
		for range 20 {
			callers.Go(func() {
				switch err := limiter.Take(t.Context(), "k", limits.Rate{Count: 5, Per: time.Hour}); {
				case err == nil:
					allowed.Add(1)
				case fault.KindOf(err) != fault.Throttled:
					t.Error(err)
				}
			})
		}
		callers.Wait()
		if allowed.Load() != 5 {
			t.Errorf("%d of 20 concurrent events were allowed, want 5", allowed.Load())
		}
	})
}

func TestEventsComeBackOneByOneAndLeaveNothing(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	began := time.Now()
	server.SetTime(began)
	limiter, err := counter.New(counter.Config{URL: "redis://" + server.Addr()}, unused{t})
	if err != nil {
		t.Fatal(err)
	}
	rate := limits.Rate{Count: 2, Per: time.Minute}
	for i, step := range []struct {
		after   time.Duration
		allowed bool
	}{
		{0, true}, {0, true}, {29 * time.Second, false}, {31 * time.Second, true}, {31 * time.Second, false},
	} {
		server.SetTime(began.Add(step.after))
		if err := limiter.Take(t.Context(), "k", rate); (err == nil) != step.allowed || err != nil && fault.KindOf(err) != fault.Throttled {
			t.Errorf("event %d after %s: got %v", i+1, step.after, err)
		}
	}
	server.FastForward(time.Minute)
	if keys := server.Keys(); len(keys) != 0 {
		t.Errorf("a minute later there are still %v", keys)
	}
}

// TestWithoutRedisTheDatabaseCounts takes Redis away and gives it back.
func TestWithoutRedisTheDatabaseCounts(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]struct {
		breaks func(*miniredis.Miniredis)
		mends  func(*miniredis.Miniredis) error
	}{
		"down": {(*miniredis.Miniredis).Close, (*miniredis.Miniredis).Restart},
		"loading": {
			func(m *miniredis.Miniredis) { m.SetError("LOADING Redis is loading the dataset in memory") },
			func(m *miniredis.Miniredis) error { m.SetError(""); return nil },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := miniredis.RunT(t)
			limiter, err := counter.New(counter.Config{URL: "redis://" + server.Addr()}, limits.InDatabase(dbtest.New(t)))
			if err != nil {
				t.Fatal(err)
			}
			rate := limits.Rate{Count: 1, Per: time.Hour}
			take := func(key string) error { return limiter.Take(t.Context(), key, rate) }
			if err := take("before"); err != nil {
				t.Fatal(err)
			}

			redis.breaks(server)
			if err := take("meanwhile"); err != nil {
				t.Errorf("the first event: %v", err)
			}
			if err := take("meanwhile"); fault.KindOf(err) != fault.Throttled {
				t.Errorf("the second event: got %v, want it throttled by the database", err)
			}

			if err := redis.mends(server); err != nil {
				t.Fatal(err)
			}
			if server.Exists("limits:meanwhile") {
				t.Errorf("Redis holds %v", server.Keys())
			}
			counted := false
			for began, n := time.Now(), 0; !counted; n++ { // Redis is left alone for a while
				if time.Since(began) > time.Minute {
					t.Fatal("Redis is back and doesn't count")
				}
				time.Sleep(200 * time.Millisecond)
				key := fmt.Sprint("then ", n)
				if err := take(key); err != nil {
					t.Fatal(err)
				}
				counted = server.Exists("limits:" + key)
			}
		})
	}
}

// TestRedisIsKnownByItsAuthority borrows the certificate of a test server for 127.0.0.1.
func TestRedisIsKnownByItsAuthority(t *testing.T) {
	t.Parallel()
	borrowed := httptest.NewTLSServer(nil)
	t.Cleanup(borrowed.Close)
	server, err := miniredis.RunTLS(&tls.Config{Certificates: borrowed.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	authority := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: borrowed.Certificate().Raw})
	for _, config := range []counter.Config{
		{URL: "rediss://" + server.Addr(), CACerts: string(authority)},
		{URL: "rediss://" + server.Addr()}, // by the machine's authorities: a stranger
	} {
		limiter, err := counter.New(config, limits.InDatabase(dbtest.New(t)))
		if err != nil {
			t.Fatal(err)
		}
		if err := limiter.Take(t.Context(), "k", limits.Rate{Count: 2, Per: time.Hour}); err != nil {
			t.Error(err)
		}
		if keys, known := server.Keys(), config.CACerts != ""; (len(keys) == 1) != known {
			t.Errorf("authority known: %t, Redis holds %v", known, keys)
		}
		server.FlushAll()
	}
}

func TestConfigIsRefusedByName(t *testing.T) {
	t.Parallel()
	for name, config := range map[string]counter.Config{
		"REDIS_URL can't be parsed":           {URL: "10.0.0.3:secret"},
		"REDIS_CA_CERTS holds no certificate": {URL: "rediss://10.0.0.3:6378", CACerts: "none"},
	} {
		if err := config.Validate(); err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: got %v, want %q", config, err, name)
		}
	}
	if err := (counter.Config{}).Validate(); err != nil {
		t.Errorf("without Redis: %v", err)
	}
}
