package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/id"
)

// Undelivered events come again, as in the cloud, only sooner and not for as long.
const (
	firstPause  = 500 * time.Millisecond
	longestWait = 30 * time.Second
	patience    = 10 * time.Minute
)

// courier takes the bucket's events to the functions that wait for them, at least
// once: every third comes twice, at the same time, so that a function that can't bear
// it is found out here. They come as CloudEvents, the second time as Pub/Sub pushes them
// in the cloud: functions take both.
type courier struct {
	private string                // address of the private functions
	dir     string                // where events wait until they are taken, also while nothing runs
	left    map[string]api.Object // by event, what an earlier run didn't deliver
	log     *slog.Logger
	client  *http.Client
	slots   chan struct{} // how many deliveries run at once
	count   atomic.Int64

	ctx    context.Context // of all deliveries
	cancel context.CancelFunc
	mu     sync.Mutex // held to begin deliveries, and to end that
	ended  bool
	going  sync.WaitGroup
}

// newCourier reads what an earlier run didn't deliver, before anything new comes: the
// files of that come and go, and may be half-written.
func newCourier(private, dir string, log *slog.Logger) (*courier, error) {
	c := &courier{private: private, dir: dir, left: map[string]api.Object{}, log: log, client: &http.Client{}, slots: make(chan struct{}, 4)}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	files, err := filepath.Glob(c.file("*"))
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		var object api.Object
		if json.Unmarshal(text, &object) == nil {
			c.left[strings.TrimSuffix(filepath.Base(file), ending)] = object
		} else if err := os.Remove(file); err != nil { // it was killed while it wrote
			return nil, err
		}
	}
	return c, nil
}

// resume delivers what an earlier run didn't. Its files stay until it is taken.
func (c *courier) resume() {
	for event, object := range c.left {
		c.begin(event, object)
	}
}

// close ends all deliveries. They go on when the next run begins.
func (c *courier) close() error {
	c.mu.Lock()
	c.ended = true
	c.mu.Unlock()
	c.cancel()
	c.going.Wait()
	return nil
}

// deliver brings the news that the object is complete to every function that
// wants it. It doesn't wait for them. After close it only keeps the news: storage
// is closed later, and what it completes until then is for the next run.
func (c *courier) deliver(object api.Object) {
	event := id.New[api.Object]().String()
	if err := store(c.file(event), object); err != nil {
		c.log.Error("event wouldn't outlive this run", "object", object.Name, "error", err)
	}
	c.begin(event, object)
}

// begin delivers the event, and removes its file when all have taken it.
func (c *courier) begin(event string, object api.Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ended {
		return
	}
	wanting := slices.DeleteFunc(api.Declared(), func(d *api.Declaration) bool { return d.Trigger != api.Finalized })
	var waiting atomic.Int64
	waiting.Store(int64(len(wanting)))
	for _, d := range wanting {
		c.going.Go(func() {
			if c.insist(d, event, object, object.CloudEvent) && waiting.Add(-1) == 0 {
				os.Remove(c.file(event))
			}
		})
		if c.count.Add(1)%3 == 0 {
			c.going.Go(func() { c.insist(d, event, object, object.Push) })
		}
	}
}

// ending is of the names of events' files.
const ending = ".json"

func (c *courier) file(event string) string { return filepath.Join(c.dir, event+ending) }

func store(file string, object api.Object) error {
	text, err := json.Marshal(object)
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o644)
}

// envelope makes the request that delivers an event to an address.
type envelope func(ctx context.Context, address, id string) (*http.Request, error)

// insist sends the event until the function takes it, and reports whether that is over.
func (c *courier) insist(d *api.Declaration, event string, object api.Object, in envelope) bool {
	began, pause := time.Now(), firstPause
	for {
		err := c.send(d, event, in)
		if err == nil || c.ctx.Err() != nil {
			return err == nil
		}
		if time.Since(began)+pause > patience {
			c.log.Error("event given up", "function", d.ID, "object", object.Name, "error", err)
			return true
		}
		c.log.Debug("event comes again", "function", d.ID, "object", object.Name, "in", pause, "because", err)
		select {
		case <-c.ctx.Done():
			return false
		case <-time.After(pause):
		}
		pause = min(2*pause, longestWait)
	}
}

// send makes one delivery.
func (c *courier) send(d *api.Declaration, event string, in envelope) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
	r, err := in(c.ctx, c.private+d.Path, event)
	if err != nil {
		return err
	}
	resp, err := c.client.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return fmt.Errorf("it answered %s", resp.Status)
	}
	return nil
}
