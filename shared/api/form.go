package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	jsonType       = "application/json"
	urlencodedType = "application/x-www-form-urlencoded"
	multipartType  = "multipart/form-data"
)

// takes reports whether the operation takes a body of the type by its schema.
func takes(op *huma.Operation, kind string) bool {
	return op.RequestBody != nil && op.RequestBody.Content[kind] != nil
}

// charsets are the names of UTF-8 and of its part that is ASCII; none means UTF-8, too.
var charsets = []string{"", "utf-8", "utf8", "us-ascii"}

// unsupported returns the problem that the request's body is of a type that the operation
// doesn't take. Those that take JSON take forms, too.
func unsupported(op *huma.Operation, r *http.Request) *Problem {
	if op.RequestBody == nil || r.ContentLength == 0 {
		return nil
	}
	kind, parameters, err := mime.ParseMediaType(cmp.Or(r.Header.Get("Content-Type"), jsonType))
	taken := takes(op, kind) ||
		takes(op, jsonType) && (kind == urlencodedType || kind == multipartType || strings.HasSuffix(kind, "+json"))
	if err == nil && taken && slices.Contains(charsets, strings.ToLower(parameters["charset"])) &&
		strings.EqualFold(cmp.Or(r.Header.Get("Content-Encoding"), "identity"), "identity") {
		return nil
	}
	types := slices.Sorted(maps.Keys(op.RequestBody.Content))
	if takes(op, jsonType) {
		types = []string{jsonType, urlencodedType, multipartType}
	}
	p := newProblem(http.StatusUnsupportedMediaType, "",
		fmt.Sprintf("This operation takes a body of the type %s, in UTF-8 and without Content-Encoding.", strings.Join(types, ", ")))
	p.header.Set("Accept-Encoding", "identity")
	return p
}

// toJSON puts JSON in the place of the request's body, if that is a form and the operation
// takes JSON: all that follows knows no forms but those with files.
func (s *server) toJSON(op *huma.Operation, r *http.Request) *Problem {
	if !takes(op, jsonType) {
		return nil
	}
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == urlencodedType || kind == multipartType {
		form, err := readForm(r)
		if err != nil {
			return unread(err)
		}
		defer form.RemoveAll()
		if files := slices.Sorted(maps.Keys(form.File)); len(files) > 0 {
			return unread(wrongField(files[0], "no file is taken here"))
		}
		var made bytes.Buffer
		if err := encode(&made, s.members(op, form.Value)); err != nil {
			return unread(err)
		}
		r.Body = io.NopCloser(&made)
	}
	r.Header.Set("Content-Type", jsonType) // as huma knows it
	return nil
}

// members returns what the form's fields stand for by the schema that the JSON must meet.
func (s *server) members(op *huma.Operation, form map[string][]string) map[string]any {
	properties := s.resolve(op.RequestBody.Content[jsonType].Schema).Properties
	for name, texts := range form {
		// Many clients name the fields of a list so.
		if list, ok := strings.CutSuffix(name, "[]"); ok && s.resolve(properties[list]).Type == huma.TypeArray {
			form[list] = append(form[list], texts...)
			delete(form, name)
		}
	}
	members := map[string]any{}
	for name, texts := range form {
		switch schema, last := s.resolve(properties[name]), texts[len(texts)-1]; {
		case schema.Type == huma.TypeArray, free(schema) && len(texts) > 1:
			members[name] = s.list(schema, texts)
		case last != "" || mayBeEmpty(schema):
			members[name] = fromText(schema, last)
		case schema.Nullable:
			members[name] = nil
		} // else it is left out, as pages send what nobody filled in
	}
	return members
}

// resolve returns the schema itself, that of a text where there is none.
func (s *server) resolve(schema *huma.Schema) *huma.Schema {
	if schema == nil {
		return &huma.Schema{Type: huma.TypeString}
	}
	if schema.Ref != "" {
		return s.huma.OpenAPI().Components.Schemas.SchemaFromRef(schema.Ref)
	}
	return schema
}

