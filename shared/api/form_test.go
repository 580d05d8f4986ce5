package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"aksio.app/shared/auth"
	"aksio.app/shared/id"
	"aksio.app/shared/resource"
)

// fuzzedAt is where the handler of newFuzzed is called.
const fuzzedAt = "/fuzz/0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c/"

// newFuzzed returns what serves test-fuzz, and a token for it.
func newFuzzed(t testing.TB) (handler http.Handler, token string) {
	t.Helper()
	key, err := auth.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	signer, err := auth.NewSigner(key)
	if err != nil {
		t.Fatal(err)
	}
	if token, err = signer.Sign(id.New[auth.User](), auth.Access, "1", time.Now(), time.Hour); err != nil {
		t.Fatal(err)
	}
	d, _ := Lookup("test-fuzz")
	if handler, err = d.Handler(resource.NewProcess(map[string]string{"TOKEN_KEYS": string(signer.PublicKeys()), "TRUSTED_PROXIES": "1"})); err != nil {
		t.Fatal(err)
	}
	return handler, token
}

// TestFormsAreReadAsTheJSONThatTheyStandFor sends forms as both types, and the JSON.
func TestFormsAreReadAsTheJSONThatTheyStandFor(t *testing.T) {
	t.Parallel()
	handler, token := newFuzzed(t)
	call := func(contentType string, body io.Reader) string {
		r := httptest.NewRequest(http.MethodPost, fuzzedAt, body)
		r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {contentType}}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var answer struct {
			Errors  []ProblemError
			Results []json.RawMessage
		}
		if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Results)+len(answer.Errors) == 0 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return fmt.Sprintf("%d %s %s", w.Code, answer.Results, answer.Errors)
	}
	const some = "0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c"
	for form, body := range map[string]string{
		"name=a+%26+b;&kind=b":                                `{"name":"a & b;","kind":"b"}`,
		"name=42&note=null&title=true":                        `{"name":"42","note":"null","title":"true"}`,
		"name=x&count=7&share=0.5":                            `{"name":"x","count":7,"share":0.5}`,
		"name=x&count=3.0":                                    `{"name":"x","count":3.0}`,
		"name=x&count=seven":                                  `{"name":"x","count":"seven"}`,
		"name=x&count=5000000000":                             `{"name":"x","count":5000000000}`,
		"name=x&tags=a&tags=b":                                `{"name":"x","tags":["a","b"]}`,
		"name=x&tags=a&tags=b&tags=c":                         `{"name":"x","tags":["a","b","c"]}`,
		`name=x&tags=["a","1"]`:                               `{"name":"x","tags":["a","1"]}`,
		"name=x&tags=1":                                       `{"name":"x","tags":["1"]}`,
		"name=x&tags[]=a&tags[]=b":                            `{"name":"x","tags":["a","b"]}`,
		"name=x&tags[]=b&tags=a":                              `{"name":"x","tags":["a","b"]}`,
		"name=x&note[]=a":                                     `{"name":"x","note[]":"a"}`,
		"name=x&tags=[":                                       `{"name":"x","tags":["["]}`,
		"name=x&tags=&note=&title=":                           `{"name":"x","tags":[],"note":"","title":""}`,
		`name=x&deep={"a":[1]}&deep={}`:                       `{"name":"x","deep":[{"a":[1]},{}]}`,
		"name=x&deep=y":                                       `{"name":"x","deep":["y"]}`,
		"name=x&count=&kind=&other=&when=":                    `{"name":"x"}`,
		"name=x&share=":                                       `{"name":"x"}`,
		"name=x&grade=&open=":                                 `{"name":"x"}`,
		"name=x&day=":                                         `{"name":"x","day":null}`,
		"name=x&grade=good&any=good&open=ON":                  `{"name":"x","grade":"good","any":"good","open":true}`,
		"name=x&grade=3&any=[3]&open=n":                       `{"name":"x","grade":3,"any":"[3]","open":false}`,
		"name=x&any=1.50&any=b":                               `{"name":"x","any":["1.50","b"]}`,
		"name=x&any=&open=maybe":                              `{"name":"x","any":"","open":"maybe"}`,
		"name=x&other=" + some + "&when=2026-01-02T03:04:05Z": `{"name":"x","other":"` + some + `","when":"2026-01-02T03:04:05Z"}`,
		"name=x&name=y":                                       `{"name":"y"}`,
		"name=x&unknown=1":                                    `{"name":"x","unknown":"1"}`,
		"name=x&Title=y":                                      `{"name":"x","Title":"y"}`,
		"name=":                                               `{"name":""}`,
		"":                                                    `{}`,
	} {
		t.Run(form, func(t *testing.T) {
			want := call(jsonType, strings.NewReader(body))
			if got := call(urlencodedType, strings.NewReader(form)); got != want {
				t.Errorf("got %s, want %s", got, want)
			}
			values, err := url.ParseQuery(strings.ReplaceAll(form, ";", "%3B"))
			if err != nil {
				t.Fatal(err)
			}
			var b bytes.Buffer
			writer := multipart.NewWriter(&b)
			for name, texts := range values {
				for _, text := range texts {
					writer.WriteField(name, text)
				}
			}
			writer.Close()
			if got := call(writer.FormDataContentType(), &b); got != want {
				t.Errorf("in parts: got %s, want %s", got, want)
			}
		})
	}
}

