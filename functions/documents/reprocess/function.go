// Package reprocess serves POST /api/v1/courses/{course}/documents/{document}/reprocess/.
package reprocess

import (
	"context"
	"net/http"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/documents/files"
	"aksio.app/shared/limits/counter"
	"aksio.app/shared/uploads"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "documents-reprocess",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/courses/{course}/documents/{document}/reprocess/",
		Summary: "Read a document anew; what was read before stays until that is complete.",
		Needs:   []api.Resource{database.Resource, uploads.Resource, counter.Resource},
	}, setup)
}

// Request names the document.
type Request struct {
	Course   courses.ID   `path:"course"`
	Document documents.ID `path:"document"`
}

// Response says how to follow the reading.
type Response struct {
	Body Reprocessing
}

// Reprocessing is how to follow the reading.
type Reprocessing struct {
	Message      string       `json:"message"`
	ProcessingID documents.ID `json:"processing_id" doc:"The document's id."`
	Minutes      int          `json:"estimated_time_minutes"`
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
	limiter, err := counter.Open(env, db)
	if err != nil {
		return nil, err
	}
	store := files.NewStore(documents.NewStore(db), bucket)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		document, err := store.Reprocess(ctx, limiter, user.ID, req.Course, req.Document)
		if err != nil {
			return nil, err
		}
		resp := new(Response)
		resp.Body.Message = "The document is being read again."
		resp.Body.ProcessingID = document.ID
		resp.Body.Minutes = documents.EstimatedMinutes(document)
		return resp, nil
	}, nil
}
