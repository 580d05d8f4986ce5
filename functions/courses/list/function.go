// Package list serves GET /api/v1/courses/.
package list

import (
	"context"
	"net/http"

	view "aksio.app/functions/courses"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "courses-list",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/courses/",
		Summary: "List one's courses, favourites first, then by name.",
		Needs:   []api.Resource{database.Resource},

		Concurrency: 10, // so many full pages of the largest items fit into the memory, see sizes_test.go
	}, setup)
}

// Request asks for a page.
type Request struct {
	api.ListQuery
}

// Response is the page.
type Response struct {
	Body api.List[view.Course]
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := courses.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		found, err := store.List(ctx, user.ID, req.Request())
		if err != nil {
			return nil, err
		}
		return &Response{api.NewList(&req.PageQuery, found, view.View)}, nil
	}, nil
}
