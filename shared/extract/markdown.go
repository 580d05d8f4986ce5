package extract

import (
	"context"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"
)

// readMarkdown reads Markdown line by line, in time that grows with its length: a
// parser of the whole language takes minutes for some texts of 100 kB, and gigabytes
// for others. What it makes of them beyond text and headings isn't needed. Mark-up
// that isn't understood stays in the text.
func readMarkdown(ctx context.Context, content []byte, limits Limits) (raw, error) {
	text, err := limits.text(content)
	if err != nil {
		return raw{}, err
	}
	var m markdown
	for line := range strings.Lines(strings.ReplaceAll(unmarked(text), "\r\n", "\n")) {
		if ctx.Err() != nil {
			return raw{}, ctx.Err()
		}
		m.line(strings.TrimRight(line, "\n"))
	}
	m.flush()
	return raw{pages: paginate(tidy(m.out.String())), headings: m.headings, marked: true}, nil
}

// markdown is a text that is being read.
type markdown struct {
	out      strings.Builder
	headings []rawHeading

	open  []string // lines of the paragraph
	fence string   // what ends the block of code; "" outside of one
	table bool     // the paragraph's lines are rows
}

var (
	quoteMark  = pattern(`^(?: {0,3}> ?)+`)
	listMark   = pattern(`^\s*(?:[-*+]|[0-9]{1,9}[.)])[ \t]+(?:\[[ xX]\][ \t]+)?`)
	codeFence  = pattern("^\\s*(`{3,}|~{3,})([^`]*)$")
	atxHeading = pattern(`^ {0,3}(#{1,6})(?:[ \t]+(.*))?$`)
	closing    = pattern(`(?:^|[ \t])#+[ \t]*$`)
	setext     = pattern(`^ {0,3}(=+|-+)[ \t]*$`)
	thematic   = pattern(`^ {0,3}(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})$`)
	delimiters = pattern(`^\s*\|?(?:\s*:?-+:?\s*\|)+(?:\s*:?-+:?\s*)?$`)
	reference  = pattern(`^ {0,3}\[[^\[\]^][^\[\]]*\]:[ \t]`)
)

// line reads the next line.
func (m *markdown) line(line string) {
	line = line[len(quoteMark().FindString(line)):]
	if m.fence != "" {
		if end := strings.TrimSpace(line); strings.HasPrefix(end, m.fence) && strings.Trim(end, m.fence[:1]) == "" {
			m.fence = ""
			m.out.WriteString("\n\n")
		} else {
			m.out.WriteString(line + "\n")
		}
		return
	}
	if fence := codeFence().FindStringSubmatch(line); fence != nil {
		m.flush()
		m.fence = fence[1]
		return
	}
	switch {
	case strings.TrimSpace(line) == "":
		m.flush()
		return
	case len(m.open) > 0 && !m.table && setext().MatchString(line):
		level := 1
		if strings.Contains(line, "-") {
			level = 2
		}
		m.heading(level, m.paragraph())
		return
	case thematic().MatchString(line), reference().MatchString(line):
		m.flush()
		return
	case len(m.open) == 1 && strings.Contains(m.open[0], "|") && delimiters().MatchString(line):
		m.table = true
		return
	}
	if atx := atxHeading().FindStringSubmatch(line); atx != nil {
		m.flush()
		m.heading(len(atx[1]), inline(closing().ReplaceAllString(atx[2], "")))
		return
	}
	if mark := listMark().FindString(line); mark != "" && !m.table {
		m.flush()
		line = line[len(mark):]
	}
	m.open = append(m.open, line)
}

func (m *markdown) heading(level int, title string) {
	if strings.TrimSpace(title) == "" {
		return
	}
	if len(m.headings) < mostHeadings {
		m.headings = append(m.headings, rawHeading{title: title, level: level})
		m.out.WriteString(mark)
	}
	m.out.WriteString(title + "\n\n")
}

// flush writes the paragraph that was read.
func (m *markdown) flush() {
	if m.table {
		for _, row := range m.open {
			cells := strings.Split(strings.Trim(strings.TrimSpace(row), "|"), "|")
			for i, cell := range cells {
				cells[i] = strings.TrimSpace(cell)
			}
			m.out.WriteString(inline(strings.Join(cells, " | ")) + "\n\n")
		}
		m.open, m.table = m.open[:0], false
	}
	if len(m.open) > 0 {
		m.out.WriteString(m.paragraph() + "\n\n")
	}
}

