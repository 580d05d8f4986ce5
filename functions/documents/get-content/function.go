// Package getcontent serves GET /api/v1/courses/{course}/documents/{document}/content/.
package getcontent

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
		ID:      "documents-get-content",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/courses/{course}/documents/{document}/content/",
		Summary: "Get the text of a document, whole and by section, and what it is about; a very long one in parts.",
		Needs:   []api.Resource{database.Resource},
		// A part lies in memory some times over.
		MemoryMiB:   512,
		Concurrency: 8,
	}, setup)
}

// Request names the document.
type Request struct {
	Course   courses.ID   `path:"course"`
	Document documents.ID `path:"document"`
	Offset   int          `query:"offset" minimum:"0" maximum:"2147483647" doc:"Where to begin: the last answer's next_offset."`
}

// Section is the text under one heading.
type Section struct {
	Title     string `json:"title"`
	Content   string `json:"content"`
	Level     int    `json:"level" doc:"From 1; 0 for what stands before the first heading."`
	PageStart int    `json:"page_start" doc:"From 1; 0 in a document without pages, such as HTML, Markdown or DOCX."`
	PageEnd   int    `json:"page_end"`
}

// Metadata counts.
type Metadata struct {
	Chunks     int          `json:"chunk_count"`
	Characters int          `json:"total_characters" doc:"Of the whole document."`
	Document   documents.ID `json:"document_id"`
}

// Response is what was read.
type Response struct {
	Body Content
}

// Content is what was read.
type Content struct {
	Document    documents.ID `json:"document_id"`
	Text        string       `json:"extracted_text" doc:"At most 1,000,000 characters, from offset on."`
	Offset      int          `json:"offset" doc:"Where the text begins in that of the document, in Unicode code points."`
	Next        *int         `json:"next_offset" doc:"Where the text goes on; null at its end."`
	Summary     string       `json:"summary"`
	Topics      []string     `json:"topics"`
	KeyConcepts []string     `json:"key_concepts" doc:"The topics, the most important first."`
	Sections    []Section    `json:"sections" doc:"Of this text; one that began before it goes on under its title."`
	Metadata    Metadata     `json:"metadata"`
	Embeddings  bool         `json:"embeddings_available"`
	Chunks      int          `json:"chunk_count"`
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := documents.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		content, err := store.Content(ctx, user.ID, req.Course, req.Document, req.Offset)
		if err != nil {
			return nil, err
		}
		d := content.Document
		resp := new(Response)
		resp.Body.Document = d.ID
		resp.Body.Text, resp.Body.Offset = content.Text, req.Offset
		if content.Next > 0 {
			resp.Body.Next = &content.Next
		}
		resp.Body.Summary, resp.Body.Topics, resp.Body.KeyConcepts = d.Summary, d.Topics, d.Topics
		resp.Body.Sections = make([]Section, len(content.Sections))
		for i, s := range content.Sections {
			resp.Body.Sections[i] = Section{s.Title, s.Content, s.Level, s.PageStart, s.PageEnd}
		}
		resp.Body.Metadata = Metadata{Chunks: d.Passages, Characters: content.Length, Document: d.ID}
		resp.Body.Embeddings, resp.Body.Chunks = d.Embedded > 0, d.Passages
		return resp, nil
	}, nil
}
