// Package startattempt serves POST /api/v1/assessments/quizzes/{id}/start_attempt/.
package startattempt

import (
	"context"
	"net/http"

	view "aksio.app/functions/quiz-attempts"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/quizzes"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "quizzes-start-attempt",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/assessments/quizzes/{id}/start_attempt/",
		Summary: "Begin an attempt at a quiz, or go on with the one that runs.",
		Needs:   []api.Resource{database.Resource},

		Description: "The quiz must be published. An attempt that runs is answered with 201 as well, so that a client that lost it may call again. " +
			"Then quizzes-take has the questions, quiz-attempts-submit-response takes an answer at a time, and quiz-attempts-complete ends and grades the attempt. " +
			"At its deadline it ends by itself, and what was answered in time counts.",

		Refuses: []fault.Kind{fault.Forbidden},
		Status:  http.StatusCreated,
	}, setup)
}

// Request names the quiz.
type Request struct {
	Quiz quizzes.ID `path:"id"`
}

// Response is the attempt that runs now.
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
		attempt, err := store.Start(ctx, user.ID, req.Quiz)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(attempt)}, nil
	}, nil
}
