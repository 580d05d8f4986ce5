// Package delete serves DELETE /api/v1/assessments/{id}/.
package delete

import (
	"context"
	"net/http"

	"aksio.app/shared/api"
	"aksio.app/shared/assessments"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "assessments-delete",
		Methods: []string{http.MethodDelete},
		Path:    "/api/v1/assessments/{id}/",
		Summary: "Remove an assessment. Its cards and quizzes stay.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusNoContent,
	}, setup)
}

// Request names the assessment.
type Request struct {
	Assessment assessments.ID `path:"id"`
}

// Response is empty.
type Response struct{}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := assessments.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		return nil, store.Delete(ctx, user.ID, req.Assessment)
	}, nil
}
