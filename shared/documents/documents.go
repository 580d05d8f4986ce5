// Package documents holds the material of courses: it takes files in, reads
// them into pages and passages, and says how far that is.
//
// A document's bytes are an object of the uploads bucket, written once, by the
// client itself or through a function. The bucket's event starts the Processor.
package documents

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/id"
	"aksio.app/shared/page"
)

// ID identifies a document.
type ID = id.ID[Document]

// State is where a document stands.
type State string

// The states.
const (
	AwaitingUpload State = "awaiting_upload" // the client has a signed URL and hasn't used it
	Queued         State = "queued"          // the bytes are there, nobody reads them yet
	Processing     State = "processing"
	Completed      State = "completed"
	Failed         State = "failed" // ErrorCode and ErrorMessage say why
)

// Status is a state in the words that clients know.
type Status string

// Status returns the word for the state: the only place that says so. The contract's
// "pending" and "cancelled" are never told: a document waits for its bytes from the
// start, and its reading ends one way or the other.
func (s State) Status() Status {
	switch s {
	case AwaitingUpload:
		return "uploading"
	case Queued: // for clients, work that was accepted is under way
		return Status(Processing)
	}
	return Status(s)
}

// Over reports whether nothing happens any more unless somebody asks for it.
func (s State) Over() bool { return s == Completed || s == Failed }

// Document is one piece of material of a course.
type Document struct {
	ID           ID         `db:"id"`
	Course       courses.ID `db:"course_id"`
	Name         string     `db:"name"`
	Description  *string    `db:"description"`
	Type         string     `db:"document_type"` // pdf, document, text, markdown, other; what the client says, or file, until it is read
	ContentType  string     `db:"content_type"`  // what the client says until it is read
	Filename     string     `db:"original_filename"`
	Size         *int64     `db:"file_size_bytes"`
	SourceURL    string     `db:"source_url"`
	Pages        *int       `db:"page_count"` // nil in a document without pages, too
	Words        *int       `db:"word_count"`
	Language     string     `db:"language"` // BCP 47, "" when unknown
	Summary      string     `db:"summary"`
	Topics       []string   `db:"topics"`
	Favorite     bool       `db:"is_favorite"`
	Archived     bool       `db:"is_archived"`
	State        State      `db:"state"`
	Stage        Stage      `db:"stage"`
	Progress     float64    `db:"progress"` // 0 to 100, whole
	ErrorCode    string     `db:"error_code"`
	ErrorMessage string     `db:"error_message"` // for the student
	Passages     int        `db:"passage_count"`
	Embedded     int        `db:"embedded_count"` // of the passages
	DuplicateOf  ID         `db:"duplicate_of"`   // the document with the same bytes whose reading was taken over
	Processed    *time.Time `db:"processed_at"`
	Views        int        `db:"view_count"` // of the content
	LastViewed   *time.Time `db:"last_accessed_at"`
	Created      time.Time  `db:"created_at"`
	Updated      time.Time  `db:"updated_at"`
	Reading      int64      `db:"lease"` // number of the newest reading: a later one has a higher number

	Excerpt string `db:"excerpt"` // the beginning of the text, of one document; "" in lists
}

const (
	columns   = fields + `, '' AS excerpt`
	excerpted = fields + `, coalesce((
		SELECT left(string_agg(text, E'\n\n' ORDER BY number), 10000) FROM document_pages WHERE document_id = d.id AND number <= 100
	), '') AS excerpt`
)

const fields = `d.id, d.course_id, d.name, d.description, d.document_type, d.content_type, d.original_filename,
	d.file_size_bytes, d.source_url, d.page_count, d.word_count, d.language, d.summary, d.topics,
	d.is_favorite, d.is_archived, d.state, d.stage, d.progress, d.error_code, d.error_message,
	d.passage_count, d.embedded_count, d.duplicate_of, d.processed_at, d.view_count, d.last_accessed_at,
	d.created_at, d.updated_at, d.lease`

// owned is what stands behind FROM for one document ($1) of a student ($2): both
// it and its course are there.
const owned = `documents d JOIN courses c ON c.id = d.course_id
	WHERE d.id = $1 AND d.user_id = $2 AND d.deleted_at IS NULL AND c.deleted_at IS NULL`

// Store keeps documents in the database.
type Store struct {
	db *database.DB
}

// NewStore returns the documents of the database.
func NewStore(db *database.DB) *Store { return &Store{db: db} }

// List returns a page of a course's documents, the newest first. Another
// student's course is NotFound.
func (s *Store) List(ctx context.Context, owner auth.UserID, course courses.ID, req page.Request) (page.Page[Document], error) {
	found, err := database.Page[Document](ctx, s.db, req, database.List{
		Columns: columns,
		From:    "documents d",
		Where: `d.user_id = $1 AND d.course_id = $2 AND d.deleted_at IS NULL
			AND EXISTS (SELECT FROM courses WHERE ` + courses.Owned("$2", "$1") + `)`,
		Order: []string{"d.created_at DESC", "d.id DESC"},
		Count: database.CountedOf("documents"),
	}, owner, course)
	if err == nil && found.Count == 0 {
		err = courses.Require(ctx, s.db, owner, course) // an empty list is rare enough for a second look
	}
	return found, err
}

// Get returns a document. Another student's, or one of another course than the
// one that is named, is NotFound. The zero course is any.
func (s *Store) Get(ctx context.Context, owner auth.UserID, course courses.ID, document ID) (Document, error) {
	rows, _ := s.db.Query(ctx, `SELECT `+excerpted+` FROM `+owned+` AND ($3::uuid IS NULL OR d.course_id = $3)`,
		document, owner, course)
	return one(rows)
}

// Status is Get without the excerpt, for those who ask often.
func (s *Store) Status(ctx context.Context, owner auth.UserID, course courses.ID, document ID) (Document, error) {
	rows, _ := s.db.Query(ctx, `SELECT `+columns+` FROM `+owned+` AND ($3::uuid IS NULL OR d.course_id = $3)`,
		document, owner, course)
	return one(rows)
}

// Delete takes the document from the student. Its text is gone, and found by no search
// from now on; cleanup removes its row and its file.
func (s *Store) Delete(ctx context.Context, owner auth.UserID, course courses.ID, document ID) error {
	var gone int
	err := s.db.QueryRow(ctx, `
		WITH gone AS (
			UPDATE documents SET deleted_at = now(), lease = lease + 1, lease_until = NULL
			WHERE id IN (SELECT d.id FROM `+owned+` AND d.course_id = $3) AND deleted_at IS NULL
			RETURNING id
		), unsearchable AS (
			DELETE FROM passages USING gone WHERE document_id = gone.id
		), unreadable AS (
			DELETE FROM document_pages USING gone WHERE document_id = gone.id
		), unfinished AS (
			DELETE FROM document_drafts USING gone WHERE document_id = gone.id
		)
		SELECT count(*) FROM gone`, document, owner, course).Scan(&gone)
	if err == nil && gone == 0 {
		err = pgx.ErrNoRows
	}
	return database.Fault(err, "document")
}

// one reads the document of a statement.
func one(rows pgx.Rows) (Document, error) {
	document, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Document])
	return document, database.Fault(err, "document")
}

// Object returns the name of the document's object in the uploads bucket. Nothing
// that a user wrote stands in it.
func Object(document ID) string { return "documents/" + document.String() }
