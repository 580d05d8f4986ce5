// Package delete serves DELETE /api/v1/assessments/flashcards/{id}/.
package delete

import (
	"context"
	"net/http"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/flashcards"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "flashcards-delete",
		Methods: []string{http.MethodDelete},
		Path:    "/api/v1/assessments/flashcards/{id}/",
		Summary: "Remove a flashcard and its reviews.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusNoContent,
	}, setup)
}

// Request names the card.
type Request struct {
	Card flashcards.ID `path:"id"`
}

// Response is empty.
type Response struct{}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := flashcards.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		return nil, store.Delete(ctx, user.ID, req.Card)
	}, nil
}
