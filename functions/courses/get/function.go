// Package get serves GET /api/v1/courses/{id}/.
package get

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
		ID:      "courses-get",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/courses/{id}/",
		Summary: "Get a course.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request names the course.
type Request struct {
	Course courses.ID `path:"id"`
}

// Response is the course.
type Response struct {
	Body view.Course
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := courses.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		course, err := store.Get(ctx, user.ID, req.Course)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(course)}, nil
	}, nil
}
