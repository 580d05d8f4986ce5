// Package delete serves DELETE /api/v1/courses/{course}/documents/{document}/.
package delete

import (
	"context"
	"net/http"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "documents-delete",
		Methods: []string{http.MethodDelete},
		Path:    "/api/v1/courses/{course}/documents/{document}/",
		Summary: "Remove a document, its file and what was read from it.",
		Needs:   []api.Resource{database.Resource},
		Status:  http.StatusNoContent,
	}, setup)
}

// Request names the document.
type Request struct {
	Course   courses.ID   `path:"course"`
	Document documents.ID `path:"document"`
}

// Response is empty.
type Response struct{}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := documents.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		return nil, store.Delete(ctx, user.ID, req.Course, req.Document)
	}, nil
}
