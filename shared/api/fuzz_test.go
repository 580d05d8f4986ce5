package api

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"aksio.app/shared/auth"
	"aksio.app/shared/id"
	"aksio.app/shared/page"
	"aksio.app/shared/patch"
	"aksio.app/shared/resource"
)

// FuzzRouter finds paths, and finds again what they lead to by what it took from them.
func FuzzRouter(f *testing.F) {
	var router Router[string]
	for _, pattern := range []string{"/a/", "/a/{id}/", "/a/{id}/stats/", "/a/cards/", "/a/cards/{id}/", "/{any}/x/"} {
		router.Add(pattern, pattern)
	}
	for _, path := range []string{"/a/1/stats/", "//%zz/..", "/a/%2F/stats", "/%61/x", "/a/cards/stats/", "/a/\u00e9?/"} {
		f.Add(path)
	}
	find := func(path string) (string, []string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.URL.Path, r.URL.RawPath = path, path
		if unescaped, err := url.PathUnescape(path); err == nil {
			r.URL.Path = unescaped
		}
		found, parameters := router.Find(r)
		if found == nil {
			return "", nil
		}
		return *found, parameters
	}
	f.Fuzz(func(t *testing.T, path string) {
		pattern, parameters := find(path)
		if len(parameters) != len(parameterNames(pattern)) || slices.Contains(parameters, "") {
			t.Fatalf("%q leads to %s with %q", path, pattern, parameters)
		}
		if pattern == "" || slices.ContainsFunc(parameters, func(p string) bool { return p == "a" || p == "x" || p == "cards" || p == "stats" }) {
			return
		}
		again := pattern
		for i, name := range parameterNames(pattern) {
			again = strings.Replace(again, "{"+name+"}", url.PathEscape(parameters[i]), 1)
		}
		for _, path := range []string{again, strings.TrimSuffix(again, "/")} {
			if found, same := find(path); found != pattern || !slices.Equal(same, parameters) {
				t.Errorf("%s with %q is %q, which leads to %s with %q", pattern, parameters, path, found, same)
			}
		}
	})
}

// FuzzJSON reads bodies. What is taken can be stored, has no field twice, and comes out as
// it went in.
func FuzzJSON(f *testing.F) {
	for _, body := range []string{`{"a":"\u0000"}`, `{"a":"\\u0000"}`, `["\ud800", 1e5, null]`, "\"\xff\"", `{"":[{"b\u0000":1}]}`, `"\\\u0000"`, `"<>&"`, `{"a":1}{"b":2}`,
		`{"a":1,"a":null}`, `[{"a":":"},{"a":{"b":"\":","c":{"b":[]}}}]`, `{"a":{"b":1,"\u0062":2}}`, `{"a":1e400,"a":1}`} {
		f.Add([]byte(body))
	}
	jsonFormat := jsonFormat(func() *fields { return &fields{} })
	f.Fuzz(func(t *testing.T, body []byte) {
		var value any
		err := jsonFormat.Unmarshal(body, &value)
		if err == nil || strings.Contains(err.Error(), "twice") {
			decoder := json.NewDecoder(bytes.NewReader(body))
			decoder.UseNumber()
			if repeats(decoder) != (err != nil) {
				t.Errorf("%q: %v", body, err)
			}
		}
		if err != nil {
			return
		}
		if text := unstorable(value); text != "" {
			t.Errorf("%q gives the text %q", body, text)
		}
		var written bytes.Buffer
		if err := jsonFormat.Marshal(&written, value); err != nil {
			t.Fatal(err)
		}
		var again any
		if err := jsonFormat.Unmarshal(written.Bytes(), &again); err != nil || !reflect.DeepEqual(value, again) {
			t.Errorf("%q is written as %q: %v", body, written.Bytes(), err)
		}
	})
}

// repeats reports whether an object of the value that comes next has a name twice.
func repeats(d *json.Decoder) bool {
	token, _ := d.Token() // it is JSON
	if _, ok := token.(json.Delim); !ok {
		return false
	}
	seen, found := map[any]bool{}, false
	for d.More() {
		if token == json.Delim('{') {
			name, _ := d.Token()
			found = found || seen[name]
			seen[name] = true
		}
		found = repeats(d) || found
	}
	d.Token() // its end
	return found
}

// unstorable returns a text of the decoded JSON that PostgreSQL doesn't take, if there is one.
func unstorable(value any) string {
	switch v := value.(type) {
	case string:
		if !utf8.ValidString(v) || strings.ContainsRune(v, 0) {
			return v
		}
	case []any:
		for _, item := range v {
			if text := unstorable(item); text != "" {
				return text
			}
		}
	case map[string]any:
		for key, item := range v {
			if text := unstorable(key) + unstorable(item); text != "" {
				return text
			}
		}
	}
	return ""
}

