package api

import (
	"errors"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"aksio.app/shared/fault"
)

// What follows keeps away what PostgreSQL wouldn't store, where the name of the field is
// still known; jsonFormat does for JSON.

var errUnstorable = errors.New("must be a text in UTF-8 without NUL characters")

func storable(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

// unstorableQuery returns the problem that one of the operation's parameters is no text.
func unstorableQuery(known []*huma.Param, raw string) *Problem {
	query, _ := url.ParseQuery(raw) // what can't be read is passed over, as huma does
	for _, p := range known {
		if p.In == "query" && slices.ContainsFunc(query[p.Name], func(text string) bool { return !storable(text) }) {
			return problemOf(fault.Field("query."+p.Name, "%s", sentence(errUnstorable.Error())))
		}
	}
	return nil
}
