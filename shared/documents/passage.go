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
	Language     string    `db:"language"`   // of its document; "" when unknown
	PageStart    int       `db:"page_start"` // 0 in a document without pages
	PageEnd      int       `db:"page_end"`
	PageBreaks   []int     `db:"page_breaks"` // where each page after the first begins, from Start
	Start        int       `db:"char_start"`
	End          int       `db:"char_end"`
}

// Place is where words stand, the same wherever it is shown or kept.
type Place struct {
	Passage   PassageID `json:"passage_id"`
	Document  ID        `json:"document_id"`
	Title     string    `json:"title" doc:"The document's name."`
	Heading   string    `json:"heading" doc:"The headings above the passage."`
	PageStart int       `json:"page_start" doc:"Where it begins, from 1; 0 in a document without pages, such as HTML, Markdown or DOCX."`
	PageEnd   int       `json:"page_end" doc:"Where it ends."`
	Start     int       `json:"char_start" doc:"Unicode code points of the document's text before the words."`
	End       int       `json:"char_end"`
}

// Citation is words of a document and where they stand. It outlives the document.
type Citation struct {
	Place
	Quote string `json:"quote"`
}

// Place returns where the passage stands.
func (p Passage) Place() Place {
	return Place{p.ID, p.Document, p.DocumentName, p.Heading, p.PageStart, p.PageEnd, p.Start, p.End}
}

// Cite returns the citation of words that stand from start to end, in code points of
// the passage's text.
func (p Passage) Cite(start, end int, quote string) Citation {
	place := p.Place()
	place.Start, place.End = p.Start+start, p.Start+end
	place.PageStart, place.PageEnd = p.pageAt(start), p.pageAt(max(start, end-1))
	return Citation{place, quote}
}

// pageAt returns the page of what stands at the offset in the passage's text.
func (p Passage) pageAt(offset int) int {
	page := p.PageStart
	for _, begins := range p.PageBreaks {
		if begins <= offset {
			page++
		}
	}
	return page
}
