// Package getprocessingstatus serves GET /api/v1/courses/{course}/documents/{document}/processing_status/.
package getprocessingstatus

import (
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
		ID:      "documents-get-processing-status",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/courses/{course}/documents/{document}/processing_status/",
		Summary: "Tell how far the reading of a document is.",
		Needs:   []api.Resource{database.Resource},
	}, setup)
}

// Request names the document.
type Request struct {
	Course   courses.ID   `path:"course"`
	Document documents.ID `path:"document"`
}

// Response says where processing stands.
type Response struct {
	Body ProcessingStatus
}

// ProcessingStatus is how far the reading is.
type ProcessingStatus struct {
	Document  documents.ID     `json:"document_id"`
	Status    documents.Status `json:"processing_status" enum:"uploading,processing,completed,failed"`
	Error     string           `json:"processing_error"`
	ErrorCode string           `json:"processing_error_code"`
	Progress  float64          `json:"progress_percentage" doc:"0 to 100."`
	Estimated *time.Time       `json:"estimated_completion_time" doc:"Always null."`
	Text      bool             `json:"extracted_content_available"`
	Metadata  ProcessingSteps  `json:"processing_metadata"`
}

// ProcessingSteps says which steps are done.
type ProcessingSteps struct {
	Stage      string `json:"stage" doc:"What is being done: extract, embed, summarize, or nothing."`
	Chunks     int    `json:"chunks_created"`
	Embeddings bool   `json:"embeddings_available"`
	Pages      int    `json:"pages_processed" doc:"0 in a document without pages, too."`
	Extracted  bool   `json:"text_extracted"`
	Embedded   bool   `json:"embeddings_created"`
	Summarized bool   `json:"summary_generated"`
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := documents.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		document, err := store.Status(ctx, user.ID, req.Course, req.Document)
		if err != nil {
			return nil, err
		}
		resp := new(Response)
		resp.Body.Document = document.ID
		resp.Body.Status = document.State.Status()
		resp.Body.Error, resp.Body.ErrorCode = document.ErrorMessage, document.ErrorCode
		resp.Body.Progress = document.Progress
		resp.Body.Text = document.Processed != nil
		resp.Body.Metadata = ProcessingSteps{
			Stage: string(document.Stage), Chunks: document.Passages,
			Embeddings: document.Embedded > 0, Embedded: document.Passages > 0 && document.Embedded == document.Passages,
			Extracted: document.Passages > 0, Summarized: document.Summary != "",
		}
		if document.Pages != nil {
			resp.Body.Metadata.Pages = *document.Pages
		}
		return resp, nil
	}, nil
}
