package documents

import (
	"cmp"
	"context"
	"fmt"
	"io"
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
	"aksio.app/shared/id"
	"aksio.app/shared/limits"
	"aksio.app/shared/uploads"
	"aksio.app/shared/usage"
)

// DirectBytes is the largest file that is taken through a function. Larger ones
// go to the bucket by a signed URL.
const DirectBytes = 25 << 20

// uploadLifetime is how long a signed URL may be used.
const uploadLifetime = time.Hour

// uploadRate is how often a student may add documents.
var uploadRate = limits.Rate{Count: 200, Per: time.Hour}

// downloadLifetime is how long a file can be fetched from the URL that is handed out.
const downloadLifetime = 15 * time.Minute

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

// Intake takes documents in.
type Intake struct {
	store  *Store
	bucket *uploads.Bucket
}

// NewIntake returns the way into the store; bytes go to the bucket.
func NewIntake(store *Store, bucket *uploads.Bucket) *Intake {
	return &Intake{store: store, bucket: bucket}
}

// Created is a new document and, if its bytes are still to be sent, where to.
type Created struct {
	Document Document
	Upload   *uploads.SignedURL
}

// Create adds a document of one of the types that clients may name.
func (i *Intake) Create(ctx context.Context, owner auth.UserID, course courses.ID, n New) (Created, error) {
	switch n.Type {
	case "file":
		return i.announce(ctx, owner, course, n)
	case "text":
		if strings.TrimSpace(n.Text) == "" {
			return Created{}, fault.Field("text", "Write the document's text.")
		}
		n.ContentType, n.Filename, n.Size = "text/plain; charset=utf-8", "", int64(len(n.Text))
		document, err := i.Take(ctx, owner, course, n, strings.NewReader(n.Text))
		return Created{Document: document}, err
	case "url", "video", "audio":
		return Created{}, fault.Field("document_type", "Documents of the type %s can't be read yet. Add a file or a text.", n.Type)
	}
	return Created{}, fault.Field("document_type", "Write file or text.")
}

// announce adds a document whose bytes the client itself will send to the bucket.
func (i *Intake) announce(ctx context.Context, owner auth.UserID, course courses.ID, n New) (Created, error) {
	if err := n.tidy(); err != nil {
		return Created{}, err
	}
	limit := n.Size
	if limit == 0 {
		limit = usage.Free.DocumentBytes
	}
	document := id.New[Document]()
	// Signed first: a document that can't be uploaded shall not be there.
	signed, err := i.bucket.SignUpload(ctx, Object(document), n.ContentType, limit, uploadLifetime)
	if err != nil {
		return Created{}, err
	}
	added, err := i.store.add(ctx, owner, course, document, n, AwaitingUpload)
	return Created{added, &signed}, err
}

// Take adds a document with its bytes, n.Size of them. The bucket's event then
// starts the reading.
func (i *Intake) Take(ctx context.Context, owner auth.UserID, course courses.ID, n New, content io.Reader) (Document, error) {
	if n.Size == 0 {
		return Document{}, fault.Field("file", "The file is empty. Choose one with content.").Coded("empty_file")
	}
	if n.Size > DirectBytes {
		return Document{}, fault.New(fault.TooLarge, "The file has %s; %s are the most that this operation takes. Add the document with document_type file and send the bytes to its upload_url.",
			megabytes(n.Size), megabytes(DirectBytes)).Coded("file_too_large")
	}
	if err := n.tidy(); err != nil {
		return Document{}, err
	}
	// The row comes first, so that the event finds it whenever it comes.
	document, err := i.store.add(ctx, owner, course, id.New[Document](), n, Queued)
	if err != nil {
		return document, err
	}
	if _, err := i.bucket.Write(ctx, Object(document.ID), n.ContentType, content, n.Size); err != nil {
		i.store.forget(context.WithoutCancel(ctx), document.ID)
		return Document{}, fmt.Errorf("store the file: %w", err)
	}
	return document, nil
}

// Reprocess lets a document be read anew, from its stored file. What the last
// reading found stays until the new one is complete.
func (i *Intake) Reprocess(ctx context.Context, owner auth.UserID, course courses.ID, document ID) (Document, error) {
	queued, err := i.store.requeue(ctx, owner, course, document)
	if err != nil {
		return queued, err
	}
	// Written onto itself, the object gets another generation, and that an event.
	if _, err := i.bucket.Rewrite(ctx, Object(document)); fault.KindOf(err) == fault.NotFound && err != nil {
		i.store.failMissing(ctx, document)
		return queued, fault.New(fault.Invalid, "The file of this document is gone. Upload it again.").Coded(codeMissing)
	} else if err != nil {
		slog.WarnContext(ctx, "reprocessing waits for the next round of redriving", "document_id", document, "error", err)
	}
	return queued, nil
}

// FileURL returns where a document's file can be fetched for some minutes, "" while
// there is none. A browser saves what it gets and never shows it as a page.
func (i *Intake) FileURL(ctx context.Context, d Document) (string, error) {
	if d.State == AwaitingUpload {
		return "", nil
	}
	signed, err := i.bucket.SignDownload(ctx, Object(d.ID), cmp.Or(d.Filename, d.Name), downloadLifetime)
	return signed.URL, err
}

