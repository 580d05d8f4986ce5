// Package delete serves DELETE /api/v1/chat/chats/{id}/.
package delete

import (
	"context"
	"net/http"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/tutor"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "chats-delete",
		Methods: []string{http.MethodDelete},
		Path:    "/api/v1/chat/chats/{id}/",
		Summary: "Remove a chat and its messages.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusNoContent,
	}, setup)
}

// Request names the chat.
type Request struct {
	Chat tutor.ChatID `path:"id"`
}

// Response is empty.
type Response struct{}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := tutor.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		return nil, store.Delete(ctx, user.ID, req.Chat)
	}, nil
}
