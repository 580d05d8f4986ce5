// Package get serves GET /api/v1/courses/{course}/documents/{document}/.
package get

import (
	"context"
	"net/http"

	view "aksio.app/functions/documents"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/documents/files"
	"aksio.app/shared/uploads"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "documents-get",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/courses/{course}/documents/{document}/",
		Summary: "Get a document with the beginning of its text and where its file is.",
		Needs:   []api.Resource{database.Resource, uploads.Resource},
	}, setup)
}

// Request names the document.
type Request struct {
	Course   courses.ID   `path:"course"`
	Document documents.ID `path:"document"`
}

// Response is the document.
type Response struct {
	Body view.Document
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	bucket, err := uploads.Open(env)
	if err != nil {
		return nil, err
	}
	store := documents.NewStore(db)
	fileStore := files.NewStore(store, bucket)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		document, err := store.Get(ctx, user.ID, req.Course, req.Document)
		if err != nil {
			return nil, err
		}
		resp := &Response{view.View(document)}
		resp.Body.FileURL = fileStore.URL(ctx, document)
		return resp, nil
	}, nil
}