// FuzzClientAddress tells where calls come from. What a caller writes in front of what
// our proxies add changes nothing.
func FuzzClientAddress(f *testing.F) {
	f.Add("192.0.2.1, 198.51.100.2", "203.0.113.7:443", uint8(1), "1.1.1.1")
	f.Add("2001:db8::1", "[::ffff:203.0.113.7]:1", uint8(0), ",")
	f.Add("a, [2001:db8::1]:8080 ,", "@", uint8(2), "fe80::1%eth0")
	f.Fuzz(func(t *testing.T, forwarded, remote string, proxies uint8, invented string) {
		trusted := int(proxies % 6)
		address := func(header string) netip.Addr {
			return ClientAddress(&http.Request{RemoteAddr: remote, Header: http.Header{"X-Forwarded-For": {header}}}, trusted)
		}
		got := address(forwarded)
		if got.Is4In6() {
			t.Errorf("%s has two forms", got)
		}
		if trusted == 0 || strings.Count(forwarded, ",") >= trusted-1 {
			if other := address(invented + "," + forwarded); other != got {
				t.Errorf("%q makes %s out of %s", invented, other, got)
			}
		}
	})
}

// FuzzAccept weighs what callers accept. Who doesn't name a media type doesn't get it.
func FuzzAccept(f *testing.F) {
	for _, accept := range []string{"text/event-stream, application/json;q=0.5", "TEXT/EVENT-STREAM ; Q=0.0", "text/event-stream;q=NaN", "application/json;q=-Inf",
		"text/event-stream;q=1e999", "application/json;q=2", `text/event-stream;a="b,c";q=x`, "*/*, text/*;q=1", ",;q=1", "text/event-stream;q=1;q=0"} {
		f.Add(accept)
	}
	f.Fuzz(func(t *testing.T, accept string) {
		r := &http.Request{Header: http.Header{"Accept": {accept}}}
		for _, mediaType := range []string{EventStream, "application/json"} {
			weight := quality(r, mediaType)
			if !(weight >= 0 && weight <= 1) { // as NaN isn't, either
				t.Errorf("%q weighs %s with %v", accept, mediaType, weight)
			}
			if weight > 0 && !strings.Contains(strings.ToLower(accept), mediaType) {
				t.Errorf("%q weighs %s with %v and doesn't name it", accept, mediaType, weight)
			}
		}
	})
}

// fuzzed is a request with all kinds of fields.
type fuzzed struct {
	ListQuery
	Client
	ID     id.ID[fuzzed] `path:"id"`
	Limit  int           `query:"limit" minimum:"1" maximum:"50"`
	Many   []string      `query:"many" maxItems:"3"`
	Last   string        `header:"Last-Event-ID"`
	Accept string        `header:"Accept"`
	Body   fuzzedBody
}

type fuzzedBody struct {
	Name  string                 `json:"name" required:"true" minLength:"1" maxLength:"20"`
	Other *id.ID[fuzzed]         `json:"other"`
	Kind  string                 `json:"kind" enum:"a,b" default:"a"`
	When  *time.Time             `json:"when"`
	Title patch.Field[string]    `json:"title" maxLength:"20"`
	Note  patch.Field[*string]   `json:"note"`
	Tags  patch.Field[[]string]  `json:"tags" maxItems:"2"`
	Share patch.Field[float64]   `json:"share" minimum:"0" maximum:"1"`
	Count *int32                 `json:"count"`
	Deep  []map[string][]float64 `json:"deep" maxItems:"2"`
	Open  *bool                  `json:"open"`
	Day   patch.Field[*string]   `json:"day" format:"date"`
	Grade *fuzzedGrade           `json:"grade"`
	Any   any                    `json:"any"`
}

// fuzzedGrade is a number or a word.
type fuzzedGrade struct{ json.RawMessage }

func (fuzzedGrade) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{OneOf: []*huma.Schema{{Type: huma.TypeInteger}, {Type: huma.TypeString, Enum: []any{"good"}}}}
}

// received are the objects of which FuzzEvent's function is told.
var received = make(chan Object, 1)

