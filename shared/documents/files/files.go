// Package files keeps the files of documents in the uploads bucket: it takes them
// in, hands them out, and removes them.
package files

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/limits"
	"aksio.app/shared/uploads"
	"aksio.app/shared/usage"
)

// UploadLifetime is how long a signed URL may be used.
const UploadLifetime = time.Hour

// downloadLifetime is how long a file can be fetched from the URL that is handed out.
const downloadLifetime = 15 * time.Minute

// signingTime is how long the signature of a URL to fetch a file is waited for.
const signingTime = 3 * time.Second

// forgetTimeout is how long a call may take, its own time aside, to take a document back.
const forgetTimeout = 5 * time.Second

// Store keeps the files of documents.
type Store struct {
	documents *documents.Store
	bucket    *uploads.Bucket
}

// NewStore returns the files of the documents, which are in the bucket.
func NewStore(store *documents.Store, bucket *uploads.Bucket) *Store {
	return &Store{documents: store, bucket: bucket}
}

// Created is a new document and, if its bytes are still to be sent, where to.
type Created struct {
	Document documents.Document
	Upload   *uploads.SignedURL
}

// Create adds a document of one of the types that clients may name.
func (s *Store) Create(ctx context.Context, limiter limits.Limiter, owner auth.UserID, course courses.ID, n documents.New) (Created, error) {
	switch n.Type {
	case "file":
		return s.announce(ctx, limiter, owner, course, n)
	case "text":
		if strings.TrimSpace(n.Text) == "" {
			return Created{}, fault.Field("text", "Write the document's text.")
		}
		n.ContentType, n.Filename, n.Size = "text/plain; charset=utf-8", "", int64(len(n.Text))
		document, err := s.Take(ctx, limiter, owner, course, n, strings.NewReader(n.Text))
		return Created{Document: document}, err
	case "url", "video", "audio":
		return Created{}, fault.Field("document_type", "Documents of the type %s can't be read yet. Add a file or a text.", n.Type)
	}
	return Created{}, fault.Field("document_type", "Write file or text.")
}

// Empty refuses a file without content, under the name of the field that tells of it.
func Empty(field string) error {
	return fault.Field(field, "The file is empty. Choose one with content.").Coded("empty_file")
}

// announce adds a document whose bytes the client itself will send to the bucket.
func (s *Store) announce(ctx context.Context, limiter limits.Limiter, owner auth.UserID, course courses.ID, n documents.New) (Created, error) {
	if err := n.Tidy(); err != nil {
		return Created{}, err
	}
	limit := n.Size
	if limit == 0 {
		limit = usage.Free.DocumentBytes
	}
	document := id.For[documents.Document](ctx)
	// Signed first: a document that can't be uploaded shall not be there.
	signed, err := s.bucket.SignUpload(ctx, documents.Object(document), n.ContentType, limit, UploadLifetime)
	if err != nil {
		return Created{}, err
	}
	added, err := s.documents.Add(ctx, limiter, owner, course, document, n, documents.AwaitingUpload)
	if err == nil && added.State != documents.AwaitingUpload { // an earlier try made it, and its bytes came
		return Created{Document: added}, nil
	}
	if err == nil && added.ID != document { // what an earlier try made was removed since
		signed, err = s.bucket.SignUpload(ctx, documents.Object(added.ID), n.ContentType, limit, UploadLifetime)
	}
	return Created{added, &signed}, err
}

// Take adds a document with its bytes, n.Size of them. The bucket's event then
// starts the reading.
func (s *Store) Take(ctx context.Context, limiter limits.Limiter, owner auth.UserID, course courses.ID, n documents.New, content io.Reader) (documents.Document, error) {
	if n.Size == 0 {
		return documents.Document{}, Empty("file")
	}
	if n.Size > documents.DirectBytes {
		return documents.Document{}, fault.New(fault.TooLarge, "The file is larger than the %s that this operation takes. Add the document with document_type file and send the bytes to its upload_url.",
			usage.Megabytes(documents.DirectBytes)).Coded("file_too_large")
	}
	if err := n.Tidy(); err != nil {
		return documents.Document{}, err
	}
	// The row comes first, so that the event finds it whenever it comes.
	document, err := s.documents.Add(ctx, limiter, owner, course, id.For[documents.Document](ctx), n, documents.Queued)
	if err != nil {
		return document, err
	}
	_, err = s.bucket.Write(ctx, documents.Object(document.ID), n.ContentType, content, n.Size)
	// Nobody else writes an object of this name: that it is there already means that
	// the answer to an earlier try got lost.
	if err != nil && fault.KindOf(err) != fault.Conflict {
		forgetting, cancel := context.WithTimeout(context.WithoutCancel(ctx), forgetTimeout)
		defer cancel()
		s.documents.Forget(forgetting, document.ID)
		return documents.Document{}, fmt.Errorf("store the file: %w", err)
	}
	return document, nil
}

// rereadRate is how often a student may have documents read anew: one that is hard to
// read keeps a reader busy for minutes.
var rereadRate = limits.Rate{Count: 20, Per: time.Hour}

// Reprocess lets a document be read anew, from its stored file. What the last
// reading found stays until the new one is complete.
func (s *Store) Reprocess(ctx context.Context, limiter limits.Limiter, owner auth.UserID, course courses.ID, document documents.ID) (documents.Document, error) {
	if err := limiter.Take(ctx, "reread:"+owner.String(), rereadRate); err != nil {
		return documents.Document{}, err
	}
	queued, err := s.documents.Requeue(ctx, owner, course, document)
	if err != nil {
		return queued, err
	}
	// Written onto itself, the object gets another generation, and that an event.
	if _, err := s.bucket.Rewrite(ctx, documents.Object(document)); fault.KindOf(err) == fault.NotFound && err != nil {
		s.documents.MarkMissing(ctx, document)
		return queued, fault.New(fault.Invalid, "The file of this document is gone. Upload it again.").Coded(documents.CodeMissing)
	} else if err != nil {
		slog.WarnContext(ctx, "reprocessing waits for the next round of redriving", "document_id", document, "error", err)
	}
	return queued, nil
}

// URL returns where a document's file can be fetched for some minutes, "" while
// there is none and when nobody signs it: the document is worth showing without.
// A browser saves what it gets and never shows it as a page.
func (s *Store) URL(ctx context.Context, d documents.Document) string {
	if d.State == documents.AwaitingUpload || d.ErrorCode == documents.CodeMissing {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, signingTime)
	defer cancel()
	signed, err := s.bucket.SignDownload(ctx, documents.Object(d.ID), cmp.Or(d.Filename, d.Name), downloadLifetime)
	if err != nil {
		slog.WarnContext(ctx, "file URL not signed", "document_id", d.ID, "error", err)
	}
	return signed.URL
}
