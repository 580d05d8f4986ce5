// Package create serves POST /api/v1/assessments/quizzes/{quiz}/questions/.
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
		ID:      "quiz-questions-create",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/assessments/quizzes/{quiz}/questions/",
		Summary: "Add a question to a quiz.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusCreated,
	}, setup)
}

// Request describes the question; its text and type are what it needs, and for
// most types a key.
type Request struct {
	Quiz quizzes.ID `path:"quiz"`
	Body quizzes.QuestionChange
}

// Response is the new question.
type Response struct {
	Body view.Question
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := quizzes.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		question, err := store.AddQuestion(ctx, user.ID, req.Quiz, req.Body)
		if err != nil {
			return nil, err
		}
		return &Response{view.ViewQuestion(question)}, nil
	}, nil
}