// A call beyond the limits of its declaration makes the function panic.
func init() {
	HandleUser(Operation{ID: "test-fuzz", Methods: []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch}, Path: "/fuzz/{id}/", Summary: "Answer with the request.", MaxBody: 4096},
		func(*Env) (UserHandler[fuzzed, struct{ Body List[fuzzedBody] }], error) {
			return func(_ context.Context, _ auth.User, req *fuzzed) (*struct{ Body List[fuzzedBody] }, error) {
				body := req.Body
				switch {
				case req.ID.IsZero():
					panic("a call without an id")
				case req.Limit < 0 || req.Limit > 50 || len(req.Many) > 3 || req.Request().Size < 1 || req.Request().Size > page.MaxSize || req.Request().Number < 0:
					panic(fmt.Sprintf("beyond the limits: %+v", req))
				case utf8.RuneCountInString(body.Name) > 20 || body.Kind != "a" && body.Kind != "b" && body.Kind != "" || utf8.RuneCountInString(body.Title.Value) > 20 ||
					len(body.Tags.Value) > 2 || body.Share.Value < 0 || body.Share.Value > 1 || len(body.Deep) > 2:
					panic(fmt.Sprintf("beyond the limits: %+v", body))
				}
				p := page.Page[fuzzedBody]{Items: []fuzzedBody{body}, Count: 250, Number: max(1, min(req.Request().Number, 3))}
				resp := new(struct{ Body List[fuzzedBody] })
				resp.Body = NewList(&req.PageQuery, p, func(b fuzzedBody) fuzzedBody { return b })
				return resp, nil
			}, nil
		})
	HandleFinalized(Operation{ID: "test-fuzz-event", Summary: "Take objects."}, func(*Env) (ObjectHandler, error) {
		return func(_ context.Context, object Object) error {
			received <- object
			return nil
		}, nil
	})
}

// FuzzCall calls a function as strangers may. It answers with what it was told, or
// with a problem body, and the limits of its declaration hold.
func FuzzCall(f *testing.F) {
	handler, token := newFuzzed(f)
	const some = "0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c"
	f.Add("POST", "/fuzz/"+some+"/?page=2&page_size=50&many=a,b", "Bearer "+token, "application/json", []byte(`{"name":"x","other":"`+some+`","when":"2026-01-02T03:04:05Z","title":"t","note":null,"tags":["a"],"share":0.5,"deep":[{"a":[1]}]}`))
	f.Add("PUT", "/fuzz/"+some+"?page=last&limit=7&q=%00;&page_size=-1", "bearer "+token, "application/json; charset=utf-8", []byte(`{"name":"`+strings.Repeat("é", 20)+`"}`))
	f.Add("PATCH", "/fuzz/%30199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c/?page=0", "Bearer "+token, "multipart/form-data; boundary=x", []byte("--x\r\n\r\n{}"))
	f.Add("POST", "/fuzz/"+some+"/", "Bearer "+token, "application/x-www-form-urlencoded", []byte("name=x&tags=a&tags=b&count=3&deep={}&open=on&grade=&day=&any=[1]"))
	f.Add("PUT", "/fuzz/"+some+"/", "Bearer "+token, "multipart/form-data; boundary=x", []byte("--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nx\r\n--x--\r\n"))
	f.Add("GET", "/fuzz/x/", "Bearer "+token[:len(token)-1], "", []byte(nil))
	f.Add("HEAD", "/fuzz/"+some+"/", "Basic YTpi", "text/plain", []byte(strings.Repeat("[", 5000)))
	f.Add("POST", "/fuzz/"+some+"/", "Bearer "+token, "application/json", []byte(`{"name":"x","kind":"c","kind":null}`))
	f.Add("OPTIONS", "/fuzz/"+some+"/", "", "\x00", []byte(`{"tags":null,"title":null,"share":1e400}`))
	f.Fuzz(func(t *testing.T, method, target, authorization, contentType string, body []byte) {
		address, err := url.ParseRequestURI(target)
		if err != nil {
			return // the server refuses it itself
		}
		r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
		r.Method, r.URL = method, address
		r.Header = http.Header{"Authorization": {authorization}, "Content-Type": {contentType}, "X-Forwarded-For": {target}, "Last-Event-Id": {authorization}, "Accept": {contentType}}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		answer := w.Body.Bytes()
		switch {
		case w.Code >= 500, w.Code < 200:
			t.Fatalf("%d %s", w.Code, answer)
		case w.Code >= 400:
			checkProblem(t, w)
		case method == http.MethodOptions:
		case len(body) > 4096:
			t.Errorf("a body of %d bytes is taken", len(body))
		case !strings.HasSuffix(authorization, token) || !strings.EqualFold(strings.TrimSpace(strings.TrimSuffix(authorization, token)), "bearer"):
			t.Errorf("%q is taken for a token", authorization)
		case method != http.MethodHead && method != http.MethodGet:
			checkList(t, answer, address)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("header %v", w.Header())
		}
	})
}

