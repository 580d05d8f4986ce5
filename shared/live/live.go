// Package live tells clients at once what happens to what they wait for: the
// progress of a document, an answer being written. It holds nothing that can't be
// had from the database, and holds it for hours.
//
// Each topic has a log of its newest events, for relaying them as server-sent
// events, and a head document with the newest one, for clients that watch
// progress/{topic} with a Firestore SDK of their own. Security rules let only
// the user named in the field owner read it (infrastructure/firestore.rules, which says
// what such a client lacks).
package live

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strings"
	"time"

	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
)

// Resource is declared by functions that publish or watch.
const Resource resource.Name = "live"

// Kept is how many of its newest events a topic keeps.
const Kept = 500

// biggest is how many bytes of JSON an event may have: a Firestore document can't
// have more than a MiB.
const biggest = 256 << 10

// Event is one thing that happened in a topic.
type Event struct {
	Seq   int64          // its number, given by Publish; grows by one from event to event
	Time  time.Time      // when it was published, given by Publish
	First bool           // begins the topic anew: what was published before is forgotten
	Last  bool           // nothing follows, until a First
	Data  map[string]any // what clients see; watchers get it as it comes back from JSON
}

// Store passes events from who publishes to who watches. Implementations are
// Firestore and, where there is none, Memory.
type Store interface {
	// Publish appends the event to the topic's log and returns its number. The store
	// gives the numbers, not the caller: two instances at work on one document, as
	// when a trigger fires twice, can't give the same one.
	//
	// A topic belongs to the owner of its first event; for others it is NotFound.
	// After a Last event only a First one may follow, anything else is a Conflict, so
	// that a straggler can't revive what is over. A caller for whom telling is not
	// the point logs the error and goes on.
	Publish(ctx context.Context, topic, owner string, e Event) (int64, error)

	// Watch calls yield with the events that come after the number after, those
	// that are there and then those to come, until one is Last (nil is returned), ctx
	// ends (its error) or yield fails (that error). Events that the log doesn't
	// keep any more are left out. A number that the topic hasn't reached is from an
	// earlier life of it: everything is yielded.
	//
	// A topic that is another owner's, was never published or has expired is
	// NotFound: the caller then says what the database knows.
	Watch(ctx context.Context, topic, owner string, after int64, yield func(Event) error) error
}

// Config says where events are kept.
type Config struct {
	Store    string        `env:"LIVE_STORE"`              // memory, firestore, or empty for whichever the others allow
	Project  string        `env:"GOOGLE_CLOUD_PROJECT"`    // whose Firestore it is
	Database string        `env:"FIRESTORE_DATABASE"`      // the project's default one if empty
	Emulator string        `env:"FIRESTORE_EMULATOR_HOST"` // host:port
	TTL      time.Duration // how long a topic is kept after its last event
	Service  string        `env:"K_SERVICE"` // set by the platform
}

// Ids as Google Cloud takes them, and a port.
var (
	project    = regexp.MustCompile(`^[a-z][a-z0-9.:-]*$`)
	databaseID = regexp.MustCompile(`^([a-z][a-z0-9-]*|\(default\))$`)
	portNumber = regexp.MustCompile(`^[0-9]{1,5}$`)
)

// Validate reports every setting that can't work.
func (c Config) Validate() error {
	var errs []error
	switch {
	case c.Store != "" && c.Store != "memory" && c.Store != "firestore":
		errs = append(errs, fmt.Errorf("LIVE_STORE is %q: write memory or firestore, or leave it out", c.Store))
	case c.Store == "firestore" && c.memory():
		errs = append(errs, errors.New("GOOGLE_CLOUD_PROJECT is missing: write the project of the Firestore database, or set FIRESTORE_EMULATOR_HOST"))
	case c.Store == "" && c.memory() && c.Service != "":
		// Instances share no memory: watchers would wait in vain.
		errs = append(errs, errors.New("GOOGLE_CLOUD_PROJECT is missing: write the project of the Firestore database"))
	}
	if c.Project != "" && !project.MatchString(c.Project) {
		errs = append(errs, fmt.Errorf("GOOGLE_CLOUD_PROJECT is %q: write the id of a project, such as aksio-production", c.Project))
	}
	if c.Database != "" && !databaseID.MatchString(c.Database) {
		errs = append(errs, fmt.Errorf("FIRESTORE_DATABASE is %q: write the id of a database, or leave it out for the default one", c.Database))
	}
	if host, port, err := net.SplitHostPort(c.Emulator); c.Emulator != "" && (err != nil || host == "" || !portNumber.MatchString(port) || strings.Contains(host, "/")) {
		errs = append(errs, fmt.Errorf("FIRESTORE_EMULATOR_HOST is %q: write host:port, or leave it out", c.Emulator))
	}
	return errors.Join(errs...)
}

