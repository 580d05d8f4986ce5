// Package create serves POST /api/v1/assessments/flashcards/.
package create

import (
	"context"
	"net/http"

	view "aksio.app/functions/flashcards"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/flashcards"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "flashcards-create",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/assessments/flashcards/",
		Summary: "Add a flashcard by hand.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusCreated,
	}, setup)
}

// Request describes the card: its course, question and answer are needed.
type Request struct {
	Body NewFlashcard
}

// NewFlashcard is the body of the request.
type NewFlashcard struct {
	flashcards.Change
	Course courses.ID `json:"course" required:"true"`
}

// Response is the card.
type Response struct {
	Body view.Card
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := flashcards.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		card, err := store.Create(ctx, user.ID, req.Body.Course, req.Body.Change)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(card)}, nil
	}, nil
}
