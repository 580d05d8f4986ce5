// Package courses holds what a student studies: one course a subject, to which
// documents, cards, quizzes and chats belong.
package courses

import (
	"cmp"
	"context"
	"regexp"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/moment"
	"aksio.app/shared/names"
	"aksio.app/shared/page"
	"aksio.app/shared/patch"
)

// ID identifies a course.
type ID = id.ID[Course]

// Course is one subject that one student studies.
type Course struct {
	ID                    ID         `db:"id"`
	Name                  string     `db:"name"`
	Description           *string    `db:"description"`
	University            *string    `db:"university"`
	Code                  *string    `db:"course_code"`
	Semester              *string    `db:"semester"`
	AcademicYear          *string    `db:"academic_year"`
	Credits               *int       `db:"credits"`
	Language              string     `db:"language"`
	SubjectArea           *string    `db:"subject_area"`
	Level                 int        `db:"difficulty_level"` // 1 beginner to 5 advanced
	Color                 string     `db:"color"`            // #RRGGBB
	Icon                  *string    `db:"icon"`
	StudyGoals            []string   `db:"study_goals"`
	PreferredStudyMethods []string   `db:"preferred_study_methods"`
	StartDate             *string    `db:"start_date"` // YYYY-MM-DD
	EndDate               *string    `db:"end_date"`   // YYYY-MM-DD
	ExamDate              *time.Time `db:"exam_date"`
	Active                bool       `db:"is_active"`
	Archived              bool       `db:"is_archived"`
	Favorite              bool       `db:"is_favorite"`
	Documents             int        `db:"documents"` // that aren't archived
	Created               time.Time  `db:"created_at"`
	Updated               time.Time  `db:"updated_at"`
}

const columns = `id, name, description, university, course_code, semester, academic_year, credits, language,
	subject_area, difficulty_level, color, icon, study_goals, preferred_study_methods,
	start_date::text, end_date::text, exam_date, is_active, is_archived, is_favorite,
	coalesce((SELECT items FROM list_counts l WHERE l.user_id = courses.user_id AND l.list = 'documents_shown' AND l.course_id = courses.id), 0) AS documents,
	created_at, updated_at`

// DisplayName puts the course's code before its name, if it has one.
func (c Course) DisplayName() string {
	if c.Code == nil || *c.Code == "" {
		return c.Name
	}
	return *c.Code + " - " + c.Name
}

// DaysUntilExam returns the UTC days from now to the exam, negative after it;
// nil without an exam.
func (c Course) DaysUntilExam(now time.Time) *int {
	if c.ExamDate == nil {
		return nil
	}
	const day = 24 * time.Hour
	// A Duration ends after 292 years.
	seconds := c.ExamDate.UTC().Truncate(day).Unix() - now.UTC().Truncate(day).Unix()
	days := int(seconds / int64(day/time.Second))
	return &days
}

// Change holds the fields that are to be set. A new course needs a name.
type Change struct {
	Name                  patch.Field[string]        `json:"name" db:"name" required:"true" minLength:"1" maxLength:"255"`
	Description           patch.Field[*string]       `json:"description" db:"description" maxLength:"10000"`
	University            patch.Field[*string]       `json:"university" db:"university" maxLength:"200"`
	Code                  patch.Field[*string]       `json:"course_code" db:"course_code" maxLength:"50"`
	Semester              patch.Field[*string]       `json:"semester" db:"semester" maxLength:"50"`
	AcademicYear          patch.Field[*string]       `json:"academic_year" db:"academic_year" maxLength:"10"`
	Credits               patch.Field[*int]          `json:"credits" db:"credits" minimum:"0" maximum:"32767"`
	Language              patch.Field[string]        `json:"language" db:"language" enum:"en,no,sv,da"`
	SubjectArea           patch.Field[*string]       `json:"subject_area" db:"subject_area" maxLength:"100"`
	Level                 patch.Field[int]           `json:"difficulty_level" db:"difficulty_level" minimum:"1" maximum:"5"`
	Color                 patch.Field[string]        `json:"color" db:"color" maxLength:"7"`
	Icon                  patch.Field[*string]       `json:"icon" db:"icon" maxLength:"50"`
	StudyGoals            patch.Field[[]patch.Entry] `json:"study_goals" db:"study_goals" maxItems:"20"`
	PreferredStudyMethods patch.Field[[]patch.Entry] `json:"preferred_study_methods" db:"preferred_study_methods" maxItems:"20"`
	StartDate             patch.Field[*string]       `json:"start_date" db:"start_date" format:"date"`
	EndDate               patch.Field[*string]       `json:"end_date" db:"end_date" format:"date"`
	ExamDate              patch.Field[*moment.Time]  `json:"exam_date" db:"exam_date"`
	Active                patch.Field[bool]          `json:"is_active" db:"is_active"`
	Archived              patch.Field[bool]          `json:"is_archived" db:"is_archived"`
	Favorite              patch.Field[bool]          `json:"is_favorite" db:"is_favorite"`
}

var color = regexp.MustCompile(`^#[0-9A-Fa-f]{6}$`)

