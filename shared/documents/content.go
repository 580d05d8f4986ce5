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
	PageStart int // 0 in a document without pages
	PageEnd   int
}

// Content is what was read of a document, or a part of it.
type Content struct {
	Document Document
	Text     string // of the pages, joined by an empty line
	Sections []Section
	Length   int // of the whole text; all lengths and offsets count code points
	Next     int // where the text goes on; 0 at its end
}

// contentLength is the most code points of a text that are answered at once, in
// the text and in its sections: a book of some 500 pages.
const contentLength = 1_000_000

// read holds for documents with a text: one that is read anew keeps that of before.
const read = `d.processed_at IS NOT NULL`

// Content returns the text of a document that was read from the offset on, and
// counts the view. One round trip.
func (s *Store) Content(ctx context.Context, owner auth.UserID, course courses.ID, document ID, offset int) (Content, error) {
	var batch pgx.Batch
	batch.Queue(`
		UPDATE documents SET view_count = view_count + 1, last_accessed_at = now()
		WHERE $4 AND id = (SELECT d.id FROM `+owned+` AND d.course_id = $3 AND `+read+`)`, document, owner, course, offset == 0)
	batch.Queue(`SELECT `+columns+` FROM `+owned+` AND d.course_id = $3`, document, owner, course)
	batch.Queue(`SELECT d.outline FROM `+owned+` AND d.course_id = $3`, document, owner, course)
	batch.Queue(`
		WITH pages AS (
			SELECT number, text, length(text) + 2 AS length, sum(length(text) + 2) OVER (ORDER BY number) - length(text) - 2 AS start
			FROM document_pages
			WHERE document_id = (SELECT d.id FROM `+owned+` AND d.course_id = $3 AND `+read+`)
		)
		SELECT number, start::int, substr(text || E'\n\n', greatest($4 - start, 0)::int + 1, least($4 + $5 - start, $5)::int) AS text,
			(SELECT sum(length) - 2 FROM pages)::int AS total
		FROM pages
		WHERE start < $4 + $5 AND start + length > $4
		ORDER BY number`, document, owner, course, offset, contentLength)
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
	if content.Document.Processed == nil {
		return content, NotReady(content.Document)
	}
	var encoded []byte
	if err := results.QueryRow().Scan(&encoded); err != nil {
		return content, database.Fault(err, "document")
	}
	rows, _ = results.Query()
	pages, err := pgx.CollectRows(rows, pgx.RowToStructByName[contentPage])
	if err != nil {
		return content, err
	}
	var outline []Heading
	if err := json.Unmarshal(encoded, &outline); err != nil {
		return content, err
	}
	content.fill(pages, outline, offset)
	return content, nil
}

// contentPage is a page, or the part of it that is asked for.
type contentPage struct {
	Number int    `db:"number"`
	Start  int    `db:"start"` // of the page in the document's text
	Text   string `db:"text"`  // with the page break behind it
	Total  int    `db:"total"` // length of the document's text
}

// fill makes the content of the pages from the offset on. It ends with a page
// where that doesn't leave most of it out.
func (c *Content) fill(pages []contentPage, outline []Heading, offset int) {
	c.Sections = []Section{}
	if len(pages) == 0 {
		return
	}
	c.Length = pages[0].Total
	var b strings.Builder
	for _, page := range pages {
		b.WriteString(page.Text)
	}
	text := []rune(b.String())
	last := pages[len(pages)-1]
	switch end := offset + len(text); {
	case end >= c.Length:
		text = text[:max(0, c.Length-offset)] // there is no break behind the last page
	case last.Start > offset+contentLength/2:
		c.Next = last.Start
		text = text[:last.Start-offset]
		pages = pages[:len(pages)-1]
	default:
		c.Next = end
	}
	c.Text = string(text)
	c.Sections = sections(c.Document.Name, text, offset, c.Next == 0, pages, outline)
	if c.Document.Pages == nil { // these are our own
		for i := range c.Sections {
			c.Sections[i].PageStart, c.Sections[i].PageEnd = 0, 0
		}
	}
}

// NotReady is what asking for the content of an unread document answers.
func NotReady(d Document) error {
	switch d.State {
	case Failed:
		return fault.New(fault.Invalid, "This document couldn't be read: %s", d.ErrorMessage).Coded("document_failed")
	case AwaitingUpload:
		return notArrived()
	}
	return fault.New(fault.Invalid, "This document is still being read. Try again when its state is completed.").Coded("document_not_ready")
}

// notArrived is what asking for the reading of a document without its bytes answers.
func notArrived() error {
	return fault.New(fault.Invalid, "The file of this document hasn't arrived yet. Send it to the upload_url, or add the document again.").Coded("upload_pending")
}

// sections cuts the text, which begins at the offset of the document's, at its
// headings; whole tells that nothing comes behind it. A document without headings
// is one section, under its name. A section that began before goes on under its title.
func sections(name string, text []rune, offset int, whole bool, pages []contentPage, outline []Heading) []Section {
	pageAt := func(place int) int {
		n := 0
		for n+1 < len(pages) && pages[n+1].Start <= place {
			n++
		}
		return pages[n].Number
	}
	found := []Section{}
	end := offset + len(text)
	add := func(title string, level, from, to int) {
		empty := from == to && from >= offset && (from < end || whole)
		if from, to = max(from, offset), min(to, end); from >= to && !empty {
			return // not of this part
		}
		content := strings.TrimSpace(string(text[from-offset : to-offset]))
		if content == "" && level == 0 {
			return
		}
		found = append(found, Section{title, level, content, pageAt(from), pageAt(max(from, to-1))})
	}
	title, level, start := name, 0, 0
	for _, h := range outline {
		if h.Start < start || whole && h.Start > end {
			continue // an outline that doesn't follow the text
		}
		add(title, level, start, h.Start)
		title, level, start = h.Title, h.Level, h.Start
	}
	add(title, level, start, end)
	return found
}
