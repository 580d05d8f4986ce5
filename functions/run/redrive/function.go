// Package redrive goes on with documents whose processing got stuck.
package redrive

import (
	"context"
	"time"

	"aksio.app/shared/ai"
	"aksio.app/shared/api"
	"aksio.app/shared/database"
	"aksio.app/shared/documents/processing"
	"aksio.app/shared/live"
	"aksio.app/shared/uploads"
)

func init() {
	api.HandleScheduled(api.Operation{
		ID:        "run-redrive",
		Summary:   "Go on with documents whose processing got stuck; remove uploads that never came.",
		Needs:     []api.Resource{database.Resource, uploads.Resource, live.Resource, ai.Resource},
		Schedule:  "*/5 * * * *",
		MemoryMiB: 2048, // it reads documents, as process-document does
		CPU:       2,
		Timeout:   9 * time.Minute,
	}, setup)
}

// Response says what was done.
type Response struct {
	Body Body
}

// Body is the body of the response.
type Body struct {
	Processed int `json:"processed" doc:"Documents that were gone on with."`
	Failed    int `json:"failed" doc:"Of these, how many want another round."`
	Removed   int `json:"removed" doc:"Announced documents whose bytes never came."`
}

// perRun is how many documents one run looks at.
const perRun = 50

func setup(env *api.Env) (func(context.Context) (*Response, error), error) {
	processor, err := processing.Open(env)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context) (*Response, error) {
		done, err := processor.Redrive(ctx, perRun)
		return &Response{Body(done)}, err
	}, nil
}
