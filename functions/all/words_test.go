package all_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"aksio.app/shared/api/apitest"
)

// goWords are of the libraries that we use, or of numbers that nobody writes.
var goWords = []string{"go struct", "go value", "strconv", "json:", "unmarshal", "mime:", "multipart:", "http:", "eof", "e+", "invalid character", "invalid integer", "invalid value", "expected", "%!", "regex"}

// TestWrongRequestsAreToldInPlainWords sends each kind of wrong value, and reads
// where it is and what it must be.
func TestWrongRequestsAreToldInPlainWords(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	course := ada.Post(coursesPath, map[string]any{"name": "Topology"}).Want(http.StatusCreated).ID()
	card := ada.Post("/api/v1/assessments/flashcards/", map[string]any{"course": course, "question": "Q?", "answer": "A"}).Want(http.StatusCreated).ID()
	documents, review := coursesPath+course+"/documents/", "/api/v1/assessments/flashcards/"+card+"/review/"
	search := "/api/v1/documents/search/?course=" + course
	const id = "is not an id: want 36 characters such as 0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c."
	for _, tc := range []struct{ path, body, location, message string }{
		{coursesPath, `{"name":"x","credits":"3"}`, "body.credits", "Must be a whole number."},
		{coursesPath, `{"name":"x","credits":2.5}`, "body.credits", "Must be a whole number."},
		{coursesPath, `{"name":"x","credits":-1}`, "body.credits", "Must be at least 0."},
		{coursesPath, `{"name":"x","credits":32768}`, "body.credits", "Must be at most 32767."},
		{coursesPath, `{"name":"x","credits":1e400}`, "body.credits", "Must be a number that isn't too large."},
		{coursesPath, `{"name":"x","credits":` + strings.Repeat("9", 5000) + `}`, "body.credits", "Must be a number that isn't too large."},
		{coursesPath, `{"name":"x","language":null}`, "body.language", "Null isn't allowed here: leave the field out, or send a value."},
		{coursesPath, `{"name":null}`, "body.name", "Must be a text."},
		{coursesPath, `{"name":5}`, "body.name", "Must be a text."},
		{coursesPath, `{"name":""}`, "body.name", "Must have 1 or more characters."},
		{coursesPath, `{"name":"` + strings.Repeat("é", 256) + `"}`, "body.name", "Must have 255 or fewer characters."},
		{coursesPath, `{"name":"x","language":"xx"}`, "body.language", "Must be one of: en, no, sv, da."},
		{coursesPath, `{"name":"x","start_date":"tomorrow"}`, "body.start_date", "Must be a day such as 2026-06-01."},
		{coursesPath, `{"name":"x","start_date":"0000-01-01"}`, "body.start_date", "Must be a day of the years 1 to 9999, such as 2026-06-01."},
		{coursesPath, `{"name":"x","color":"red"}`, "body.color", "Write the color as #RRGGBB, such as #3B82F6."},
		{"/api/v1/chat/chats/", `{"title":" "}`, "body.title", "Give the chat a title."},
		{documents + "upload/", "--x\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\na\x00b\r\n--x--\r\n", "body.description", "Must be a text in UTF-8 without NUL characters."},
		{documents + "upload/", "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nn\r\n--x--\r\n", "body.file", "File required."},
		{documents + "upload/", "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\na\r\n--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n" + strings.Repeat("n", 256) + "\r\n--x--\r\n",
			"body.name", "Must have 255 or fewer characters."},
		{search + "&query=%FF", "", "query.query", "Must be a text in UTF-8 without NUL characters."},
		{search + "&query=x&document=x", "", "query.document", `"x" ` + id},
		{search + "&query=%20", "", "query.query", "Say what to look for."},
		{coursesPath, `{"name":"x","study_goals":"x"}`, "body.study_goals", "Must be a list."},
		{coursesPath, `{"name":"x","study_goals":["x",{}]}`, "body.study_goals[1]", "Must be a text."},
		{coursesPath, `[]`, "body", "Must be an object."},
		{coursesPath, `{"name":"x"`, "body", "It can't be read as JSON beyond byte 11."},
		{coursesPath, strings.Repeat("[", 20_000), "body", "It has more than 10000 values."},
		{coursesPath, `{"name":"x","credits":32768,"credits":null}`, "body", "One of its objects has a field twice: send each once."},
		{coursesPath, `{"name":"x","credits":1e400,"credits":5,"NAME":"y"}`, "body", "One of its objects has a field twice: send each once."},
		{coursesPath, `{"name":"x","other":[{"a":{},"\u0061":1}]}`, "body", "One of its objects has a field twice: send each once."},
		{review, `{"rating":3,"response_time_seconds":1e12}`, "body.response_time_seconds", "Must be at most 2147483647."},
		{review, `{"rating":1e30}`, "body.rating", "Must be 1 (again), 2 (hard), 3 (good) or 4 (easy): the number or the word."},
		{review, `{"rating":0}`, "body.rating", "Must be 1 (again), 2 (hard), 3 (good) or 4 (easy): the number or the word."},
		{review, `{"rating":"splendid"}`, "body.rating", "Must be 1 (again), 2 (hard), 3 (good) or 4 (easy): the number or the word."},
		{review, `{"quality_response":6}`, "body.quality_response", "Must be a whole number from 0 (blackout) to 5 (perfect)."},
		{review, `{"quality_response":"` + strings.Repeat("9", 5000) + `"}`, "body.quality_response", "Must be a whole number from 0 (blackout) to 5 (perfect)."},
		{review, `{"rating":3,"id":"x"}`, "body.id", "Must be an id such as 0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c."},
		{review, `{"rating":3,"study_session_id":"x"}`, "body.study_session_id", "Must be an id such as 0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c."},
		{documents, `{"document_type":"file","file_size_bytes":1e30}`, "body.file_size_bytes", "Must be a whole number from -9223372036854775808 to 9223372036854775807."},
		{documents + "upload/", "--x", "body", "Must be a form (multipart/form-data) with its end."},
		{search + "&query=x&limit=x", "", "query.limit", "Must be a whole number of at most 18 digits."},
		{search + "&query=x&limit=" + strings.Repeat("9", 5000), "", "query.limit", "Must be a whole number of at most 18 digits."},
		{search + "&query=x&limit=51", "", "query.limit", "Must be at most 50."},
		{search, "", "query.query", "This parameter is required."},
		{"/api/v1/documents/search/?query=x&course=" + strings.Repeat("x", 5000), "", "query.course", `"` + strings.Repeat("x", 40) + `" ` + id},
	} {
		method := http.MethodPost
		if tc.body == "" {
			method = http.MethodGet
		}
		var problem struct {
			Detail string
			Errors []struct{ Location, Message string }
		}
		contentType := "application/json"
		if strings.HasPrefix(tc.body, "--x") {
			contentType = "multipart/form-data; boundary=x"
		}
		resp := ada.Do(method, tc.path, tc.body, "Content-Type", contentType).Want(http.StatusBadRequest).Into(&problem)
		if len(problem.Errors) != 1 || problem.Errors[0].Location != tc.location || problem.Errors[0].Message != tc.message ||
			problem.Detail != tc.location+": "+tc.message {
			t.Errorf("%.60s: got %s, want %s: %s", tc.body+tc.path, resp.Body, tc.location, tc.message)
		}
	}

	for _, key := range []string{"a\x00b", "\xff", "é"} {
		refused := ada.Do(http.MethodPost, coursesPath, `{"name":"x"}`, "Idempotency-Key", key).Want(http.StatusBadRequest)
		if said := refused.Map()["detail"]; said != "header.Idempotency-Key: Must be of printable ASCII characters, such as an id." {
			t.Errorf("key %q: %v", key, said)
		}
	}
	ada.Get(documents + card + "/content/?offset=9223372036854775807").Want(http.StatusBadRequest)

	// A request may be wrong as often as it likes; some of it is told.
	many := `{"name":"x","study_goals":[` + strings.Repeat("1,", 1000) + `1],"` + strings.Repeat("k", 5000) + `":1e400}`
	if resp := ada.Post(coursesPath, many).Want(http.StatusBadRequest); len(resp.Body) > 5000 {
		t.Errorf("a problem of %d bytes", len(resp.Body))
	}
	many = strings.Replace(many, "1e400", "1", 1)
	if resp := ada.Post(coursesPath, many).Want(http.StatusBadRequest); len(resp.Body) > 5000 || !strings.Contains(string(resp.Body), "22 values of the request are wrong") {
		t.Errorf("a problem of %d bytes, which counts more than what is too long by one: %s", len(resp.Body), resp.Body)
	}
	for what, resp := range map[string]*apitest.Response{
		"another type":  ada.Do(http.MethodPost, coursesPath, "x", "Content-Type", "text/plain").Want(http.StatusUnsupportedMediaType),
		"JSON, no form": ada.Do(http.MethodPost, documents+"upload/", "{}").Want(http.StatusUnsupportedMediaType),
		"too long":      ada.Do(http.MethodPost, coursesPath, struct{ io.Reader }{strings.NewReader(strings.Repeat(" ", 2<<20))}).Want(http.StatusRequestEntityTooLarge),
		"a long form": ada.Do(http.MethodPost, documents+"upload/", struct{ io.Reader }{strings.NewReader("--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.txt\"\r\n\r\n" + strings.Repeat(" ", 40<<20))},
			"Content-Type", "multipart/form-data; boundary=x").Want(http.StatusRequestEntityTooLarge),
		"broken off": ada.Do(http.MethodPost, coursesPath, io.MultiReader(strings.NewReader(`{"name":`), broken{})).Want(http.StatusBadRequest),
	} {
		inPlainWords(t, resp, what)
	}
}

