// Package assessments plans checks of what a student knows of a course, and has
// a model make the cards and the quiz for them from the course's material.
package assessments

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/moment"
	"aksio.app/shared/names"
	"aksio.app/shared/page"
	"aksio.app/shared/patch"
)

// ID identifies an assessment.
type ID = id.ID[Assessment]

// selfAssessment is the type of those that students make for themselves.
const selfAssessment = "self_assessment"

// Assessment is a planned check of one course.
type Assessment struct {
	ID                 ID         `db:"id"`
	Course             courses.ID `db:"course_id"`
	Title              string     `db:"title"`
	Description        *string    `db:"description"`
	Type               string     `db:"assessment_type"`
	Status             string     `db:"status"`
	IncludeFlashcards  bool       `db:"include_flashcards"`
	IncludeQuizzes     bool       `db:"include_quizzes"`
	FlashcardCount     int        `db:"flashcard_count"`
	QuizCount          int        `db:"quiz_count"` // see questionCount
	AdaptiveDifficulty bool       `db:"adaptive_difficulty"`
	TargetSuccessRate  float64    `db:"target_success_rate"` // 0 to 1
	Due                *time.Time `db:"due_date"`
	Duration           *int       `db:"estimated_duration_minutes"`
	Completion         float64    `db:"completion_rate"`     // percent of its cards and quizzes that were used
	Performance        float64    `db:"average_performance"` // 0 to 1, over both reviews and finished attempts
	Created            time.Time  `db:"created_at"`
	Updated            time.Time  `db:"updated_at"`
}

const columns = `a.id, a.course_id, a.title, a.description, a.assessment_type, a.status, a.include_flashcards,
	a.include_quizzes, a.flashcard_count, a.quiz_count, a.adaptive_difficulty, a.target_success_rate, a.due_date,
	a.estimated_duration_minutes, a.created_at, a.updated_at,
	coalesce((SELECT 100 * avg(used::int) FROM (
		SELECT q.finished_attempts > 0 FROM assessment_quizzes l JOIN quizzes q ON q.id = l.quiz_id WHERE l.assessment_id = a.id
		UNION ALL
		SELECT f.total_reviews > 0 FROM assessment_cards l JOIN flashcards f ON f.id = l.flashcard_id WHERE l.assessment_id = a.id
	) made (used)), 0)::float8 AS completion_rate,
	coalesce((SELECT avg(mean) FROM (VALUES (
		(SELECT sum(q.average_score * q.graded_attempts) / nullif(sum(q.graded_attempts), 0) / 100
			FROM assessment_quizzes l JOIN quizzes q ON q.id = l.quiz_id WHERE l.assessment_id = a.id)
	), (
		(SELECT avg(r.quality_response)::float8 / 5
			FROM assessment_cards l JOIN flashcard_reviews r ON r.flashcard_id = l.flashcard_id WHERE l.assessment_id = a.id)
	)) part (mean)), 0)::float8 AS average_performance`

const alive = `EXISTS (SELECT FROM courses c WHERE c.id = a.course_id AND c.deleted_at IS NULL)`

// Change holds the fields that are to be set. A new assessment needs a course, a
// title and a type.
type Change struct {
	Course             patch.Field[courses.ID]   `json:"course" db:"course_id" required:"true"`
	Title              patch.Field[string]       `json:"title" db:"title" required:"true" minLength:"1" maxLength:"255"`
	Description        patch.Field[*string]      `json:"description" db:"description" maxLength:"10000"`
	Type               patch.Field[string]       `json:"assessment_type" db:"assessment_type" required:"true" enum:"diagnostic,formative,summative,self_assessment"`
	Status             patch.Field[string]       `json:"status" db:"status" enum:"draft,published,archived"`
	IncludeFlashcards  patch.Field[bool]         `json:"include_flashcards" db:"include_flashcards"`
	IncludeQuizzes     patch.Field[bool]         `json:"include_quizzes" db:"include_quizzes"`
	FlashcardCount     patch.Field[int]          `json:"flashcard_count" db:"flashcard_count" minimum:"0" maximum:"50"`
	QuizCount          patch.Field[int]          `json:"quiz_count" db:"quiz_count" minimum:"0" maximum:"50" doc:"0 for no quiz; 1 for one of the usual length; more for one of that many questions."`
	AdaptiveDifficulty patch.Field[bool]         `json:"adaptive_difficulty" db:"adaptive_difficulty"`
	TargetSuccessRate  patch.Field[float64]      `json:"target_success_rate" db:"target_success_rate" minimum:"0" maximum:"1"`
	Due                patch.Field[*moment.Time] `json:"due_date" db:"due_date"`
	Duration           patch.Field[*int]         `json:"estimated_duration_minutes" db:"estimated_duration_minutes" minimum:"0" maximum:"525600"`
}

