// Package delete serves DELETE /api/v1/assessments/quizzes/{id}/.
package delete

import (
	"context"
	"net/http"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/quizzes"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "quizzes-delete",
		Methods: []string{http.MethodDelete},
		Path:    "/api/v1/assessments/quizzes/{id}/",
		Summary: "Remove a quiz with its questions and attempts.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusNoContent,
	}, setup)
}

// Request names the quiz.
type Request struct {
	Quiz quizzes.ID `path:"id"`
}

// Response is empty.
type Response struct{}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := quizzes.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		return nil, store.Delete(ctx, user.ID, req.Quiz)
	}, nil
}
