// Package flashcards is how the operations on flashcards show one.
package flashcards

import (
	"time"

	"aksio.app/shared/courses"
	"aksio.app/shared/decimals"
	"aksio.app/shared/documents"
	"aksio.app/shared/flashcards"
)

// Card is a flashcard on the wire.
type Card struct {
	ID            flashcards.ID  `json:"id"`
	Course        courses.ID     `json:"course"`
	Section       *string        `json:"section"`
	Question      string         `json:"question"`
	Answer        string         `json:"answer"`
	Explanation   *string        `json:"explanation"`
	Level         string         `json:"difficulty_level" enum:"easy,medium,hard"`
	Tags          []string       `json:"tags"`
	SourceContent *string        `json:"source_content" doc:"The words of the material that the card was made from."`
	Source        *Source        `json:"source" doc:"Where they stand; null for cards that weren't made from a document."`
	Ease          decimals.Four  `json:"ease_factor" doc:"SM-2: 1.3 to 5."`
	Interval      int            `json:"interval_days"`
	Repetitions   int            `json:"repetitions" doc:"Successes in a row."`
	Due           time.Time      `json:"next_review_date"`
	Reviews       int            `json:"total_reviews"`
	Correct       int            `json:"total_correct"`
	SuccessRate   decimals.Four  `json:"success_rate" doc:"0 to 1."`
	Active        bool           `json:"is_active"`
	Starred       bool           `json:"is_starred"`
	Generated     bool           `json:"generated_by_ai"`
	Model         *string        `json:"ai_model_used"`
	Confidence    *decimals.Four `json:"generation_confidence"`
	Mastery       string         `json:"mastery_level" enum:"new,learning,difficult,mastered"`
	IsDue         bool           `json:"is_due"`
	Stability     float64        `json:"stability" doc:"FSRS: days until recall is 90 % likely; 0 for a new card."`
	Difficulty    float64        `json:"difficulty" doc:"FSRS: 1 easy to 10 hard; 0 for a new card."`
	State         string         `json:"state" enum:"new,learning,review,relearning"`
	Created       time.Time      `json:"created_at"`
	Updated       time.Time      `json:"updated_at"`
}

// Source is where a card's words stand.
type Source struct {
	documents.Citation
	Page int `json:"page" doc:"As page_start; its first name."`
}

// View shows a card as it is now.
func View(c flashcards.Card) Card {
	v := Card{
		ID: c.ID, Course: c.Course, Question: c.Question, Answer: c.Answer, Explanation: c.Explanation, Level: c.Level, Tags: c.Tags,
		SourceContent: c.SourceContent, Ease: decimals.Four(c.Ease), Interval: c.Interval, Repetitions: c.Repetitions, Due: c.Due,
		Reviews: c.Reviews, Correct: c.Correct, SuccessRate: decimals.Four(c.SuccessRate()), Active: c.Active, Starred: c.Starred,
		Generated: c.Generated, Model: c.Model, Confidence: (*decimals.Four)(c.Confidence), Mastery: string(c.Mastery()), IsDue: !c.Due.After(time.Now()),
		Stability: c.Stability, Difficulty: c.Difficulty, State: c.State.String(), Created: c.Created, Updated: c.Updated,
	}
	if c.Citation != nil {
		v.Source = &Source{*c.Citation, c.Citation.PageStart}
	}
	return v
}