// tidy trims the change and checks what a schema can't.
func (c *Change) tidy() (err error) {
	if c.Name.Set {
		if c.Name.Value, err = names.Tidy("name", "course", c.Name.Value); err != nil {
			return err
		}
	}
	if err := cmp.Or(
		names.Line("university", c.University.Value), names.Line("course_code", c.Code.Value), names.Line("semester", c.Semester.Value),
		names.Line("academic_year", c.AcademicYear.Value), names.Line("subject_area", c.SubjectArea.Value), names.Line("icon", c.Icon.Value),
		names.Lines("study_goals", c.StudyGoals.Value), names.Lines("preferred_study_methods", c.PreferredStudyMethods.Value),
	); err != nil {
		return err
	}
	if c.Color.Set && !color.MatchString(c.Color.Value) {
		return fault.Field("color", "Write the color as #RRGGBB, such as #3B82F6.")
	}
	return nil
}

// Store keeps courses in the database.
type Store struct {
	db *database.DB
}

// NewStore returns the courses of the database.
func NewStore(db *database.DB) *Store { return &Store{db: db} }

// List returns a page of the student's courses, favourites first, then by name.
func (s *Store) List(ctx context.Context, owner auth.UserID, req page.Request) (page.Page[Course], error) {
	return database.Page[Course](ctx, s.db, req, database.List{
		Columns: columns,
		From:    "courses",
		Where:   "user_id = $1 AND deleted_at IS NULL",
		Order:   []string{"is_favorite DESC", "name", "id"},
		Count:   database.Counted("courses"),
	}, owner)
}

// Get returns a course. Another student's is NotFound.
func (s *Store) Get(ctx context.Context, owner auth.UserID, course ID) (Course, error) {
	rows, _ := s.db.Query(ctx, `SELECT `+columns+` FROM courses
		WHERE `+Owned("$1", "$2"), course, owner)
	return one(rows)
}

// Create adds a course. Two of one name in one semester are refused.
func (s *Store) Create(ctx context.Context, owner auth.UserID, change Change) (Course, error) {
	if err := change.tidy(); err != nil {
		return Course{}, err
	}
	names, placeholders, args := database.Values(change, 3)
	fresh := id.For[Course](ctx)
	rows, _ := s.db.Query(ctx, `INSERT INTO courses (id, user_id`+names+`) VALUES ($1, $2`+placeholders+`)
		RETURNING `+columns, append([]any{fresh, owner}, args...)...)
	course, err := one(rows)
	if database.Repeated(err, "courses") {
		return s.Get(ctx, owner, fresh)
	}
	return course, err
}

// Update sets the fields of the change.
func (s *Store) Update(ctx context.Context, owner auth.UserID, course ID, change Change) (Course, error) {
	if err := change.tidy(); err != nil {
		return Course{}, err
	}
	set, args := database.Changes(change, 3)
	if set == "" {
		return s.Get(ctx, owner, course)
	}
	rows, _ := s.db.Query(ctx, `UPDATE courses SET `+set+`, updated_at = now()
		WHERE `+Owned("$1", "$2")+`
		RETURNING `+columns, append([]any{course, owner}, args...)...)
	return one(rows)
}

// Delete takes the course and all that belongs to it from the student. The
// nightly cleanup removes the rows and the stored files for good.
func (s *Store) Delete(ctx context.Context, owner auth.UserID, course ID) error {
	tag, err := s.db.Exec(ctx, `UPDATE courses SET deleted_at = now()
		WHERE `+Owned("$1", "$2"), course, owner)
	return database.Changed(tag, err, "course")
}

// Owned is the condition, in a statement FROM courses, that the course is there and
// the owner's. Both are placeholders such as $1.
func Owned(course, owner string) string {
	return `id = ` + course + ` AND user_id = ` + owner + ` AND deleted_at IS NULL`
}

var require = `SELECT 1 FROM courses WHERE ` + Owned("$1", "$2")

// Require is NotFound unless the course is there and the owner's. It costs a round
// trip: before a statement that can carry Owned, or a batch, that is one too many.
func Require(ctx context.Context, db *database.DB, owner auth.UserID, course ID) error {
	return required(db.QueryRow(ctx, require, course, owner))
}

// QueueRequire is Require as part of a batch, whose Close returns the NotFound.
func QueueRequire(batch *pgx.Batch, owner auth.UserID, course ID) {
	batch.Queue(require, course, owner).QueryRow(required)
}

func required(row pgx.Row) error {
	var one int
	return database.Fault(row.Scan(&one), "course")
}

// NoSuchCourse is what to answer when the field "course" of a request names none of the
// student's.
func NoSuchCourse() error { return fault.Field("course", "There is no such course.") }

// one reads the course of a statement and words what its constraints forbid.
func one(rows pgx.Rows) (Course, error) {
	course, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Course])
	switch {
	case database.Violates(err, "courses_name"):
		return course, fault.Field("name", "You have a course of this name in this semester already.")
	case database.Violates(err, "courses_dates"):
		return course, fault.Field("end_date", "The course ends before it starts.")
	case database.Violates(err, "courses_bytes"):
		return course, fault.New(fault.Invalid, "All texts of a course together may have 32 KiB. Shorten its description.").Coded("course_too_large")
	}
	return course, database.Fault(err, "course")
}
