// Package getcontent serves GET /api/v1/courses/{course}/documents/{document}/content/.
package getcontent

import (
	"context"
	"net/http"
	"unicode/utf8"

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
		Summary: "Get the text of a document, whole and by section, and what it is about.",
		Needs:   []api.Resource{database.Resource},
		// A long text lies in memory some times over.
		MemoryMiB:   1024,
		Concurrency: 4,
	}, setup)
}

// Request names the document.
type Request struct {
	Course   courses.ID   `path:"course"`
	Document documents.ID `path:"document"`
}

// Section is the text under one heading.
type Section struct {
	Title     string `json:"title"`
	Content   string `json:"content"`
	Level     int    `json:"level" doc:"From 1; 0 for what stands before the first heading."`
	PageStart int    `json:"page_start"`
	PageEnd   int    `json:"page_end"`
}

// Metadata counts.
type Metadata struct {
	Chunks     int          `json:"chunk_count"`
	Characters int          `json:"total_characters"`
	Document   documents.ID `json:"document_id"`
}

// Response is what was read.
type Response struct {
	Body Content
}

// Content is what was read.
type Content struct {
	Document    documents.ID `json:"document_id"`
	Text        string       `json:"extracted_text"`
	Summary     string       `json:"summary"`
	Topics      []string     `json:"topics"`
	KeyConcepts []string     `json:"key_concepts" doc:"The topics, the most important first."`
	Sections    []Section    `json:"sections"`
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
		content, err := store.Content(ctx, user.ID, req.Course, req.Document)
		if err != nil {
			return nil, err
		}
		d := content.Document
		resp := new(Response)
		resp.Body.Document = d.ID
		resp.Body.Text = content.Text
		resp.Body.Summary, resp.Body.Topics, resp.Body.KeyConcepts = d.Summary, d.Topics, d.Topics
		resp.Body.Sections = make([]Section, len(content.Sections))
		for i, s := range content.Sections {
			resp.Body.Sections[i] = Section{s.Title, s.Content, s.Level, s.PageStart, s.PageEnd}
		}
		resp.Body.Metadata = Metadata{Chunks: d.Passages, Characters: utf8.RuneCountInString(content.Text), Document: d.ID}
		resp.Body.Embeddings, resp.Body.Chunks = d.Embedded > 0, d.Passages
		return resp, nil
	}, nil
}
