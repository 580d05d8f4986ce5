// Package names says what no name of one line needs.
package names

import (
	"strings"
	"unicode"
)

// Misleads reports whether the character begins a line, commands a terminal, or
// turns the direction of what follows.
func Misleads(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp)
}

// Clean leaves out what misleads.
func Clean(name string) string {
	return strings.Map(func(r rune) rune {
		if Misleads(r) {
			return -1
		}
		return r
	}, name)
}
