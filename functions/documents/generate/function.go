// Package generate serves POST /api/v1/courses/{course}/documents/{document}/generate/.
package generate

import (
	"context"
	"net/http"

	view "aksio.app/functions/assessments"
	"aksio.app/shared/ai"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/api"
	"aksio.app/shared/assessments"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits/counter"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "documents-generate",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/courses/{course}/documents/{document}/generate/",
		Summary: "Make cards and a quiz, ready to be taken, from a document.",
		Needs:   []api.Resource{database.Resource, ai.Resource, counter.Resource},

		Description: "The document must have been read. An assessment is made for them. The quiz is published: go on with quizzes-start-attempt. Its time limit is two minutes a question, at least 15. " +
			"If only the cards or only the questions could be made, the answer is a 200 with the status partial; if neither, it has the same body with 422, or 502 if the model failed.",

		Refuses:  []fault.Kind{fault.Exhausted},
		Statuses: []int{http.StatusUnprocessableEntity, http.StatusBadGateway},
		Timeout:  assessments.Timeout,
	}, setup)
}

// The numbers that are made when none are asked for.
const (
	usualCards     = 10
	usualQuestions = 5
)

// Request names the document.
type Request struct {
	Course   courses.ID   `path:"course"`
	Document documents.ID `path:"document"`
	Body     *Generation
}

// Generation says how many.
type Generation struct {
	Cards     *int `json:"flashcard_count" minimum:"0" maximum:"50" doc:"10 otherwise."`
	Questions *int `json:"question_count" minimum:"0" maximum:"50" doc:"5 otherwise."`
}

// Response is what was made.
type Response struct {
	Status int
	Body   view.Generated
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	model, err := provider.Open(env)
	if err != nil {
		return nil, err
	}
	limiter, err := counter.Open(env, db)
	if err != nil {
		return nil, err
	}
	store := documents.NewStore(db)
	generator := assessments.NewGenerator(db, model, limiter)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		document, err := store.Status(ctx, user.ID, req.Course, req.Document)
		if err != nil {
			return nil, err
		}
		cards, questions := usualCards, usualQuestions
		if req.Body != nil && req.Body.Cards != nil {
			cards = *req.Body.Cards
		}
		if req.Body != nil && req.Body.Questions != nil {
			questions = *req.Body.Questions
		}
		result, err := generator.ForDocument(ctx, user.ID, document, cards, questions)
		if err != nil {
			return nil, err
		}
		status, body := view.ViewGenerated(result)
		return &Response{status, body}, nil
	}, nil
}