// Store keeps assessments in the database.
type Store struct {
	db *database.DB
}

// NewStore returns the assessments of the database.
func NewStore(db *database.DB) *Store { return &Store{db: db} }

// List returns a page of the student's assessments, the newest first; those of one
// course if it isn't zero.
func (s *Store) List(ctx context.Context, owner auth.UserID, course courses.ID, req page.Request) (page.Page[Assessment], error) {
	list, args := database.List{
		Columns: columns,
		From:    "assessments a",
		Where:   "a.user_id = $1 AND " + alive,
		Order:   []string{"a.created_at DESC", "a.id DESC"},
		Count:   database.Counted("assessments"),
	}, []any{owner}
	if !course.IsZero() {
		list.Where, list.Count, args = list.Where+" AND a.course_id = $2", database.CountedOf("assessments"), append(args, course)
	}
	return database.Page[Assessment](ctx, s.db, req, list, args...)
}

// Get returns an assessment. Another student's is NotFound.
func (s *Store) Get(ctx context.Context, owner auth.UserID, assessment ID) (Assessment, error) {
	rows, _ := s.db.Query(ctx, `SELECT `+columns+` FROM assessments a WHERE a.id = $1 AND a.user_id = $2 AND `+alive, assessment, owner)
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Assessment])
	return found, database.Fault(err, "assessment")
}

// Create plans an assessment. A course that isn't the student's is Invalid.
func (s *Store) Create(ctx context.Context, owner auth.UserID, change Change) (made Assessment, err error) {
	if change.Title.Value, err = names.Tidy("title", "assessment", change.Title.Value); err != nil {
		return Assessment{}, err
	}
	if d := change.Description.Value; d != nil && len(*d) > page.MaxText {
		return Assessment{}, fault.Field("description", "A description may have %d KiB.", page.MaxText>>10)
	}
	fresh := id.For[Assessment](ctx)
	made, err = insert(ctx, s.db, owner, fresh, change)
	if database.Repeated(err, "assessments") {
		return s.Get(ctx, owner, fresh)
	}
	return made, err
}

// Delete removes an assessment; what was made for it stays. Another student's is NotFound.
func (s *Store) Delete(ctx context.Context, owner auth.UserID, assessment ID) error {
	tag, err := s.db.Exec(ctx, `DELETE FROM assessments a WHERE a.id = $1 AND a.user_id = $2 AND `+alive, assessment, owner)
	return database.Changed(tag, err, "assessment")
}

// querier is the pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

func insert(ctx context.Context, db querier, owner auth.UserID, fresh ID, change Change) (Assessment, error) {
	names, placeholders, args := database.Values(change, 4)
	rows, _ := db.Query(ctx, `INSERT INTO assessments AS a (id, user_id`+names+`)
		SELECT $1, $2`+placeholders+` FROM courses WHERE `+courses.Owned("$3", "$2")+`
		RETURNING `+columns, append([]any{fresh, owner, change.Course.Value}, args...)...)
	made, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Assessment])
	if err = database.Fault(err, "course"); fault.KindOf(err) == fault.NotFound {
		err = courses.NoSuchCourse()
	}
	return made, err
}