// memory reports whether events are kept in the process.
func (c Config) memory() bool {
	return c.Store == "memory" || c.Project == "" && c.Emulator == ""
}

// Open returns the process's store.
func Open(env *resource.Env) (Store, error) {
	return resource.Open(env, Resource, func() (Store, error) {
		config, err := resource.Settings[Config](env)
		if err != nil {
			return nil, err
		}
		config.TTL = 24 * time.Hour
		return New(config), nil
	})
}

// New returns the configured store without calling out.
func New(config Config) Store {
	if config.memory() {
		return NewMemory(config.TTL)
	}
	return NewFirestore(config)
}

// head is what is known of a topic as a whole, and in Firestore the document
// that clients watch.
type head struct {
	Owner   string         `firestore:"owner"`
	First   int64          `firestore:"first"` // number of the oldest event of this run that is kept
	Seq     int64          `firestore:"seq"`   // number of the newest event, 0 before any
	Last    bool           `firestore:"last"`  // nothing follows
	Event   map[string]any `firestore:"event"` // the newest event
	Updated time.Time      `firestore:"updated_at"`
	Expires time.Time      `firestore:"expires_at"` // Firestore deletes it within a day after; reads don't wait for that
}

// advance returns the head after the event, which it completes.
func (h head) advance(owner string, e *Event, ttl time.Duration) (head, error) {
	now := time.Now().UTC().Truncate(time.Microsecond) // as Firestore keeps it
	alive := now.Before(h.Expires)
	switch {
	case alive && h.Owner != owner:
		return h, notFound()
	case alive && h.Last && !e.First:
		return h, fault.New(fault.Conflict, "This is over; nothing can be added to it.")
	}
	if !alive || e.First {
		h.First = h.Seq + 1
	}
	h.Seq++
	h.First = max(h.First, h.Seq-Kept+1)
	h.Owner, h.Last, h.Event = owner, e.Last, e.Data
	h.Updated, h.Expires = now, now.Add(ttl)
	e.Seq, e.Time = h.Seq, now
	return h, nil
}

// start returns the number after which a watcher that has seen after goes on.
func (h head) start(owner string, after int64) (int64, error) {
	if h.Owner != owner || !time.Now().Before(h.Expires) {
		return 0, notFound()
	}
	if after > h.Seq {
		after = 0
	}
	return max(after, h.First-1), nil
}

// over reports whether a watcher that has seen after has seen all.
func (h head) over(after int64) bool { return h.Last && after >= h.Seq }

func notFound() error {
	return fault.New(fault.NotFound, "Nothing is known of this now; ask for its state instead.")
}

var topicName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]*$`)

// isTopic counts characters by itself: a counted pattern is slow to compile at start.
func isTopic(name string) bool { return len(name) <= 128 && topicName.MatchString(name) }

// encode checks what is to be published, and returns its data as JSON. It makes
// the event's data what watchers will see.
func encode(topic, owner string, e *Event) (string, error) {
	if !isTopic(topic) || owner == "" {
		return "", fmt.Errorf("publish to %q of %q: a topic is letters, digits, - and _, an owner isn't empty", topic, owner)
	}
	data, err := json.Marshal(e.Data)
	if err != nil {
		return "", fmt.Errorf("publish to %s: %w", topic, err)
	}
	if len(data) > biggest {
		return "", fault.New(fault.TooLarge, "An event can't have more than %d bytes.", biggest)
	}
	e.Data, err = decode(string(data))
	return string(data), err
}

func decode(data string) (map[string]any, error) {
	var decoded map[string]any
	err := json.Unmarshal([]byte(data), &decoded)
	return decoded, err
}
