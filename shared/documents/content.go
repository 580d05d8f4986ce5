package documents

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
)

// Heading is an entry of a document's table of contents.
type Heading struct {
	Title string `json:"title"`
	Level int    `json:"level"` // from 1
	Page  int    `json:"page"`  // from 1
	Start int    `json:"start"` // where its section begins: code points of the document's text
}

// Section is the text under a heading, up to the next one.
type Section struct {
	Title     string
	Level     int // from 1; 0 for what stands before the first heading
	Content   string
	PageStart int
	PageEnd   int
}

// Content is all that was read of a document.
type Content struct {
	Document Document
	Text     string // its pages, joined by an empty line
	Sections []Section
}

// pageBreak joins the pages to the text that offsets count in.
const pageBreak = "\n\n"

// Content returns the text of a document that is completed, and counts the view.
// One round trip.
func (s *Store) Content(ctx context.Context, owner auth.UserID, course courses.ID, document ID) (Content, error) {
	var batch pgx.Batch
	batch.Queue(`
		UPDATE documents SET view_count = view_count + 1, last_accessed_at = now()
		WHERE state = 'completed' AND id = (SELECT d.id FROM `+owned+` AND d.course_id = $3)`, document, owner, course)
	batch.Queue(`SELECT `+columns+` FROM `+owned+` AND d.course_id = $3`, document, owner, course)
	batch.Queue(`SELECT d.outline FROM `+owned+` AND d.course_id = $3`, document, owner, course)
	batch.Queue(`
		SELECT text FROM document_pages
		WHERE document_id = (SELECT d.id FROM `+owned+` AND d.course_id = $3 AND d.state = 'completed')
		ORDER BY number`, document, owner, course)
	results := s.db.SendBatch(ctx, &batch)
	defer results.Close()

	var content Content
	if _, err := results.Exec(); err != nil {
		return content, err
	}
	rows, _ := results.Query()
	var err error
	if content.Document, err = one(rows); err != nil {
		return content, err
	}
	if content.Document.State != Completed {
		return content, notReady(content.Document)
	}
	var encoded []byte
	if err := results.QueryRow().Scan(&encoded); err != nil {
		return content, database.Fault(err, "document")
	}
	rows, _ = results.Query()
	pages, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return content, err
	}
	var outline []Heading
	if err := json.Unmarshal(encoded, &outline); err != nil {
		return content, err
	}
	content.Text = strings.Join(pages, pageBreak)
	content.Sections = sections(content.Document.Name, pages, outline)
	return content, nil
}

// notReady is what asking for the content of an unread document answers.
func notReady(d Document) error {
	if d.State == Failed {
		return fault.New(fault.Invalid, "This document couldn't be read: %s", d.ErrorMessage).Coded("document_failed")
	}
	return fault.New(fault.Invalid, "This document is still being read. Try again when its state is completed.").Coded("document_not_ready")
}

// sections cuts the text at its headings. A document without headings is one
// section, under its name.
func sections(name string, pages []string, outline []Heading) []Section {
	text := []rune(strings.Join(pages, pageBreak))
	starts := make([]int, len(pages)) // of the pages, in the text
	at := 0
	for i, page := range pages {
		starts[i] = at
		at += len([]rune(page)) + len(pageBreak)
	}
	pageAt := func(offset int) int {
		n := 1
		for n < len(starts) && starts[n] <= offset {
			n++
		}
		return n
	}
	found := []Section{}
	add := func(title string, level, start, end int) {
		content := strings.TrimSpace(string(text[start:end]))
		if content == "" && level == 0 {
			return
		}
		found = append(found, Section{title, level, content, pageAt(start), pageAt(max(start, end-1))})
	}
	title, level, start := name, 0, 0
	for _, h := range outline {
		if h.Start < start || h.Start > len(text) {
			continue // an outline that doesn't follow the text
		}
		add(title, level, start, h.Start)
		title, level, start = h.Title, h.Level, h.Start
	}
	add(title, level, start, len(text))
	return found
}
