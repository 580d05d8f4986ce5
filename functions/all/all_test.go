// Tests of what must hold for every function there is, over all declarations.
package all_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
)

func TestEveryFolderIsTheFunctionItIsNamedFor(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../*/*/function.go")
	if err != nil {
		t.Fatal(err)
	}
	var folders []string
	for _, file := range files {
		parts := strings.Split(filepath.ToSlash(file), "/")
		id := parts[1] + "-" + parts[2]
		folders = append(folders, id)
		if _, ok := api.Lookup(id); !ok {
			t.Errorf("%s doesn't declare %s, or functions/all is stale: run `make generate`", file, id)
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(source, []byte("\n")); n > 150 {
			t.Errorf("%s has %d lines: what it knows belongs to its domain", file, n)
		}
	}
	for _, d := range api.Declared() {
		if !slices.Contains(folders, d.ID) {
			t.Errorf("%s is declared, but not by the folder of its name", d.ID)
		}
	}
}

func TestEveryAddressEndsWithASlash(t *testing.T) {
	t.Parallel()
	for _, d := range api.Declared() {
		if d.Access != api.Private && !strings.HasSuffix(d.Path, "/") && !strings.HasPrefix(d.Path, "/.well-known/") {
			t.Errorf("%s: %s has no final slash", d.ID, d.Path)
		}
	}
}

func TestEveryDeclaredNeedIsUsed(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	for _, d := range api.Declared() {
		// Opening what isn't declared is an error of its own.
		unused, err := d.Unused(app.Process)
		if err != nil {
			t.Errorf("%s: %v", d.ID, err)
		}
		if len(unused) > 0 {
			t.Errorf("%s declares %v and doesn't use it", d.ID, unused)
		}
	}
}

// address fills the path's parameters with the value.
func address(d *api.Declaration, value string) string {
	segments := strings.Split(d.Path, "/")
	for i, segment := range segments {
		if strings.HasPrefix(segment, "{") {
			segments[i] = value
		}
	}
	return strings.Join(segments, "/")
}

const nobodys = "0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c"

func TestEveryCallSignedOutIsRefused(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	expired := "Bearer " + app.TokenSince(app.User("ada").ID, time.Now().Add(-auth.AccessLifetime-time.Hour))
	unsigned := "Bearer eyJhbGciOiJub25lIn0.eyJ1c2VyX2lkIjoiMDE5OWEwYzQtN2QyZS03ZjNhLThiMWMtMmQzZTRmNWE2YjdjIn0."
	for _, d := range api.Declared() {
		if d.Access != api.User {
			continue
		}
		for _, method := range d.Methods {
			for _, header := range []string{"", unsigned, expired, "Basic YTpi", "Bearer", "Bearer a b"} {
				resp := app.Anonymous().Do(method, address(d, nobodys), "{}", "Authorization", header)
				if resp.Status != http.StatusUnauthorized || resp.Header.Get("WWW-Authenticate") == "" {
					t.Errorf("%s with Authorization %q: got %d, want 401 and a challenge", d.ID, header, resp.Status)
				}
			}
		}
	}
}

// TestConnectionsFit adds up what all functions may open at the same time. In production,
// 90 % of the database's connections are theirs, as infrastructure/database.tf has it.
func TestConnectionsFit(t *testing.T) {
	t.Parallel()
	all := productionConnections(t)
	most := all * 9 / 10
	var each []int
	sum := 0
	for _, d := range api.Declared() {
		if slices.Contains(d.Needs, database.Resource) {
			each = append(each, d.MaxInstances*database.DefaultPool)
			sum += each[len(each)-1]
		}
	}
	if sum > most {
		t.Errorf("all functions together may open %d connections, %d are the most: give some fewer MaxInstances", sum, most)
	}

	// While a release rolls out, so many functions at once have instances of two revisions. What
	// they want of more connections than there are waits, and is then refused with Retry-After
	// (TestAFullDatabaseIsWaitedForBriefly): for a moment, a fifth more may be wanted.
	atOnce := numberIn(t, "../../scripts/cloud/release.go", `const parallelism = "(\d+)"`)
	if atOnce == 0 {
		t.Fatal("release.go doesn't say how many functions roll out at once")
	}
	slices.Sort(each)
	release := sum
	for _, connections := range each[len(each)-atOnce:] {
		release += connections
	}
	if release > all*6/5 {
		t.Errorf("while a release rolls out, functions may open %d connections; there are %d", release, all)
	}
	t.Logf("%d of %d connections, %d while a release rolls out; there are %d", sum, most, release, all)
}

// productionConnections returns how many connections the database of production lets in.
func productionConnections(t *testing.T) int {
	t.Helper()
	const file = "../../infrastructure/environments/production.tfvars"
	if raised := numberIn(t, file, `max_connections\s*=\s*(\d+)`); raised > 0 {
		return raised
	}
	memory := numberIn(t, file, `tier\s*=\s*"db-custom-\d+-(\d+)"`)
	if memory < 6144 || memory >= 15360 {
		t.Fatalf("say here how many connections a database of %d MiB lets in: infrastructure/database.tf knows", memory)
	}
	return 400
}

// numberIn returns the number that the pattern finds in the file, 0 if it finds none.
func numberIn(t *testing.T, file, pattern string) int {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(pattern).FindSubmatch(content)
	if found == nil {
		return 0
	}
	number, err := strconv.Atoi(string(found[1]))
	if err != nil {
		t.Fatal(err)
	}
	return number
}

func TestEveryMalformedIDIsNotFound(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	for _, d := range api.Declared() {
		if d.Access != api.User || !strings.Contains(d.Path, "{") {
			continue
		}
		for _, id := range []string{"{" + nobodys + "}", "urn:uuid:" + nobodys, strings.ReplaceAll(nobodys, "-", ""), strings.Replace(nobodys, "-", "_", 1), "1", "x", "%00", "%2e%2e", "null", strings.ToUpper(nobodys) + "0", strings.Repeat("a", 2000), "%F0%9F%98%80"} {
			for _, method := range d.Methods {
				if resp := ada.Do(method, address(d, id), nil); resp.Status != http.StatusNotFound {
					t.Errorf("%s with id %.40q: got %d, want 404", d.ID, id, resp.Status)
				}
			}
		}
	}
}

// TestNoHostileCallBreaksAFunction sends every function what no client means to
// send. It may be refused or ignored, but it must never be our fault.
func TestNoHostileCallBreaksAFunction(t *testing.T) {
	t.Parallel()
	schema := readAPI(t)
	for _, d := range api.Declared() {
		if d.Access == api.Private {
			continue
		}
		t.Run(d.ID, func(t *testing.T) {
			t.Parallel()
			app := apitest.New(t)
			ada := app.User("ada")
			w := newWorld(t, app, ada)
			path := w.path(t, d)
			for _, method := range d.Methods {
				for _, query := range []string{"?page=%00&course=%FF&page_size=1e9&limit=-1&q=%00&query=%FF", "?" + strings.Repeat("a", 5000)} {
					never5xx(t, ada.Do(method, address(d, nobodys)+query, nil), query)
				}
				operation := schema.Paths[d.Path][strings.ToLower(method)]
				for _, name := range operation.queryParameters() {
					for _, value := range []string{"%00", "a%00b", "%FF"} {
						resp := ada.Do(method, path+"?"+name+"="+value, nil)
						if resp.Status != http.StatusBadRequest || !bytes.Contains(resp.Body, []byte(`"location":"query.`+name+`"`)) {
							t.Errorf("%s=%s: %d %s", name, value, resp.Status, resp.Body)
						}
					}
				}
				for _, query := range hostileQueries(operation.queryParameters(), w["/api/v1/courses/{}"]) {
					never5xx(t, ada.Do(method, path+query, nil), query)
				}
				if method == http.MethodGet {
					continue
				}
				for name, body := range hostileBodies {
					never5xx(t, ada.Do(method, path, body), name)
				}
				for _, property := range schema.properties(d.Path, method) {
					// A rate that is used up would hide what comes after.
					if _, err := app.DB.Exec(t.Context(), `DELETE FROM rate_limits`); err != nil {
						t.Fatal(err)
					}
					twice := fmt.Sprintf(`{%q:"x",%[1]q:null}`, property) // the schema allows the one, the handler would get the other
					_, takesJSON := operation.RequestBody.Content["application/json"]
					if resp := ada.Do(method, path, twice); takesJSON && !bytes.Contains(resp.Body, []byte("a field twice")) {
						t.Errorf("%s: %d %s", twice, resp.Status, resp.Body)
					}
					for _, name := range []string{property, strings.ToUpper(property)} {
						for _, value := range hostileValues {
							good, _ := w.body(d, w["/api/v1/courses/{}"])
							body, ok := good.(map[string]any)
							if !ok { // a form
								body = map[string]any{}
							}
							body[name] = json.RawMessage(value)
							never5xx(t, ada.Do(method, path, body), name+"="+value)
						}
					}
				}
				for _, contentType := range []string{"text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "multipart/form-data; boundary=x", "application/json; charset=utf-16", "\x00"} {
					never5xx(t, ada.Do(method, path, "--x\r\n\r\n{}", "Content-Type", contentType), contentType)
				}
			}
		})
	}
}

func never5xx(t *testing.T, resp *apitest.Response, what string) {
	t.Helper()
	if resp.Status >= 500 {
		t.Errorf("%.60q: got %d %.300s", what, resp.Status, resp.Body)
	}
	if resp.Status == http.StatusUnprocessableEntity && bytes.Contains(resp.Body, []byte(`"generated_content"`)) {
		return // a generation that made nothing tells more than that
	}
	if resp.Status < 400 {
		return
	}
	if resp.Header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%.60q: %d as %s, want a problem body", what, resp.Status, resp.Header.Get("Content-Type"))
	}
	inPlainWords(t, resp, what)
}

