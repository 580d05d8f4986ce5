package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"path"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// humaConfig is the same for one function and for the document of all. Fields are
// optional in requests where no tag says otherwise; an answer has all of them.
func humaConfig(format huma.Format, optional bool) huma.Config {
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{
				Title:   "Aksio",
				Version: "1",
				Description: "Upload course material; search it, ask it, and learn it with cards and quizzes. Errors are problem bodies (RFC 9457). " +
					"What takes JSON takes it as a form, too, " + urlencodedType + " or " + multipartType + ": a list is a repeated field or JSON, an object is JSON.",
				License: &huma.License{Name: "Apache-2.0", Identifier: "Apache-2.0"},
			},
			Servers: []*huma.Server{
				{URL: "http://127.0.0.1:{port}", Description: "What make run starts.", Variables: map[string]*huma.ServerVariable{
					"port": {Default: "8080", Description: "Its PORT."},
				}},
				{URL: "https://{host}", Description: "A deployment.", Variables: map[string]*huma.ServerVariable{
					"host": {Default: "deployment.invalid", Description: "The host that the deployment was given. The default is none's: a variable must have one."},
				}},
			},
			Components: &huma.Components{
				Schemas: huma.NewMapRegistry("#/components/schemas/", schemaName),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"bearer": {Type: "http", Scheme: "bearer", BearerFormat: "JWT"},
				},
			},
		},
		Formats:       map[string]huma.Format{"application/json": format, "json": format},
		DefaultFormat: "application/json",
	}
	config.AllowAdditionalPropertiesByDefault = true // unknown fields are ignored, as clients expect
	config.FieldsOptionalByDefault = optional
	return config
}

// schemaName names a type by what its package is about, once: flashcards.Card is a
// Flashcard, courses.Change a CourseChange, a page of them a CourseList. Two that would
// have one name make huma panic.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	name, generic, _ := strings.Cut(t.Name(), "[")
	if t.Kind() != reflect.Struct || name == "" {
		return hint // of a schema that stands where it is used
	}
	if results, ok := t.FieldByName("Results"); ok && generic != "" { // List
		return schemaName(results.Type, "") + name
	}
	folder := t.PkgPath()
	if _, local, ok := strings.Cut(folder, "/functions/"); ok {
		folder, _, _ = strings.Cut(local, "/") // the area
	}
	var about strings.Builder
	for word := range strings.SplitSeq(singular(path.Base(folder)), "-") {
		about.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	switch about := about.String(); {
	case folder == reflect.TypeFor[Problem]().PkgPath(), strings.Contains(name, about):
		return name
	case strings.HasSuffix(strings.ToLower(about), strings.ToLower(name)):
		return about
	default:
		return about + name
	}
}

// singular returns the word for one of what the package's name says.
func singular(plural string) string {
	if one, ok := strings.CutSuffix(plural, "zes"); ok {
		return one
	}
	if strings.HasSuffix(plural, "ss") {
		return plural
	}
	return strings.TrimSuffix(plural, "s")
}

// humaOperation is the operation as huma wants it, for one method.
func (s *server) humaOperation(method string) huma.Operation {
	op := huma.Operation{
		OperationID:     s.ID,
		Method:          method,
		Path:            s.Path,
		Summary:         s.Summary,
		Description:     s.Description,
		Tags:            []string{strings.Split(s.ID, "-")[0]},
		DefaultStatus:   s.Status,
		MaxBodyBytes:    s.MaxBody + 1, // the server itself refuses more; huma counts one byte short
		BodyReadTimeout: s.Timeout,
	}
	if len(s.Methods) > 1 {
		op.OperationID += "-" + strings.ToLower(method)
	}
	op.Security = []map[string][]string{{}} // none is needed
	if s.Access == User {
		op.Security = []map[string][]string{{"bearer": {}}}
	}
	return op
}

// refusals are what answers with a problem mean, by status.
var refusals = map[int]string{
	http.StatusBadRequest:            "The request is wrong: errors says where, and what to send instead.",
	http.StatusUnauthorized:          "There are no credentials, or no good ones.",
	http.StatusPaymentRequired:       "A limit of the plan is reached.",
	http.StatusForbidden:             "What the request is about doesn't allow it; code says why.",
	http.StatusNotFound:              "There is no such thing, or it is somebody else's.",
	http.StatusRequestTimeout:        "The request took too long to arrive.",
	http.StatusConflict:              "What is there already stands against it; code says what.",
	http.StatusRequestEntityTooLarge: "The request has more bytes than the operation takes.",
	http.StatusUnsupportedMediaType:  "The body is of a type that the operation doesn't take.",
	http.StatusTooManyRequests:       "Too many calls in a short time.",
	http.StatusInternalServerError:   "Something went wrong on our side.",
	http.StatusBadGateway:            "The language model gave no usable answer.",
	http.StatusServiceUnavailable:    "The operation, or what it needs, can't be reached now.",
}

