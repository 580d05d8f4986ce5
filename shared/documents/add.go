package documents

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"mime"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits"
	"aksio.app/shared/names"
	"aksio.app/shared/page"
	"aksio.app/shared/usage"
)

// DirectBytes is the largest file that is taken through a function. Larger ones
// go to the bucket by a signed URL.
const DirectBytes = 25 << 20

// uploadRate is how often a student may add documents.
var uploadRate = limits.Rate{Count: 200, Per: time.Hour}

// New describes a document that is to be added.
type New struct {
	Name        string // the file's name if empty
	Description string
	Type        string // document_type; found out from the file if empty
	Filename    string
	ContentType string
	Size        int64  // bytes; 0 if the client didn't say
	Text        string // the document itself, for the type text
}

// Tidy fills in what was left out and checks what a schema can't.
func (n *New) Tidy() (err error) {
	n.Filename = cleanFilename(n.Filename)
	if n.Name, err = names.Tidy("name", "document", cmp.Or(strings.TrimSpace(n.Name), n.Filename)); err != nil {
		return err
	}
	if utf8.RuneCountInString(n.Name) > 255 {
		return fault.Field("name", "A name may have 255 characters.")
	}
	if len(n.Description) > page.MaxText {
		return fault.Field("description", "A description may have %d KiB.", page.MaxText>>10)
	}
	if n.ContentType == "" {
		n.ContentType = "application/octet-stream"
	}
	kind, _, err := mime.ParseMediaType(n.ContentType) // takes "x", too
	if err != nil || !strings.Contains(kind, "/") || len(n.ContentType) > 100 || strings.ContainsAny(n.ContentType, "\r\n\x00") {
		field := "content_type"
		if n.Type == "" { // a form's file has its own
			field = "file"
		}
		return fault.Field(field, "Its content type is no media type. Send one such as application/pdf, or none.")
	}
	if n.Size > usage.Free.DocumentBytes {
		return fault.New(fault.TooLarge, "The file is larger than the %s that a document may have.",
			usage.Megabytes(usage.Free.DocumentBytes)).Coded("file_too_large")
	}
	claimed, ok := formatOf(n.Filename, n.ContentType)
	if !ok {
		return unsupported()
	}
	if n.Type == "" {
		n.Type = claimed.kind
	}
	if claimed.contentType != "" && claimed.contentType != kind { // its name knows better
		n.ContentType = claimed.contentType
	}
	return nil
}

// cleanFilename leaves the folders of the client's machine away, and what no
// name needs: it could look as if it had another ending.
func cleanFilename(name string) string {
	name = names.Clean(strings.ToValidUTF8(name, ""))
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if runes := []rune(name); len(runes) > 255 {
		name = string(runes[len(runes)-255:]) // with its ending
	}
	return strings.TrimSpace(name)
}

// EstimatedMinutes guesses how long the reading of a document takes.
func EstimatedMinutes(d Document) int {
	if d.Size == nil {
		return 5
	}
	return 1 + int(*d.Size>>20)/10
}

// counted is what stands behind FROM for the documents that the plan of a student
// ($2) counts.
const counted = `documents d JOIN courses c ON c.id = d.course_id
	WHERE d.user_id = $2 AND d.deleted_at IS NULL AND c.deleted_at IS NULL`

// Reserved is the expression for the bytes that a document takes of its student's
// plan: as many as may come of one whose size the client didn't say.
var Reserved = fmt.Sprintf(`coalesce(d.file_size_bytes, CASE WHEN d.state = 'failed' THEN 0 ELSE %d END)`, usage.Free.DocumentBytes)

