// Package search serves GET /api/v1/documents/search/.
package search

import (
	"context"
	"net/http"
	"strings"

	"aksio.app/shared/ai"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits/counter"
	"aksio.app/shared/retrieval"
)

func init() {
	api.HandleUser(api.Operation{
		ID:           "documents-search",
		Methods:      []string{http.MethodGet},
		Path:         "/api/v1/documents/search/",
		Summary:      "Find passages of a course's documents by words and by meaning.",
		Needs:        []api.Resource{database.Resource, ai.Resource, counter.Resource},
		Refuses:      []fault.Kind{fault.NotFound},
		MaxInstances: 5,
	}, setup)
}

// Request says what to look for, and where.
type Request struct {
	Course    courses.ID `query:"course" required:"true"`
	Query     string     `query:"query" required:"true" maxLength:"1000" doc:"A question or some telling words."`
	Documents []string   `query:"document,explode" maxItems:"100" doc:"The id of a document, once or more: search these only."`
	Limit     int        `query:"limit" default:"10" minimum:"1" maximum:"50"`
	Offset    int        `query:"offset" default:"0" minimum:"0" maximum:"150"`
}

// Response lists the passages, the best first.
type Response struct {
	Body SearchResults
}

// SearchResults is the body of the response.
type SearchResults struct {
	Results   []SearchResult `json:"results"`
	WordsOnly bool           `json:"words_only" doc:"Meaning could not be searched just now."`
}

// SearchResult is one passage. Characters count Unicode code points of the document's text.
type SearchResult struct {
	documents.Place
	Text    string  `json:"text"`
	Snippet string  `json:"snippet" doc:"The best part of the text; words of the query stand between **."`
	Score   float64 `json:"relevance_score" doc:"0 to 1, comparable within one answer."`
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	model, err := provider.Open(env)
	if err != nil {
		return nil, err
	}
	limiter, err := counter.Open(env, db)
	if err != nil {
		return nil, err
	}
	store := retrieval.NewStore(db, model)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		within := make([]documents.ID, len(req.Documents))
		for i, text := range req.Documents {
			if err := within[i].UnmarshalText([]byte(text)); err != nil {
				return nil, fault.Field("query.document", "%v.", err)
			}
		}
		if strings.TrimSpace(req.Query) == "" {
			return nil, fault.Field("query.query", "Say what to look for.")
		}
		found, err := store.Lookup(ctx, limiter, user.ID, retrieval.Query{
			Course: req.Course, Documents: within, Text: req.Query, Limit: req.Limit, Offset: req.Offset,
		})
		if err != nil {
			return nil, err
		}
		body := SearchResults{Results: make([]SearchResult, len(found.Hits)), WordsOnly: found.WordsOnly}
		for i, h := range found.Hits {
			body.Results[i] = SearchResult{h.Place(), h.Text, h.Snippet, h.Score}
		}
		return &Response{body}, nil
	}, nil
}
