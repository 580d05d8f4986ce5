// Package list serves GET /api/v1/chat/chats/.
package list

import (
	"context"
	"net/http"

	view "aksio.app/functions/chats"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/tutor"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "chats-list",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/chat/chats/",
		Summary: "List one's chats, the latest active first.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request asks for a page.
type Request struct {
	api.ListQuery
	Course courses.ID `query:"course" doc:"Only of this course."`
}

// Response is the page.
type Response struct {
	Body api.List[view.Item]
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := tutor.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		found, err := store.List(ctx, user.ID, req.Course, req.Request())
		if err != nil {
			return nil, err
		}
		return &Response{api.NewList(&req.PageQuery, found, view.ViewItem)}, nil
	}, nil
}