// refuses returns the statuses with which the operation may answer with a problem, by
// what is declared of it and what it takes.
func (d *Declaration) refuses(op *huma.Operation) []int {
	taken := map[int]bool{http.StatusInternalServerError: true, http.StatusServiceUnavailable: true}
	if op.RequestBody != nil {
		taken[http.StatusBadRequest], taken[http.StatusRequestTimeout], taken[http.StatusUnsupportedMediaType] = true, true, true
	}
	if op.Method != http.MethodGet { // whether they are to have a body or not
		taken[http.StatusRequestEntityTooLarge] = true
	}
	for _, p := range op.Parameters {
		switch {
		case p.In == "path", p.Name == "page":
			taken[http.StatusNotFound] = true
		default:
			taken[http.StatusBadRequest] = true
		}
	}
	if d.Access == User {
		taken[http.StatusUnauthorized] = true
		switch op.Method {
		case http.MethodPost, http.MethodPut, http.MethodPatch:
			taken[http.StatusConflict] = true
		}
	}
	// shared/limits/counter, which this package doesn't link. Whatever anybody may read, such
	// as the platform's health, asks for it without taking a turn.
	limited := slices.Contains(d.Needs, "limits") && (d.Access == User || op.Method != http.MethodGet)
	if limited || d.idempotent(op.Method) || d.Streams != StreamsNever {
		taken[http.StatusTooManyRequests] = true
	}
	for _, kind := range d.Refuses {
		taken[statuses[kind]] = true
	}
	return slices.Sorted(maps.Keys(taken))
}

// registered returns what huma makes of all declared public and user functions.
func registered(optional bool) (*huma.OpenAPI, error) {
	document := huma.NewAPI(humaConfig(huma.Format{}, optional), discard{})
	for _, d := range Declared() {
		if d.Trigger != HTTP || d.Access == Private {
			continue
		}
		s := &server{Declaration: d, huma: document, names: parameterNames(d.Path)}
		if err := d.register(s); err != nil {
			return nil, fmt.Errorf("%s: %w", d.ID, err)
		}
	}
	return document.OpenAPI(), nil
}

// operations leads to the document's operations, by path and method.
func operations(document *huma.OpenAPI) map[string]*huma.Operation {
	all := map[string]*huma.Operation{}
	for path, item := range document.Paths {
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				all[op.Method+" "+path] = op
			}
		}
	}
	return all
}

// Document returns the OpenAPI 3.1 document of all declared public and user functions.
func Document() ([]byte, error) {
	// Fields of requests are optional and those of answers aren't, and huma has one setting for both.
	document, err := registered(false)
	if err != nil {
		return nil, err
	}
	requests, err := registered(true)
	if err != nil {
		return nil, err
	}
	problem := describeProblem(document.Components.Schemas)
	document.Components.Responses = problemResponses(problem)
	answers, asked := map[string]bool{}, map[string]bool{} // the schemas that are used in them
	reach(document.Components.Schemas, answers, document.Components.Responses)
	all, took := operations(document), operations(requests)
	for _, d := range Declared() {
		for _, method := range d.Methods {
			op := all[method+" "+d.Path]
			if op == nil {
				continue
			}
			request := took[method+" "+d.Path]
			op.Parameters, op.RequestBody = request.Parameters, request.RequestBody
			reach(requests.Components.Schemas, asked, op.Parameters, op.RequestBody)
			d.complete(op, problem)
			reach(document.Components.Schemas, answers, op.Responses)
		}
	}
	tellNulls(document.Components.Schemas)
	schemas := document.Components.Schemas.Map()
	maps.DeleteFunc(schemas, func(name string, _ *huma.Schema) bool { return !answers[name] })
	for name := range asked {
		if answers[name] {
			return nil, fmt.Errorf("%s is in requests and in answers: those have all of its fields, these may leave some out. Make two types of it", name)
		}
		schemas[name] = requests.Components.Schemas.Map()[name]
	}
	for _, schema := range schemas {
		if schema.AdditionalProperties == true {
			schema.AdditionalProperties = nil // the same, but generated clients have a field for each name then
		}
		for _, property := range schema.Properties {
			if property.PatternDescription != "" { // huma's own
				property.Description, property.PatternDescription = cmp.Or(property.Description, "Must be "+property.PatternDescription+"."), ""
			}
		}
	}
	return json.MarshalIndent(document, "", "  ")
}

