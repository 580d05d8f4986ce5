package documents

import (
	"bytes"
	"context"
	"io"
	"strings"
	"unicode"
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
	start, end         int // code points of the document's text, end excluded
	words              int
}

// extractText reads a file of plain text.
//
// TODO: shared/extract and retrieval.Split take this place as soon as they are
// there; until then every other kind of file is refused.
func extractText(_ context.Context, content *bytes.Reader) (reading, error) {
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return reading{}, err
	}
	data, err := io.ReadAll(content)
	if err != nil {
		return reading{}, err
	}
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if !utf8.Valid(data) || bytes.ContainsRune(data, 0) {
		return reading{}, unsupported()
	}
	text := string(data)
	found := reading{pages: []string{text}, outline: []Heading{}, words: len(strings.Fields(text)), passages: passagesOf(text)}
	if len(found.passages) == 0 {
		return reading{}, fault.New(fault.Invalid, "There is no text in this file. Upload one with text in it.").Coded("no_text")
	}
	return found, nil
}

// passageLength is how many characters a passage has at most.
const passageLength = 1000

// passagesOf cuts a text between paragraphs, and longer paragraphs between words.
func passagesOf(text string) []passage {
	var found []passage
	runes := []rune(text)
	for start := 0; start < len(runes); {
		end := min(start+passageLength, len(runes))
		if end < len(runes) {
			if i := strings.LastIndex(string(runes[start:end]), "\n\n"); i > 0 {
				end = start + utf8.RuneCountInString(string(runes[start:end])[:i])
			} else {
				for i := end; i > start+passageLength/2; i-- {
					if unicode.IsSpace(runes[i]) {
						end = i
						break
					}
				}
			}
		}
		from, to := start, end
		for from < to && unicode.IsSpace(runes[from]) {
			from++
		}
		for to > from && unicode.IsSpace(runes[to-1]) {
			to--
		}
		if from < to {
			cut := string(runes[from:to])
			found = append(found, passage{text: cut, pageStart: 1, pageEnd: 1, start: from, end: to, words: len(strings.Fields(cut))})
		}
		start = end
	}
	return found
}
