// Package flashcards holds cards and brings each back just before it would be
// forgotten.
package flashcards

import (
	"context"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/flashcards/fsrs"
	"aksio.app/shared/flashcards/sm2"
	"aksio.app/shared/id"
	"aksio.app/shared/names"
	"aksio.app/shared/page"
	"aksio.app/shared/patch"
)

// ID identifies a card.
type ID = id.ID[Card]

// Card is a question and its answer, with its schedule.
type Card struct {
	ID            ID                  `db:"id"`
	Course        courses.ID          `db:"course_id"`
	Question      string              `db:"question"`
	Answer        string              `db:"answer"`
	Explanation   *string             `db:"explanation"`
	Level         string              `db:"difficulty_level"` // easy, medium, hard
	Tags          []string            `db:"tags"`
	SourceContent *string             `db:"source_content"` // words of the material that it was made from
	Citation      *documents.Citation `db:"citation"`       // where they stand; nil: made by hand, or of a text that was sent along
	Active        bool                `db:"is_active"`      // inactive cards are never due
	Starred       bool                `db:"is_starred"`
	Generated     bool                `db:"generated_by_ai"`
	Model         *string             `db:"ai_model_used"`
	Confidence    *float64            `db:"generation_confidence"`

	Stability   float64    `db:"stability"`  // FSRS: days until recall is 90 % likely
	Difficulty  float64    `db:"difficulty"` // FSRS: 1 to 10
	State       fsrs.State `db:"state"`
	Step        int        `db:"step"`
	Lapses      int        `db:"lapses"`
	LastReview  *time.Time `db:"last_review"`
	Ease        float64    `db:"ease_factor"`  // SM-2: 1.3 to 5
	SM2Interval int        `db:"sm2_interval"` // SM-2: days
	Repetitions int        `db:"repetitions"`  // successes in a row

	Interval int       `db:"interval_days"` // until Due, as the last review set it
	Due      time.Time `db:"next_review_date"`
	Reviews  int       `db:"total_reviews"`
	Correct  int       `db:"total_correct"`
	Created  time.Time `db:"created_at"`
	Updated  time.Time `db:"updated_at"`
}

const columns = `f.id, f.course_id, f.question, f.answer, f.explanation, f.difficulty_level, f.tags, f.source_content, f.citation,
	f.is_active, f.is_starred, f.generated_by_ai, f.ai_model_used, f.generation_confidence,
	f.stability, f.difficulty, f.state, f.step, f.lapses, f.last_review, f.ease_factor, f.sm2_interval, f.repetitions,
	f.interval_days, f.next_review_date, f.total_reviews, f.total_correct, f.created_at, f.updated_at`

// Cards of a deleted course are as gone as the course.
const theirs = `f.user_id = $1 AND EXISTS (SELECT FROM courses WHERE id = f.course_id AND deleted_at IS NULL)`

// SuccessRate returns the share of reviews at which the card was recalled.
func (c Card) SuccessRate() float64 { return c.sm2().SuccessRate() }

// Mastery says how well the card is known.
func (c Card) Mastery() sm2.Mastery { return c.sm2().Mastery() }

// Change holds the fields that are to be set. A new card needs a course, a
// question and an answer; its course stays.
type Change struct {
	Question      patch.Field[string]   `json:"question" db:"question" required:"true" minLength:"1" maxLength:"20000"`
	Answer        patch.Field[string]   `json:"answer" db:"answer" required:"true" minLength:"1" maxLength:"20000"`
	Explanation   patch.Field[*string]  `json:"explanation" db:"explanation" maxLength:"20000"`
	Level         patch.Field[string]   `json:"difficulty_level" db:"difficulty_level" enum:"easy,medium,hard"`
	Tags          patch.Field[[]string] `json:"tags" db:"tags" maxItems:"100"`
	SourceContent patch.Field[*string]  `json:"source_content" db:"source_content" maxLength:"20000"`
	Active        patch.Field[bool]     `json:"is_active" db:"is_active"`
	Starred       patch.Field[bool]     `json:"is_starred" db:"is_starred"`
	Section       patch.Field[*string]  `json:"section" doc:"Must be null: there are no sections yet."`
}

func (c *Change) tidy() error {
	if c.Section.Value != nil {
		return fault.Field("section", "There is no such section.")
	}
	for name, field := range map[string]*patch.Field[string]{"question": &c.Question, "answer": &c.Answer} {
		if field.Value = strings.TrimSpace(field.Value); field.Set && field.Value == "" {
			return fault.Field(name, "This field may not be blank.")
		}
	}
	for _, tag := range c.Tags.Value {
		if utf8.RuneCountInString(tag) > 500 {
			return fault.Field("tags", "A tag may have 500 characters.")
		}
	}
	return names.Lines("tags", c.Tags.Value)
}

// Store keeps cards in the database.
type Store struct {
	db  *database.DB
	now func() time.Time
}

// NewStore returns the cards of the database.
func NewStore(db *database.DB) *Store { return &Store{db: db, now: time.Now} }

// List returns a page of the student's cards, of one course if it isn't zero, the
// soonest due first.
func (s *Store) List(ctx context.Context, owner auth.UserID, course courses.ID, req page.Request) (page.Page[Card], error) {
	list, args := database.List{
		Columns: columns,
		From:    "flashcards f",
		Where:   theirs,
		Order:   []string{"f.next_review_date", "f.id"},
		Count:   database.Counted("flashcards"),
	}, []any{owner}
	if !course.IsZero() {
		list.Where, list.Count, args = theirs+" AND f.course_id = $2", database.CountedOf("flashcards"), append(args, course)
	}
	return database.Page[Card](ctx, s.db, req, list, args...)
}

