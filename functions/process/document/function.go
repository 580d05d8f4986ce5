// Package document serves the event that a document's bytes are in the bucket.
package document

import (
	"context"
	"log/slog"
	"time"

	"aksio.app/shared/ai"
	"aksio.app/shared/api"
	"aksio.app/shared/database"
	"aksio.app/shared/documents/processing"
	"aksio.app/shared/live"
	"aksio.app/shared/uploads"
)

func init() {
	api.HandleFinalized(api.Operation{
		ID:           "process-document",
		Summary:      "Read an uploaded document and make it searchable.",
		Needs:        []api.Resource{database.Resource, uploads.Resource, live.Resource, ai.Resource},
		MemoryMiB:    2048,
		CPU:          2,
		Concurrency:  1,
		Timeout:      540 * time.Second,
		MaxInstances: 20,
	}, setup)
}

func setup(env *api.Env) (api.ObjectHandler, error) {
	processor, err := processing.Open(env)
	if err != nil {
		return nil, err
	}
	bucket, err := uploads.Open(env)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, object api.Object) error {
		if object.Bucket != bucket.Name() {
			// A trigger set up wrongly: the same name is another file there.
			slog.ErrorContext(ctx, "event of another bucket dropped", "bucket", object.Bucket, "object", object.Name)
			return nil
		}
		return processor.Process(ctx, object.Name, object.Generation)
	}, nil
}
