// Package create serves POST /api/v1/assessments/.
package create

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
		ID:      "assessments-create",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/assessments/",
		Summary: "Plan an assessment of a course.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusCreated,
	}, setup)
}

// Request describes the assessment; its course, title and type are what it needs.
type Request struct {
	Body assessments.Change
}

// Response is the new assessment.
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
		assessment, err := store.Create(ctx, user.ID, req.Body)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(assessment)}, nil
	}, nil
}
