// Package take serves GET /api/v1/assessments/quizzes/{id}/take/.
package take

import (
	"context"
	"net/http"

	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/quizzes"
)

func init() {
	api.HandleUser(api.Operation{
		ID:      "quizzes-take",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/assessments/quizzes/{id}/take/",
		Summary: "Get the questions of a quiz without their keys, in the order of the attempt that runs.",
		Needs:   []api.Resource{database.Resource},
		Refuses: []fault.Kind{fault.Forbidden},
	}, setup)
}

// Request names the quiz.
type Request struct {
	Quiz quizzes.ID `path:"id"`
}

// Response is the quiz as its taker sees it.
type Response struct {
	Body QuizToTake
}

// QuizToTake is a quiz without its keys.
type QuizToTake struct {
	ID           quizzes.ID       `json:"id"`
	Title        string           `json:"title"`
	Description  *string          `json:"description"`
	TimeLimit    *int             `json:"time_limit_minutes"`
	PassingScore int              `json:"passing_score"`
	Shuffle      bool             `json:"shuffle_questions"`
	Questions    []QuestionToTake `json:"questions"`
}

// QuestionToTake is a question without its key.
type QuestionToTake struct {
	ID      quizzes.QuestionID `json:"id"`
	Text    string             `json:"question_text"`
	Type    string             `json:"question_type" enum:"multiple_choice,true_false,short_answer,essay,fill_blank"`
	Options []string           `json:"answer_options"`
	Hint    *string            `json:"hint"`
	Points  int                `json:"points"`
	Order   int                `json:"order"`
}

func show(q quizzes.Quiz) QuizToTake {
	return QuizToTake{
		ID: q.ID, Title: q.Title, Description: q.Description, TimeLimit: q.TimeLimit, PassingScore: q.PassingScore,
		Shuffle: q.Shuffle, Questions: api.Each(q.Questions, showQuestion),
	}
}

func showQuestion(q quizzes.Question) QuestionToTake {
	return QuestionToTake{ID: q.ID, Text: q.Text, Type: q.Type, Options: q.Options, Hint: q.Hint, Points: q.Points, Order: q.Order}
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := quizzes.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		quiz, err := store.Take(ctx, user.ID, req.Quiz)
		if err != nil {
			return nil, err
		}
		return &Response{show(quiz)}, nil
	}, nil
}