// list makes a list of what a field's texts stand for: one may be the whole list.
func (s *server) list(schema *huma.Schema, texts []string) any {
	if text := strings.TrimSpace(texts[0]); len(texts) == 1 && strings.HasPrefix(text, "[") && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	entries := []any{}
	for _, text := range texts {
		if text != "" {
			entries = append(entries, fromText(s.resolve(schema.Items), text))
		}
	}
	return entries
}

// free reports whether a value may be anything.
func free(schema *huma.Schema) bool { return schema.Type == "" && schema.OneOf == nil }

// mayBeEmpty reports whether an empty text is a value by the schema.
func mayBeEmpty(schema *huma.Schema) bool {
	return schema.Enum == nil && schema.Format == "" && schema.Pattern == "" && (schema.Type == huma.TypeString || free(schema))
}

// truths are the words of forms for truth values.
var truths = map[string]bool{
	"true": true, "t": true, "yes": true, "y": true, "on": true, "1": true,
	"false": false, "f": false, "no": false, "n": false, "off": false, "0": false,
}

// fromText returns what the text stands for by the schema. It stays a text where that may be
// anything, as an answer that was typed may be; and where it stands for nothing: validation
// says then what it must be.
func fromText(schema *huma.Schema, text string) any {
	switch truth, ok := truths[strings.ToLower(strings.TrimSpace(text))]; {
	case schema.Type == huma.TypeBoolean && ok:
		return truth
	case !free(schema) && schema.Type != huma.TypeBoolean && schema.Type != huma.TypeString && json.Valid([]byte(text)):
		return json.RawMessage(text)
	}
	return text
}

// mostFields is how many fields a form may have, as in Go's reader of multipart forms.
const mostFields = 1000

// readForm reads the form that the request's body is, and checks that its texts can be stored.
// What it returns beside a body that didn't arrive tells the caller what is wrong with the form.
func readForm(r *http.Request) (*multipart.Form, error) {
	form := new(multipart.Form)
	if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind == urlencodedType {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return nil, err
		}
		if bytes.Count(body, []byte("&")) >= mostFields {
			return nil, wrongForm(multipart.ErrMessageTooLarge)
		}
		form.Value, err = url.ParseQuery(string(bytes.ReplaceAll(body, []byte(";"), []byte("%3B")))) // Go minds it, nobody else does
		if err != nil {
			return nil, &huma.ErrorDetail{Location: "body", Message: fmt.Sprintf("must be a form (%s), in which %%25 stands for %%", urlencodedType)}
		}
	} else {
		reader, err := r.MultipartReader()
		if err == nil {
			form, err = reader.ReadForm(humago.MultipartMaxMemory)
		}
		if err != nil {
			return nil, wrongForm(err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(form.Value)) {
		if !storable(name) || slices.ContainsFunc(form.Value[name], func(text string) bool { return !storable(text) }) {
			form.RemoveAll()
			return nil, wrongField(name, errUnstorable.Error())
		}
	}
	return form, nil
}

// wrongForm says what is wrong with a form in parts that can't be read, unless it didn't
// arrive.
func wrongForm(err error) error {
	message := "must be a form (" + multipartType + ") with its end"
	switch {
	case errors.As(err, new(*http.MaxBytesError)), errors.Is(err, os.ErrDeadlineExceeded):
		return err
	case errors.Is(err, multipart.ErrMessageTooLarge):
		message = "must be a form of at most 1000 parts, with at most 10 MiB beside its files"
	}
	return &huma.ErrorDetail{Location: "body", Message: message}
}

func wrongField(name, what string) error {
	name = strings.ReplaceAll(strings.ToValidUTF8(name, "?"), "\x00", "?")
	return &huma.ErrorDetail{Location: fmt.Sprintf("body.%.40s", name), Message: what}
}
