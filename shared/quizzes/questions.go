package quizzes

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/names"
	"aksio.app/shared/patch"
)

// QuestionID identifies a question.
type QuestionID = id.ID[Question]

// The types of questions.
const (
	MultipleChoice = "multiple_choice"
	TrueFalse      = "true_false"
	ShortAnswer    = "short_answer"
	FillBlank      = "fill_blank"
	Essay          = "essay" // nobody grades it
)

// Question is one question of a quiz. In JSON its fields are called like its
// columns: that is how quizzes and attempts read and keep their questions.
type Question struct {
	ID            QuestionID          `json:"id"`
	Text          string              `json:"question_text"`
	Type          string              `json:"question_type"`
	Level         string              `json:"difficulty_level"` // easy, medium, hard
	Order         int                 `json:"position"`
	Points        int                 `json:"points"`
	Options       []string            `json:"answer_options"`
	Correct       []any               `json:"correct_answers"` // as written: indices or texts
	Explanation   *string             `json:"explanation"`
	Hint          *string             `json:"hint"`
	SourceContent *string             `json:"source_content"` // the words of the document that prove the answer
	Citation      *documents.Citation `json:"citation"`       // where those words stand; nil: made by hand, or of a text that was sent along
	Tags          []string            `json:"tags"`
	Attempts      int                 `json:"total_attempts"`
	CorrectCount  int                 `json:"correct_attempts"`
	Created       time.Time           `json:"created_at"`
	Updated       time.Time           `json:"updated_at"`
}

// SuccessRate is the share of right answers, 0 without any.
func (q Question) SuccessRate() float64 {
	if q.Attempts == 0 {
		return 0
	}
	return float64(q.CorrectCount) / float64(q.Attempts)
}

// QuestionChange holds the fields of a question that are to be set. A new one
// needs a text and a type.
type QuestionChange struct {
	Text          patch.Field[string]   `json:"question_text" db:"question_text" required:"true" minLength:"1" maxLength:"10000"`
	Type          patch.Field[string]   `json:"question_type" db:"question_type" required:"true" enum:"multiple_choice,true_false,short_answer,essay,fill_blank"`
	Level         patch.Field[string]   `json:"difficulty_level" db:"difficulty_level" enum:"easy,medium,hard"`
	Order         patch.Field[int]      `json:"order" db:"position" minimum:"0" maximum:"2147483647"`
	Points        patch.Field[int]      `json:"points" db:"points" minimum:"0" maximum:"32767"`
	Options       patch.Field[[]string] `json:"answer_options" db:"answer_options" maxItems:"10" doc:"A statement (true_false) that comes without has True and False."`
	Choices       patch.Field[[]string] `json:"choices" maxItems:"10" doc:"Another name for answer_options; goes before it."`
	Correct       patch.Field[[]any]    `json:"correct_answers" db:"correct_answers" maxItems:"50" doc:"For choices indices from 0, or option texts; true or false; else every accepted text."`
	Explanation   patch.Field[*string]  `json:"explanation" db:"explanation" maxLength:"10000"`
	Hint          patch.Field[*string]  `json:"hint" db:"hint" maxLength:"10000"`
	SourceContent patch.Field[*string]  `json:"source_content" db:"source_content" maxLength:"50000"`
	Tags          patch.Field[[]string] `json:"tags" db:"tags" maxItems:"50"`
}

// onto returns the question with the fields of the change.
func (c *QuestionChange) onto(q Question) Question {
	if c.Choices.Set {
		c.Options = c.Choices
	}
	q.Text, q.Type, q.Level = c.Text.Or(q.Text), c.Type.Or(q.Type), c.Level.Or(q.Level)
	q.Order, q.Points, q.Options, q.Correct = c.Order.Or(q.Order), c.Points.Or(q.Points), c.Options.Or(q.Options), c.Correct.Or(q.Correct)
	q.Explanation, q.Hint, q.SourceContent = c.Explanation.Or(q.Explanation), c.Hint.Or(q.Hint), c.SourceContent.Or(q.SourceContent)
	q.Tags = c.Tags.Or(q.Tags)
	return q
}

// Lengths in characters.
const (
	longestOption = 1_000
	longestAnswer = 10_000
	longestTag    = 100
)

// Tidy trims the question and says what keeps it from being asked and graded.
func (q *Question) Tidy() error {
	if q.Text = strings.TrimSpace(q.Text); q.Text == "" {
		return fault.Field("question_text", "Write the question.")
	}
	for i, option := range q.Options {
		q.Options[i] = tidyOption(option)
		switch {
		case q.Options[i] == "":
			return fault.Field("answer_options", "Option %d is empty.", i)
		case utf8.RuneCountInString(option) > longestOption:
			return fault.Field("answer_options", "An option may have %d characters.", longestOption)
		case slices.Contains(q.Options[:i], q.Options[i]):
			return fault.Field("answer_options", "Option %d stands there twice.", i)
		}
	}
	for _, tag := range q.Tags {
		if utf8.RuneCountInString(tag) > longestTag {
			return fault.Field("tags", "A tag may have %d characters.", longestTag)
		}
	}
	if err := names.Lines("tags", q.Tags); err != nil {
		return err
	}
	return q.tidyKey()
}

// size returns how many bytes of JSON the questions are, at most.
func size(questions ...Question) (bytes int) {
	for _, q := range questions {
		text, _ := json.Marshal(q) // plain values all
		bytes += len(text)
	}
	return bytes
}

const insertQuestion = `INSERT INTO quiz_questions AS o (id, quiz_id, question_text, question_type, difficulty_level, position, points,
		answer_options, correct_answers, explanation, hint, source_content, citation, tags)`

// questionArgs are what insertQuestion takes, but for the quiz's id.
func questionArgs(q Question) []any {
	return []any{q.ID, q.Text, q.Type, q.Level, q.Order, q.Points,
		q.Options, q.Correct, q.Explanation, q.Hint, q.SourceContent, q.Citation, q.Tags}
}

// AddQuestion adds a question to the quiz. One that couldn't be graded is Invalid;
// attempts that run don't see it.
func (s *Store) AddQuestion(ctx context.Context, owner auth.UserID, quiz ID, change QuestionChange) (Question, error) {
	question := change.onto(Question{
		ID: id.For[Question](ctx), Level: "medium", Points: 1, Options: []string{}, Correct: []any{}, Tags: []string{},
	})
	if err := question.Tidy(); err != nil {
		return Question{}, err
	}
	err := s.db.QueryRow(ctx, `
		WITH grown AS (
			UPDATE quizzes q SET total_questions = total_questions + 1, question_bytes = question_bytes + $16, updated_at = now()
			WHERE q.id = $14 AND q.user_id = $15 AND `+alive+`
			RETURNING q.id
		)
		`+insertQuestion+`
		SELECT $1, grown.id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM grown
		RETURNING to_jsonb(o)`, append(questionArgs(question), quiz, owner, size(question))...).Scan(&question)
	switch {
	case database.Repeated(err, "quiz_questions"):
		err = s.db.QueryRow(ctx, `
			SELECT to_jsonb(o) FROM quiz_questions o JOIN quizzes q ON q.id = o.quiz_id
			WHERE o.id = $1 AND q.id = $2 AND q.user_id = $3 AND `+alive, question.ID, quiz, owner).Scan(&question)
	case database.Violates(err, "quizzes_bytes"):
		return question, tooMuchText()
	case database.Violates(err, "quizzes_size"):
		return question, fault.New(fault.Invalid, "A quiz may have %d questions; start another one.", mostQuestions).Coded("quiz_full")
	}
	return question, database.Fault(err, "quiz")
}
