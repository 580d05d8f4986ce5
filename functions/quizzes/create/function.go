// Package create serves POST /api/v1/assessments/quizzes/.
package create

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
		ID:      "quizzes-create",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/assessments/quizzes/",
		Summary: "Add a quiz; it gets its questions afterwards.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusCreated,
	}, setup)
}

// Request describes the quiz; its course and its title are what it needs.
type Request struct {
	Body quizzes.Change
}

// Response is the new quiz.
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
		quiz, err := store.Create(ctx, user.ID, req.Body)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(quiz)}, nil
	}, nil
}