type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// inPlainWords fails the test if a problem's texts are a library's own, or too long.
func inPlainWords(t *testing.T, resp *apitest.Response, what string) {
	t.Helper()
	var problem struct{ Detail string }
	if json.Unmarshal(resp.Body, &problem) != nil || len(resp.Body) > 10_000 {
		t.Errorf("%.60q: a problem of %d bytes: %.300s", what, len(resp.Body), resp.Body)
	}
	for _, word := range goWords {
		if strings.Contains(strings.ToLower(string(resp.Body)), word) && !strings.Contains(strings.ToLower(what), word) {
			t.Errorf("%.60q: %q in %.300s", what, word, resp.Body)
		}
	}
}

// TestWholeNumbersHaveManyForms in JSON, for which 3.0 and 1e2 are integers.
func TestWholeNumbersHaveManyForms(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	course := ada.Post(coursesPath, `{"name":"3.0 \"1e2","credits":1.5e1,"difficulty_level":3.0,"course_code":"1e2"}`).Want(http.StatusCreated).Map()
	if got := fmt.Sprint(course["name"], " ", course["credits"], " ", course["difficulty_level"], " ", course["course_code"]); got != `3.0 "1e2 15 3 1e2` {
		t.Errorf("got %s", got)
	}
	card := ada.Post("/api/v1/assessments/flashcards/", map[string]any{"course": course["id"], "question": "Q?", "answer": "A"}).Want(http.StatusCreated).ID()
	review := ada.Post("/api/v1/assessments/flashcards/"+card+"/review/", `{"rating":40e-1,"response_time_seconds":1.2E+1}`).Want(http.StatusCreated).Map()
	if review["rating"] != 4.0 || review["response_time_seconds"] != 12.0 {
		t.Errorf("got %v", review)
	}
}