// tidy fills in what was left out and checks what a schema can't.
func (n *New) tidy() error {
	n.Filename = cleanFilename(n.Filename)
	if n.Name = strings.TrimSpace(n.Name); n.Name == "" {
		n.Name = n.Filename
	}
	if n.Name == "" {
		return fault.Field("name", "Give the document a name.")
	}
	if utf8.RuneCountInString(n.Name) > 255 {
		return fault.Field("name", "A name may have 255 characters.")
	}
	if n.ContentType == "" {
		n.ContentType = "application/octet-stream"
	}
	if _, _, err := mime.ParseMediaType(n.ContentType); err != nil || len(n.ContentType) > 100 || strings.ContainsAny(n.ContentType, "\r\n\x00") {
		return fault.Field("content_type", "Write a media type such as application/pdf.")
	}
	if n.Size > usage.Free.DocumentBytes {
		return fault.New(fault.TooLarge, "The file has %s; %s are the most that a document may have.",
			megabytes(n.Size), megabytes(usage.Free.DocumentBytes)).Coded("file_too_large")
	}
	claimed, ok := formatOf(n.Filename, n.ContentType)
	if !ok {
		return unsupported()
	}
	if n.Type == "" {
		n.Type = claimed.kind
	}
	return nil
}

// EstimatedMinutes guesses how long the reading of a document takes.
func EstimatedMinutes(d Document) int {
	if d.Size == nil {
		return 5
	}
	return 1 + int(*d.Size>>20)/10
}

// cleanFilename leaves the folders of the client's machine away, and what no
// text may hold.
func cleanFilename(name string) string {
	name = strings.ToValidUTF8(strings.ReplaceAll(name, "\x00", ""), "")
	if i := strings.LastIndexAny(name, `/\`); i >= 0 {
		name = name[i+1:]
	}
	if runes := []rune(name); len(runes) > 255 {
		name = string(runes[len(runes)-255:]) // with its ending
	}
	return strings.TrimSpace(name)
}

func megabytes(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

// counted is what stands behind FROM for the documents that the plan of a student
// ($2) counts.
const counted = `documents d JOIN courses c ON c.id = d.course_id
	WHERE d.user_id = $2 AND d.deleted_at IS NULL AND c.deleted_at IS NULL`

// add stores a document of the course within what the student's plan allows. Two
// round trips.
func (s *Store) add(ctx context.Context, owner auth.UserID, course courses.ID, document ID, n New, state State) (Document, error) {
	if err := limits.Take(ctx, s.db, "documents:"+owner.String(), uploadRate); err != nil {
		return Document{}, err
	}
	plan := usage.Free
	var batch pgx.Batch // one transaction
	// One at a time for a student: of two at once, both would take the last place.
	batch.Queue(`SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE`, owner)
	batch.Queue(`
		SELECT EXISTS (SELECT FROM courses WHERE id = $1 AND user_id = $2 AND deleted_at IS NULL), count(*), coalesce(sum(d.file_size_bytes), 0)::bigint
		FROM `+counted, course, owner)
	batch.Queue(`
		INSERT INTO documents AS d (id, user_id, course_id, name, description, document_type, content_type, original_filename, file_size_bytes, state, object)
		SELECT $1, $2, $3, $4, $5, $6, $7, $8, nullif($9, 0), $10, $11
		FROM (SELECT count(*) AS documents, coalesce(sum(d.file_size_bytes), 0) AS bytes FROM `+counted+`) used
		WHERE used.documents < $12 AND used.bytes + $9 <= $13
			AND EXISTS (SELECT FROM courses WHERE id = $3 AND user_id = $2 AND deleted_at IS NULL)
		RETURNING `+columns,
		document, owner, course, n.Name, n.Description, n.Type, n.ContentType, n.Filename, n.Size, state, Object(document),
		plan.Documents, plan.StorageBytes)
	results := s.db.SendBatch(ctx, &batch)
	defer results.Close()
	var (
		there     bool
		documents int
		bytes     int64
	)
	if _, err := results.Exec(); err != nil {
		return Document{}, err
	}
	if err := results.QueryRow().Scan(&there, &documents, &bytes); err != nil {
		return Document{}, err
	}
	rows, _ := results.Query()
	added, err := one(rows)
	switch {
	case err == nil:
		return added, results.Close()
	case fault.KindOf(err) != fault.NotFound:
		return added, err
	case !there:
		return added, database.Fault(pgx.ErrNoRows, "course")
	case documents >= plan.Documents:
		return added, fault.New(fault.Exhausted, "You have %d documents, as many as your plan allows. Remove some first.", documents).Coded("document_limit")
	}
	return added, fault.New(fault.Exhausted, "Your documents have %s; with this one they would be over the %s of your plan. Remove some first.",
		megabytes(bytes), megabytes(plan.StorageBytes)).Coded("storage_limit")
}

// forget removes the row of a document whose bytes couldn't be stored.
func (s *Store) forget(ctx context.Context, document ID) {
	if _, err := s.db.Exec(ctx, `DELETE FROM documents WHERE id = $1`, document); err != nil {
		slog.WarnContext(ctx, "a document without bytes was left behind", "document_id", document, "error", err)
	}
}

// requeue makes a document that is over ready for another reading, of a
// generation that is still to come: events of the last one don't start it.
func (s *Store) requeue(ctx context.Context, owner auth.UserID, course courses.ID, document ID) (Document, error) {
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
	return queued, fault.New(fault.Invalid, "This document is being read already. Wait until its state is completed or failed.").Coded("already_processing")
}

// failMissing ends a document whose file isn't there.
func (s *Store) failMissing(ctx context.Context, document ID) {
	if _, err := s.db.Exec(ctx, `
		UPDATE documents SET state = 'failed', error_code = $2, error_message = $3, lease_until = NULL, updated_at = now()
		WHERE id = $1 AND state <> 'completed'`, document, codeMissing, messageMissing); err != nil {
		slog.WarnContext(ctx, "a document whose file is gone wasn't marked", "document_id", document, "error", err)
	}
}
