// Package update serves PUT and PATCH /api/v1/chat/chats/{id}/.
package update

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
		ID:      "chats-update",
		Methods: []string{http.MethodPut, http.MethodPatch},
		Path:    "/api/v1/chat/chats/{id}/",
		Summary: "Change a chat's settings; fields that are left out stay as they are.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request holds what is to change.
type Request struct {
	Chat tutor.ChatID `path:"id"`
	Body Change
}

// Change is the body of the request.
type Change struct {
	tutor.ChatChange
	tutor.MoreChange
}

// Response is the chat as it is now, without its messages.
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
		chat, err := store.Update(ctx, user.ID, req.Chat, req.Body.ChatChange, req.Body.MoreChange)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(chat, nil)}, nil
	}, nil
}
