// Package assessments is how the operations on assessments show them and what is
// generated for them.
package assessments

import (
	"time"

	"aksio.app/shared/assessments"
	"aksio.app/shared/courses"
	"aksio.app/shared/decimals"
)

// Assessment is an assessment on the wire.
type Assessment struct {
	ID                 assessments.ID `json:"id"`
	Course             courses.ID     `json:"course"`
	Title              string         `json:"title"`
	Description        *string        `json:"description"`
	Type               string         `json:"assessment_type" enum:"diagnostic,formative,summative,self_assessment"`
	Status             string         `json:"status" enum:"draft,published,archived"`
	IncludeFlashcards  bool           `json:"include_flashcards"`
	IncludeQuizzes     bool           `json:"include_quizzes"`
	FlashcardCount     int            `json:"flashcard_count"`
	QuizCount          int            `json:"quiz_count" doc:"0 for no quiz; 1 for one of the usual length; more for one of that many questions."`
	AdaptiveDifficulty bool           `json:"adaptive_difficulty"`
	TargetSuccessRate  float64        `json:"target_success_rate" doc:"0 to 1."`
	Due                *time.Time     `json:"due_date"`
	Duration           *int           `json:"estimated_duration_minutes"`
	Completion         decimals.Two   `json:"completion_rate" doc:"Percent of its cards and quizzes that were used."`
	Performance        decimals.Four  `json:"average_performance" doc:"0 to 1, of its reviews and finished attempts."`
	Created            time.Time      `json:"created_at"`
	Updated            time.Time      `json:"updated_at"`
}

// View shows an assessment.
func View(a assessments.Assessment) Assessment {
	return Assessment{
		ID: a.ID, Course: a.Course, Title: a.Title, Description: a.Description, Type: a.Type, Status: a.Status,
		IncludeFlashcards: a.IncludeFlashcards, IncludeQuizzes: a.IncludeQuizzes,
		FlashcardCount: a.FlashcardCount, QuizCount: a.QuizCount, AdaptiveDifficulty: a.AdaptiveDifficulty,
		TargetSuccessRate: a.TargetSuccessRate, Due: a.Due, Duration: a.Duration,
		Completion: decimals.Two(a.Completion), Performance: decimals.Four(a.Performance), Created: a.Created, Updated: a.Updated,
	}
}
