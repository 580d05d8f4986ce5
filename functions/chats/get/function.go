// Package get serves GET /api/v1/chat/chats/{id}/.
package get

import (
	"context"
	"net/http"

	view "aksio.app/functions/chats"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/tutor"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "chats-get",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/chat/chats/{id}/",
		Summary: "Get a chat with its newest messages.",
		Needs:   []api.Resource{database.Resource},

		Concurrency: 6, // fifty of the longest messages
	}, setup)
}

// Request names the chat.
type Request struct {
	Chat tutor.ChatID `path:"id"`
}

// Response is the chat.
type Response struct {
	Body view.Chat
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := tutor.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		chat, messages, err := store.Get(ctx, user.ID, req.Chat)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(chat, messages)}, nil
	}, nil
}
