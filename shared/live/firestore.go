package live

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"cloud.google.com/go/firestore"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"aksio.app/shared/fault"
	"aksio.app/shared/resource"
)

// Firestore keeps a topic's head in progress/{topic} and its events in
// progress/{topic}/progress_events/{number}. Both collections have a TTL policy
// on expires_at. A document takes about one write a second for long, more for a
// moment: publish steps, not every byte.
type Firestore struct {
	ttl    time.Duration
	client func(context.Context) (*firestore.Client, error)
	seed   maphash.Seed
	turns  [64]chan struct{} // by topic
}

const (
	headCollection  = "progress"
	eventCollection = "progress_events" // TTL policies go by this name, wherever it stands
)

// attempts is how often a publication is tried against others in the same topic.
const attempts = 20

// NewFirestore returns the configured store. It connects when it is first used.
func NewFirestore(config Config) *Firestore {
	if config.Project == "" {
		config.Project = "aksio-local" // an emulator takes any
	}
	if config.Database == "" {
		config.Database = firestore.DefaultDatabaseID
	}
	f := &Firestore{ttl: config.TTL, seed: maphash.MakeSeed()}
	for i := range f.turns {
		f.turns[i] = make(chan struct{}, 1)
	}
	f.client = resource.Lazily(func(context.Context) (*firestore.Client, error) {
		var options []option.ClientOption
		if config.Emulator != "" {
			// Told here and not by the operating system's environment, which all
			// tests of a process share. The connection overrides it.
			conn, err := grpc.NewClient("passthrough:///"+config.Emulator,
				grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithPerRPCCredentials(emulatorOwner{}))
			if err != nil {
				return nil, err
			}
			options = append(options, option.WithGRPCConn(conn))
		}
		return firestore.NewClientWithDatabase(context.Background(), config.Project, config.Database, options...)
	})
	return f
}

// emulatorOwner lets the emulator skip its security rules, as a service account may.
type emulatorOwner struct{}

func (emulatorOwner) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer owner"}, nil
}

func (emulatorOwner) RequireTransportSecurity() bool { return false }

// eventDocument is an event in the log. Its data is text, which is relayed as it is
// and costs one index entry, not one a field.
type eventDocument struct {
	Owner   string    `firestore:"owner"` // for security rules
	Seq     int64     `firestore:"seq"`
	First   bool      `firestore:"first"`
	Last    bool      `firestore:"last"`
	Data    string    `firestore:"data"`
	Time    time.Time `firestore:"time"`
	Expires time.Time `firestore:"expires_at"`
}

// Publish is Store's. It costs a read and a commit of two or three writes.
func (f *Firestore) Publish(ctx context.Context, topic, owner string, e Event) (int64, error) {
	data, err := encode(topic, owner, &e)
	if err != nil {
		return 0, err
	}
	client, err := f.client(ctx)
	if err != nil {
		return 0, fmt.Errorf("publish to %s: %w", topic, err)
	}
	// The calls of this instance go one by one, so that only those of others can
	// come between reading and writing.
	turn := f.turns[maphash.String(f.seed, topic)%uint64(len(f.turns))]
	select {
	case <-ctx.Done():
		return 0, ctx.Err()
	case turn <- struct{}{}:
		defer func() { <-turn }()
	}
	for attempt := 1; ; attempt++ {
		err := f.append(ctx, client, topic, owner, &e, data)
		if err == nil {
			return e.Seq, nil
		}
		if !outrun(err) || attempt == attempts {
			return 0, fmt.Errorf("publish to %s: %w", topic, err)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(rand.N(time.Duration(attempt) * 10 * time.Millisecond)):
		}
	}
}

// append writes the event and the head after it, if the head is as it was read.
// Reading it within the transaction would lock it, and publishers that hold such
// a lock each wait for all others to let go.
func (f *Firestore) append(ctx context.Context, client *firestore.Client, topic, owner string, e *Event, data string) error {
	ref := client.Collection(headCollection).Doc(topic)
	before, read, err := readHead(ref.Get(ctx))
	if err != nil {
		return err
	}
	after, err := before.advance(owner, e, f.ttl)
	if err != nil {
		return err
	}
	events := ref.Collection(eventCollection)
	number := func(seq int64) *firestore.DocumentRef { return events.Doc(strconv.FormatInt(seq, 10)) }
	return client.RunTransaction(ctx, func(_ context.Context, tx *firestore.Transaction) error {
		if gone := after.Seq - Kept; gone > 0 {
			if err := tx.Delete(number(gone)); err != nil {
				return err
			}
		}
		if err := tx.Set(number(e.Seq), eventDocument{owner, e.Seq, e.First, e.Last, data, e.Time, after.Expires}); err != nil {
			return err
		}
		if read.IsZero() {
			return tx.Create(ref, after)
		}
		return tx.Update(ref, after.updates(), firestore.LastUpdateTime(read))
	}, firestore.MaxAttempts(1))
}

// updates are all fields of the head: a Set takes no condition.
func (h head) updates() []firestore.Update {
	return []firestore.Update{
		{Path: "owner", Value: h.Owner},
		{Path: "first", Value: h.First},
		{Path: "seq", Value: h.Seq},
		{Path: "last", Value: h.Last},
		{Path: "event", Value: h.Event},
		{Path: "updated_at", Value: h.Updated},
		{Path: "expires_at", Value: h.Expires},
	}
}

