package assessments

import (
	"fmt"
	"net/http"
	"time"

	"aksio.app/shared/assessments"
	"aksio.app/shared/decimals"
	"aksio.app/shared/documents"
	"aksio.app/shared/flashcards"
	"aksio.app/shared/flashcards/sm2"
	"aksio.app/shared/quizzes"
)

// Generated is the answer to a generation, whatever came of it.
type Generated struct {
	Message    string             `json:"message"`
	Assessment *assessments.ID    `json:"assessment_id" doc:"null if there is none, and nothing came of it."`
	Status     assessments.Status `json:"status" enum:"completed,partial,failed"`
	Error      *string            `json:"error,omitempty" doc:"Of a generation that failed."`
	Content    Content            `json:"generated_content"`
	Agents     Agents             `json:"agent_metadata"`
}

// Content is what was made; a part that wasn't asked for is missing.
type Content struct {
	Flashcards *Cards `json:"flashcards,omitempty"`
	Quiz       *Quiz  `json:"quiz,omitempty"`
}

// Cards are the cards that were made.
type Cards struct {
	Count      int           `json:"count"`
	Asked      int           `json:"requested"`
	Flashcards []Card        `json:"flashcards"`
	Confidence decimals.Four `json:"confidence" doc:"0 to 1: how sure the model is."`
	Error      *string       `json:"error,omitempty" doc:"Why there is none."`
}

// Card is a card that was made.
type Card struct {
	ID            flashcards.ID       `json:"id"`
	Question      string              `json:"question"`
	Answer        string              `json:"answer"`
	Explanation   *string             `json:"explanation"`
	Level         string              `json:"difficulty_level"`
	Tags          []string            `json:"tags"`
	Created       time.Time           `json:"created_at"`
	Active        bool                `json:"is_active"`
	Mastery       sm2.Mastery         `json:"mastery_level"`
	Due           time.Time           `json:"next_review_date"`
	SourceContent *string             `json:"source_content" doc:"The words of the material that it rests on."`
	Citation      *documents.Citation `json:"citation" doc:"Where those words stand; null if they were sent along."`
}

// Quiz is the quiz that was made.
type Quiz struct {
	ID         *quizzes.ID   `json:"quiz_id"`
	Title      string        `json:"title"`
	Status     string        `json:"status,omitempty" doc:"Only a published one can be taken."`
	Count      int           `json:"question_count"`
	Asked      int           `json:"requested"`
	Questions  []Question    `json:"questions"`
	Confidence decimals.Four `json:"confidence" doc:"0 to 1: the share of the wanted questions that passed all checks."`
	Adaptive   *Adaptive     `json:"adaptive_metadata,omitempty"`
	Error      *string       `json:"error,omitempty" doc:"Why there is none."`
}

// Question is a question that was made.
type Question struct {
	ID            quizzes.QuestionID  `json:"id"`
	Text          string              `json:"question_text"`
	Type          string              `json:"question_type"`
	Options       []string            `json:"answer_options"`
	Correct       []any               `json:"correct_answers"`
	Explanation   *string             `json:"explanation"`
	Hint          *string             `json:"hint"`
	Level         string              `json:"difficulty_level"`
	Points        int                 `json:"points"`
	Order         int                 `json:"order"`
	SourceContent *string             `json:"source_content" doc:"The words of the material that prove the answer."`
	Citation      *documents.Citation `json:"citation" doc:"Where those words stand; null if they were sent along."`
	Domain        *string             `json:"cognitive_domain" doc:"Always null: nothing measures it."`
	Minutes       int                 `json:"estimated_time_minutes"`
	Tags          []string            `json:"tags"`
	Objective     *string             `json:"learning_objective" doc:"Always null."`
	Prerequisites []string            `json:"prerequisite_knowledge" doc:"Always empty."`
}

// Adaptive tells how the quiz was fitted to the student.
type Adaptive struct {
	Level       string        `json:"starting_difficulty"`
	Performance decimals.Four `json:"user_performance_level" doc:"0 to 1; 0 without history."`
	Strategy    string        `json:"adaptation_strategy"`
	Topics      []string      `json:"recommended_next_topics"`
}

// Agents says how each part that worked came about.
type Agents struct {
	Cards *Agent `json:"flashcard_generation,omitempty"`
	Quiz  *Agent `json:"quiz_generation,omitempty"`
}

// Agent says how a part came about.
type Agent struct {
	Steps      []Step        `json:"workflow_steps"`
	Used       []string      `json:"agents_used"`
	Confidence decimals.Four `json:"confidence"`
	Quality    *string       `json:"quality_assessment" doc:"Always null: what was made is checked, not rated."`
}

