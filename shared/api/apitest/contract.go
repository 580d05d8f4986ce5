package apitest

import (
	"bytes"
	"mime"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"aksio.app/shared/api"
)

// contract is the API's document, which answers are checked against.
type contract struct {
	paths, responses map[string]any

	mu      sync.Mutex
	schemas *jsonschema.Compiler
}

const documentURL = "api:document"

var readContract = sync.OnceValues(func() (*contract, error) {
	text, err := api.Document()
	if err != nil {
		return nil, err
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	shut(document)
	c := &contract{schemas: jsonschema.NewCompiler()}
	c.schemas.AssertFormat()
	c.paths = object(document, "paths")
	c.responses = object(document, "components", "responses")
	return c, c.schemas.AddResource(documentURL, document)
})

// shut lets the objects that a schema tells of have no members but those that it names:
// answers keep to it, though clients shouldn't rely on that.
func shut(schema any) {
	switch s := schema.(type) {
	case map[string]any:
		if s["properties"] != nil && s["additionalProperties"] == nil {
			s["additionalProperties"] = false
		}
		for _, part := range s {
			shut(part)
		}
	case []any:
		for _, part := range s {
			shut(part)
		}
	}
}

// object returns what the names lead to, nil if that is nothing.
func object(at any, names ...string) map[string]any {
	for _, name := range names {
		members, _ := at.(map[string]any)
		at = members[name]
	}
	members, _ := at.(map[string]any)
	return members
}

// checkAnswer fails the test if the API's document doesn't tell that the operation may
// answer with such a status and body.
func checkAnswer(t testing.TB, r *http.Request, w *httptest.ResponseRecorder) {
	t.Helper()
	d, ok := api.Lookup(operationOf(r))
	if !ok || w.Code == api.ClientClosedRequest {
		return
	}
	c, err := readContract()
	if err != nil {
		t.Fatal(err)
	}
	status, method := strconv.Itoa(w.Code), strings.ToLower(r.Method)
	if object(c.paths, d.Path, method) == nil {
		return // private
	}
	at := []string{"paths", d.Path, method, "responses", status}
	response := object(c.paths, at[1:]...)
	if response == nil {
		t.Errorf("%s answers with %s, which its documentation doesn't tell: see Refuses of api.Operation", d.ID, status)
		return
	}
	if ref, ok := response["$ref"].(string); ok {
		at = strings.Split(strings.TrimPrefix(ref, "#/"), "/")
		response = object(c.responses, at[2:]...)
	}
	media, _, _ := mime.ParseMediaType(w.Header().Get("Content-Type"))
	check := func(body []byte) {
		if err := c.check(body, append(at, "content", media, "schema")); err != nil {
			t.Errorf("%s answers with %s and what its documentation doesn't tell: %v", d.ID, status, err)
		}
	}
	switch {
	case media == "" && w.Body.Len() == 0 && response["content"] == nil:
	case object(response, "content", media) == nil:
		t.Errorf("%s answers with %s and %q, which its documentation doesn't tell", d.ID, status, media)
	case media == api.EventStream:
		for line := range bytes.Lines(w.Body.Bytes()) {
			if event, ok := bytes.CutPrefix(line, []byte("data: ")); ok {
				check(event)
			}
		}
	default:
		check(w.Body.Bytes())
	}
}

var pointerEscapes = strings.NewReplacer("~", "~0", "/", "~1")

// check reports how the JSON differs from the schema to which the names lead.
func (c *contract) check(body []byte, names []string) error {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return err
	}
	pointer := documentURL + "#"
	for _, name := range names {
		pointer += "/" + pointerEscapes.Replace(name)
	}
	c.mu.Lock()
	schema, err := c.schemas.Compile(pointer)
	c.mu.Unlock()
	if err != nil {
		return err
	}
	return schema.Validate(value)
}
