// Package cleanup removes every night what expired.
package cleanup

import (
	"context"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/database"
	"aksio.app/shared/operations"
	"aksio.app/shared/uploads"
)

func init() {
	api.HandleScheduled(api.Operation{
		ID:       "run-cleanup",
		Summary:  "Remove expired tokens and keys, and what was deleted for good.",
		Needs:    []api.Resource{database.Resource, uploads.Resource},
		Schedule: "30 3 * * *",
		Timeout:  9 * time.Minute,
	}, setup)
}

// Response reports every step.
type Response struct {
	Body struct {
		Steps []operations.Result `json:"steps"`
	}
}

func setup(env *api.Env) (func(context.Context) (*Response, error), error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	bucket, err := uploads.Open(env)
	if err != nil {
		return nil, err
	}
	steps := operations.Steps(db, bucket)
	return func(ctx context.Context) (*Response, error) {
		resp := new(Response)
		var err error
		resp.Body.Steps, err = operations.Cleanup(ctx, steps)
		return resp, err
	}, nil
}
