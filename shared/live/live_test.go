package live_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"cloud.google.com/go/firestore"

	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/live"
	"aksio.app/shared/resource"
)

const owner, stranger = "ada", "bob"

func TestSettings(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		settings map[string]string
		want     any    // the store
		err      string // in the error
	}{
		{name: "nothing set", settings: map[string]string{}, want: new(live.Memory)},
		{name: "memory", settings: map[string]string{"LIVE_STORE": "memory", "GOOGLE_CLOUD_PROJECT": "p"}, want: new(live.Memory)},
		{name: "project", settings: map[string]string{"GOOGLE_CLOUD_PROJECT": "p", "K_SERVICE": "s"}, want: new(live.Firestore)},
		{name: "emulator", settings: map[string]string{"FIRESTORE_EMULATOR_HOST": "127.0.0.1:1"}, want: new(live.Firestore)},
		{name: "deployed without a project", settings: map[string]string{"K_SERVICE": "s"}, err: "GOOGLE_CLOUD_PROJECT is missing: write "},
		{name: "firestore nowhere", settings: map[string]string{"LIVE_STORE": "firestore"}, err: "GOOGLE_CLOUD_PROJECT is missing: write "},
		{name: "unknown store", settings: map[string]string{"LIVE_STORE": "redis"}, err: `LIVE_STORE is "redis": write memory or firestore`},
		{name: "emulator with a scheme", settings: map[string]string{"FIRESTORE_EMULATOR_HOST": "http://x:1"}, err: "FIRESTORE_EMULATOR_HOST is"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			store, err := live.Open(resource.NewProcess(tc.settings).Env("test", []resource.Name{live.Resource}))
			if tc.err != "" {
				if err == nil || !strings.Contains(err.Error(), tc.err) || strings.Contains(err.Error(), "\n") {
					t.Errorf("Open: %v, want one line with %q", err, tc.err)
				}
				return
			}
			if got, want := fmt.Sprintf("%T", store), fmt.Sprintf("%T", tc.want); err != nil || got != want {
				t.Errorf("Open gave a %s, %v; want a %s", got, err, want)
			}
		})
	}
}

func TestMemory(t *testing.T) {
	t.Parallel()
	suite(t, func(*testing.T) live.Store { return live.NewMemory(time.Hour) })
}

func TestFirestore(t *testing.T) {
	t.Parallel()
	emulated(t, time.Hour)
	suite(t, func(t *testing.T) live.Store { return live.NewFirestore(emulated(t, time.Hour)) })
}

func TestMemoryExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // its hour passes at once
		s := live.NewMemory(time.Hour)
		publish(t, s, "topic", step(1), last())
		time.Sleep(time.Hour - 1)
		wantSeqs(t, "at the end of its hour", watch(t, s, "topic", 0, 2), 1, 2)
		time.Sleep(time.Nanosecond)
		testExpired(t, s, "topic")
	})
}

func TestFirestoreExpires(t *testing.T) {
	t.Parallel()
	topic := id.New[testing.T]().String()
	publish(t, live.NewFirestore(emulated(t, past)), topic, step(1), last())
	testExpired(t, live.NewFirestore(emulated(t, time.Hour)), topic)
}

// past is how long a topic is kept that has expired when it is published.
const past = -time.Second

// emulated returns the configuration of a store in the emulator.
func emulated(t *testing.T, ttl time.Duration) live.Config {
	t.Helper()
	emulator := os.Getenv("FIRESTORE_EMULATOR_HOST")
	if emulator == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("FIRESTORE_EMULATOR_HOST is missing: run the tests by `make test`")
		}
		t.Log("NOT TESTED: the Firestore store. FIRESTORE_EMULATOR_HOST is missing; `make test` starts the emulator where it is installed.")
		t.Skip("no Firestore emulator")
	}
	return live.Config{Emulator: emulator, Project: "live-test", TTL: ttl}
}

