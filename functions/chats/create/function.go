// Package create serves POST /api/v1/chat/chats/.
package create

import (
	"context"
	"net/http"

	view "aksio.app/functions/chats"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/patch"
	"aksio.app/shared/tutor"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "chats-create",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/chat/chats/",
		Summary: "Open a chat with the tutor, about a course if one is named.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusCreated,
	}, setup)
}

// Request describes the chat; its title is the one field that it needs.
type Request struct {
	Body NewChat
}

// NewChat is the body of the request.
type NewChat struct {
	tutor.ChatChange
	Course  patch.Field[*courses.ID] `json:"course" doc:"The course that the tutor answers from."`
	Section patch.Field[*string]     `json:"section" doc:"Must be null: there are no sections yet."`
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
		if req.Body.Section.Value != nil {
			return nil, fault.Field("section", "There is no such section.")
		}
		var course courses.ID
		if req.Body.Course.Value != nil {
			course = *req.Body.Course.Value
		}
		chat, err := store.Create(ctx, user.ID, course, req.Body.ChatChange)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(chat, nil)}, nil
	}, nil
}
