package documents

import (
	"bytes"
	"context"
	"strings"
	"unicode/utf8"

	"aksio.app/shared/fault"
)

// reading is what was found in a file.
type reading struct {
	pages    []string
	outline  []Heading
	language string
	words    int
	passages []passage
}

// passage is a stretch of the text that is searched and cited.
type passage struct {
	heading            string
	text               string
	pageStart, pageEnd int
	start, end         int // code points of the document's text
	words              int
}

func extractText(ctx context.Context, r *run, content *bytes.Reader) (reading, error) {
	content.Seek(0, 0)
	var b bytes.Buffer
	content.WriteTo(&b)
	text := b.String()
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return reading{}, unsupported()
	}
	if strings.TrimSpace(text) == "" {
		return reading{}, fault.New(fault.Invalid, "There is no text in this file.").Coded("no_text")
	}
	found := reading{pages: []string{text}, outline: []Heading{}, words: len(strings.Fields(text))}
	at := 0
	for _, paragraph := range strings.SplitAfter(text, "\n\n") {
		n := utf8.RuneCountInString(paragraph)
		if strings.TrimSpace(paragraph) != "" {
			found.passages = append(found.passages, passage{text: paragraph, pageStart: 1, pageEnd: 1, start: at, end: at + n, words: len(strings.Fields(paragraph))})
		}
		at += n
	}
	return found, nil
}
