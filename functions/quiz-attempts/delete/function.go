// Package delete serves DELETE /api/v1/assessments/quiz-attempts/{id}/.
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
		ID:      "quiz-attempts-delete",
		Methods: []string{http.MethodDelete},
		Path:    "/api/v1/assessments/quiz-attempts/{id}/",
		Summary: "Remove an attempt with its answers. It still counts as one of those that the quiz allows.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusNoContent,
	}, setup)
}

// Request names the attempt.
type Request struct {
	Attempt quizzes.AttemptID `path:"id"`
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
		return nil, store.DeleteAttempt(ctx, user.ID, req.Attempt)
	}, nil
}
