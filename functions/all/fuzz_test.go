package all_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"aksio.app/shared/ai/provider"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/id"

	"github.com/pgvector/pgvector-go"
)

// fuzzing is a student in an app who may do everything as often as they like.
type fuzzing struct {
	app           *apitest.App
	token         string
	course, card  string
	calls         int
	document      string
	passage, word string
}

func newFuzzing(f *testing.F) *fuzzing {
	app := apitest.New(f)
	ada := app.User("ada")
	z := &fuzzing{app: app, token: app.Token(ada.ID), document: id.New[fuzzing]().String(), word: "mitochondria",
		passage: `The mitochondria of a cell don't cost 5 € \ year: "they" are | its & power * houses.`}
	z.course = ada.Post(coursesPath, map[string]any{"name": "Cells"}).Want(http.StatusCreated).ID()
	z.card = ada.Post("/api/v1/assessments/flashcards/", map[string]any{"course": z.course, "question": "q", "answer": "a"}).Want(http.StatusCreated).ID()
	vectors, _, err := provider.Offline{}.Embed(f.Context(), []string{z.passage})
	if err != nil {
		f.Fatal(err)
	}
	for _, insert := range []struct {
		sql  string
		args []any
	}{
		{`INSERT INTO documents (id, user_id, course_id, name, language, state, passage_count) VALUES ($1, $2, $3, 'Cells', 'en', 'completed', 1)`,
			[]any{z.document, ada.ID, z.course}},
		{`INSERT INTO passages (id, document_id, course_id, user_id, position, text, page_start, page_end, char_start, char_end, words, language, embedding, embedding_model)
			VALUES ($1, $2, $3, $4, 0, $5, 1, 1, 0, $6, 15, 'en', $7, $8)`,
			[]any{id.New[fuzzing](), z.document, z.course, ada.ID, z.passage, utf8.RuneCountInString(z.passage), pgvector.NewVector(vectors[0]), provider.Offline{}.EmbeddingModel()}},
	} {
		if _, err := app.DB.Exec(f.Context(), insert.sql, insert.args...); err != nil {
			f.Fatal(err)
		}
	}
	return z
}

// call makes a call and fails the test if it isn't answered as every call is to be.
func (z *fuzzing) call(t *testing.T, method, path, contentType string, body []byte) (int, map[string]any) {
	t.Helper()
	if z.calls++; z.calls%100 == 0 { // before limits of the rate and of the plan stand in the way
		if _, err := z.app.DB.Exec(context.Background(), `TRUNCATE rate_limits; DELETE FROM documents WHERE id <> '`+z.document+`'; DELETE FROM flashcards WHERE id <> '`+z.card+`'`); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+z.token)
	r.Header.Set("Content-Type", contentType)
	w := httptest.NewRecorder()
	z.app.Gateway.ServeHTTP(w, r)
	var answer map[string]any
	switch text := w.Body.Bytes(); {
	case w.Code >= 500 || w.Code == http.StatusTooManyRequests:
		t.Fatalf("%s %s with %q: %d %s", method, path, body, w.Code, text)
	case len(text) > 0:
		if err := json.Unmarshal(text, &answer); err != nil || !utf8.Valid(text) || bytes.Contains(text, []byte(`\u0000`)) && !bytes.Contains(text, []byte(`\\u0000`)) {
			t.Fatalf("%s %s: %v in %q", method, path, err, text)
		}
	}
	return w.Code, answer
}

// FuzzBodies sends what students write. What is taken is stored as it is answered.
func FuzzBodies(f *testing.F) {
	z := newFuzzing(f)
	calls := []struct {
		method, path, body string
		again              string // where the answer is read, followed by its id
	}{
		{"POST", coursesPath, `{"name":"é","semester":"\u200b","credits":5,"study_goals":["a"],"exam_date":"2026-01-02T03:04:05.123456789+14:00"}`, coursesPath},
		{"POST", "/api/v1/assessments/flashcards/", `{"course":"` + z.course + `","question":"q","answer":"a\u0301\ud800","tags":["x"]}`, "/api/v1/assessments/flashcards/"},
		{"PATCH", "/api/v1/assessments/flashcards/" + z.card + "/", `{"question":" \u2028q","explanation":null,"explanation":"x","is_starred":true,"tags":[]}`, "/api/v1/assessments/flashcards/"},
		{"POST", "/api/v1/chat/chats/", `{"title":"t","course":"` + z.course + `","temperature":1e-310,"system_prompt":"\\u0000"}`, "/api/v1/chat/chats/"},
		{"POST", "/api/v1/assessments/quizzes/", `{"title":"t","course":"` + z.course + `","passing_score":70,"time_limit_minutes":null}`, "/api/v1/assessments/quizzes/"},
		{"PATCH", "/api/v1/accounts/profile/", `{"first_name":"Ada","study_year":null,"timezone":"Europe/Oslo","daily_study_goal_minutes":2147483647}`, ""},
	}
	for i, call := range calls {
		f.Add(uint8(i), []byte(call.body))
		f.Add(uint8(i), []byte(strings.Replace(call.body, `:"`, `:"\u0000`, 1)))
		f.Add(uint8(i), []byte(strings.Replace(call.body, `:"`, ":\"\xff", 1)))
		f.Add(uint8(i), []byte(strings.ToUpper(call.body)))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte) {
		call := calls[int(which)%len(calls)]
		status, answer := z.call(t, call.method, call.path, "application/json", body)
		if status >= 300 || call.again == "" {
			return
		}
		read, stored := z.call(t, http.MethodGet, fmt.Sprintf("%s%v/", call.again, answer["id"]), "", nil)
		if read != http.StatusOK {
			t.Fatalf("what %q made can't be read: %d %v", body, read, stored)
		}
		for field, value := range answer {
			if _, shown := stored[field]; shown && !reflect.DeepEqual(stored[field], value) {
				t.Errorf("%s with %q: %s is answered as %v and stored as %v", call.path, body, field, value, stored[field])
			}
		}
	})
}