// tellNulls says of the answers' fields which may be null: those that are pointers, of
// which huma forgets it where the schema is a reference or the type an array, as ids are.
func tellNulls(schemas huma.Registry) {
	for name, schema := range schemas.Map() {
		t := schemas.TypeFromRef("#/components/schemas/" + name)
		if t == nil { // demandNothing's
			continue
		}
		for _, field := range reflect.VisibleFields(t) {
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			property := schema.Properties[name]
			switch {
			case property == nil, field.Type.Kind() != reflect.Pointer, strings.Contains(options, "omitempty"):
			case property.Ref != "":
				schema.Properties[name] = &huma.Schema{Description: property.Description, AnyOf: []*huma.Schema{{Ref: property.Ref}, {Type: "null"}}}
			case property.Type != "":
				property.Nullable = true
			}
		}
	}
}

// problemResponses are the answers with a problem, by the names that refusalName gives them.
func problemResponses(problem *huma.Schema) map[string]*huma.Response {
	all := map[string]*huma.Response{}
	for status, meaning := range refusals {
		response := &huma.Response{Description: meaning, Content: map[string]*huma.MediaType{problemType: {Schema: problem}}}
		switch status {
		case http.StatusUnauthorized:
			response.Headers = textHeader("WWW-Authenticate", "How to sign in.")
		case http.StatusTooManyRequests, http.StatusServiceUnavailable:
			response.Headers = textHeader("Retry-After", "Seconds until it is worth another try.")
		}
		all[refusalName(status)] = response
	}
	return all
}

// complete adds to huma's description of the operation what follows from the declaration.
func (d *Declaration) complete(op *huma.Operation, problem *huma.Schema) {
	delete(op.Responses, "default") // huma's
	good := op.Responses[strconv.Itoa(d.Status)]
	for _, status := range d.Statuses {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Description: http.StatusText(status), Content: maps.Clone(good.Content), Headers: good.Headers}
	}
	if d.idempotent(op.Method) {
		description := "A word of the client's for this request. Sent again with it, within a day, the request is answered as it was the first time"
		if d.AnswerLifetime > 0 {
			description += fmt.Sprintf("; after %d minutes, with the present state of what it made", int(d.AnswerLifetime.Minutes()))
		}
		op.Parameters = append(op.Parameters, &huma.Param{
			Name: "Idempotency-Key", In: "header", Schema: &huma.Schema{Type: huma.TypeString, MaxLength: new(longestKey)},
			Description: description + ".",
		})
	}
	for _, status := range d.refuses(op) {
		if other := op.Responses[strconv.Itoa(status)]; other != nil {
			other.Content[problemType] = &huma.MediaType{Schema: problem}
			continue
		}
		op.Responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + refusalName(status)}
	}
}

func textHeader(name, meaning string) map[string]*huma.Header {
	return map[string]*huma.Header{name: {Description: meaning, Schema: &huma.Schema{Type: huma.TypeString}}}
}

// refusalName is the status in words without spaces.
func refusalName(status int) string { return strings.ReplaceAll(http.StatusText(status), " ", "") }

var schemaRef = regexp.MustCompile(`"#/components/schemas/([^"]+)"`)

// reach notes which of the schemas the parts of the document use.
func reach(schemas huma.Registry, reached map[string]bool, parts ...any) {
	text, err := json.Marshal(parts)
	if err != nil {
		panic(err) // plain values all
	}
	for _, match := range schemaRef.FindAllSubmatch(text, -1) {
		if name := string(match[1]); !reached[name] {
			reached[name] = true
			reach(schemas, reached, schemas.Map()[name])
		}
	}
}

// discard is a huma adapter that serves nothing.
type discard struct{}

func (discard) Handle(*huma.Operation, func(huma.Context))       {}
func (discard) ServeHTTP(w http.ResponseWriter, _ *http.Request) {}
