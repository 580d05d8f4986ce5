// Package get serves GET /api/v1/assessments/flashcards/{id}/.
package get

import (
	"context"
	"net/http"

	view "aksio.app/functions/flashcards"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/flashcards"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "flashcards-get",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/assessments/flashcards/{id}/",
		Summary: "Get a flashcard.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request names the card.
type Request struct {
	Card flashcards.ID `path:"id"`
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
		card, err := store.Get(ctx, user.ID, req.Card)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(card)}, nil
	}, nil
}
