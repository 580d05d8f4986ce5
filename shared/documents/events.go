package documents

import (
	"context"
	"log/slog"
	"time"

	"aksio.app/shared/live"
)

// Topic is where the progress of a document is published.
func Topic(document ID) string { return "document-" + document.String() }

// announce tells who watches what happens.
func (r *run) announce(ctx context.Context, event string, data map[string]any) {
	data["event"], data["document_id"] = event, r.ID.String()
	if _, ok := data["progress"]; !ok {
		data["progress"] = begins[r.Stage]
	}
	r.publish(ctx, live.Event{Data: data})
}

// publish hands the event to who watches. Telling is not the point: it never
// fails the work, and holds it up once at most. Who misses events asks the database.
func (r *run) publish(ctx context.Context, e live.Event) {
	if r.mute && !e.Last {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	if _, err := r.live.Publish(ctx, Topic(r.ID), r.Owner.String(), e); err != nil {
		r.mute = true
		slog.WarnContext(ctx, "progress not published", "document_id", r.ID, "event", e.Data["event"], "error", err)
	}
}

// completed is the last event of a document that was read.
func completed(document ID) map[string]any {
	return map[string]any{
		"event": "processing_complete", "document_id": document.String(), "progress": 100.0,
		"graph_id": document.String(), "total_nodes": 0, "total_edges": 0,
	}
}

// failed is the last event of a document that wasn't.
func failed(document ID, stage Stage, progress float64, code, message string) map[string]any {
	event := "processing_failed"
	if stage.reads() {
		event = "extraction_failed"
	}
	return map[string]any{
		"event": event, "document_id": document.String(), "progress": progress, "error": message, "code": code,
	}
}
