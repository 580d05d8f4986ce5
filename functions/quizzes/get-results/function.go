// Package getresults serves GET /api/v1/assessments/quizzes/{id}/results/.
package getresults

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
		ID:      "quizzes-get-results",
		Methods: []string{http.MethodGet},
		Path:    "/api/v1/assessments/quizzes/{id}/results/",
		Summary: "Get the questions of a quiz with keys and explanations, once it was taken and as far as it shows them.",
		Needs:   []api.Resource{database.Resource},
		Refuses: []fault.Kind{fault.Forbidden},
	}, setup)
}

// Request names the quiz.
type Request struct {
	Quiz quizzes.ID `path:"id"`
}

// Response is the quiz with its keys.
type Response struct {
	Body QuizResults
}

// QuizResults is a quiz that was taken.
type QuizResults struct {
	ID                 quizzes.ID       `json:"id"`
	Title              string           `json:"title"`
	Description        *string          `json:"description"`
	PassingScore       int              `json:"passing_score"`
	ShowCorrectAnswers bool             `json:"show_correct_answers"`
	ShowExplanations   bool             `json:"show_explanations"`
	Questions          []QuestionResult `json:"questions"`
}

// QuestionResult is a question with its key, if that may be seen.
type QuestionResult struct {
	ID          quizzes.QuestionID `json:"id"`
	Text        string             `json:"question_text"`
	Type        string             `json:"question_type" enum:"multiple_choice,true_false,short_answer,essay,fill_blank"`
	Options     []string           `json:"answer_options"`
	Correct     []any              `json:"correct_answers" doc:"Empty while they may not be seen."`
	Explanation *string            `json:"explanation" doc:"null while it may not be seen."`
	Points      int                `json:"points"`
	Order       int                `json:"order"`
}

func show(q quizzes.Quiz) QuizResults {
	return QuizResults{
		ID: q.ID, Title: q.Title, Description: q.Description, PassingScore: q.PassingScore,
		ShowCorrectAnswers: q.ShowCorrectAnswers, ShowExplanations: q.ShowExplanations,
		Questions: api.Each(q.Questions, showQuestion),
	}
}

func showQuestion(q quizzes.Question) QuestionResult {
	return QuestionResult{
		ID: q.ID, Text: q.Text, Type: q.Type, Options: q.Options, Correct: q.Correct, Explanation: q.Explanation,
		Points: q.Points, Order: q.Order,
	}
}

func setup(env *api.Env) (api.UserHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	store := quizzes.NewStore(db)
	return func(ctx context.Context, user auth.User, req *Request) (*Response, error) {
		quiz, err := store.Results(ctx, user.ID, req.Quiz)
		if err != nil {
			return nil, err
		}
		return &Response{show(quiz)}, nil
	}, nil
}