func checkProblem(t *testing.T, w *httptest.ResponseRecorder) {
	t.Helper()
	var problem Problem
	answer := w.Body.Bytes()
	if err := json.Unmarshal(answer, &problem); err != nil || !utf8.Valid(answer) || badEscape(answer) != nil {
		t.Fatalf("%v in %q", err, answer)
	}
	if problem.Status != w.Code || problem.Code == "" || problem.Title == "" || problem.Detail == "" || problem.Error_ != problem.Detail ||
		w.Header().Get("Content-Type") != "application/problem+json" {
		t.Errorf("%d as %s: %s", w.Code, w.Header().Get("Content-Type"), answer)
	}
	if len(answer) > 64<<10 {
		t.Errorf("a problem of %d bytes", len(answer))
	}
}

// checkList follows the links of the answer: they lead on, and keep what was asked.
func checkList(t *testing.T, answer []byte, asked *url.URL) {
	t.Helper()
	var list List[json.RawMessage]
	if err := json.Unmarshal(answer, &list); err != nil || len(list.Results) != 1 {
		t.Fatalf("%v in %s", err, answer)
	}
	for _, link := range []*string{list.Next, list.Previous} {
		if link == nil {
			continue
		}
		u, err := url.Parse(*link)
		if err != nil || u.EscapedPath() != asked.EscapedPath() {
			t.Fatalf("the link %q of %q: %v", *link, asked, err)
		}
		query, before := u.Query(), asked.Query()
		if n, err := strconv.Atoi(query.Get("page")); query.Has("page") && (err != nil || n < 2 || n > 250) {
			t.Errorf("the link %q leads to no page", *link)
		}
		query.Del("page")
		before.Del("page")
		if !reflect.DeepEqual(query, before) {
			t.Errorf("the link %q of %q asks for something else", *link, asked)
		}
	}
}

// FuzzEvent delivers events: good ones, whose object arrives as it was sent, and what
// isn't one, which is dropped and never comes again.
func FuzzEvent(f *testing.F) {
	d, _ := Lookup("test-fuzz-event")
	handler, err := d.Handler(resource.NewProcess(nil))
	if err != nil {
		f.Fatal(err)
	}
	f.Add("uploads", "documents/1", int64(1), int64(10), "text/plain", "OBJECT_FINALIZE", []byte(`{"bucket":"b","name":"n","generation":"1","size":"2"}`))
	f.Add("b", "a\u0000b", int64(-1), int64(-10), "", "OBJECT_DELETE", []byte(`{"bucket":"b","name":"a\u0000","generation":"1"}`))
	f.Add("", "\xff", int64(0), int64(1<<62), "é", "", []byte(`{"message":{"attributes":{"eventType":"OBJECT_FINALIZE"},"data":"e30="}}`))
	f.Add("", "", int64(0), int64(0), "", "OBJECT_FINALIZE", []byte(`{"message":{"attributes":null,"data":"!"}} trailing`))
	f.Fuzz(func(t *testing.T, bucket, name string, generation, size int64, contentType, what string, raw []byte) {
		deliver := func(r *http.Request) (Object, bool) {
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			if w.Code != http.StatusOK {
				t.Errorf("an event is answered with %d", w.Code)
			}
			select {
			case object := <-received:
				if object.Bucket == "" || object.Name == "" || object.Generation == 0 || !utf8.ValidString(object.Name) || strings.ContainsRune(object.Name, 0) {
					t.Errorf("object %+v", object)
				}
				return object, true
			default:
				return Object{}, false
			}
		}
		object := Object{Bucket: bucket, Name: name, Generation: generation, Size: size, ContentType: contentType}
		good := bucket != "" && name != "" && generation != 0 && utf8.ValidString(bucket+name+contentType) && !strings.ContainsRune(name, 0)
		for _, in := range []func(context.Context, string, string) (*http.Request, error){object.Push, object.CloudEvent} {
			r, err := in(t.Context(), "http://function/", "1")
			if err != nil {
				t.Fatal(err)
			}
			if got, ok := deliver(r); good && (!ok || got != object) {
				t.Errorf("sent %+v, received %+v", object, got)
			}
		}
		typed := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(raw))
		typed.Header.Set("Ce-Type", what)
		if _, ok := deliver(typed); ok && what != "" && what != cloudFinalized {
			t.Errorf("an event of type %q is taken", what)
		}
		deliver(httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(raw)))
		body, err := json.Marshal(map[string]any{"message": map[string]any{"messageId": name, "attributes": map[string]string{"eventType": what}, "data": raw}})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := deliver(httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))); ok && what != "OBJECT_FINALIZE" {
			t.Errorf("a notification of %q is taken", what)
		}
	})
}