// dueBytes is how many bytes the texts of one answer of Due may have.
const dueBytes = 1 << 20

// Due returns the student's active cards that are due, of one course if it isn't
// zero, the longest overdue first: up to the limit, and fewer where they are long.
func (s *Store) Due(ctx context.Context, owner auth.UserID, course courses.ID, limit int) ([]Card, error) {
	where, args := theirs+` AND f.is_active AND f.next_review_date <= $2`, []any{owner, s.now(), limit}
	if !course.IsZero() {
		where, args = where+` AND f.course_id = $4`, append(args, course)
	}
	rows, _ := s.db.Query(ctx, `
		SELECT `+columns+` FROM (
			SELECT f.*, sum(octet_length(question) + octet_length(answer) + coalesce(octet_length(explanation), 0)
				+ coalesce(octet_length(source_content), 0)) OVER (ORDER BY f.next_review_date, f.id) AS bytes
			FROM flashcards f WHERE `+where+`
			ORDER BY f.next_review_date, f.id
			LIMIT $3
		) f WHERE f.bytes <= `+strconv.Itoa(dueBytes)+`
		ORDER BY f.next_review_date, f.id`, args...)
	return pgx.CollectRows(rows, pgx.RowToStructByName[Card])
}

// Get returns a card. Another student's is NotFound.
func (s *Store) Get(ctx context.Context, owner auth.UserID, card ID) (Card, error) {
	rows, _ := s.db.Query(ctx, `SELECT `+columns+` FROM flashcards f WHERE `+theirs+` AND f.id = $2`, owner, card)
	return one(rows)
}

// Create adds a card that was made by hand.
func (s *Store) Create(ctx context.Context, owner auth.UserID, course courses.ID, change Change) (Card, error) {
	if err := change.tidy(); err != nil {
		return Card{}, err
	}
	names, placeholders, args := database.Values(change, 4)
	fresh := id.For[Card](ctx)
	rows, _ := s.db.Query(ctx, `
		WITH f AS (
			INSERT INTO flashcards (id, user_id, course_id`+names+`)
			SELECT $2, $1, id`+placeholders+` FROM courses WHERE `+courses.Owned("$3", "$1")+`
			RETURNING *
		)
		SELECT `+columns+` FROM f`, append([]any{owner, fresh, course}, args...)...)
	card, err := one(rows)
	if database.Repeated(err, "flashcards") {
		return s.Get(ctx, owner, fresh)
	}
	if fault.KindOf(err) == fault.NotFound {
		return card, courses.NoSuchCourse()
	}
	return card, err
}

// New is a card that a model made from the material.
type New struct {
	Question, Answer, Explanation string
	Level                         string
	Tags                          []string
	SourceContent                 string
	Citation                      *documents.Citation // nil: of a text that was sent along
	Model                         string
	Confidence                    float64
}

// Add stores generated cards in the transaction that stores what else was
// generated: none if the course is gone or isn't the student's. One round trip for all.
func (s *Store) Add(ctx context.Context, tx pgx.Tx, owner auth.UserID, course courses.ID, cards []New) ([]Card, error) {
	ids := make([]ID, len(cards))
	var batch pgx.Batch
	for i, c := range cards {
		ids[i] = id.New[Card]()
		if c.Tags == nil {
			c.Tags = []string{}
		}
		batch.Queue(`
			INSERT INTO flashcards (id, user_id, course_id, question, answer, explanation, difficulty_level, tags, source_content, citation,
				generated_by_ai, ai_model_used, generation_confidence)
			SELECT $1, $2, id, $4, $5, nullif($6, ''), $7, $8, nullif($9, ''), $10, true, $11, $12
			FROM courses WHERE `+courses.Owned("$3", "$2"),
			ids[i], owner, course, c.Question, c.Answer, c.Explanation, c.Level, c.Tags, c.SourceContent, c.Citation, c.Model, c.Confidence)
	}
	var added []Card
	batch.Queue(`SELECT `+columns+` FROM flashcards f WHERE `+theirs+` AND f.id = ANY ($2) ORDER BY f.id`, owner, ids).
		Query(func(rows pgx.Rows) (err error) {
			added, err = pgx.CollectRows(rows, pgx.RowToStructByName[Card])
			return err
		})
	err := tx.SendBatch(ctx, &batch).Close()
	return added, database.Fault(err, "card")
}

// Update sets the fields of the change. The schedule can't be written.
func (s *Store) Update(ctx context.Context, owner auth.UserID, card ID, change Change) (Card, error) {
	if err := change.tidy(); err != nil {
		return Card{}, err
	}
	set, args := database.Changes(change, 3)
	if set == "" {
		return s.Get(ctx, owner, card)
	}
	rows, _ := s.db.Query(ctx, `
		WITH f AS (UPDATE flashcards f SET `+set+`, updated_at = now() WHERE `+theirs+` AND f.id = $2 RETURNING *)
		SELECT `+columns+` FROM f`, append([]any{owner, card}, args...)...)
	return one(rows)
}

// Delete removes a card and its reviews.
func (s *Store) Delete(ctx context.Context, owner auth.UserID, card ID) error {
	tag, err := s.db.Exec(ctx, `DELETE FROM flashcards f WHERE `+theirs+` AND f.id = $2`, owner, card)
	return database.Changed(tag, err, "card")
}

func one(rows pgx.Rows) (Card, error) {
	card, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Card])
	if database.Violates(err, "flashcards_bytes") {
		return card, fault.New(fault.Invalid, "All texts of a card together may have 64 KiB. Make several cards of it.").Coded("card_too_large")
	}
	return card, database.Fault(err, "card")
}
