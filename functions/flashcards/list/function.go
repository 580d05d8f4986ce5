// Package list serves GET /api/v1/assessments/flashcards/.
package list

import (
	"context"
	"net/http"

	view "aksio.app/functions/flashcards"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/flashcards"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "flashcards-list",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/assessments/flashcards/",
		Summary: "List one's flashcards, the soonest due first.",
		Needs:   []api.Resource{database.Resource},

		Concurrency: 10, // so many full pages of the largest items fit into the memory, see sizes_test.go
	}, setup)
}

// Request asks for a page.
type Request struct {
	api.LongListQuery
	Course courses.ID `query:"course" doc:"Only of this course."`
}

// Response is the page.
type Response struct {
	Body api.List[view.Card]
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := flashcards.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		found, err := store.List(ctx, user.ID, req.Course, req.Request())
		if err != nil {
			return nil, err
		}
		return &Response{api.NewList(&req.PageQuery, found, view.View)}, nil
	}, nil
}
