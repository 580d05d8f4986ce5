// Package update serves PUT and PATCH /api/v1/assessments/flashcards/{id}/.
package update

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
		ID:      "flashcards-update",
		Methods: []string{http.MethodPut, http.MethodPatch},
		Path:    "/api/v1/assessments/flashcards/{id}/",
		Summary: "Change a flashcard's content; its schedule follows from its reviews alone.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request holds what is to change.
type Request struct {
	Card flashcards.ID `path:"id"`
	Body flashcards.Change
}

// Response is the card as it is now.
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
		card, err := store.Update(ctx, user.ID, req.Card, req.Body)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(card)}, nil
	}, nil
}
