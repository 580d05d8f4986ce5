// Package upload serves POST /api/v1/courses/{course}/documents/upload/.
package upload

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	view "aksio.app/functions/documents"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/documents/files"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits/counter"
	"aksio.app/shared/uploads"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "documents-upload",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/courses/{course}/documents/upload/",
		Summary: "Upload a file of at most 25 MiB; for larger ones, create a document of the type file.",
		Needs:   []api.Resource{database.Resource, uploads.Resource, counter.Resource},
		Refuses: []fault.Kind{fault.Exhausted},
		Status:  http.StatusCreated,
		MaxBody: documents.DirectBytes + 1<<20,
		TooLarge: fmt.Sprintf("A file may have %d bytes here. Add a larger one as a document with document_type file, and send the bytes to its upload_url.",
			documents.DirectBytes),
		MemoryMiB:    512, // the form's files lie in memory
		Concurrency:  4,
		Timeout:      2 * time.Minute,
		MaxInstances: 5,
	}, setup)
}

// Request is a form with the file.
type Request struct {
	Course  courses.ID `path:"course"`
	RawBody huma.MultipartFormFiles[Form]
}

// Form holds the fields beside the file, too.
type Form struct {
	File        huma.FormFile `form:"file" required:"true"`
	Name        string        `form:"name" doc:"The file's name if it is left out." maxLength:"255"`
	Description string        `form:"description" maxLength:"10000"`
}

// Response tells how to follow the reading.
type Response struct {
	Body UploadedDocument
}

// UploadedDocument is the new document and how to follow its reading.
type UploadedDocument struct {
	Document     view.Document `json:"document"`
	DocumentID   documents.ID  `json:"document_id"`
	UploadStatus string        `json:"upload_status" enum:"success"`
	ProcessingID documents.ID  `json:"processing_id" doc:"The document's id: its events and its status tell how far the reading is."`
	Minutes      int           `json:"estimated_processing_time" doc:"Minutes."`
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
		form := req.RawBody.Data()
		document, err := store.Take(ctx, limiter, user.ID, req.Course, documents.New{
			Name: form.Name, Description: form.Description,
			Filename: form.File.Filename, ContentType: form.File.ContentType, Size: form.File.Size,
		}, form.File)
		if err != nil {
			return nil, err
		}
		resp := new(Response)
		resp.Body.Document = view.View(document)
		resp.Body.DocumentID, resp.Body.ProcessingID = document.ID, document.ID
		resp.Body.UploadStatus = "success"
		resp.Body.Minutes = documents.EstimatedMinutes(document)
		return resp, nil
	}, nil
}
