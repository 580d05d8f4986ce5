// Package quizzes holds the quizzes of a course, their questions, and the
// attempts at them.
//
// An attempt is saved answer by answer and graded against its own copy of the
// questions, so that neither a lost connection nor a change of the quiz costs its
// taker anything. The server's clock alone decides what was in time.
package quizzes

import (
	"cmp"
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/names"
	"aksio.app/shared/page"
	"aksio.app/shared/patch"
)

// ID identifies a quiz.
type ID = id.ID[Quiz]

// mostQuestions is how many questions a quiz may have. Its description, prompt and
// source and its questions, as JSON, may have 256 KiB in all: lists show them.
const mostQuestions = 200

// The states of a quiz. Only a published one can be attempted.
const (
	Draft     = "draft"
	Published = "published"
	Archived  = "archived"
)

// Quiz is a set of questions with the rules for attempts at it.
type Quiz struct {
	ID                 ID         `db:"id"`
	Course             courses.ID `db:"course_id"`
	Title              string     `db:"title"`
	Description        *string    `db:"description"`
	Type               string     `db:"quiz_type"`
	Status             string     `db:"status"`
	TimeLimit          *int       `db:"time_limit_minutes"` // nil and 0: none
	MaxAttempts        int        `db:"max_attempts"`
	PassingScore       int        `db:"passing_score"` // percent
	Shuffle            bool       `db:"shuffle_questions"`
	ShowCorrectAnswers bool       `db:"show_correct_answers"`
	ShowExplanations   bool       `db:"show_explanations"`
	AllowRetakes       bool       `db:"allow_retakes"`
	Generated          bool       `db:"generated_by_ai"`
	Model              *string    `db:"ai_model_used"`
	Prompt             *string    `db:"generation_prompt"`
	SourceContent      *string    `db:"source_content"`
	TotalQuestions     int        `db:"total_questions"`
	TotalAttempts      int        `db:"total_attempts"` // ever started
	AverageScore       float64    `db:"average_score"`  // percent, of finished attempts
	Created            time.Time  `db:"created_at"`
	Updated            time.Time  `db:"updated_at"`
	Questions          []Question `db:"questions"`
}

const columns = `q.id, q.course_id, q.title, q.description, q.quiz_type, q.status, q.time_limit_minutes, q.max_attempts,
	q.passing_score, q.shuffle_questions, q.show_correct_answers, q.show_explanations, q.allow_retakes,
	q.generated_by_ai, q.ai_model_used, q.generation_prompt, q.source_content,
	q.total_questions, q.total_attempts, q.average_score, q.created_at, q.updated_at,
	(SELECT coalesce(jsonb_agg(to_jsonb(o) ORDER BY o.position, o.created_at, o.id), '[]')
		FROM quiz_questions o WHERE o.quiz_id = q.id) AS questions`

// alive says that the quiz's course wasn't deleted.
const alive = `EXISTS (SELECT FROM courses c WHERE c.id = q.course_id AND c.deleted_at IS NULL)`

// mayAttempt says whether another attempt may be started.
const mayAttempt = `q.status = 'published' AND q.total_questions > 0 AND q.total_attempts < q.max_attempts
	AND (q.allow_retakes OR q.total_attempts = 0)`

// Change holds the fields that are to be set. A new quiz needs a course and a title.
type Change struct {
	Course             patch.Field[courses.ID] `json:"course" db:"course_id" required:"true"`
	Section            patch.Field[*string]    `json:"section" doc:"Always null: sections aren't offered yet."`
	Title              patch.Field[string]     `json:"title" db:"title" required:"true" minLength:"1" maxLength:"255"`
	Description        patch.Field[*string]    `json:"description" db:"description" maxLength:"10000"`
	Type               patch.Field[string]     `json:"quiz_type" db:"quiz_type" enum:"practice,assessment,review,diagnostic"`
	Status             patch.Field[string]     `json:"status" db:"status" enum:"draft,published,archived" doc:"Publishing needs a question."`
	TimeLimit          patch.Field[*int]       `json:"time_limit_minutes" db:"time_limit_minutes" minimum:"0" maximum:"525600" doc:"0 and null: none."`
	MaxAttempts        patch.Field[int]        `json:"max_attempts" db:"max_attempts" minimum:"0" maximum:"32767"`
	PassingScore       patch.Field[int]        `json:"passing_score" db:"passing_score" minimum:"0" maximum:"100" doc:"Percent."`
	Shuffle            patch.Field[bool]       `json:"shuffle_questions" db:"shuffle_questions"`
	ShowCorrectAnswers patch.Field[bool]       `json:"show_correct_answers" db:"show_correct_answers"`
	ShowExplanations   patch.Field[bool]       `json:"show_explanations" db:"show_explanations"`
	AllowRetakes       patch.Field[bool]       `json:"allow_retakes" db:"allow_retakes"`
	Prompt             patch.Field[*string]    `json:"generation_prompt" db:"generation_prompt" maxLength:"10000"`
	SourceContent      patch.Field[*string]    `json:"source_content" db:"source_content" maxLength:"50000"`
}

