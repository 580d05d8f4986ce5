// Package listmessages serves GET /api/v1/chat/chats/{id}/messages/.
package listmessages

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
		ID:      "chats-list-messages",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/chat/chats/{id}/messages/",
		Summary: "List a chat's messages, the oldest first.",
		Needs:   []api.Resource{database.Resource},

		Concurrency: 10, // so many full pages of the largest items fit into the memory, see sizes_test.go
	}, setup)
}

// Request asks for a page, of one type or role if it is given.
type Request struct {
	api.LongListQuery
	Chat tutor.ChatID `path:"id"`
	Type string       `query:"type"`
	Role string       `query:"role"`
}

// Response is the page.
type Response struct {
	Body api.List[view.Message]
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := tutor.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		found, err := store.ListMessages(ctx, user.ID, req.Chat, req.Type, req.Role, req.Request())
		if err != nil {
			return nil, err
		}
		return &Response{api.NewList(&req.PageQuery, found, view.ViewMessage)}, nil
	}, nil
}
