// Package get serves GET /api/v1/assessments/quiz-attempts/{id}/.
package get

import (
	"context"
	"net/http"

	view "aksio.app/functions/quiz-attempts"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/quizzes"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "quiz-attempts-get",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/assessments/quiz-attempts/{id}/",
		Summary: "Get an attempt with its answers.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request names the attempt.
type Request struct {
	Attempt quizzes.AttemptID `path:"id"`
}

// Response is the attempt.
type Response struct {
	Body view.Attempt
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := quizzes.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		attempt, err := store.Attempt(ctx, user.ID, req.Attempt)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(attempt)}, nil
	}, nil
}
