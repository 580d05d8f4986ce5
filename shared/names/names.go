// Package names says what a name of one line may hold.
package names

import (
	"fmt"
	"strings"
	"unicode"

	"aksio.app/shared/fault"
)

// NotOneLine says what is wrong with a name of which a character misleads.
const NotOneLine = "Write one line, without control characters or others that nobody sees."

// Misleads reports whether the character begins a line, commands a terminal, turns the
// direction of what follows, or is one that nobody sees: two names could look alike, or
// like none. Those that join letters or emoji into one don't.
func Misleads(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Other_Default_Ignorable_Code_Point) ||
		unicode.Is(unicode.Cf, r) && !unicode.In(r, unicode.Join_Control, unicode.Prepended_Concatenation_Mark)
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

// Line takes away what is blank around the text, if there is one, of the field. One that
// misleads is Invalid.
func Line[T ~string](field string, text *T) error {
	if text == nil {
		return nil
	}
	if *text = T(strings.TrimSpace(string(*text))); strings.ContainsFunc(string(*text), Misleads) {
		return fault.Field(field, NotOneLine)
	}
	return nil
}

// Lines is Line for each of the field's texts.
func Lines[T ~string](field string, texts []T) error {
	for i := range texts {
		if err := Line(fmt.Sprintf("%s[%d]", field, i), &texts[i]); err != nil {
			return err
		}
	}
	return nil
}

// Tidy returns the name or title, which the field is called, of such a thing without what
// is blank around it. A name that misleads, or that has nothing to see, is Invalid.
func Tidy(field, thing, name string) (string, error) {
	name = strings.TrimFunc(name, func(r rune) bool { return unicode.IsSpace(r) || unicode.Is(unicode.Join_Control, r) })
	switch {
	case strings.ContainsFunc(name, Misleads):
		return "", fault.Field(field, NotOneLine)
	case !strings.ContainsFunc(name, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.Is(unicode.Variation_Selector, r) }):
		return "", fault.Field(field, "Give the %s a %s.", thing, field)
	}
	return name, nil
}
