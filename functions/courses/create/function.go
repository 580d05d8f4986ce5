// Package create serves POST /api/v1/courses/.
package create

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
		ID:      "courses-create",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/courses/",
		Summary: "Add a course.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusCreated,
	}, setup)
}

// Request describes the course; its name is the one field that it needs.
type Request struct {
	Body courses.Change
}

// Response is the new course.
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
		course, err := store.Create(ctx, user.ID, req.Body)
		if err != nil {
			return nil, err
		}
		return &Response{view.View(course)}, nil
	}, nil
}
