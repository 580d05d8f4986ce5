// Package submitresponse serves POST /api/v1/assessments/quiz-attempts/{id}/submit_response/.
package submitresponse

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
		ID:      "quiz-attempts-submit-response",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/assessments/quiz-attempts/{id}/submit_response/",
		Summary: "Answer one question of an attempt.",
		Needs:   []api.Resource{database.Resource},

		Description: "Each question is answered once: a second answer is a 400 with the code already_answered. An essay is kept, but not graded.",

		Status: http.StatusCreated,
	}, setup)
}

// Request is the answer.
type Request struct {
	Attempt quizzes.AttemptID `path:"id"`
	Body    Answer
}

// Answer is an answer to a question.
type Answer struct {
	Question quizzes.QuestionID `json:"question" required:"true"`
	Answer   any                `json:"user_answer" required:"true" doc:"Of a question with answer_options an option's index from 0, its text, or a list of those; true_false takes true and false, too. Of other questions a text."`
	Seconds  *int               `json:"time_taken_seconds" minimum:"0" maximum:"2147483647"`
	Flagged  bool               `json:"flagged_for_review"`
}

// Response is the answer as it was graded.
type Response struct {
	Body view.Response
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := quizzes.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		response, err := store.Submit(ctx, user.ID, req.Attempt, quizzes.Answer{
			Question: req.Body.Question, Value: req.Body.Answer, Seconds: req.Body.Seconds, Flagged: req.Body.Flagged,
		})
		if err != nil {
			return nil, err
		}
		return &Response{view.ViewResponse(response)}, nil
	}, nil
}