// Step is one step towards a part.
type Step struct {
	Step   string `json:"step"`
	Agent  string `json:"agent"`
	Result string `json:"result"`
}

// ViewGenerated shows the result, and with which HTTP status.
func ViewGenerated(r assessments.Result) (int, Generated) {
	view := Generated{Status: r.Status, Content: Content{viewCards(r.Cards), viewQuiz(r.Quiz)}}
	if !r.Assessment.ID.IsZero() {
		view.Assessment = &r.Assessment.ID
	}
	if cards := view.Content.Flashcards; cards != nil && cards.Count > 0 {
		view.Agents.Cards = viewAgent(r, cards.Count, "cards", cards.Confidence)
	}
	if quiz := view.Content.Quiz; quiz != nil && quiz.Count > 0 {
		view.Agents.Quiz = viewAgent(r, quiz.Count, "questions", quiz.Confidence)
	}
	view.Message = message(view.Content)
	if r.Status == assessments.Failed {
		problem := "Nothing was made."
		if cards, quiz := r.Cards, r.Quiz; cards != nil {
			problem = cards.Problem
		} else if quiz != nil {
			problem = quiz.Problem
		}
		view.Error = &problem
		if r.ModelFailed {
			return http.StatusBadGateway, view
		}
		return http.StatusUnprocessableEntity, view
	}
	return http.StatusOK, view
}

// message says how much of what was asked for was made.
func message(c Content) string {
	switch {
	case c.Flashcards == nil && c.Quiz == nil:
		return "Neither cards nor questions are wanted."
	case c.Quiz == nil:
		return fmt.Sprintf("%d of %d cards.", c.Flashcards.Count, c.Flashcards.Asked)
	case c.Flashcards == nil:
		return fmt.Sprintf("%d of %d questions.", c.Quiz.Count, c.Quiz.Asked)
	}
	return fmt.Sprintf("%d of %d cards and %d of %d questions.", c.Flashcards.Count, c.Flashcards.Asked, c.Quiz.Count, c.Quiz.Asked)
}

func viewCards(made *assessments.CardsMade) *Cards {
	if made == nil {
		return nil
	}
	view := &Cards{Count: len(made.Cards), Asked: made.Asked, Flashcards: []Card{}, Confidence: decimals.Four(made.Confidence), Error: problem(made.Problem)}
	for _, c := range made.Cards {
		view.Flashcards = append(view.Flashcards, Card{
			ID: c.ID, Question: c.Question, Answer: c.Answer, Explanation: c.Explanation, Level: c.Level, Tags: c.Tags,
			Created: c.Created, Active: c.Active, Mastery: c.Mastery(), Due: c.Due,
			SourceContent: c.SourceContent, Citation: c.Citation,
		})
	}
	return view
}

func viewQuiz(made *assessments.QuizMade) *Quiz {
	if made == nil {
		return nil
	}
	view := &Quiz{Asked: made.Asked, Questions: []Question{}, Error: problem(made.Problem)}
	if made.Quiz == nil {
		return view
	}
	view.ID, view.Title, view.Status, view.Count = &made.Quiz.ID, made.Quiz.Title, made.Quiz.Status, len(made.Quiz.Questions)
	view.Confidence = decimals.Four(float64(view.Count) / float64(made.Asked))
	for _, q := range made.Quiz.Questions {
		view.Questions = append(view.Questions, Question{
			ID: q.ID, Text: q.Text, Type: q.Type, Options: q.Options, Correct: q.Correct, Explanation: q.Explanation,
			Hint: q.Hint, Level: q.Level, Points: q.Points, Order: q.Order,
			SourceContent: q.SourceContent, Citation: q.Citation,
			Minutes: 2, Tags: q.Tags, Prerequisites: []string{},
		})
	}
	if a := made.Adapted; a != nil {
		view.Adaptive = &Adaptive{a.Level, decimals.Four(a.Performance / 100), "difficulty_based", a.Topics}
	}
	return view
}

func viewAgent(r assessments.Result, count int, things string, confidence decimals.Four) *Agent {
	return &Agent{
		Steps: []Step{
			{"read", "retrieval", fmt.Sprintf("%d passages", len(r.Passages))},
			{"write", r.Model, fmt.Sprintf("%d %s", count, things)},
			{"check", "checks", "the quote of each stands in its passage"},
		},
		Used:       []string{"retrieval", r.Model},
		Confidence: confidence,
	}
}

func problem(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}