// FuzzSearch looks for what students write. The search never fails, and finds the passage
// by a word of it, whatever stands beside.
func FuzzSearch(f *testing.F) {
	z := newFuzzing(f)
	for _, query := range []string{"", "a & b | !c", `'\ :* <-> "x`, "mitochondria' OR 1=1 --", "\x00", "\xff", strings.Repeat("long ", 300), "ﬁ €", "<b>**x**</b>", "...", "\u2028", "'''", `\\`, "und der die"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, text := range []string{query, query + " " + z.word} {
			status, answer := z.call(t, http.MethodGet, "/api/v1/documents/search/?course="+z.course+"&query="+url.QueryEscape(text), "", nil)
			storable := utf8.ValidString(text) && !strings.ContainsRune(text, 0) && utf8.RuneCountInString(strings.TrimSpace(text)) <= 1000 && strings.TrimSpace(text) != ""
			if (status == http.StatusOK) != storable || status != http.StatusOK && status != http.StatusBadRequest {
				t.Fatalf("%q: %d %v", text, status, answer)
			}
			if status != http.StatusOK {
				continue
			}
			results := answer["results"].([]any)
			if len(results) > 1 || text != query && len(strings.Fields(query)) < 20 && len(results) == 0 {
				t.Errorf("%q finds %d passages", text, len(results))
			}
			for _, result := range results {
				snippet := result.(map[string]any)["snippet"].(string)
				if plain := strings.ReplaceAll(snippet, "**", ""); !strings.Contains(z.passage, plain) {
					t.Errorf("%q shows %q", text, snippet)
				}
			}
		}
	})
}

// FuzzUpload sends forms with files. A document that comes of one has a name to be shown
// and a file name without folders, and can be read again.
func FuzzUpload(f *testing.F) {
	z := newFuzzing(f)
	part := func(headers, content string) string { return "--x\r\n" + headers + "\r\n\r\n" + content + "\r\n" }
	file := func(name string) string {
		return part(`Content-Disposition: form-data; name="file"; filename="`+name+`"`+"\r\nContent-Type: text/plain", "Some words.")
	}
	const end = "--x--\r\n"
	name := func(text string) string { return part(`Content-Disposition: form-data; name="name"`, text) }
	for _, body := range []string{
		file("notes.txt") + end, file("../../etc/passwd.txt") + end, file(`C:\a\b.md`) + name(" é ") + end, file("a\x00.txt") + end, file("a\xff.txt") + name("\xff") + end,
		file("notes.txt") + name("\x00") + end, file("notes.txt") + name(strings.Repeat("é", 256)) + end, file(strings.Repeat("é", 300)+".txt") + end, file(".txt") + name(" ") + end,
		file("a.txt") + file("b.txt") + end, file("a.exe") + end, file("notes.txt"), name("x") + end, end, "", part("x", "") + end, file("a.txt\r\nX: y") + end,
		part("Content-Disposition: form-data; name=file; filename*=utf-8''%00%ff%2f.txt", "x") + end, strings.Repeat(name("n"), 2000) + end, file("a\tb\u202etxt.md") + end,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		status, answer := z.call(t, http.MethodPost, coursesPath+z.course+"/documents/upload/", "multipart/form-data; boundary=x", body)
		if status >= 300 {
			return
		}
		document := answer["document"].(map[string]any)
		name, filename := document["name"].(string), document["original_filename"].(string)
		if strings.TrimSpace(name) != name || name == "" || utf8.RuneCountInString(name) > 255 {
			t.Errorf("a document called %q", name)
		}
		if strings.ContainsAny(filename, "/\\\r\n") || utf8.RuneCountInString(filename) > 255 {
			t.Errorf("a file called %q", filename)
		}
		read, stored := z.call(t, http.MethodGet, coursesPath+z.course+"/documents/"+answer["document_id"].(string)+"/", "", nil)
		if read != http.StatusOK || stored["name"] != name || stored["original_filename"] != filename || stored["content_type"] != document["content_type"] {
			t.Errorf("%v is stored as %d %v", document, read, stored)
		}
	})
}
