// Package get serves GET /api/v1/assessments/{id}/.
package get

import (
	"context"
	"net/http"

	view "aksio.app/functions/assessments"
	"aksio.app/shared/api"
	"aksio.app/shared/assessments"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "assessments-get",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/assessments/{id}/",
		Summary: "Get an assessment.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request names the assessment.
type Request struct {
	Assessment assessments.ID `path:"id"`
}

// Response is the assessment.
type Response struct {
	Body view.Assessment
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := assessments.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		assessment, err := store.Get(ctx, user.ID, req.Assessment)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(assessment)}, nil
	}, nil
}
