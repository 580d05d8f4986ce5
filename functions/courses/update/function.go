// Package update serves PUT and PATCH /api/v1/courses/{id}/.
package update

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
		ID:      "courses-update",
		Methods: []string{http.MethodPut, http.MethodPatch},
		Path:    "/api/v1/courses/{id}/",
		Summary: "Change a course; fields that are left out stay as they are.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request holds what is to change.
type Request struct {
	Course courses.ID `path:"id"`
	Body   courses.Change
}

// Response is the course as it is now.
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
		course, err := store.Update(ctx, user.ID, req.Course, req.Body)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(course)}, nil
	}, nil
}
