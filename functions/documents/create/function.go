// Package create serves POST /api/v1/courses/{course}/documents/.
package create

import (
	"context"
	"net/http"
	"time"

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
		ID:      "documents-create",
		Methods: []string{http.MethodPost},
		Path:    "/api/v1/courses/{course}/documents/",
		Summary: "Add a document: a text, or a file whose bytes are then sent to upload_url.",
		Needs:   []api.Resource{database.Resource, uploads.Resource, counter.Resource},

		Description: "A text is taken at once. Of a file only what it is comes here: send its bytes to upload_url, then, as its field says. " +
			"When they are all there, the document is read by itself; documents-get tells its processing_status, and documents-stream-events each step. " +
			"document_type has words of its clients: file and text are what can be added, the others are refused. " +
			"The answer's says what the file is: a PDF is pdf, a Word file or a presentation document, a web page other.",

		Refuses: []fault.Kind{fault.Exhausted},
		Status:  http.StatusCreated,
		MaxBody: 4 << 20,

		Concurrency: 4, // a text of that size takes some 30 MB on its way

		AnswerLifetime: files.UploadLifetime / 2, // its upload_url is good for as long, then
	}, setup)
}

// Request describes the document.
type Request struct {
	Course courses.ID `path:"course"`
	Body   NewDocument
}

// NewDocument is what clients say of a document.
type NewDocument struct {
	Name        string `json:"name" maxLength:"255" doc:"The file's name if it is left out."`
	Description string `json:"description" maxLength:"10000" nullable:"true"`
	Type        string `json:"document_type" required:"true" enum:"file,text,url,video,audio" doc:"file or text: the others are words of older clients, and refused."`
	Filename    string `json:"original_filename" maxLength:"255"`
	ContentType string `json:"content_type" maxLength:"100"`
	Size        *int64 `json:"file_size_bytes" nullable:"false" minimum:"0" doc:"The most bytes that upload_url takes; the plan's limit if it is left out."`
	Text        string `json:"text" doc:"The document itself, for the type text."`
}

// Response is the new document and, for a file, how to send its bytes: with this
// method and exactly these headers.
type Response struct {
	Body CreatedDocument
}

// CreatedDocument is a document and where its bytes are to be sent.
type CreatedDocument struct {
	view.Document
	UploadURL     string            `json:"upload_url,omitempty" doc:"For the type file: where its bytes are to be sent, in one request that has the upload_method and exactly the upload_headers, and no Authorization. The document is read once they are all there."`
	UploadMethod  string            `json:"upload_method,omitempty" enum:"PUT" doc:"Of the request to upload_url."`
	UploadHeaders map[string]string `json:"upload_headers,omitempty" doc:"They are signed: send them as they are."`
	UploadExpires *time.Time        `json:"upload_expires_at,omitempty" doc:"When upload_url stops working."`
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
		var size int64 // 0 if it was left out
		if req.Body.Size != nil {
			if size = *req.Body.Size; size == 0 && req.Body.Type == "file" {
				return nil, files.Empty("file_size_bytes")
			}
		}
		created, err := store.Create(ctx, limiter, user.ID, req.Course, documents.New{
			Name: req.Body.Name, Description: req.Body.Description, Type: req.Body.Type,
			Filename: req.Body.Filename, ContentType: req.Body.ContentType, Size: size, Text: req.Body.Text,
		})
		if err != nil {
			return nil, err
		}
		resp := new(Response)
		resp.Body.Document = view.View(created.Document)
		if upload := created.Upload; upload != nil {
			resp.Body.UploadURL, resp.Body.UploadMethod, resp.Body.UploadHeaders = upload.URL, upload.Method, upload.Headers
			resp.Body.UploadExpires = &upload.Expires
		}
		return resp, nil
	}, nil
}
