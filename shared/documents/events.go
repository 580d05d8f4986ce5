package documents

import (
	"context"
	"log/slog"
	"time"

	"aksio.app/shared/live"
)

// Topic is where the progress of a document is published.
func Topic(document ID) string { return "document-" + document.String() }

// publish tells who watches what happens. Telling is not the point: it never
// fails the work, and never holds it up for long.
func (r *run) publish(ctx context.Context, e live.Event, name string, data map[string]any) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	e.Data = map[string]any{"event": name, "document_id": r.ID.String(), "progress": begins[r.Stage]}
	for key, value := range data {
		e.Data[key] = value
	}
	if _, err := r.live.Publish(ctx, Topic(r.ID), r.Owner.String(), e); err != nil {
		slog.WarnContext(ctx, "progress not published", "document_id", r.ID, "event", name, "error", err)
	}
}
