// Package progress tells who waits for a document how far its reading is.
package progress

import (
	"context"
	"errors"
	"time"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/live"
)

// Update is one thing that happened to a document.
type Update struct {
	Seq int64 // of the live event; 0 if it was derived from the database
	Event
}

// Feed tells what happens to documents, as it happens.
type Feed struct {
	store *documents.Store
	live  live.Store
	poll  time.Duration
}

// NewFeed returns a feed of the store's documents.
func NewFeed(store *documents.Store, events live.Store) *Feed {
	return &Feed{store: store, live: events, poll: 3 * time.Second}
}

// Follow emits what happens to the document after the live event with the number
// after, up to the end of its processing. The database is asked now and then, so
// that a lost event keeps nobody waiting; when nothing is live, it alone is asked.
// It ends with the context, with emit's error, and after the last update.
func (f *Feed) Follow(ctx context.Context, owner auth.UserID, document documents.ID, after int64, emit func(Update) error) error {
	now, err := f.store.Status(ctx, owner, courses.ID{}, document)
	if err != nil {
		return err
	}
	w := &watch{Feed: f, owner: owner, document: document, after: after, emit: emit}
	if now.State.Over() {
		return w.finish(ctx, now)
	}
	if err := emit(Update{Event: snapshot(now)}); err != nil {
		return err
	}
	return w.follow(ctx, now)
}

// watch is one follower of one document.
type watch struct {
	*Feed
	owner    auth.UserID
	document documents.ID
	after    int64 // the last event that was passed on
	emit     func(Update) error
}

func (w *watch) follow(ctx context.Context, seen documents.Document) error {
	listen, stop := context.WithCancel(ctx)
	defer stop()
	events := make(chan live.Event)
	go w.listen(listen, w.after, events)
	tick := time.NewTicker(w.poll)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e := <-events:
			w.after = e.Seq
			if !e.Last {
				if err := w.pass(e); err != nil {
					return err
				}
				continue
			}
			now, err := w.store.Status(ctx, w.owner, courses.ID{}, w.document)
			if err != nil {
				return ended(ctx, err)
			}
			if ends(e, now) {
				return w.pass(e)
			}
		case <-tick.C:
			now, err := w.store.Status(ctx, w.owner, courses.ID{}, w.document)
			if err != nil {
				return ended(ctx, err)
			}
			if now.State.Over() {
				stop()
				return w.finish(ctx, now)
			}
			if now.Stage != seen.Stage || now.State != seen.State || now.Progress != seen.Progress {
				if err := w.emit(Update{Event: snapshot(now)}); err != nil {
					return err
				}
				seen = now
			}
		}
	}
}

// listen passes the topic's events on, and waits for a topic that isn't there yet.
func (w *watch) listen(ctx context.Context, after int64, events chan<- live.Event) {
	for {
		w.live.Watch(ctx, Topic(w.document), w.owner.String(), after, func(e live.Event) error {
			after = e.Seq
			select {
			case events <- e:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		// Over, not there, or away: the database is asked all the while.
		select {
		case <-ctx.Done():
			return
		case <-time.After(w.poll / 3):
		}
	}
}

// pass emits the live event.
func (w *watch) pass(e live.Event) error {
	event, err := parse(e.Data)
	if err != nil {
		return err
	}
	return w.emit(Update{e.Seq, event})
}

// finish emits what is left of the events of a document whose processing is over,
// and the last update in any case.
func (w *watch) finish(ctx context.Context, now documents.Document) error {
	brief, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	last, failed := false, error(nil)
	w.live.Watch(brief, Topic(w.document), w.owner.String(), w.after, func(e live.Event) error {
		if e.Last && !ends(e, now) {
			return errors.New("of an earlier reading")
		}
		last = e.Last
		failed = w.pass(e)
		return failed
	})
	if failed != nil || last {
		return failed
	}
	return w.emit(Update{Event: outcome(now)})
}

// ends reports whether a last event is of the document's newest reading, and not of an
// earlier one that the topic still keeps.
func ends(e live.Event, now documents.Document) bool {
	return now.State.Over() && e.Data["reading"] == float64(now.Reading)
}

// ended is what a follower is told when the document can't be asked for any more.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	if fault.KindOf(err) == fault.NotFound {
		return fault.New(fault.NotFound, "The document was deleted.").Coded("document_deleted")
	}
	return err
}

// snapshot is an update that says where the document stands.
func snapshot(d documents.Document) Event {
	return Event{
		Event: "document_status", Document: d.ID, Status: d.State.Status(), Stage: d.Stage,
		Progress: d.Progress, Done: &d.Embedded, Chunks: &d.Passages,
	}
}

// outcome is the last update as the database tells it.
func outcome(d documents.Document) Event {
	if d.State == documents.Completed {
		return Completed(d.ID, d.Reading)
	}
	return Failed(d.ID, d.Reading, d.Stage, d.Progress, d.ErrorCode, d.ErrorMessage)
}
