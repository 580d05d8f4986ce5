// Package quizattempts is how the operations on attempts show them.
package quizattempts

import (
	"encoding/json"
	"time"

	"aksio.app/shared/api"
	"aksio.app/shared/decimals"
	"aksio.app/shared/quizzes"
)

// Attempt is an attempt on the wire. It has a score when it is finished.
type Attempt struct {
	ID         quizzes.AttemptID    `json:"id"`
	Quiz       quizzes.ID           `json:"quiz"`
	Status     string               `json:"status" enum:"in_progress,completed,abandoned,timed_out"`
	Number     int                  `json:"attempt_number"`
	Score      *float64             `json:"score" doc:"Points."`
	MaxScore   *float64             `json:"max_score" doc:"Points of all its questions but essays."`
	Percentage *decimals.Two        `json:"percentage_score" doc:"0 to 100. Null, like passed, if all its questions are essays: nothing is graded then."`
	Passed     *bool                `json:"passed"`
	Seconds    *int                 `json:"time_taken_seconds"`
	Started    time.Time            `json:"started_at"`
	Deadline   *time.Time           `json:"deadline" doc:"By the server's clock; null without a time limit."`
	Completed  *time.Time           `json:"completed_at"`
	Order      []quizzes.QuestionID `json:"questions_order"`
	Device     *string              `json:"device_type" doc:"Null, like the next two: who answers from where isn't kept."`
	Address    *string              `json:"ip_address"`
	UserAgent  *string              `json:"user_agent"`
	Responses  []Response           `json:"responses"`
}

// View shows an attempt.
func View(a quizzes.Attempt) Attempt {
	view := Attempt{
		ID: a.ID, Quiz: a.Quiz, Status: a.Status, Number: a.Number,
		Started: a.Started, Deadline: a.Deadline, Completed: a.Completed, Order: a.Order,
		Responses: api.Each(a.Responses, ViewResponse),
	}
	if a.Finished() {
		score, possible, seconds := float64(a.Earned), float64(a.Possible), a.Seconds()
		view.Score, view.MaxScore, view.Percentage = &score, &possible, (*decimals.Two)(a.Percentage)
		view.Passed, view.Seconds = a.Passed, &seconds
	}
	return view
}

// Response is an answer on the wire.
type Response struct {
	ID       string             `json:"id"`
	Question quizzes.QuestionID `json:"question"`
	Answer   json.RawMessage    `json:"user_answer"`
	Correct  *bool              `json:"is_correct" doc:"null for essays, and while the attempt runs if the quiz doesn't show correct answers."`
	Points   float64            `json:"points_earned"`
	Seconds  *int               `json:"time_taken_seconds"`
	Flagged  bool               `json:"flagged_for_review"`
	Answered time.Time          `json:"answered_at"`
}

// ViewResponse shows an answer.
func ViewResponse(r quizzes.Response) Response {
	return Response{
		ID: r.ID.String(), Question: r.Question, Answer: r.Answer, Correct: r.Correct, Points: float64(r.Points),
		Seconds: r.Seconds, Flagged: r.Flagged, Answered: r.Answered,
	}
}
