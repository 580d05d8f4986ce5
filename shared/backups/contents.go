package backups

import (
	"bufio"
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
)

// Table is what a table holds.
type Table struct {
	Rows     int64  `json:"rows"`
	Checksum string `json:"checksum" doc:"Sum, modulo 2^64, of the first 64 bits of the MD5 of every row's text: no order, and the same in PostgreSQL and in a dump."`
}

// Bounds of the memory that reading a dump takes.
const (
	longestRow  = 128 << 20 // a document's draft of 20 million characters has some 80 MB; written as a record, a row may be twice as long
	longestName = 300       // of a table or a role: PostgreSQL's have 63 bytes, but for schemas and quotation marks
	mostNames   = 1_000     // of either
)

// contents are what a dump holds and names.
type contents struct {
	tables map[string]Table
	roles  []string // owners and who was granted something, as SQL writes them
}

// read reads a dump in pg_dump's plain format. A dump that breaks off, or that doesn't
// say at its end that it is complete, is an error.
func read(dump io.Reader) (contents, error) {
	r := lines{in: bufio.NewReaderSize(dump, 1<<20)}
	held := contents{tables: map[string]Table{}}
	complete := false
	for {
		line, err := r.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return held, err
		}
		switch {
		case bytes.HasPrefix(line, []byte("COPY ")):
			name, err := copied(string(line))
			if err != nil {
				return held, err
			}
			if _, twice := held.tables[name]; twice {
				return held, fmt.Errorf("table %s comes twice", name)
			}
			if len(held.tables) == mostNames {
				return held, fmt.Errorf("there are more than %d tables", mostNames)
			}
			if held.tables[name], err = r.rows(); err != nil {
				return held, fmt.Errorf("table %s: %w", name, err)
			}
		case bytes.Equal(line, []byte("-- PostgreSQL database dump complete")):
			complete = true
		default:
			if err := held.note(line); err != nil {
				return held, err
			}
		}
	}
	if !complete {
		return held, errors.New("the dump breaks off: it doesn't end with pg_dump's mark of completeness")
	}
	slices.Sort(held.roles)
	return held, nil
}

// roleName is a role as SQL writes it.
const roleName = `("(?:[^"]|"")+"|[a-z_][a-z0-9_$]*)`

// named find the roles that a statement is about, each the one that its words lead to.
var named = func() (all []*regexp.Regexp) {
	for _, words := range []string{
		`ALTER .* OWNER TO`, `ALTER DEFAULT PRIVILEGES FOR ROLE`, `(?:ALTER DEFAULT PRIVILEGES|GRANT|REVOKE) .* (?:TO|FROM)`, `SET SESSION AUTHORIZATION`,
	} {
		all = append(all, regexp.MustCompile(`^`+words+` `+roleName))
	}
	return all
}()

// note notes the roles that the line names, but for those that every server has.
func (c *contents) note(line []byte) error {
	if !bytes.HasPrefix(line, []byte("ALTER ")) && !bytes.HasPrefix(line, []byte("GRANT ")) &&
		!bytes.HasPrefix(line, []byte("REVOKE ")) && !bytes.HasPrefix(line, []byte("SET SESSION ")) {
		return nil
	}
	for _, pattern := range named {
		found := pattern.FindSubmatch(line)
		if found == nil {
			continue
		}
		switch role := string(found[1]); {
		case role == "postgres" || role == "public" || strings.HasPrefix(role, "pg_") || strings.HasPrefix(role, "cloudsql"):
		case slices.Contains(c.roles, role):
		case len(role) > longestName:
			return fmt.Errorf("the role %.100q… is longer than %d bytes", role, longestName)
		case len(c.roles) == mostNames:
			return fmt.Errorf("there are more than %d roles", mostNames)
		default:
			c.roles = append(c.roles, role)
		}
	}
	return nil
}

// copied returns the table of a line such as COPY public.users (id, name) FROM stdin;
// without its schema if that is public.
func copied(line string) (string, error) {
	name, _, ok := strings.Cut(strings.TrimPrefix(line, "COPY "), " (")
	if !ok || len(name) > longestName || !strings.HasSuffix(line, ") FROM stdin;") {
		return "", fmt.Errorf("%.100q isn't how pg_dump begins a table", line)
	}
	return strings.TrimPrefix(name, "public."), nil
}

// lines reads a dump by lines of any length up to longestRow.
type lines struct {
	in   *bufio.Reader
	long []byte
}

// next returns the next line without its end. It is good until the next call.
func (l *lines) next() ([]byte, error) {
	line, err := l.in.ReadSlice('\n')
	if err == bufio.ErrBufferFull {
		l.long = l.long[:0]
		for err == bufio.ErrBufferFull && len(l.long) <= longestRow {
			l.long = append(l.long, line...)
			line, err = l.in.ReadSlice('\n')
		}
		if err == bufio.ErrBufferFull {
			return nil, fmt.Errorf("a row is longer than %d MiB", longestRow>>20)
		}
		l.long = append(l.long, line...)
		line = l.long
	}
	if err == io.EOF && len(line) > 0 {
		err = nil
	}
	return bytes.TrimSuffix(line, []byte("\n")), err
}

// rows sums up the rows of a COPY block.
func (l *lines) rows() (Table, error) {
	var t Table
	var sum uint64
	var text []byte
	for {
		line, err := l.next()
		if err == io.EOF {
			return t, io.ErrUnexpectedEOF
		}
		if err != nil {
			return t, err
		}
		if bytes.Equal(line, []byte(`\.`)) {
			t.Checksum = fmt.Sprintf("%016x", sum)
			return t, nil
		}
		if text, err = appendRecord(text[:0], line); err != nil {
			return t, err
		}
		hash := md5.Sum(text)
		sum += binary.BigEndian.Uint64(hash[:])
		t.Rows++
	}
}

// appendRecord appends a row in COPY's text format as PostgreSQL writes it when a
// record is cast to text.
func appendRecord(text, line []byte) ([]byte, error) {
	text = append(text, '(')
	for first := true; ; first = false {
		if !first {
			text = append(text, ',')
		}
		field, rest, more := bytes.Cut(line, []byte{'\t'}) // a tab within a value is escaped
		if string(field) != `\N` {                         // NULL is nothing
			value, err := unescape(field)
			if err != nil {
				return nil, err
			}
			text = appendField(text, value)
		}
		if !more {
			return append(text, ')'), nil
		}
		line = rest
	}
}

// appendField appends a value, in quotes where a record needs them.
func appendField(text, value []byte) []byte {
	if len(value) > 0 && !bytes.ContainsAny(value, "\"\\(), \t\n\v\f\r") {
		return append(text, value...)
	}
	text = append(text, '"')
	for _, c := range value {
		if c == '"' || c == '\\' {
			text = append(text, c)
		}
		text = append(text, c)
	}
	return append(text, '"')
}

// escapes are those that COPY writes.
var escapes = map[byte]byte{'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t', 'v': '\v', '\\': '\\'}

// unescape returns the value of a field, in the field's own memory.
func unescape(field []byte) ([]byte, error) {
	at := bytes.IndexByte(field, '\\')
	if at < 0 {
		return field, nil
	}
	value := field[:at]
	for i := at; i < len(field); i++ {
		c := field[i]
		if c == '\\' {
			i++
			if i == len(field) {
				return nil, errors.New("a row ends within an escape")
			}
			var ok bool
			if c, ok = escapes[field[i]]; !ok {
				return nil, fmt.Errorf(`a row has the escape \%c, which pg_dump doesn't write`, field[i])
			}
		}
		value = append(value, c)
	}
	return value, nil
}
