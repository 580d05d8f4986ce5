package processing

import (
	"context"
	"log/slog"
	"time"

	"aksio.app/shared/documents/progress"
	"aksio.app/shared/live"
)

// announce tells who watches what happens.
func (r *run) announce(ctx context.Context, e progress.Event) {
	e.Document = r.ID
	if e.Progress == 0 {
		e.Progress = begins[r.Stage]
	}
	r.publish(ctx, live.Event{Data: e.Data()})
}

// publish hands the event to who watches. Telling is not the point: it never
// fails the work, and holds it up once at most. Who misses events asks the database.
func (r *run) publish(ctx context.Context, e live.Event) {
	if r.mute && !e.Last {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if _, err := r.live.Publish(ctx, progress.Topic(r.ID), r.Owner.String(), e); err != nil {
		r.mute = true
		slog.WarnContext(ctx, "progress not published", "document_id", r.ID, "event", e.Data["event"], "error", err)
	}
}
