// Package migrations brings the database's schema up to date.
package migrations

import (
	"context"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/database"
	"aksio.app/shared/database/migrations"
)

func init() {
	api.HandlePrivate(api.Operation{
		ID:           "run-migrations",
		Summary:      "Bring the database's schema and its users' rights up to date, before new code gets traffic.",
		Needs:        []api.Resource{database.Resource, migrations.Resource},
		Timeout:      9 * time.Minute,
		MaxInstances: 1,
	}, setup)
}

// Request is empty.
type Request struct{}

// Response lists what was applied, nothing if the schema was up to date.
type Response struct {
	Body struct {
		Applied []Applied `json:"applied"`
	}
}

// Applied is one migration.
type Applied struct {
	Version int64  `json:"version"`
	Name    string `json:"name"`
}

func setup(env *api.Env) (api.PublicHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	schema, err := migrations.Open(env, db)
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, _ *Request) (*Response, error) {
		applied, err := schema.Update(ctx)
		resp := new(Response)
		resp.Body.Applied = []Applied{}
		for _, a := range applied {
			resp.Body.Applied = append(resp.Body.Applied, Applied(a))
		}
		return resp, err
	}, nil
}