// suite is what every store must pass. Each test has a topic of its own.
func suite(t *testing.T, newStore func(*testing.T) live.Store) {
	store := newStore(t)
	for name, test := range map[string]func(*testing.T, live.Store, string){
		"data as through JSON":      testData,
		"what can't be published":   testRefused,
		"unknown topic":             testUnknown,
		"two watchers":              testTwoWatchers,
		"resume":                    testResume,
		"numbers of another life":   testOtherLife,
		"stragglers":                testStragglers,
		"a new run":                 testNewRun,
		"hostile owner":             testStranger,
		"a bounded log":             testBounded,
		"cancelled and back":        testCancel,
		"yield fails":               testYieldFails,
		"no goroutines left":        testNoLeaks,
		"publishing when cancelled": testPublishCancelled,
	} {
		t.Run(name, func(t *testing.T) { test(t, store, id.New[testing.T]().String()) })
	}
	t.Run("concurrent publishers", func(t *testing.T) {
		stores := []live.Store{store}
		if _, ok := store.(*live.Firestore); ok { // of several instances
			stores = append(stores, newStore(t), newStore(t))
		}
		testConcurrent(t, stores, id.New[testing.T]().String())
	})
}

func step(n int) live.Event { return live.Event{Data: map[string]any{"event": "step", "n": n}} }

func last() live.Event {
	return live.Event{Last: true, Data: map[string]any{"event": "processing_complete"}}
}

func publish(t *testing.T, s live.Store, topic string, events ...live.Event) {
	t.Helper()
	for _, e := range events {
		if _, err := s.Publish(t.Context(), topic, owner, e); err != nil {
			t.Fatal(err)
		}
	}
}

// watch returns the numbers that a watcher sees until the last event or the limit.
func watch(t *testing.T, s live.Store, topic string, after int64, limit int) []int64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var seen []int64
	enough := errors.New("enough")
	err := s.Watch(ctx, topic, owner, after, func(e live.Event) error {
		if seen = append(seen, e.Seq); len(seen) == limit {
			return enough
		}
		return nil
	})
	if err != nil && !errors.Is(err, enough) {
		t.Errorf("watch after %d: %v (seen %v)", after, err, seen)
	}
	return seen
}

func wantSeqs(t *testing.T, what string, got []int64, want ...int64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: saw %v, want %v", what, got, want)
	}
}

func wantKind(t *testing.T, what string, err error, want fault.Kind) {
	t.Helper()
	if err == nil || fault.KindOf(err) != want {
		t.Errorf("%s: %v (kind %d), want kind %d", what, err, fault.KindOf(err), want)
	}
}

func nothing(live.Event) error { return nil }

func testData(t *testing.T, s live.Store, topic string) {
	type node struct {
		Title string `json:"title"`
	}
	data := map[string]any{"event": "node_created", "node": node{"Zellkern \x00"}, "progress": 42, "ids": []string{"a"}, "none": nil}
	seq, err := s.Publish(t.Context(), topic, owner, live.Event{Last: true, Data: data})
	if seq != 1 || err != nil {
		t.Fatalf("Publish: %d, %v", seq, err)
	}
	data["event"] = "changed by the publisher afterwards"
	var got live.Event
	if err := s.Watch(t.Context(), topic, owner, 0, func(e live.Event) error { got = e; return nil }); err != nil {
		t.Fatal(err)
	}
	const want = "map[event:node_created ids:[a] node:map[title:Zellkern \x00] none:<nil> progress:42]"
	if fmt.Sprint(got.Data) != want || got.Seq != 1 || !got.Last || time.Since(got.Time).Abs() > time.Minute {
		t.Errorf("got %+v, want number 1, now, with %s", got, want)
	}
	if n, ok := got.Data["progress"].(float64); !ok || n != 42 {
		t.Errorf("a number is a %T", got.Data["progress"])
	}
}

func testRefused(t *testing.T, s live.Store, topic string) {
	big := live.Event{Data: map[string]any{"text": strings.Repeat("x", 300<<10)}}
	_, err := s.Publish(t.Context(), topic, owner, big)
	wantKind(t, "a huge event", err, fault.TooLarge)
	for name, e := range map[string]live.Event{"a/b": step(1), "": step(1), ".": step(1), "__x__": step(1), topic: {Data: map[string]any{"f": nothing}}} {
		if _, err := s.Publish(t.Context(), name, owner, e); err == nil {
			t.Errorf("%v was published to %q", e.Data, name)
		}
		wantKind(t, name, s.Watch(t.Context(), name, owner, 0, nothing), fault.NotFound)
	}
	if _, err := s.Publish(t.Context(), topic, "", step(1)); err == nil {
		t.Error("published for nobody")
	}
}