// tidy trims the change and checks what a schema can't.
func (c *Change) tidy() (err error) {
	if c.Section.Value != nil {
		return fault.Field("section", "Sections aren't offered yet: leave this out, or send null.")
	}
	if c.Title.Set {
		if c.Title.Value, err = names.Tidy("title", "quiz", c.Title.Value); err != nil {
			return err
		}
	}
	return nil
}

// Store keeps quizzes and attempts in the database.
type Store struct {
	db  *database.DB
	now func() time.Time // to the microsecond, as the database keeps it
}

// NewStore returns the quizzes of the database.
func NewStore(db *database.DB) *Store {
	return &Store{db: db, now: func() time.Time { return time.Now().Truncate(time.Microsecond) }}
}

// List returns a page of the student's quizzes, the newest first; those of one
// course if it isn't zero.
func (s *Store) List(ctx context.Context, owner auth.UserID, course courses.ID, req page.Request) (page.Page[Quiz], error) {
	list, args := database.List{
		Columns: columns,
		From:    "quizzes q",
		Where:   "q.user_id = $1 AND " + alive,
		Order:   []string{"q.created_at DESC", "q.id DESC"},
		Count:   database.Counted("quizzes"),
	}, []any{owner}
	if !course.IsZero() {
		list.Where, list.Count, args = list.Where+" AND q.course_id = $2", database.CountedOf("quizzes"), append(args, course)
	}
	return database.Page[Quiz](ctx, s.db, req, list, args...)
}

// Get returns a quiz with its keys, for its author. Another student's is NotFound.
func (s *Store) Get(ctx context.Context, owner auth.UserID, quiz ID) (Quiz, error) {
	rows, _ := s.db.Query(ctx, `SELECT `+columns+` FROM quizzes q WHERE q.id = $1 AND q.user_id = $2 AND `+alive, quiz, owner)
	return one(rows)
}

// Create adds a quiz without questions. A course that isn't the student's is Invalid.
func (s *Store) Create(ctx context.Context, owner auth.UserID, change Change) (Quiz, error) {
	if err := change.tidy(); err != nil {
		return Quiz{}, err
	}
	names, placeholders, args := database.Values(change, 4)
	fresh := id.For[Quiz](ctx)
	rows, _ := s.db.Query(ctx, `INSERT INTO quizzes AS q (id, user_id`+names+`)
		SELECT $1, $2`+placeholders+` FROM courses WHERE `+courses.Owned("$3", "$2")+`
		RETURNING `+columns, append([]any{fresh, owner, change.Course.Value}, args...)...)
	quiz, err := one(rows)
	if database.Repeated(err, "quizzes") {
		return s.Get(ctx, owner, fresh)
	}
	if fault.KindOf(err) == fault.NotFound {
		err = courses.NoSuchCourse()
	}
	return quiz, err
}

// Update sets the fields of the change. A quiz without questions can't be published.
func (s *Store) Update(ctx context.Context, owner auth.UserID, quiz ID, change Change) (Quiz, error) {
	if err := change.tidy(); err != nil {
		return Quiz{}, err
	}
	if change.Course.Set {
		err := courses.Require(ctx, s.db, owner, change.Course.Value)
		if fault.KindOf(err) == fault.NotFound {
			err = courses.NoSuchCourse()
		}
		if err != nil {
			_, gone := s.Get(ctx, owner, quiz) // what is wrong with a quiz that isn't there is nobody's concern
			return Quiz{}, cmp.Or(gone, err)
		}
	}
	set, args := database.Changes(change, 3)
	if set == "" {
		return s.Get(ctx, owner, quiz)
	}
	rows, _ := s.db.Query(ctx, `UPDATE quizzes q SET `+set+`, updated_at = now()
		WHERE q.id = $1 AND q.user_id = $2 AND `+alive+`
		RETURNING `+columns, append([]any{quiz, owner}, args...)...)
	return one(rows)
}

// Delete removes the quiz with its questions and attempts.
func (s *Store) Delete(ctx context.Context, owner auth.UserID, quiz ID) error {
	tag, err := s.db.Exec(ctx, `DELETE FROM quizzes q WHERE q.id = $1 AND q.user_id = $2 AND `+alive, quiz, owner)
	return database.Changed(tag, err, "quiz")
}

func tooMuchText() error {
	return fault.New(fault.Invalid, "This would be more text than a quiz may have. Shorten it, or make several quizzes of it.").Coded("quiz_full")
}

// one reads the quiz of a statement and words what its constraints forbid.
func one(rows pgx.Rows) (Quiz, error) {
	quiz, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Quiz])
	switch {
	case database.Violates(err, "quizzes_published"):
		return quiz, fault.Field("status", "A quiz without questions can't be published: add one first.")
	case database.Violates(err, "quizzes_course"):
		return quiz, courses.NoSuchCourse()
	case database.Violates(err, "quizzes_bytes"):
		return quiz, tooMuchText()
	}
	return quiz, database.Fault(err, "quiz")
}
