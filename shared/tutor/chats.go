// Package tutor holds a student's conversations with the tutor, who answers from
// the student's own material and says where each thing stands.
package tutor

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/ai"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/limits"
	"aksio.app/shared/names"
	"aksio.app/shared/page"
	"aksio.app/shared/patch"
	"aksio.app/shared/retrieval"
)

// ChatID identifies a chat.
type ChatID = id.ID[Chat]

// Chat is a conversation, with its own settings of the model.
type Chat struct {
	ID                   ChatID     `db:"id"`
	Title                string     `db:"title"`
	Type                 string     `db:"chat_type"`
	Status               string     `db:"status"`
	Course               courses.ID `db:"course_id"` // zero: about no course
	CourseName           *string    `db:"course_name"`
	SystemPrompt         *string    `db:"system_prompt"`
	Model                string     `db:"ai_model"`
	Temperature          float64    `db:"temperature"` // 0 to 2
	MaxTokens            int        `db:"max_tokens"`
	Window               int        `db:"context_window_messages"` // messages that the model is reminded of
	UseCourseContext     bool       `db:"use_course_context"`
	UseDocumentContext   bool       `db:"use_document_context"`
	UseAssessmentContext bool       `db:"use_assessment_context"`
	Messages             int        `db:"message_count"`
	Tokens               int        `db:"total_tokens_used"`
	AnswerMS             *int       `db:"average_ms"` // mean time of an answer
	Pinned               bool       `db:"is_pinned"`
	Favorite             bool       `db:"is_favorite"`
	HasDocuments         bool       `db:"has_documents"` // a message refers to one
	LastActive           *time.Time `db:"last_active_at"`
	Created              time.Time  `db:"created_at"`
	Updated              time.Time  `db:"updated_at"`
}

// reads reports whether the tutor answers from documents.
func (c Chat) reads() bool {
	return !c.Course.IsZero() && (c.UseCourseContext || c.UseDocumentContext)
}

const chatColumns = `c.id, c.title, c.chat_type, c.status, c.course_id, (SELECT name FROM courses WHERE id = c.course_id) AS course_name,
	c.system_prompt, c.ai_model, c.temperature, c.max_tokens, c.context_window_messages,
	c.use_course_context, c.use_document_context, c.use_assessment_context, c.message_count, c.total_tokens_used,
	(c.answer_ms / nullif(c.answers, 0))::int AS average_ms, c.is_pinned, c.is_favorite,
	c.has_documents, c.last_active_at, c.created_at, c.updated_at`

// Chats of a deleted course are as gone as the course.
const theirs = `c.user_id = $1 AND c.status <> 'deleted'
	AND (c.course_id IS NULL OR EXISTS (SELECT FROM courses WHERE id = c.course_id AND deleted_at IS NULL))`

// ChatChange holds the settings of a chat that are to be set.
type ChatChange struct {
	Title                patch.Field[string]  `json:"title" db:"title" required:"true" minLength:"1" maxLength:"255"`
	Type                 patch.Field[string]  `json:"chat_type" db:"chat_type" enum:"general,course_specific,document_based,assessment_help,study_planning,concept_explanation,tutoring"`
	SystemPrompt         patch.Field[*string] `json:"system_prompt" db:"system_prompt" maxLength:"8000"`
	Model                patch.Field[string]  `json:"ai_model" db:"ai_model" minLength:"1" maxLength:"100"`
	Temperature          patch.Field[float64] `json:"temperature" db:"temperature" minimum:"0" maximum:"2"`
	MaxTokens            patch.Field[int]     `json:"max_tokens" db:"max_tokens" minimum:"1" maximum:"4096"`
	Window               patch.Field[int]     `json:"context_window_messages" db:"context_window_messages" minimum:"0" maximum:"50"`
	UseCourseContext     patch.Field[bool]    `json:"use_course_context" db:"use_course_context"`
	UseDocumentContext   patch.Field[bool]    `json:"use_document_context" db:"use_document_context"`
	UseAssessmentContext patch.Field[bool]    `json:"use_assessment_context" db:"use_assessment_context"`
}

// defaultModel is what the wire contract calls the configured model.
const defaultModel = "gpt-4"

// model is the chat's model as a question names it: "" for the configured one.
func (c Chat) model() string {
	if c.Model == defaultModel {
		return ""
	}
	return c.Model
}

func (c *ChatChange) tidy() (err error) {
	if c.Title.Set {
		if c.Title.Value, err = names.Tidy("title", "chat", c.Title.Value); err != nil {
			return err
		}
	}
	if c.Model.Set && c.Model.Value != defaultModel && !ai.Allowed(c.Model.Value) {
		return fault.Field("ai_model", "This model isn't offered. Leave the field out for the usual one.")
	}
	return nil
}

// Store keeps chats in the database.
type Store struct {
	db       *database.DB
	model    ai.Model
	limiter  limits.Limiter
	passages *retrieval.Store
}

// NewStore returns the chats of the database. The model is needed to answer only; see Send.
func NewStore(db *database.DB) *Store { return &Store{db: db} }

// List returns a page of the student's chats, of one course if it isn't zero, the
// latest active first.
func (s *Store) List(ctx context.Context, owner auth.UserID, course courses.ID, req page.Request) (page.Page[Chat], error) {
	list, args := database.List{
		Columns: chatColumns,
		From:    "chats c",
		Where:   theirs,
		Order:   []string{"coalesce(c.last_active_at, c.updated_at) DESC", "c.id DESC"},
		Count:   database.Counted("chats"),
	}, []any{owner}
	if !course.IsZero() {
		list.Where, list.Count, args = theirs+" AND c.course_id = $2", database.CountedOf("chats"), append(args, course)
	}
	return database.Page[Chat](ctx, s.db, req, list, args...)
}