// hostileBodies are wrong in form.
var hostileBodies = map[string]any{
	"empty": "", "null": "null", "list": "[]", "text": `"x"`, "number": "1", "cut off": `{"name": "x`,
	"not UTF-8": "{\"name\": \"\xff\xfe\"}", "NUL": `{"name": "a\u0000b", "question": "\u0000", "content": "\u0000"}`,
	"lone surrogate": `{"name": "\ud800", "title": "\udc00", "content": "\ud800"}`,
	"deep":           strings.Repeat(`{"a":[`, 50_000), "deep and whole": strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000),
	"huge": `{"name": "` + strings.Repeat("x", 1<<21) + `"}`, "twice": `{"name": 1, "name": "x"}`,
	"prototype": `{"__proto__": {"x": 1}, "constructor": null}`,
}

// hostileValues are wrong for most fields.
var hostileValues = []string{
	`null`, `true`, `-1`, `32768`, `1e308`, `99999999999999999999`, `0.5`, `""`, `" "`, `"x"`, `[]`, `[null]`, `[[]]`, `{}`, `{"a": {"b": 1}}`,
	`"` + nobodys + `"`, `["` + nobodys + `"]`, `"` + strings.Repeat("é", 40_000) + `"`, `"'; DROP TABLE users; --"`, `"\ud83d\ude00"`,
	`"2026-13-45"`, `"9999-12-31T23:59:59-12:00"`, `"0000-01-01T00:00:00+14:00"`, `"0000-01-01"`, `"\u202e%s%n{{7*7}}"`,
	`[{"a":` + strings.Repeat("[", 9_000) + strings.Repeat("]", 9_000) + `}]`,
}