func testUnknown(t *testing.T, s live.Store, topic string) {
	wantKind(t, "never published", s.Watch(t.Context(), topic, owner, 0, nothing), fault.NotFound)
	wantKind(t, "never published, with a number", s.Watch(t.Context(), topic, owner, 7, nothing), fault.NotFound)
}

func testTwoWatchers(t *testing.T, s live.Store, topic string) {
	publish(t, s, topic, step(1))
	var watchers sync.WaitGroup
	var ready sync.WaitGroup
	for range 2 {
		ready.Add(1)
		watchers.Go(func() {
			var seen []int64
			err := s.Watch(t.Context(), topic, owner, 0, func(e live.Event) error {
				if seen = append(seen, e.Seq); len(seen) == 1 {
					ready.Done()
				}
				return nil
			})
			wantSeqs(t, "a watcher", seen, 1, 2, 3, 4)
			if err != nil {
				t.Errorf("after the last event: %v", err)
			}
		})
	}
	ready.Wait() // what follows comes to those who wait
	publish(t, s, topic, step(2), step(3), last())
	watchers.Wait()
}

func testResume(t *testing.T, s live.Store, topic string) {
	publish(t, s, topic, step(1), step(2), step(3))
	wantSeqs(t, "after 1", watch(t, s, topic, 1, 2), 2, 3)
	publish(t, s, topic, last())
	wantSeqs(t, "after 2", watch(t, s, topic, 2, 9), 3, 4)
	wantSeqs(t, "after the last", watch(t, s, topic, 4, 9))
}

func testOtherLife(t *testing.T, s live.Store, topic string) {
	publish(t, s, topic, step(1), last())
	wantSeqs(t, "after a number that isn't reached", watch(t, s, topic, 99, 9), 1, 2)
	wantSeqs(t, "after a number below all", watch(t, s, topic, -5, 9), 1, 2)
}

func testStragglers(t *testing.T, s live.Store, topic string) {
	publish(t, s, topic, step(1), last())
	_, err := s.Publish(t.Context(), topic, owner, step(2))
	wantKind(t, "after the last event", err, fault.Conflict)
	wantSeqs(t, "what was refused", watch(t, s, topic, 0, 9), 1, 2)
}

func testNewRun(t *testing.T, s live.Store, topic string) {
	publish(t, s, topic, step(1), last(), live.Event{First: true, Data: map[string]any{"event": "again"}}, last())
	wantSeqs(t, "a new watcher", watch(t, s, topic, 0, 9), 3, 4)
	wantSeqs(t, "one of the run before", watch(t, s, topic, 1, 9), 3, 4)
	wantSeqs(t, "one of this run", watch(t, s, topic, 3, 9), 4)
}

func testStranger(t *testing.T, s live.Store, topic string) {
	publish(t, s, topic, step(1))
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	wantKind(t, "watching", s.Watch(ctx, topic, stranger, 0, nothing), fault.NotFound)
	wantKind(t, "watching with a number", s.Watch(ctx, topic, stranger, 50, nothing), fault.NotFound)
	wantKind(t, "watching as nobody", s.Watch(ctx, topic, "", 0, nothing), fault.NotFound)
	for _, e := range []live.Event{step(2), last(), {First: true}} {
		_, err := s.Publish(t.Context(), topic, stranger, e)
		wantKind(t, "publishing", err, fault.NotFound)
	}
	publish(t, s, topic, last())
	wantSeqs(t, "the owner", watch(t, s, topic, 0, 9), 1, 2)
}

