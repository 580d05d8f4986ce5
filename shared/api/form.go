package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

const (
	jsonType       = "application/json"
	urlencodedType = "application/x-www-form-urlencoded"
	multipartType  = "multipart/form-data"
)

// unsupported returns the problem that the request's body is of a type that the operation
// doesn't take. Those that take JSON take forms, too.
func unsupported(op *huma.Operation, r *http.Request) *Problem {
	if op.RequestBody == nil || r.ContentLength == 0 {
		return nil
	}
	taken := slices.Sorted(maps.Keys(op.RequestBody.Content))
	kind, parameters, err := mime.ParseMediaType(cmp.Or(r.Header.Get("Content-Type"), jsonType))
	if slices.Contains(taken, jsonType) {
		taken = []string{jsonType, urlencodedType, multipartType}
		if strings.HasSuffix(kind, "+json") {
			kind = jsonType
		}
	}
	if err == nil && slices.Contains(taken, kind) && strings.EqualFold(cmp.Or(parameters["charset"], "utf-8"), "utf-8") &&
		strings.EqualFold(cmp.Or(r.Header.Get("Content-Encoding"), "identity"), "identity") {
		return nil
	}
	p := newProblem(http.StatusUnsupportedMediaType, "",
		fmt.Sprintf("This operation takes a body of the type %s, in UTF-8 and without Content-Encoding.", strings.Join(taken, ", ")))
	p.header.Set("Accept-Encoding", "identity")
	return p
}

// bodyContext lets huma read JSON where a form was sent.
type bodyContext struct {
	humaContext
	request *http.Request
	schemas huma.Registry
}

type humaContext = huma.Context // has a method Context, which a field of that name would hide

// Unwrap lets the adapter find its own context.
func (c bodyContext) Unwrap() huma.Context { return c.humaContext }

// Header tells huma that a body is JSON, of whatever form it was made. It doesn't ask
// where an operation takes forms only.
func (c bodyContext) Header(name string) string {
	if name == "Content-Type" {
		return jsonType
	}
	return c.humaContext.Header(name)
}

// BodyReader is how huma reads a body.
func (c bodyContext) BodyReader() io.Reader {
	kind, parameters, _ := mime.ParseMediaType(c.request.Header.Get("Content-Type"))
	if kind != urlencodedType && kind != multipartType {
		return c.request.Body
	}
	body, err := io.ReadAll(c.request.Body)
	if err == nil {
		body, err = c.fromForm(body, kind, parameters["boundary"])
	}
	if err != nil {
		reader, writer := io.Pipe()
		writer.CloseWithError(err)
		return reader
	}
	return bytes.NewReader(body)
}

// fromForm makes JSON of the form, by the schema that the JSON must meet.
func (c bodyContext) fromForm(body []byte, kind, boundary string) ([]byte, error) {
	form, err := readForm(body, kind, boundary)
	if err != nil {
		return nil, &huma.ErrorDetail{Location: "body", Message: err.Error()}
	}
	properties := c.resolve(c.Operation().RequestBody.Content[jsonType].Schema).Properties
	members := map[string]any{}
	for name, texts := range form {
		switch schema, last := c.resolve(properties[name]), texts[len(texts)-1]; {
		case schema.Type == huma.TypeArray:
			members[name] = c.list(schema, texts)
		case last != "" || mayBeEmpty(schema):
			members[name] = fromText(schema, last)
		case schema.Nullable:
			members[name] = nil
		} // else it is left out, as pages send what nobody filled in
	}
	var made bytes.Buffer
	err = encode(&made, members)
	return made.Bytes(), err
}

// resolve returns the schema itself, that of a text where there is none.
func (c bodyContext) resolve(schema *huma.Schema) *huma.Schema {
	if schema == nil {
		return &huma.Schema{Type: huma.TypeString}
	}
	if schema.Ref != "" {
		return c.schemas.SchemaFromRef(schema.Ref)
	}
	return schema
}

// list makes a list of what a field's texts stand for: one may be the whole list.
func (c bodyContext) list(schema *huma.Schema, texts []string) any {
	if text := strings.TrimSpace(texts[0]); len(texts) == 1 && strings.HasPrefix(text, "[") && json.Valid([]byte(text)) {
		return json.RawMessage(text)
	}
	entries := []any{}
	for _, text := range texts {
		if text != "" {
			entries = append(entries, fromText(c.resolve(schema.Items), text))
		}
	}
	return entries
}

// mayBeEmpty reports whether an empty text is a value by the schema.
func mayBeEmpty(schema *huma.Schema) bool {
	return schema.OneOf == nil && schema.Enum == nil && schema.Format == "" && schema.Pattern == "" && (schema.Type == huma.TypeString || schema.Type == "")
}

// truths are the words of forms for truth values.
var truths = map[string]bool{
	"true": true, "t": true, "yes": true, "y": true, "on": true, "1": true,
	"false": false, "f": false, "no": false, "n": false, "off": false, "0": false,
}

// fromText returns what the text stands for by the schema. It stays a text where it stands
// for nothing: validation says then what it must be.
func fromText(schema *huma.Schema, text string) any {
	switch truth, ok := truths[strings.ToLower(strings.TrimSpace(text))]; {
	case schema.Type == huma.TypeBoolean && ok:
		return truth
	case schema.Type != huma.TypeBoolean && schema.Type != huma.TypeString && json.Valid([]byte(text)):
		return json.RawMessage(text)
	}
	return text
}

// mostFields is how many fields a form may have, as in Go's reader of multipart forms.
const mostFields = 1000

// readForm returns the texts of a form that holds no files, by the names of its fields.
func readForm(body []byte, kind, boundary string) (map[string][]string, error) {
	if kind == urlencodedType {
		if bytes.Count(body, []byte("&")) >= mostFields {
			return nil, multipart.ErrMessageTooLarge
		}
		form, err := url.ParseQuery(string(bytes.ReplaceAll(body, []byte(";"), []byte("%3B")))) // Go minds it, nobody else does
		if err != nil {
			return nil, fmt.Errorf("must be a form (%s), in which %%25 stands for %%", urlencodedType)
		}
		return form, unstorableForm(form)
	}
	form, err := multipart.NewReader(bytes.NewReader(body), boundary).ReadForm(int64(len(body)))
	if err != nil {
		return nil, fmt.Errorf("cannot read multipart form: %w", err)
	}
	if files := slices.Sorted(maps.Keys(form.File)); len(files) > 0 {
		return nil, wrongField(files[0], "no file is taken here")
	}
	return form.Value, unstorableForm(form.Value)
}

// GetMultipartForm is how huma reads a form that may hold files.
func (c bodyContext) GetMultipartForm() (*multipart.Form, error) {
	form, err := c.humaContext.GetMultipartForm()
	if err != nil {
		return nil, err
	}
	if err := unstorableForm(form.Value); err != nil {
		form.RemoveAll()
		return nil, err
	}
	return form, nil
}

// unstorableForm returns the error that one of the form's texts can't be stored.
func unstorableForm(form map[string][]string) error {
	for _, name := range slices.Sorted(maps.Keys(form)) {
		if !storable(name) || slices.ContainsFunc(form[name], func(text string) bool { return !storable(text) }) {
			return wrongField(name, errUnstorable.Error())
		}
	}
	return nil
}

// formField stands before the place of a form's wrong field.
const formField = "a field is wrong: "

func wrongField(name, what string) error {
	return fmt.Errorf("%sbody.%.40s: %s", formField, strings.ReplaceAll(strings.ToValidUTF8(name, "?"), "\x00", "?"), what)
}
