// Package get serves GET /api/v1/assessments/quizzes/{id}/.
package get

import (
	"context"
	"net/http"

	view "aksio.app/functions/quizzes"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/quizzes"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "quizzes-get",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/assessments/quizzes/{id}/",
		Summary: "Get a quiz with its questions and keys, as its author.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request names the quiz.
type Request struct {
	Quiz quizzes.ID `path:"id"`
}

// Response is the quiz.
type Response struct {
	Body view.Quiz
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := quizzes.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		quiz, err := store.Get(ctx, user.ID, req.Quiz)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(quiz)}, nil
	}, nil
}
