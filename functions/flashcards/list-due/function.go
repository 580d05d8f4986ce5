// Package listdue serves GET /api/v1/assessments/flashcards/due/.
package listdue

import (
	"context"
	"net/http"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/flashcards"
)

func init() {
	api.HandleUser(api.Operation{
		ID:           "flashcards-list-due",
		Methods:      []string{http.MethodGet},
		Path:         "/api/v1/assessments/flashcards/due/",
		Summary:      "List the flashcards to review now, the longest overdue first.",
		Needs:        []api.Resource{database.Resource},
		MaxInstances: 5,
		Concurrency:  10, // as many of the longest cards as one answer may have
	}, setup)
}

// Request may keep to one course.
type Request struct {
	Course courses.ID `query:"course"`
	Limit  int        `query:"limit" default:"100" minimum:"1" maximum:"500"`
}

// Response is a bare list.
type Response struct {
	Body []DueFlashcard
}

// DueFlashcard is as much of a card as a review needs.
type DueFlashcard struct {
	ID          flashcards.ID `json:"id"`
	Question    string        `json:"question"`
	Answer      string        `json:"answer"`
	Explanation *string       `json:"explanation"`
	Level       string        `json:"difficulty_level"`
	Starred     bool          `json:"is_starred"`
	Mastery     string        `json:"mastery_level"`
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := flashcards.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		due, err := store.Due(ctx, user.ID, req.Course, req.Limit)
		if err != nil {
			return nil, err
		}
		cards := make([]DueFlashcard, len(due))
		for i, c := range due {
			cards[i] = DueFlashcard{c.ID, c.Question, c.Answer, c.Explanation, c.Level, c.Starred, string(c.Mastery())}
		}
		return &Response{cards}, nil
	}, nil
}