func testConcurrent(t *testing.T, stores []live.Store, topic string) {
	s := stores[0]
	const n = 100
	publish(t, s, topic, step(0))
	var publishers sync.WaitGroup
	var mu sync.Mutex
	var given []int64
	for i := range n {
		publishers.Go(func() {
			seq, err := stores[i%len(stores)].Publish(t.Context(), topic, owner, step(i))
			if err != nil {
				t.Errorf("publication %d: %v", i, err)
			}
			mu.Lock()
			given = append(given, seq)
			mu.Unlock()
		})
	}
	seen := watch(t, s, topic, 1, n) // while they come
	publishers.Wait()
	var want []int64
	for seq := range int64(n) {
		want = append(want, seq+2)
	}
	slices.Sort(given)
	wantSeqs(t, "numbers given", given, want...)
	wantSeqs(t, "numbers seen", seen, want...)
}

func testBounded(t *testing.T, s live.Store, topic string) {
	const more = 3
	for i := range live.Kept + more {
		publish(t, s, topic, step(i))
	}
	seen := watch(t, s, topic, 0, live.Kept)
	if len(seen) != live.Kept || seen[0] != more+1 {
		t.Errorf("kept %d events from %v on, want %d from %d on", len(seen), seen[:1], live.Kept, more+1)
	}
}

