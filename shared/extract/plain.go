package extract

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	utf16 "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
	"golang.org/x/text/unicode/norm"
)

// pageLength is about how many bytes a page of a text without pages gets: as many
// letters, or a third of it in Chinese characters, as a printed page has.
const pageLength = 3_000

func readPlain(content []byte, limits Limits) (raw, error) {
	text, err := limits.text(content)
	if err != nil {
		return raw{}, err
	}
	return raw{pages: paginate(unmarked(text))}, nil
}

// text returns the text of the content. It is refused before it costs more than
// counting if it is longer than any that is read.
func (l Limits) text(content []byte) (string, error) {
	text, ok := decode(content)
	if !ok {
		return "", damaged()
	}
	if characters := utf8.RuneCountInString(text); characters > l.Characters {
		return "", l.tooLong(characters)
	}
	return text, nil
}

// decode returns the text of bytes in UTF-8, UTF-16 or UTF-32 with a mark, the encoding
// that a page says it is in, or Windows-1252. What is valid UTF-8 is, whatever an older
// program's page says. Text with NUL characters is none.
func decode(content []byte) (string, bool) {
	var text string
	switch {
	case bytes.HasPrefix(content, []byte{0xFF, 0xFE, 0, 0}), bytes.HasPrefix(content, []byte{0, 0, 0xFE, 0xFF}):
		decoded, err := utf32.UTF32(utf32.LittleEndian, utf32.UseBOM).NewDecoder().Bytes(content)
		if err != nil {
			return "", false
		}
		text = string(decoded)
	case bytes.HasPrefix(content, []byte{0xFF, 0xFE}), bytes.HasPrefix(content, []byte{0xFE, 0xFF}):
		decoded, err := utf16.UTF16(utf16.LittleEndian, utf16.UseBOM).NewDecoder().Bytes(content)
		if err != nil {
			return "", false
		}
		text = string(decoded)
	case utf8.Valid(content):
		text = string(bytes.TrimPrefix(content, []byte("\uFEFF")))
	default:
		declared, _, _ := charset.DetermineEncoding(content, "")
		if declared == encoding.Nop { // a guess that it is UTF-8
			declared = charmap.Windows1252
		}
		decoded, err := declared.NewDecoder().Bytes(content)
		if err != nil {
			return "", false
		}
		text = string(decoded)
	}
	return text, !strings.ContainsRune(text, 0)
}

// mostlyText reports whether the text isn't binary data that happens to decode.
func mostlyText(text string) bool {
	odd, all := 0, 0
	for _, c := range text {
		if all++; all > 4_000 {
			break
		}
		if c == utf8.RuneError || unicode.IsControl(c) && !unicode.IsSpace(c) {
			odd++
		}
	}
	return odd*20 <= all
}

// paginate cuts a text without pages between paragraphs, one whose paragraphs are
// lines between those, and a line that has many pages between its sentences.
func paginate(text string) []string {
	var pages []string
	var page strings.Builder
	for _, paragraph := range strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		pieces, between := []string{paragraph}, "\n\n"
		if len(paragraph) > pageLength {
			pieces = strings.Split(paragraph, "\n")
		}
		for _, piece := range pieces {
			for _, part := range parted(piece) {
				if page.Len() > 0 && page.Len()+len(part) > pageLength {
					pages = append(pages, page.String())
					page.Reset()
				}
				if page.Len() > 0 {
					page.WriteString(between)
				}
				page.WriteString(part)
				between = ""
			}
			between = "\n"
		}
	}
	return append(pages, page.String())
}

// parted returns the sentences of a line, each with the white space behind it, if it
// is longer than some pages.
func parted(line string) []string {
	if len(line) <= 3*pageLength {
		return []string{line}
	}
	var parts []string
	text, last := []rune(line), 0
	for _, s := range sentences(text) {
		if s.start > last {
			parts = append(parts, string(text[last:s.start]))
			last = s.start
		}
	}
	return append(parts, string(text[last:]))
}

// tidy drops control and invisible characters, leaves no white space but single
// spaces, line ends, and empty lines between paragraphs, and normalises the text
// (NFC). A mark moves to the next character that stays.
func tidy(text string) string {
	var out strings.Builder
	out.Grow(len(text))
	newlines, space, marks := 0, false, 0
	for _, c := range strings.ToValidUTF8(text, "") {
		switch {
		case string(c) == mark:
			marks++
		case c == '\n' || c == '\u2028' || c == '\u2029' || c == '\f' || c == '\v':
			newlines++
			space = false
		case c == '\r' || c == '\u00AD' || c == '\u200B' || c == '\uFEFF' || c == '\uFFFE' || c == '\uFFFF':
		case unicode.IsSpace(c):
			space = true
		case unicode.IsControl(c), unicode.Is(unicode.Co, c):
		default:
			if out.Len() > 0 {
				switch {
				case newlines > 1:
					out.WriteString("\n\n")
				case newlines == 1:
					out.WriteByte('\n')
				case space:
					out.WriteByte(' ')
				}
			}
			for ; marks > 0; marks-- {
				out.WriteString(mark)
			}
			newlines, space = 0, false
			out.WriteRune(c)
		}
	}
	for ; marks > 0; marks-- {
		out.WriteString(mark)
	}
	return norm.NFC.String(out.String())
}
