// Package quizzes is how the operations on quizzes show them.
package quizzes

import (
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/courses"
	"aksio.app/shared/decimals"
	"aksio.app/shared/documents"
	"aksio.app/shared/quizzes"
)

// Quiz is a quiz on the wire, with its keys: it is shown to its author.
type Quiz struct {
	ID                 quizzes.ID   `json:"id"`
	Course             courses.ID   `json:"course"`
	Section            *string      `json:"section" doc:"Always null."`
	Title              string       `json:"title"`
	Description        *string      `json:"description"`
	Type               string       `json:"quiz_type" enum:"practice,assessment,review,diagnostic"`
	Status             string       `json:"status" enum:"draft,published,archived"`
	TimeLimit          *int         `json:"time_limit_minutes" doc:"0 and null: none."`
	MaxAttempts        int          `json:"max_attempts"`
	PassingScore       int          `json:"passing_score" doc:"Percent."`
	Shuffle            bool         `json:"shuffle_questions"`
	ShowCorrectAnswers bool         `json:"show_correct_answers"`
	ShowExplanations   bool         `json:"show_explanations"`
	AllowRetakes       bool         `json:"allow_retakes"`
	Generated          bool         `json:"generated_by_ai"`
	Model              *string      `json:"ai_model_used"`
	Prompt             *string      `json:"generation_prompt"`
	SourceContent      *string      `json:"source_content"`
	TotalQuestions     int          `json:"total_questions"`
	TotalAttempts      int          `json:"total_attempts" doc:"Ever started."`
	AverageScore       decimals.Two `json:"average_score" doc:"Percent, of finished attempts."`
	Questions          []Question   `json:"questions"`
	IsPublished        bool         `json:"is_published"`
	Created            time.Time    `json:"created_at"`
	Updated            time.Time    `json:"updated_at"`
}

// View shows a quiz.
func View(q quizzes.Quiz) Quiz {
	return Quiz{
		ID: q.ID, Course: q.Course, Title: q.Title, Description: q.Description, Type: q.Type, Status: q.Status,
		TimeLimit: q.TimeLimit, MaxAttempts: q.MaxAttempts, PassingScore: q.PassingScore, Shuffle: q.Shuffle,
		ShowCorrectAnswers: q.ShowCorrectAnswers, ShowExplanations: q.ShowExplanations, AllowRetakes: q.AllowRetakes,
		Generated: q.Generated, Model: q.Model, Prompt: q.Prompt, SourceContent: q.SourceContent,
		TotalQuestions: q.TotalQuestions, TotalAttempts: q.TotalAttempts, AverageScore: decimals.Two(q.AverageScore),
		Questions: api.Each(q.Questions, ViewQuestion), IsPublished: q.Status == quizzes.Published,
		Created: q.Created, Updated: q.Updated,
	}
}

// Question is a question on the wire, with its key: it is shown to its author.
type Question struct {
	ID            quizzes.QuestionID   `json:"id"`
	Text          string               `json:"question_text"`
	Type          string               `json:"question_type" enum:"multiple_choice,true_false,short_answer,essay,fill_blank"`
	Level         string               `json:"difficulty_level" enum:"easy,medium,hard"`
	Order         int                  `json:"order"`
	Points        int                  `json:"points"`
	Options       []string             `json:"answer_options"`
	Correct       []any                `json:"correct_answers" doc:"As they were written: indices from 0, or texts."`
	Explanation   *string              `json:"explanation"`
	Hint          *string              `json:"hint"`
	SourceContent *string              `json:"source_content" doc:"Of a generated question: the words of the document that prove the answer."`
	Source        *documents.Citation  `json:"source" doc:"Of a question generated from a document: where those words stand."`
	Passage       *documents.PassageID `json:"passage_id" doc:"As in source; its first name."`
	Tags          []string             `json:"tags"`
	Attempts      int                  `json:"total_attempts"`
	CorrectCount  int                  `json:"correct_attempts"`
	SuccessRate   decimals.Four        `json:"success_rate" doc:"0 to 1."`
	Created       time.Time            `json:"created_at"`
	Updated       time.Time            `json:"updated_at"`
}

// ViewQuestion shows a question.
func ViewQuestion(q quizzes.Question) Question {
	view := Question{
		ID: q.ID, Text: q.Text, Type: q.Type, Level: q.Level, Order: q.Order, Points: q.Points,
		Options: q.Options, Correct: q.Correct, Explanation: q.Explanation, Hint: q.Hint, SourceContent: q.SourceContent,
		Source: q.Citation, Tags: q.Tags, Attempts: q.Attempts, CorrectCount: q.CorrectCount, SuccessRate: decimals.Four(q.SuccessRate()),
		Created: q.Created, Updated: q.Updated,
	}
	if q.Citation != nil {
		view.Passage = &q.Citation.Passage
	}
	return view
}
