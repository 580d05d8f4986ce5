// Package getdocumentstatus serves GET /api/v1/documents/documents/{document}/status/.
package getdocumentstatus

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "uploads-get-document-status",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/documents/documents/{document}/status/",
		Summary: "Tell the state of a document and how much of it was read.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request names the document.
type Request struct {
	Document documents.ID `path:"document"`
}

// Response says where the document stands.
type Response struct {
	Body Status
}

// Status is the state with counts.
type Status struct {
	ID         documents.ID     `json:"id"`
	Filename   string           `json:"filename"`
	Type       string           `json:"document_type"`
	Status     documents.Status `json:"status" enum:"processing,completed,failed"`
	Stage      string           `json:"stage"`
	Progress   float64          `json:"progress" doc:"0 to 100."`
	Chunks     int              `json:"total_chunks"`
	Processed  int              `json:"processed_chunks"`
	TotalNodes int              `json:"total_nodes"`
	TotalEdges int              `json:"total_edges"`
	GraphID    documents.ID     `json:"graph_id"`
	Created    time.Time        `json:"created_at"`
	Message    string           `json:"error_message"`
	Error      string           `json:"processing_error"`
	ErrorCode  string           `json:"error_code"`
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := documents.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		d, err := store.Status(ctx, user.ID, courses.ID{}, req.Document)
		if err != nil {
			return nil, err
		}
		resp := new(Response)
		body := &resp.Body
		body.ID, body.GraphID = d.ID, d.ID
		body.Filename, body.Type, body.Created = cmp.Or(d.Filename, d.Name), d.Type, d.Created
		body.Status, body.Stage, body.Progress = d.State.Status(), string(d.Stage), d.Progress
		if d.State == documents.AwaitingUpload { // clients of this operation don't know "uploading"
			body.Status = documents.Processing.Status()
		}
		body.Chunks, body.Processed = d.Passages, d.Embedded
		body.Message, body.Error, body.ErrorCode = d.ErrorMessage, d.ErrorMessage, d.ErrorCode
		return resp, nil
	}, nil
}