// hostileQueries have each parameter twice and with values that are wrong for most.
func hostileQueries(parameters []string, course string) []string {
	var queries []string
	for _, parameter := range parameters {
		for _, value := range []string{"", "%00", "%FF", "-1", "1e9", "99999999999999999999", "x", nobodys, course, nobodys + "," + course, "'%22%25%5C"} {
			// A good value of what is demanded lets the others be looked at.
			others := "&course=" + course + "&query=x"
			if parameter == "course" {
				others = "&query=x"
			}
			queries = append(queries, "?"+parameter+"="+value+others, "?"+parameter+"="+value+"&"+parameter+"="+value+others)
		}
	}
	return queries
}

// openAPI is as much of the API's document as the test needs.
type openAPI struct {
	Servers []struct {
		URL       string
		Variables map[string]struct{ Default string }
	}
	Paths      map[string]map[string]openAPIOperation
	Components struct{ Schemas map[string]schema }
}

func readAPI(t testing.TB) (read openAPI) {
	t.Helper()
	document, err := api.Document()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(document, &read); err != nil {
		t.Fatal(err)
	}
	return read
}

type openAPIOperation struct {
	Parameters  []struct{ Name, In string }
	RequestBody struct {
		Content map[string]struct{ Schema schema }
	} `json:"requestBody"`
}

func (o openAPIOperation) queryParameters() []string {
	var names []string
	for _, p := range o.Parameters {
		if p.In == "query" {
			names = append(names, p.Name)
		}
	}
	return names
}

type schema struct {
	Ref        string `json:"$ref"`
	Required   []string
	Properties map[string]json.RawMessage
}

// body returns the schema of the operation's body.
func (o openAPI) body(path, method string) (body schema, ok bool) {
	for _, content := range o.Paths[path][strings.ToLower(method)].RequestBody.Content {
		body, ok = content.Schema, true
		if name, isRef := strings.CutPrefix(body.Ref, "#/components/schemas/"); isRef {
			body = o.Components.Schemas[name]
		}
	}
	return body, ok
}

// properties returns the names of the properties of an operation's body.
func (o openAPI) properties(path, method string) []string {
	body, _ := o.body(path, method)
	return slices.Sorted(maps.Keys(body.Properties))
}