// Add stores a document of the course within what the student's plan allows; one that
// is there already is returned. Two round trips; a third where nothing was stored.
func (s *Store) Add(ctx context.Context, limiter limits.Limiter, owner auth.UserID, course courses.ID, document ID, n New, state State) (Document, error) {
	if err := limiter.Take(ctx, "documents:"+owner.String(), uploadRate); err != nil {
		return Document{}, err
	}
	plan := usage.Free
	var (
		there     bool
		documents int
		bytes     int64
		added     Document
	)
	var batch pgx.Batch // one transaction
	// One at a time for a student: of two at once, both would take the last place.
	batch.Queue(`SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE`, owner)
	batch.Queue(`
		SELECT EXISTS (SELECT FROM courses WHERE `+courses.Owned("$1", "$2")+`), count(*), coalesce(sum(`+Reserved+`), 0)::bigint
		FROM `+counted, course, owner).
		QueryRow(func(row pgx.Row) error { return row.Scan(&there, &documents, &bytes) })
	batch.Queue(`
		INSERT INTO documents AS d (id, user_id, course_id, name, description, document_type, content_type, original_filename, file_size_bytes, state, object)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, nullif($9, 0), $10, $11
		FROM (SELECT count(*) AS documents, coalesce(sum(`+Reserved+`), 0) AS bytes FROM `+counted+`) used
		WHERE used.documents < $12 AND used.bytes + $13 <= $14
			AND EXISTS (SELECT FROM courses WHERE `+courses.Owned("$3", "$2")+`)
		RETURNING `+columns,
		document, owner, course, n.Name, n.Description, n.Type, n.ContentType, n.Filename, n.Size, state, Object(document),
		plan.Documents, cmp.Or(n.Size, plan.DocumentBytes), plan.StorageBytes).
		Query(func(rows pgx.Rows) (err error) {
			added, err = one(rows)
			return err
		})
	err := s.db.SendBatch(ctx, &batch).Close()
	repeated := database.Repeated(err, "documents")
	if err == nil || fault.KindOf(err) != fault.NotFound && !repeated {
		return added, err
	}
	if found, err := s.Status(ctx, owner, course, document); err == nil { // an earlier try stored it
		return found, nil
	}
	switch {
	case repeated: // an earlier try took it back, or its owner did
		return s.Add(ctx, limiter, owner, course, document.Next(), n, state)
	case !there:
		return added, database.Fault(pgx.ErrNoRows, "course")
	case documents >= plan.Documents:
		return added, fault.New(fault.Exhausted, "You have %d documents, as many as your plan allows. Remove some first.", documents).Coded("document_limit")
	}
	return added, fault.New(fault.Exhausted, "Your documents have %s; with this one they would be over the %s of your plan. Remove some first.",
		usage.Megabytes(bytes), usage.Megabytes(plan.StorageBytes)).Coded("storage_limit")
}

// Forget takes back a document whose bytes couldn't be stored. Its row stays for
// cleanup to find: the bytes may have been stored all the same. One that is being read
// has its bytes.
func (s *Store) Forget(ctx context.Context, document ID) {
	if _, err := s.db.Exec(ctx, `UPDATE documents SET deleted_at = now(), lease = lease + 1, lease_until = NULL
		WHERE id = $1 AND state = 'queued' AND lease_until IS NULL`, document); err != nil {
		slog.WarnContext(ctx, "a document without bytes was left behind", "document_id", document, "error", err)
	}
}

// Requeue makes a document that is over ready for another reading, of a
// generation that is still to come: events of the last one don't start it.
func (s *Store) Requeue(ctx context.Context, owner auth.UserID, course courses.ID, document ID) (Document, error) {
	rows, _ := s.db.Query(ctx, `
		WITH anew AS (
			DELETE FROM document_drafts WHERE document_id IN (SELECT d.id FROM `+owned+` AND d.course_id = $3 AND d.state IN ('completed', 'failed'))
		)
		UPDATE documents d SET state = 'queued', stage = '', progress = 0, error_code = '', error_message = '', attempts = 0,
			passage_count = 0, embedded_count = 0, generation = generation + 1, lease = lease + 1, lease_until = NULL, processing_started_at = NULL, updated_at = now()
		WHERE d.id IN (SELECT d.id FROM `+owned+` AND d.course_id = $3) AND d.state IN ('completed', 'failed')
		RETURNING `+columns, document, owner, course)
	queued, err := one(rows)
	if fault.KindOf(err) != fault.NotFound || err == nil {
		return queued, err
	}
	if queued, err = s.Get(ctx, owner, course, document); err != nil {
		return queued, err
	}
	if queued.State == AwaitingUpload {
		return queued, notArrived()
	}
	return queued, fault.New(fault.Invalid, "This document is being read already. Wait until its state is completed or failed.").Coded("already_processing")
}

// MarkMissing ends a document whose file isn't there.
func (s *Store) MarkMissing(ctx context.Context, document ID) {
	if _, err := s.db.Exec(ctx, `
		UPDATE documents SET state = 'failed', error_code = $2, error_message = $3, lease_until = NULL, updated_at = now()
		WHERE id = $1 AND state <> 'completed'`, document, CodeMissing, MessageMissing); err != nil {
		slog.WarnContext(ctx, "a document whose file is gone wasn't marked", "document_id", document, "error", err)
	}
}
