// Package list serves GET /api/v1/assessments/quizzes/.
package list

import (
	"context"
	"net/http"

	view "aksio.app/functions/quizzes"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/quizzes"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "quizzes-list",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/assessments/quizzes/",
		Summary: "List one's quizzes, the newest first.",
		Needs:   []api.Resource{database.Resource},

		Concurrency: 8, // while a slow client reads a full page of large ones, that holds some 15 MB
	}, setup)
}

// Request asks for a page.
type Request struct {
	api.LongListQuery
	Course courses.ID `query:"course" doc:"Only of this course."`
}

// Response is the page.
type Response struct {
	Body api.List[view.Quiz]
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := quizzes.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		found, err := store.List(ctx, user.ID, req.Course, req.Request())
		if err != nil {
			return nil, err
		}
		return &Response{api.NewList(&req.PageQuery, found, view.View)}, nil
	}, nil
}
