// Package delete serves DELETE /api/v1/courses/{id}/.
package delete

import (
	"context"
	"net/http"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "courses-delete",
		Methods: []string{http.MethodDelete},
		Path:    "/api/v1/courses/{id}/",
		Summary: "Remove a course and all that belongs to it.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusNoContent,
	}, setup)
}

// Request names the course.
type Request struct {
	Course courses.ID `path:"id"`
}

// Response is empty.
type Response struct{}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := courses.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		return nil, store.Delete(ctx, user.ID, req.Course)
	}, nil
}
