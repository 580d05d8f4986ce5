// Package update serves PUT and PATCH /api/v1/assessments/quizzes/{id}/.
package update

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
		ID:      "quizzes-update",
		Methods: []string{http.MethodPut, http.MethodPatch},
		Path:    "/api/v1/assessments/quizzes/{id}/",
		Summary: "Change, publish or archive a quiz; fields that are left out stay as they are.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request holds what is to change.
type Request struct {
	Quiz quizzes.ID `path:"id"`
	Body quizzes.Change
}

// Response is the quiz as it is now.
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
		quiz, err := store.Update(ctx, user.ID, req.Quiz, req.Body)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(quiz)}, nil
	}, nil
}