// Create opens a chat, about a course if one is named.
func (s *Store) Create(ctx context.Context, owner auth.UserID, course courses.ID, change ChatChange) (Chat, error) {
	if err := change.tidy(); err != nil {
		return Chat{}, err
	}
	names, placeholders, args := database.Values(change, 4)
	fresh := id.For[Chat](ctx)
	rows, _ := s.db.Query(ctx, `
		WITH c AS (
			INSERT INTO chats (id, user_id, course_id`+names+`)
			SELECT $2, $1, $3`+placeholders+`
			WHERE $3::uuid IS NULL OR EXISTS (SELECT FROM courses WHERE `+courses.Owned("$3", "$1")+`)
			RETURNING *
		)
		SELECT `+chatColumns+` FROM c`, append([]any{owner, fresh, course}, args...)...)
	chat, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Chat])
	if database.Repeated(err, "chats") {
		chat, _, err = s.Get(ctx, owner, fresh)
		return chat, err
	}
	if err == pgx.ErrNoRows {
		return chat, courses.NoSuchCourse()
	}
	return chat, database.Fault(err, "chat")
}

// Update sets the fields of the change.
func (s *Store) Update(ctx context.Context, owner auth.UserID, chat ChatID, change ChatChange, more MoreChange) (Chat, error) {
	if err := change.tidy(); err != nil {
		return Chat{}, err
	}
	set, args := database.Changes(change, 3)
	other, moreArgs := database.Changes(more, 3+len(args))
	for _, one := range []string{other, "updated_at = now()"} {
		if set != "" && one != "" {
			set += ", "
		}
		set += one
	}
	rows, _ := s.db.Query(ctx, `
		WITH c AS (UPDATE chats c SET `+set+` WHERE `+theirs+` AND c.id = $2 RETURNING *)
		SELECT `+chatColumns+` FROM c`, append(append([]any{owner, chat}, args...), moreArgs...)...)
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Chat])
	return found, database.Fault(err, "chat")
}

// MoreChange holds what can be changed but not set when a chat is opened.
type MoreChange struct {
	Status   patch.Field[string] `json:"status" db:"status" enum:"active,archived,deleted"`
	Pinned   patch.Field[bool]   `json:"is_pinned" db:"is_pinned"`
	Favorite patch.Field[bool]   `json:"is_favorite" db:"is_favorite"`
}

// Delete removes a chat and its messages.
func (s *Store) Delete(ctx context.Context, owner auth.UserID, chat ChatID) error {
	tag, err := s.db.Exec(ctx, `DELETE FROM chats c WHERE `+theirs+` AND c.id = $2`, owner, chat)
	return database.Changed(tag, err, "chat")
}

// newest is how many messages a chat is shown with; ListMessages has the rest.
const newest = 50

// Get returns a chat and its newest messages, the oldest of them first.
func (s *Store) Get(ctx context.Context, owner auth.UserID, chat ChatID) (Chat, []Message, error) {
	var batch pgx.Batch
	batch.Queue(`SELECT `+chatColumns+` FROM chats c WHERE `+theirs+` AND c.id = $2`, owner, chat)
	batch.Queue(recent, owner, chat, newest)
	return s.read(ctx, &batch)
}

// recent takes the owner, the chat, and how many messages.
const recent = `
	SELECT * FROM (
		SELECT ` + messageColumns + ` FROM chat_messages m JOIN chats c ON c.id = m.chat_id
		WHERE ` + theirs + ` AND m.chat_id = $2 ORDER BY m.number DESC LIMIT $3
	) newest ORDER BY number`

// read returns the chat and messages that the first two statements of the batch ask for.
func (s *Store) read(ctx context.Context, batch *pgx.Batch) (Chat, []Message, error) {
	answers := s.db.SendBatch(ctx, batch)
	defer answers.Close()
	rows, _ := answers.Query()
	chat, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Chat])
	if err != nil {
		return chat, nil, database.Fault(err, "chat")
	}
	rows, _ = answers.Query()
	messages, err := pgx.CollectRows(rows, pgx.RowToStructByName[Message])
	if err != nil {
		return chat, nil, err
	}
	return chat, messages, answers.Close() // runs what else was queued
}

// ListMessages returns a page of a chat's messages, the oldest first, of one
// type or role if it is given.
func (s *Store) ListMessages(ctx context.Context, owner auth.UserID, chat ChatID, kind, role string, req page.Request) (page.Page[Message], error) {
	list, args := database.List{
		Columns: messageColumns,
		From:    "chat_messages m",
		Where:   `m.chat_id = $2 AND EXISTS (SELECT FROM chats c WHERE c.id = $2 AND ` + theirs + `)`,
		Order:   []string{"m.number"},
		Count:   `SELECT coalesce((SELECT message_count FROM chats c WHERE c.id = $2 AND ` + theirs + `), 0)`,
	}, []any{owner, chat}
	for _, filter := range []struct{ column, value string }{{"m.message_type", kind}, {"m.role", role}} {
		if filter.value != "" {
			args = append(args, filter.value)
			list.Where, list.Count = fmt.Sprintf("%s AND %s = $%d", list.Where, filter.column, len(args)), ""
		}
	}
	found, err := database.Page[Message](ctx, s.db, req, list, args...)
	if err == nil && found.Count == 0 { // an empty chat, or none of theirs
		var one int
		err = s.db.QueryRow(ctx, `SELECT 1 FROM chats c WHERE `+theirs+` AND c.id = $2`, owner, chat).Scan(&one)
	}
	return found, database.Fault(err, "chat")
}
