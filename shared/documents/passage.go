package documents

import "aksio.app/shared/id"

// PassageID identifies a passage.
type PassageID = id.ID[Passage]

// Passage is a stretch of a document's text: what is searched and cited. Its place
// is counted in Unicode code points of the document's text.
type Passage struct {
	ID           PassageID `db:"id"`
	Document     ID        `db:"document_id"`
	DocumentName string    `db:"document_name"`
	Heading      string    `db:"heading"` // the headings above it, joined by " > "
	Text         string    `db:"text"`
	PageStart    int       `db:"page_start"`
	PageEnd      int       `db:"page_end"`
	Start        int       `db:"char_start"`
	End          int       `db:"char_end"`
}