// TestWrongBodiesAreToldOf in the words and at the places that JSON has.
func TestWrongBodiesAreToldOf(t *testing.T) {
	t.Parallel()
	handler, token := newFuzzed(t)
	part := func(header, text string) string {
		return "--x\r\nContent-Disposition: form-data; " + header + "\r\n\r\n" + text + "\r\n"
	}
	const end, parts, other = "--x--\r\n", "multipart/form-data; boundary=x", http.StatusUnsupportedMediaType
	for _, tc := range []struct {
		contentType, encoding, body string
		status                      int
		says                        string
	}{
		{"application/json; charset=UTF-8", "", `{"name":"x"}`, 200, ""},
		{`Application/JSON; charset="utf-8";`, "identity", `{"name":"x"}`, 200, ""},
		{"application/merge-patch+json", "", `{"name":"x"}`, 200, ""},
		{"", "", `{"name":"x"}`, 200, ""},
		{"Multipart/Form-Data; boundary=x", "", part("name=name", "x") + end, 200, ""},
		{"application/x-www-form-urlencoded; charset=utf-8", "", "name=x", 200, ""},
		{"application/json; charset=utf8", "", `{"name":"x"}`, 200, ""},
		{"application/x-www-form-urlencoded; charset=US-ASCII", "", "name=x", 200, ""},
		{"application/json; charset=utf-16", "", `{"name":"x"}`, other, "in UTF-8"},
		{"application/x-www-form-urlencoded; charset=iso-8859-1", "", "name=x", other, "in UTF-8"},
		{"application/json", "gzip", `{"name":"x"}`, other, "without Content-Encoding"},
		{"multipart/mixed; boundary=x", "", part("name=name", "x") + end, other, "application/json, application/x-www-form-urlencoded, multipart/form-data,"},
		{"text/plain", "", `{"name":"x"}`, other, "application/json"},
		{"json", "", `{"name":"x"}`, other, "application/json"},
		{"application/json; charset", "", `{"name":"x"}`, other, "application/json"},
		{parts, "", part(`name=name; filename="a.txt"`, "x") + end, 400, "body.name: No file is taken here."},
		{parts, "", part(`name=name; filename=""`, "x") + end, 200, ""},
		{parts, "", part("name=name", "x\x00") + end, 400, "body.name: Must be a text in UTF-8 without NUL characters."},
		{parts, "", part("name=name", "x"), 400, "body: Must be a form (multipart/form-data) with its end."},
		{"multipart/form-data", "", part("name=name", "x") + end, 400, "body: Must be a form (multipart/form-data) with its end."},
		{parts, "", strings.Repeat(part("name=a", ""), 50) + end, 400, "body.name: This field is required."},
		{urlencodedType, "", "name=%FF", 400, "body.name: Must be a text in UTF-8 without NUL characters."},
		{urlencodedType, "", "name=x&%00=y", 400, "body.?: Must be a text in UTF-8 without NUL characters."},
		{urlencodedType, "", "name=50%", 400, "body: Must be a form (application/x-www-form-urlencoded), in which %25 stands for %."},
		{urlencodedType, "", strings.Repeat("&a", 1000), 400, "body: Must be a form of at most 1000 parts"},
		{urlencodedType, "", "name=x&deep=" + strings.Repeat("[", 3000), 400, "body.deep[0]: Must be an object."},
		{urlencodedType, "", "name=x&deep={\"a\":\"\\u0000\"}", 400, "body: It holds a NUL character"},
		{urlencodedType, "", "name=" + strings.Repeat("x", 5000), 413, ""},
		{urlencodedType, "", "NAME=x", 400, "body: The field \"NAME\" is written \"name\"."},
		{urlencodedType, "", "count=x&open=2", 400, "3 values of the request are wrong"},
	} {
		r := httptest.NewRequest(http.MethodPost, fuzzedAt, struct{ io.Reader }{strings.NewReader(tc.body)})
		r.Header = http.Header{"Authorization": {"Bearer " + token}, "Content-Type": {tc.contentType}, "Content-Encoding": {tc.encoding}}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		var problem Problem
		if err := json.Unmarshal(w.Body.Bytes(), &problem); err != nil || w.Code != tc.status || !strings.Contains(problem.Detail, tc.says) {
			t.Errorf("%s %s %.100q: got %d %s, want %d %q", tc.contentType, tc.encoding, tc.body, w.Code, w.Body, tc.status, tc.says)
		}
	}
}