// outrun reports whether another publisher was faster.
func outrun(err error) bool {
	switch status.Code(err) {
	case codes.AlreadyExists, codes.FailedPrecondition, codes.NotFound, codes.Aborted:
		return true
	}
	return false
}

// readHead reads a head and when it was written; one that isn't there is empty.
func readHead(snapshot *firestore.DocumentSnapshot, err error) (head, time.Time, error) {
	var h head
	if status.Code(err) == codes.NotFound {
		return h, time.Time{}, nil
	}
	if err != nil {
		return h, time.Time{}, err
	}
	return h, snapshot.UpdateTime, snapshot.DataTo(&h)
}

// Watch is Store's. It costs a read for each event, one, and one more after each ten
// seconds that bring nothing.
func (f *Firestore) Watch(ctx context.Context, topic, owner string, after int64, yield func(Event) error) error {
	if !isTopic(topic) {
		return notFound()
	}
	err := f.watch(ctx, topic, owner, after, yield)
	if err != nil && ctx.Err() != nil {
		return ctx.Err() // gRPC has words of its own for it
	}
	return err
}

func (f *Firestore) watch(ctx context.Context, topic, owner string, after int64, yield func(Event) error) error {
	client, err := f.client(ctx)
	if err != nil {
		return fmt.Errorf("watch %s: %w", topic, err)
	}
	begun := time.Now() // before the head is found alive: its newest event is, too
	ref := client.Collection(headCollection).Doc(topic)
	h, _, err := readHead(ref.Get(ctx))
	if err != nil {
		return fmt.Errorf("watch %s: %w", topic, err)
	}
	if after, err = h.start(owner, after); err != nil || h.over(after) {
		return err
	}
	for {
		after, err = listen(ctx, ref, after, h.Seq, begun, yield)
		switch {
		case errors.Is(err, errSilent):
		case (status.Code(err) == codes.Canceled || errors.Is(err, iterator.Done)) && ctx.Err() == nil:
			// By the server, before or after the listener was told of: the client library listens
			// anew after all else, but takes this for our wish.
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Second):
			}
		default:
			return err
		}
	}
}

// patience is how long a listener may bring nothing before another takes its place:
// the stream may have died without a word, or lost an event that all later ones
// wait for. It costs a read.
const patience = 10 * time.Second

var errSilent = errors.New("the listener brings nothing")

// listen yields the events after the number until the last one, and returns the
// number of the last that it yielded. Up to complete all events are there.
func listen(ctx context.Context, ref *firestore.DocumentRef, after, complete int64, begun time.Time, yield func(Event) error) (int64, error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil) // the listener's stream lives until its context ends
	silence := time.AfterFunc(patience, func() { stop(errSilent) })
	defer silence.Stop()
	listener := ref.Collection(eventCollection).Where("seq", ">", after).OrderBy("seq", firestore.Asc).Snapshots(ctx)
	defer listener.Stop()
	ahead := map[int64]Event{} // told of, not yet yielded
	for {
		snapshot, err := listener.Next()
		if err != nil && context.Cause(ctx) == errSilent {
			return after, errSilent
		}
		if err != nil {
			return after, fmt.Errorf("watch %s: %w", ref.ID, err)
		}
		for _, change := range snapshot.Changes {
			if change.Kind == firestore.DocumentRemoved {
				continue // the log's beginning is no news
			}
			e, alive, err := readEvent(change.Doc, begun)
			if err != nil {
				return after, err
			}
			if alive && e.Seq > after {
				ahead[e.Seq] = e
			}
		}
		for {
			e, there := following(ahead, after, complete)
			if !there {
				break
			}
			delete(ahead, e.Seq)
			after = e.Seq
			if err := yield(e); err != nil || e.Last {
				return after, err
			}
			silence.Reset(patience)
		}
	}
}

// following returns the event that comes next after the number. Under load a
// listener may tell of a later event first; that one waits for those before it. Up
// to complete all events were there when the watching began: those that are missing
// have expired.
func following(ahead map[int64]Event, after, complete int64) (Event, bool) {
	if len(ahead) == 0 {
		return Event{}, false
	}
	oldest := slices.Min(slices.Collect(maps.Keys(ahead)))
	cut := len(ahead) >= Kept // the log lost its beginning while yield took its time
	return ahead[oldest], oldest <= max(after, complete)+1 || cut
}

// readEvent reads an event, and reports whether it is of the topic's present life:
// events may outlast the head that counted them.
func readEvent(doc *firestore.DocumentSnapshot, begun time.Time) (Event, bool, error) {
	var d eventDocument
	if err := doc.DataTo(&d); err != nil {
		return Event{}, false, err
	}
	if !begun.Before(d.Expires) {
		return Event{}, false, nil
	}
	data, err := decode(d.Data)
	return Event{Seq: d.Seq, Time: d.Time, First: d.First, Last: d.Last, Data: data}, err == nil, err
}

func init() { fault.Classify(kindOf) }

// kindOf knows what Firestore answers when it is only busy or away.
func kindOf(err error) (fault.Kind, bool) {
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted:
		return fault.Unavailable, true
	}
	return 0, false
}
