package api

import (
	"errors"
	"fmt"
	"maps"
	"mime/multipart"
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

// formContext checks the texts of a form.
type formContext struct{ humaContext }

type humaContext = huma.Context // has a method Context, which a field of that name would hide

// Unwrap lets the adapter find its own context.
func (c formContext) Unwrap() huma.Context { return c.humaContext }

// formField stands before the place of a form's wrong field.
const formField = "a field is wrong: "

// GetMultipartForm is how huma reads a form.
func (c formContext) GetMultipartForm() (*multipart.Form, error) {
	form, err := c.humaContext.GetMultipartForm()
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(form.Value)) {
		if slices.ContainsFunc(form.Value[name], func(text string) bool { return !storable(text) }) {
			form.RemoveAll()
			return nil, fmt.Errorf("%sbody.%.40s: %w", formField, strings.ToValidUTF8(name, "?"), errUnstorable)
		}
	}
	return form, nil
}