// The functions of the tests below.
func init() {
	HandlePublic(Operation{ID: "test-slow", Methods: []string{http.MethodPost}, Path: "/slow/", Summary: "Take a body in time.", Timeout: 50 * time.Millisecond},
		func(*Env) (PublicHandler[struct{ Body []int }, struct{}], error) {
			return neverCalled[struct{ Body []int }], nil
		})
	HandlePublic(Operation{ID: "test-slow-file", Methods: []string{http.MethodPost}, Path: "/slow-file/", Summary: "Take a file in time.", Timeout: 50 * time.Millisecond},
		func(*Env) (PublicHandler[file, struct{}], error) { return neverCalled[file], nil })
}

type file struct {
	RawBody huma.MultipartFormFiles[struct {
		File huma.FormFile `form:"file" required:"true"`
		Name string        `form:"name" maxLength:"5"`
	}]
}

func neverCalled[Req any](context.Context, *Req) (*struct{}, error) {
	panic("a wrong call is carried out")
}

// serve serves the function at the address that it returns.
func serve(t *testing.T, id string) string {
	t.Helper()
	d, _ := Lookup(id)
	handler, err := d.Handler(resource.NewProcess(map[string]string{"TRUSTED_PROXIES": "1"}))
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + d.Path
}

// A body that goes on for ever, whatever it is, is not waited for.
func TestASlowBodyIsToldOf(t *testing.T) {
	t.Parallel()
	const parts = "multipart/form-data; boundary=x"
	for _, tc := range []struct{ id, contentType, begins string }{
		{"test-slow", jsonType, "["},
		{"test-slow", urlencodedType, "a="},
		{"test-slow", parts, "--x\r\nContent-Disposition: form-data; name=a\r\n\r\n"},
		{"test-slow-file", parts, "--x\r\nContent-Disposition: form-data; name=file; filename=a\r\n\r\nx"},
	} {
		reader, writer := io.Pipe()
		defer writer.Close()
		go io.WriteString(writer, tc.begins)
		resp, err := http.Post(serve(t, tc.id), tc.contentType, reader)
		if err != nil {
			t.Fatal(err)
		}
		if body, _ := io.ReadAll(resp.Body); resp.StatusCode != http.StatusRequestTimeout {
			t.Errorf("%s, %s: got %d %s", tc.id, tc.contentType, resp.StatusCode, body)
		}
		resp.Body.Close()
	}
}

// A body may be a list itself, whose entries are told of as those of a field are.
func TestAnEntryOfABodyIsToldOf(t *testing.T) {
	t.Parallel()
	resp, err := http.Post(serve(t, "test-slow"), jsonType, strings.NewReader("[1, true]"))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var problem Problem
	if err := json.NewDecoder(resp.Body).Decode(&problem); err != nil || problem.Detail != "body[1]: Must be a whole number." {
		t.Errorf("got %q, %v", problem.Detail, err)
	}
}

// A large file lies in the system's temporary folder, which is a deployed function's memory.
func TestAFileOfARefusedFormIsRemoved(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("TMPDIR", folder)
	var b bytes.Buffer
	writer := multipart.NewWriter(&b)
	part, err := writer.CreateFormFile("file", "a.txt")
	if err != nil {
		t.Fatal(err)
	}
	part.Write(bytes.Repeat([]byte("x"), 12_000))
	writer.WriteField("name", "too long")
	writer.Close()
	resp, err := http.Post(serve(t, "test-slow-file"), writer.FormDataContentType(), &b)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusBadRequest {
		t.Errorf("got %d", resp.StatusCode)
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left are %v, %v", left, err)
	}
}

// A malformed id is nobody's, whatever else is wrong.
func TestAMalformedIDWithoutAFormIsNotFound(t *testing.T) {
	t.Parallel()
	address := strings.Replace(serve(t, "test-files"), "{id}", "x", 1)
	resp, err := http.Post(address, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusNotFound {
		t.Errorf("got %d, want 404", resp.StatusCode)
	}
}

type fileOf struct {
	ID id.ID[fuzzed] `path:"id"`
	file
}

func init() {
	HandlePublic(Operation{ID: "test-files", Methods: []string{http.MethodPost}, Path: "/files/{id}/", Summary: "Take a file."},
		func(*Env) (PublicHandler[fileOf, struct{}], error) { return neverCalled[fileOf], nil })
}
