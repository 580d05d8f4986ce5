package processing

import (
	"bytes"
	"context"
	"io"

	"aksio.app/shared/documents"
	"aksio.app/shared/extract"
)

// reading is what was found in a file, as it is stored.
type reading struct {
	contentType string
	pages       []string
	pageCount   *int // nil if they aren't the file's own
	outline     []documents.Heading
	language    string
	words       int
	passages    []extract.Passage
}

// extractText reads a file into pages and passages.
func (r *run) extractText(ctx context.Context, content *bytes.Reader) (reading, error) {
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return reading{}, err
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return reading{}, err
	}
	doc, err := r.reader.Extract(ctx, data, r.Filename)
	if err != nil {
		return reading{}, err
	}
	found := reading{
		contentType: doc.ContentType, pages: doc.Pages, outline: make([]documents.Heading, len(doc.Outline)),
		language: doc.Language, words: doc.Words, passages: extract.Split(doc),
	}
	if doc.HasPages() {
		found.pageCount = new(len(doc.Pages))
	}
	for i, h := range doc.Outline {
		found.outline[i] = documents.Heading{Title: h.Title, Level: h.Level, Page: h.Page, Start: h.Offset}
	}
	return found, nil
}