func testCancel(t *testing.T, s live.Store, topic string) {
	publish(t, s, topic, step(1))
	ctx, cancel := context.WithCancel(t.Context())
	err := s.Watch(ctx, topic, owner, 0, func(live.Event) error {
		time.AfterFunc(20*time.Millisecond, cancel) // when it waits for more
		return nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := s.Watch(ctx, topic, owner, 0, nothing); !errors.Is(err, context.Canceled) {
		t.Errorf("begun cancelled: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := s.Watch(ctx, topic, owner, 1, nothing); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("out of time: %v", err)
	}
	publish(t, s, topic, step(2), last())
	wantSeqs(t, "come back", watch(t, s, topic, 1, 9), 2, 3)
}

func testYieldFails(t *testing.T, s live.Store, topic string) {
	publish(t, s, topic, step(1), last())
	gone := errors.New("the client is gone")
	if err := s.Watch(t.Context(), topic, owner, 0, func(live.Event) error { return gone }); !errors.Is(err, gone) {
		t.Errorf("got %v, want yield's error", err)
	}
}

func testNoLeaks(t *testing.T, s live.Store, topic string) {
	publish(t, s, topic, step(1))
	watch(t, s, topic, 0, 1) // the connection's own goroutines are there from now on
	before := watching()
	for range 20 {
		enough := errors.New("enough")
		if err := s.Watch(t.Context(), topic, owner, 0, func(live.Event) error { return enough }); err != enough {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if watching() <= before { // they end a moment after Watch does, as do those of other tests
			return
		}
	}
	stacks := make([]byte, 1<<16)
	t.Errorf("%d goroutines before, %d after:\n%s", before, watching(), stacks[:runtime.Stack(stacks, true)])
}

// watching counts the goroutines that serve listeners: other tests have theirs.
func watching() int {
	stacks := make([]byte, 1<<20)
	all := strings.Split(string(stacks[:runtime.Stack(stacks, true)]), "\n\n")
	return len(slices.DeleteFunc(all, func(s string) bool {
		return !strings.Contains(s, "firestore") && !strings.Contains(s, "newClientStreamWithParams") && !strings.Contains(s, "live.(*")
	}))
}

func testPublishCancelled(t *testing.T, s live.Store, topic string) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Publish(ctx, topic, owner, step(1)); err == nil {
		t.Error("published with a cancelled context")
	}
	wantKind(t, "nothing was published", s.Watch(t.Context(), topic, owner, 0, nothing), fault.NotFound)
}

// testExpired is of a topic that was the owner's until it expired.
func testExpired(t *testing.T, s live.Store, topic string) {
	wantKind(t, "what has expired", s.Watch(t.Context(), topic, owner, 0, nothing), fault.NotFound)
	// The name is free again, for anybody, and what was before stays hidden.
	if _, err := s.Publish(t.Context(), topic, stranger, live.Event{Last: true}); err != nil {
		t.Fatal(err)
	}
	wantKind(t, "the owner before", s.Watch(t.Context(), topic, owner, 0, nothing), fault.NotFound)
	n := 0
	if err := s.Watch(t.Context(), topic, stranger, 0, func(live.Event) error { n++; return nil }); err != nil || n != 1 {
		t.Errorf("the new owner saw %d events, %v; want 1", n, err)
	}
}

// The service deletes what has expired document by document, in any order.
func TestFirestoreHeadDeletedFirst(t *testing.T) {
	t.Parallel()
	config := emulated(t, past)
	topic := id.New[testing.T]().String()
	publish(t, live.NewFirestore(config), topic, step(1), step(2), step(3))
	if _, err := head(t, config, topic).Delete(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := live.NewFirestore(emulated(t, time.Hour))
	publish(t, s, topic, step(1))
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var seen []int64
	err := s.Watch(ctx, topic, owner, 0, func(e live.Event) error {
		seen = append(seen, e.Seq)
		time.AfterFunc(300*time.Millisecond, cancel) // whatever else there is comes along
		return nil
	})
	wantSeqs(t, "the new life", seen, 1)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it is told to end", err)
	}
	// A number of the life before is used again while somebody watches.
	ctx, cancel = context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	seen = nil
	enough := errors.New("enough")
	if err := s.Watch(ctx, topic, owner, 0, func(e live.Event) error {
		if seen = append(seen, e.Seq); len(seen) == 2 {
			return enough
		}
		publish(t, s, topic, step(2))
		return nil
	}); !errors.Is(err, enough) {
		t.Error(err)
	}
	wantSeqs(t, "while it is watched", seen, 1, 2)
}

// A topic may outlive its first events, which expire one by one.
func TestFirestoreEventsExpireFirst(t *testing.T) {
	t.Parallel()
	config := emulated(t, time.Hour)
	topic := id.New[testing.T]().String()
	s := live.NewFirestore(config)
	publish(t, s, topic, step(1), step(2), step(3), last())
	for _, seq := range []string{"1", "2"} {
		expires := []firestore.Update{{Path: "expires_at", Value: time.Now().Add(past)}}
		if _, err := head(t, config, topic).Collection("progress_events").Doc(seq).Update(t.Context(), expires); err != nil {
			t.Fatal(err)
		}
	}
	wantSeqs(t, "what is left", watch(t, s, topic, 0, 2), 3, 4)
}

// head returns the document that the topic is, as the service has it.
func head(t *testing.T, config live.Config, topic string) *firestore.DocumentRef {
	t.Helper()
	client, err := firestore.NewClient(t.Context(), config.Project) // the SDK reads the environment
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client.Collection("progress").Doc(topic)
}

// Listeners have been seen to tell of a later event first.
func TestFirestoreOutOfOrder(t *testing.T) {
	t.Parallel()
	config := emulated(t, time.Hour)
	s := live.NewFirestore(config)
	topic := id.New[testing.T]().String()
	publish(t, s, topic, step(1))
	events := head(t, config, topic).Collection("progress_events")
	var watching sync.WaitGroup
	watching.Go(func() { wantSeqs(t, "in order", watch(t, s, topic, 0, 4), 1, 2, 3, 4) })
	for _, seq := range []int64{4, 3, 2} {
		time.Sleep(100 * time.Millisecond) // lets the listener tell of one before the next is there
		if _, err := events.Doc(strconv.FormatInt(seq, 10)).Set(t.Context(), map[string]any{
			"owner": owner, "seq": seq, "data": "{}", "time": time.Now(), "expires_at": time.Now().Add(time.Hour),
		}); err != nil {
			t.Fatal(err)
		}
	}
	watching.Wait()
}

func TestFirestoreAway(t *testing.T) {
	t.Parallel()
	s := live.NewFirestore(live.Config{Emulator: "127.0.0.1:1", TTL: time.Hour})
	publish := func(ctx context.Context) error {
		_, err := s.Publish(ctx, "topic", owner, step(1))
		return err
	}
	watch := func(ctx context.Context) error { return s.Watch(ctx, "topic", owner, 0, nothing) }
	for name, call := range map[string]func(context.Context) error{"publishing": publish, "watching": watch} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			wantKind(t, name, call(ctx), fault.Unavailable)
		})
	}
}