// paragraph returns the text of the lines that were read, and begins anew. A line
// ends with one of the source only where that says so, or where the lines are so much
// that they are paragraphs.
func (m *markdown) paragraph() string {
	var text strings.Builder
	if length(m.open) > 3*pageLength {
		for _, line := range m.open {
			text.WriteString(inline(strings.TrimSpace(line)) + "\n\n")
		}
		m.open = m.open[:0]
		return text.String()
	}
	for i, line := range m.open {
		line = strings.TrimLeft(line, " \t")
		if i > 0 {
			switch last := m.open[i-1]; {
			case strings.HasSuffix(last, "  ") || strings.HasSuffix(last, `\`):
				text.WriteByte('\n')
			case !joined(strings.TrimSpace(last), line):
				text.WriteByte(' ')
			}
		}
		if i < len(m.open)-1 {
			line = strings.TrimSuffix(line, `\`)
		}
		text.WriteString(strings.TrimRight(line, " \t"))
	}
	m.open = m.open[:0]
	return inline(text.String())
}

var (
	code = pattern("``.+?``|`[^`]+`")
	link = pattern(`!?\[([^\[\]]*)\](?:\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*(?:\s+(?:"[^"]*"|'[^']*'))?\)|\[[^\[\]]*\])`)
	note = pattern(`\[\^[^\[\]\s]+\]:?`)
	auto = pattern(`<((?:https?://|mailto:)[^<>\s]+|[^<>\s@]+@[^<>\s@]+)>`)
	tag  = pattern(`</?[A-Za-z][^<>]*>|<!--(?:[^-]|-[^-])*-->`)
)

// inline returns what is left of a text without its mark-up: links have their text,
// emphasis is gone, code stays as it is.
func inline(text string) string {
	var out strings.Builder
	last := 0
	for _, at := range code().FindAllStringIndex(text, -1) {
		out.WriteString(prose(text[last:at[0]]))
		out.WriteString(strings.Trim(text[at[0]:at[1]], "`"))
		last = at[1]
	}
	out.WriteString(prose(text[last:]))
	return out.String()
}

func prose(text string) string {
	if strings.Contains(text, "[") {
		text = link().ReplaceAllString(text, "$1")
		text = link().ReplaceAllString(text, "$1") // of pictures that are links
		text = note().ReplaceAllString(text, "")
	}
	if strings.Contains(text, "<") {
		text = auto().ReplaceAllString(text, "$1")
		text = tag().ReplaceAllString(text, "")
	}
	return unmarked(html.UnescapeString(plainEmphasis(text)))
}

// plainEmphasis drops the signs of emphasis that stand around something, and the
// backslashes that make a sign a sign.
func plainEmphasis(text string) string {
	if !strings.ContainsAny(text, `*_~\`) {
		return text
	}
	type run struct {
		start, end  int // bytes
		open, close bool
		drop        bool
	}
	var runs []run
	opened := map[string]int{} // the last run of each kind that opens something
	before := ' '
	for i := 0; i < len(text); {
		c, size := utf8.DecodeRuneInString(text[i:])
		switch {
		case c == '\\' && i+1 < len(text) && text[i+1] < utf8.RuneSelf && unicode.In(rune(text[i+1]), unicode.Punct, unicode.Symbol):
			runs = append(runs, run{start: i, end: i + 1, drop: true})
			before = rune(text[i+1])
			i += 2
			continue
		case c != '*' && c != '_' && c != '~':
			before = c
			i += size
			continue
		}
		end := i
		for end < len(text) && text[end] == text[i] {
			end++
		}
		after := ' '
		if end < len(text) {
			after, _ = utf8.DecodeRuneInString(text[end:])
		}
		r := run{start: i, end: end, open: parts(before) && !unicode.IsSpace(after), close: parts(after) && !unicode.IsSpace(before)}
		sign := text[i:end]
		if from, ok := opened[sign]; ok && r.close && end-i <= 3 {
			runs[from].drop, r.drop = true, true
			delete(opened, sign)
		} else if r.open {
			opened[sign] = len(runs)
		}
		runs = append(runs, r)
		before = rune(text[i])
		i = end
	}
	var out strings.Builder
	last := 0
	for _, r := range runs {
		if r.drop {
			out.WriteString(text[last:r.start])
			last = r.end
		}
	}
	out.WriteString(text[last:])
	return out.String()
}

// parts reports whether the character stands between words, or may.
func parts(c rune) bool {
	return unicode.IsSpace(c) || unicode.IsPunct(c) || unicode.IsSymbol(c) || eastAsian(c)
}
