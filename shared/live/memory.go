package live

import (
	"context"
	"slices"
	"sync"
	"time"
)

// Memory keeps events in the process: for one server, and for tests.
type Memory struct {
	ttl time.Duration

	mu     sync.Mutex
	topics map[string]*topic
}

type topic struct {
	head    head
	log     []entry       // the newest events, of earlier runs, too
	changed chan struct{} // closed when there is more
}

// entry is an event as it is kept: encoded, so that nobody changes it.
type entry struct {
	event Event // without its data
	data  string
}

// NewMemory returns an empty store whose topics expire ttl after their last event.
func NewMemory(ttl time.Duration) *Memory {
	return &Memory{ttl: ttl, topics: map[string]*topic{}}
}

// Publish is Store's.
func (m *Memory) Publish(ctx context.Context, name, owner string, e Event) (int64, error) {
	data, err := encode(name, owner, &e)
	if err != nil {
		return 0, err
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.topics[name]
	if t == nil {
		m.sweep()
		t = &topic{changed: make(chan struct{})}
	}
	head, err := t.head.advance(owner, &e, m.ttl)
	if err != nil {
		return 0, err
	}
	m.topics[name] = t
	t.head = head
	e.Data = nil
	t.log = append(t.log, entry{e, data})
	if len(t.log) > Kept {
		t.log = slices.Delete(t.log, 0, len(t.log)-Kept)
	}
	close(t.changed)
	t.changed = make(chan struct{})
	return e.Seq, nil
}

// sweep forgets the topics that have expired.
func (m *Memory) sweep() {
	now := time.Now()
	for name, t := range m.topics {
		if now.After(t.head.Expires) {
			delete(m.topics, name)
		}
	}
}

// Watch is Store's.
func (m *Memory) Watch(ctx context.Context, name, owner string, after int64, yield func(Event) error) error {
	after, err := m.start(name, owner, after)
	if err != nil {
		return err
	}
	for {
		entries, over, changed := m.more(name, after)
		for _, entry := range entries {
			e := entry.event
			if e.Data, err = decode(entry.data); err != nil {
				return err
			}
			if err := yield(e); err != nil {
				return err
			}
			after = e.Seq
			if e.Last {
				return nil
			}
		}
		if len(entries) > 0 {
			continue
		}
		if over {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

func (m *Memory) start(name, owner string, after int64) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.topics[name]
	if t == nil {
		return 0, notFound()
	}
	return t.head.start(owner, after)
}

// more returns the events after the number, whether none will follow, and what
// is closed when there are others.
func (m *Memory) more(name string, after int64) ([]entry, bool, <-chan struct{}) {
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.topics[name]
	if t == nil {
		return nil, true, nil // swept: it has expired
	}
	i := slices.IndexFunc(t.log, func(e entry) bool { return e.event.Seq > after })
	if i < 0 {
		return nil, t.head.over(after), t.changed
	}
	return slices.Clone(t.log[i:]), false, t.changed
}
