package all_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"aksio.app/shared/ai/provider"
	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/id"
	"aksio.app/shared/page"

	"github.com/pgvector/pgvector-go"
)

// fuzzing is a student in an app who may do everything as often as they like.
type fuzzing struct {
	app           *apitest.App
	ada           *apitest.Client // for what isn't fuzzed
	token         string
	course, card  string
	calls         int
	document      string
	passage, word string
	clear         string // deletes what calls made, before it stands in the way of the next
}

func newFuzzing(f *testing.F) *fuzzing {
	app := apitest.New(f)
	ada := app.User("ada")
	z := &fuzzing{app: app, ada: ada, token: app.Token(ada.ID), document: id.New[fuzzing]().String(), word: "mitochondria",
		passage: `The mitochondria of a cell don't cost 5 € \ year: "they" are | its & power * houses.`}
	z.course = ada.Post(coursesPath, map[string]any{"name": "Cells"}).Want(http.StatusCreated).ID()
	z.card = ada.Post("/api/v1/assessments/flashcards/", map[string]any{"course": z.course, "question": "q", "answer": "a"}).Want(http.StatusCreated).ID()
	z.clear = `DELETE FROM documents WHERE id <> '` + z.document + `'; DELETE FROM flashcards WHERE id <> '` + z.card + `';`
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

// do makes a call and fails the test if it isn't carried out as every call is to be.
// Headers are name, value pairs.
func (z *fuzzing) do(t *testing.T, method, path string, body []byte, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	z.calls++
	clear := `DELETE FROM rate_limits;`
	if method != http.MethodGet { // which may ask for what was made
		clear += z.clear
	}
	if _, err := z.app.DB.Exec(context.Background(), clear); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+z.token)
	r.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	z.app.Gateway.ServeHTTP(w, r)
	if w.Code >= 500 || w.Code == http.StatusTooManyRequests {
		t.Fatalf("%s %s with %q and %q: %d %s", method, path, headers, body, w.Code, w.Body)
	}
	return w
}

// call is do, and returns the status and the object that the answer is.
func (z *fuzzing) call(t *testing.T, method, path string, body []byte, headers ...string) (int, map[string]any) {
	t.Helper()
	w := z.do(t, method, path, body, headers...)
	var answer map[string]any
	if text := w.Body.Bytes(); len(text) > 0 {
		if err := json.Unmarshal(text, &answer); err != nil || !utf8.Valid(text) || bytes.Contains(text, []byte(`\u0000`)) && !bytes.Contains(text, []byte(`\\u0000`)) {
			t.Fatalf("%s %s: %v in %q", method, path, err, text)
		}
	}
	return w.Code, answer
}

// FuzzBodies sends what students write. What is taken is stored as it is answered, and
// answered alike when it is sent again with the same key.
func FuzzBodies(f *testing.F) {
	z := newFuzzing(f)
	const assessments, quizzes, chats, password = "/api/v1/assessments/", "/api/v1/assessments/quizzes/", "/api/v1/chat/chats/", "long enough, eve"
	z.app.Anonymous().Post("/api/v1/accounts/register/", map[string]any{"username": "eve", "email": "eve@example.com", "password": password, "password_confirm": password}).Want(http.StatusCreated)
	chat := z.ada.Post(chats, map[string]any{"title": "t", "course": z.course}).Want(http.StatusCreated).ID()
	plan := z.ada.Post(assessments, map[string]any{"title": "t", "course": z.course, "assessment_type": "formative", "include_flashcards": true, "flashcard_count": 3, "include_quizzes": true}).Want(http.StatusCreated).ID()
	// What is changed serves nothing else: it may be archived, or gone.
	changedCourse := z.ada.Post(coursesPath, map[string]any{"name": "Cells, changed"}).Want(http.StatusCreated).ID()
	changedChat := z.ada.Post(chats, map[string]any{"title": "t"}).Want(http.StatusCreated).ID()
	refresh := `{"refresh":"` + refreshToken(f, z.app, z.ada) + `"}`
	taken := z.ada.Post(quizzes, map[string]any{"title": "t", "course": z.course}).Want(http.StatusCreated).ID()
	choice := z.ada.Post(quizzes+taken+"/questions/", map[string]any{"question_text": "?", "question_type": "multiple_choice", "answer_options": []string{"a", "b"}, "correct_answers": []int{1}}).Want(http.StatusCreated).ID()
	text := z.ada.Post(quizzes+taken+"/questions/", map[string]any{"question_text": "?", "question_type": "short_answer", "correct_answers": []string{"a"}}).Want(http.StatusCreated).ID()
	z.ada.Patch(quizzes+taken+"/", map[string]any{"status": "published"}).Want(http.StatusOK)
	attempt := "/api/v1/assessments/quiz-attempts/" + z.ada.Post(quizzes+taken+"/start_attempt/", nil).Want(http.StatusCreated).ID()
	quiz := z.ada.Post(quizzes, map[string]any{"title": "t", "course": z.course}).Want(http.StatusCreated).ID()
	changedQuiz := z.ada.Post(quizzes, map[string]any{"title": "t", "course": z.course}).Want(http.StatusCreated).ID()
	z.clear += `DELETE FROM courses WHERE id NOT IN ('` + z.course + `', '` + changedCourse + `'); UPDATE courses SET name = id::text WHERE id = '` + changedCourse + `';
		DELETE FROM assessments WHERE id <> '` + plan + `'; DELETE FROM quizzes WHERE id NOT IN ('` + taken + `', '` + quiz + `', '` + changedQuiz + `');
		UPDATE chats SET status = 'active'; DELETE FROM refresh_tokens t WHERE EXISTS (SELECT FROM refresh_tokens WHERE successor = t.id);
		UPDATE refresh_tokens SET used_at = NULL, successor = NULL, revoked_at = NULL;
		DELETE FROM quiz_responses; UPDATE quiz_attempts SET earned = 0, answer_bytes = 0;
		DELETE FROM quiz_questions WHERE quiz_id = '` + quiz + `'; UPDATE quizzes SET total_questions = 0, question_bytes = 0 WHERE id = '` + quiz + `';`
	calls := []struct {
		method, path, body string
		again              string // where the answer is read, followed by its id
	}{
		{"POST", coursesPath, `{"name":"é","semester":"\u200b","credits":5,"study_goals":["a"],"exam_date":"2026-01-02T03:04:05.123456789+14:00"}`, coursesPath},
		{"POST", "/api/v1/assessments/flashcards/", `{"course":"` + z.course + `","question":"q","answer":"a\u0301\ud800","tags":["x"]}`, "/api/v1/assessments/flashcards/"},
		{"PATCH", "/api/v1/assessments/flashcards/" + z.card + "/", `{"question":" \u2028q","explanation":null,"explanation":"x","is_starred":true,"tags":[]}`, "/api/v1/assessments/flashcards/"},
		{"POST", chats, `{"title":"t","course":"` + z.course + `","temperature":1e-310,"system_prompt":"\\u0000"}`, chats},
		{"POST", quizzes, `{"title":"t","course":"` + z.course + `","passing_score":70,"time_limit_minutes":null}`, quizzes},
		{"POST", coursesPath + z.course + "/documents/", `{"document_type":"file","original_filename":"a\u202e.pdf","content_type":"application/pdf; a=\"b\"","file_size_bytes":10}`, coursesPath + z.course + "/documents/"},
		{"POST", coursesPath + z.course + "/documents/", `{"document_type":"text","name":"é","text":"Some words.","description":null}`, coursesPath + z.course + "/documents/"},
		{"POST", quizzes + quiz + "/questions/", `{"question_text":"?","question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":["b"],"points":1,"tags":["x"]}`, ""},
		{"POST", quizzes + quiz + "/questions/", `{"question_text":"?","question_type":"fill_blank","choices":[],"correct_answers":["a",1.5,true],"hint":null}`, ""},
		{"POST", attempt + "/submit_response/", `{"question":"` + choice + `","user_answer":["b",1],"time_taken_seconds":5}`, ""},
		{"POST", attempt + "/submit_response/", `{"question":"` + text + `","user_answer":"a","flagged_for_review":true}`, ""},
		{"POST", "/api/v1/assessments/flashcards/" + z.card + "/review/", `{"rating":"good","response_time_seconds":5,"device_type":"é"}`, ""},
		{"POST", "/api/v1/assessments/flashcards/" + z.card + "/review/", `{"quality_response":"3","rating":2,"id":"0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c","study_session_id":null}`, ""},
		{"POST", chats + chat + "/send_message/", `{"content":"What are mitochondria?","message_type":"code","referenced_documents":["` + z.document + `"],"attachments":[{"a":[1e300]}]}`, ""},
		{"POST", "/api/v1/accounts/login/", `{"username":"eve","password":"` + password + `"}`, ""},
		{"POST", "/api/v1/accounts/register/", `{"username":"mal","email":"mal@example.com","password":"` + password + `","password_confirm":"` + password + `","phone_number":"+4712345678"}`, ""},
		{"POST", "/api/v1/accounts/token-refresh/", refresh, ""},
		{"POST", "/api/v1/accounts/logout/", refresh, ""},
		{"POST", assessments, `{"title":"t","course":"` + z.course + `","assessment_type":"diagnostic","target_success_rate":0.75,"due_date":"2026-01-02T03:04:05Z","estimated_duration_minutes":null}`, assessments},
		{"POST", assessments + plan + "/generate_content/", `{"topic":"cells","content":"A cell is the smallest unit of life. A ribosome is a machine that makes proteins.","document_ids":["` + z.document + `"],"question_count":2,"use_adaptive":true}`, ""},
		{"POST", coursesPath + z.course + "/documents/" + z.document + "/generate/", `{"flashcard_count":2,"question_count":null}`, ""},
		{"PATCH", coursesPath + changedCourse + "/", `{"name":"é","credits":null,"study_goals":["a"],"exam_date":null,"start_date":"2026-02-28","is_archived":true}`, coursesPath},
		{"PATCH", chats + changedChat + "/", `{"title":"t","temperature":2,"ai_model":"gpt-4o","max_tokens":4096,"status":"deleted","is_pinned":true}`, chats},
		{"PATCH", quizzes + changedQuiz + "/", `{"title":"t","course":"` + z.course + `","section":null,"status":"archived","time_limit_minutes":0,"generation_prompt":"\u2028"}`, quizzes},
		{"PATCH", "/api/v1/accounts/profile/", `{"first_name":"Ada","study_year":null,"timezone":"Europe/Oslo","daily_study_goal_minutes":2147483647}`, ""},
	}
	var router api.Router[map[string]string]
	for _, d := range api.Declared() {
		for _, method := range d.Methods {
			(*router.Add(d.Path, map[string]string{}))[method] = d.ID
		}
	}
	called := map[string]bool{"documents-upload": true} // FuzzUpload
	for _, call := range calls {
		if found, _ := router.Find(httptest.NewRequest(call.method, call.path, nil)); found != nil {
			called[(*found)[call.method]] = true
		}
	}
	schema := readAPI(f)
	for _, d := range api.Declared() {
		if _, takes := schema.body(d.Path, d.Methods[0]); takes && d.Access != api.Private && !called[d.ID] {
			f.Errorf("%s takes a body and isn't among the calls", d.ID)
		}
	}
	for i, call := range calls {
		f.Add(uint8(i), []byte(call.body), "")
		f.Add(uint8(i), []byte(call.body), "a key")
		f.Add(uint8(i), []byte(strings.Replace(call.body, `:"`, `:"\u0000`, 1)), "\x00")
		f.Add(uint8(i), []byte(strings.Replace(call.body, `:"`, ":\"\xff", 1)), "é")
		f.Add(uint8(i), []byte(strings.ToUpper(call.body)), strings.Repeat("k", 256))
	}
	f.Fuzz(func(t *testing.T, which uint8, body []byte, key string) {
		call := calls[int(which)%len(calls)]
		if key != "" {
			key += fmt.Sprint(z.calls) // of this request alone
		}
		status, answer := z.call(t, call.method, call.path, body, "Idempotency-Key", key)
		if status >= 300 || call.again == "" || answer["status"] == "deleted" {
			return
		}
		read, stored := z.call(t, http.MethodGet, fmt.Sprintf("%s%v/", call.again, answer["id"]), nil)
		if read != http.StatusOK {
			t.Fatalf("what %q made can't be read: %d %v", body, read, stored)
		}
		for field, value := range answer {
			if _, shown := stored[field]; shown && field != "file_url" && !reflect.DeepEqual(stored[field], value) { // it is signed anew each time
				t.Errorf("%s with %q: %s is answered as %v and stored as %v", call.path, body, field, value, stored[field])
			}
		}
		if key != "" && call.method == http.MethodPost {
			if repeated, same := z.call(t, call.method, call.path, body, "Idempotency-Key", key); repeated != status || !reflect.DeepEqual(same, answer) {
				t.Errorf("%s with %q and the key %q is answered with %d %v, and again with %d %v", call.path, body, key, status, answer, repeated, same)
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
			status, answer := z.call(t, http.MethodGet, "/api/v1/documents/search/?course="+z.course+"&query="+url.QueryEscape(text), nil)
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

// FuzzLastEvent comes back to what is told of a document's reading, after whatever a client
// says that it has seen: it hears of what came after that, and of the end in any case.
func FuzzLastEvent(f *testing.F) {
	z := newFuzzing(f)
	object := uploadLecture(f, z.app, z.ada)
	z.app.Finalize("process-document", object).Want(http.StatusOK)
	path := "/api/v1/documents/documents/" + strings.TrimPrefix(object.Name, "documents/") + "/events/"
	all := eventIDs(z.ada.Get(path).Want(http.StatusOK).Body)
	if len(all) < 3 || slices.Contains(all, 0) {
		f.Fatalf("the events %v", all)
	}
	newest := all[len(all)-1]
	for _, last := range []string{"", "0", "1", fmt.Sprint(newest), fmt.Sprint(newest + 1), "-1", "+1", " 1", "1e0", "1\x00", "\xff", "9223372036854775807", "9223372036854775808", "-9223372036854775809", "one"} {
		f.Add(last)
	}
	f.Fuzz(func(t *testing.T, last string) {
		want := all
		if seen, err := strconv.ParseInt(last, 10, 64); err == nil && seen <= newest { // else it was never told so
			want = slices.DeleteFunc(slices.Clone(all), func(id int64) bool { return id <= seen })
		}
		if len(want) == 0 {
			want = []int64{0} // the end, as the database knows it
		}
		w := z.do(t, http.MethodGet, path, nil, "Last-Event-ID", last)
		if got := eventIDs(w.Body.Bytes()); w.Code != http.StatusOK || !slices.Equal(got, want) || !bytes.Contains(w.Body.Bytes(), []byte(`"processing_complete"`)) {
			t.Errorf("after %q: %d %s, want the events %v", last, w.Code, w.Body, want)
		}
	})
}

// eventIDs returns the ids of the stream's events, 0 for one without.
func eventIDs(stream []byte) (ids []int64) {
	for block := range strings.SplitSeq(string(stream), "\n\n") {
		if !strings.Contains(block, "data: ") {
			continue
		}
		id := int64(0)
		for line := range strings.Lines(block) {
			if text, ok := strings.CutPrefix(line, "id: "); ok {
				id, _ = strconv.ParseInt(strings.TrimSpace(text), 10, 64)
			}
		}
		ids = append(ids, id)
	}
	return ids
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
		path, key := coursesPath+z.course+"/documents/upload/", fmt.Sprint("upload ", z.calls)
		status, answer := z.call(t, http.MethodPost, path, body, "Content-Type", "multipart/form-data; boundary=x", "Idempotency-Key", key)
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
		read, stored := z.call(t, http.MethodGet, coursesPath+z.course+"/documents/"+answer["document_id"].(string)+"/", nil)
		if read != http.StatusOK || stored["name"] != name || stored["original_filename"] != filename || stored["content_type"] != document["content_type"] {
			t.Errorf("%v is stored as %d %v", document, read, stored)
		}
		repeated, same := z.call(t, http.MethodPost, path, rewrite(t, body, false), "Content-Type", "multipart/form-data; boundary=another", "Idempotency-Key", key)
		if repeated != status || !reflect.DeepEqual(same, answer) {
			t.Errorf("%q is answered with %d %v, and again, with another boundary, with %d %v", body, status, answer, repeated, same)
		}
		if refused, other := z.call(t, http.MethodPost, path, rewrite(t, body, true), "Content-Type", "multipart/form-data; boundary=another", "Idempotency-Key", key); refused != http.StatusConflict {
			t.Errorf("%q and a field more is answered with %d %v", body, refused, other)
		}
	})
}

// rewrite writes the parts of a form between other boundaries, as clients do when they send
// it again, and, if more, a field behind them.
func rewrite(t *testing.T, form []byte, more bool) []byte {
	t.Helper()
	var b bytes.Buffer
	to := multipart.NewWriter(&b)
	if err := to.SetBoundary("another"); err != nil {
		t.Fatal(err)
	}
	for from := multipart.NewReader(bytes.NewReader(form), "x"); ; {
		part, err := from.NextPart()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatalf("%v in %q, which is taken", err, form)
		}
		w, err := to.CreatePart(part.Header)
		if err == nil {
			_, err = io.Copy(w, part)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if more {
		to.WriteField("more", "")
	}
	to.Close()
	return b.Bytes()
}

// FuzzLists asks for lists, and for everything else that takes parameters in its address. A list
// has no more than a page, of the course that is asked for; its links lead on, and back.
func FuzzLists(f *testing.F) {
	z := newFuzzing(f)
	first := newWorld(f, z.app, z.ada) // so that there are two of most things
	z.ada.Patch(coursesPath+first["/api/v1/courses/{}"]+"/", map[string]any{"name": "Topology, too"}).Want(http.StatusOK)
	w := newWorld(f, z.app, z.ada)
	schema := readAPI(f)
	var paths []string
	parameters := map[string][]string{} // of each path
	for _, d := range api.Declared() {
		if known := schema.Paths[d.Path]["get"].queryParameters(); d.Access == api.User && len(known) > 0 {
			path := w.path(f, d)
			paths, parameters[path] = append(paths, path), known
		}
	}
	for i := range paths {
		for _, query := range []string{
			"", "page_size=1", "page=2&page_size=1", "page=last&page_size=1", "page=%31&page_size=01&course=" + z.course, "course=" + w["/api/v1/courses/{}"] + "&page_size=1&limit=1&offset=0&query=cell", "course=&limit=&offset=&query=",
			"page=0", "page=-1", "page=99999999999999999999", "page=1000000000&page_size=100", "page_size=101&page=1e0", "limit=501&offset=-1&query=%00", "limit=0x10&course=%ff", "offset=2147483647", "offset=1;limit=2&%zz=&==&page=1",
			"role=user&type=%00", "role=\xff&type=é", "query=a&document=x&document=,&document=" + z.document + "&course=" + strings.ToUpper(z.course), strings.Repeat("document=a&", 200), "page=1&page=2&page_size=1&page_size=2", "?&#&page=+1",
		} {
			f.Add(uint8(i), query)
		}
	}
	f.Fuzz(func(t *testing.T, which uint8, query string) {
		path := paths[int(which)%len(paths)]
		asked, err := http.ReadRequest(bufio.NewReader(strings.NewReader("GET " + path + "?" + query + " HTTP/1.1\r\nHost: example.com\r\n\r\n")))
		if err != nil || strings.ContainsAny(query, "\r\n") {
			return // the server refuses it itself
		}
		get := func(target string) (list struct {
			Next, Previous *string
			Results        []map[string]any
		}, status int) {
			answer := z.do(t, http.MethodGet, target, nil)
			body := bytes.TrimSpace(answer.Body.Bytes())
			if answer.Code != http.StatusOK && answer.Code != http.StatusBadRequest && answer.Code != http.StatusNotFound || !utf8.Valid(body) || !json.Valid(body) {
				t.Fatalf("%q is answered with %d %q", target, answer.Code, body)
			}
			if bytes.HasPrefix(body, []byte("{")) {
				if err := json.Unmarshal(body, &list); err != nil {
					t.Fatalf("%q: %v in %q", target, err, body)
				}
			}
			return list, answer.Code
		}
		ids := func(things []map[string]any) (ids []any) {
			for _, thing := range things {
				ids = append(ids, thing["id"])
			}
			return ids
		}
		list, status := get(asked.RequestURI)
		if status != http.StatusOK {
			return
		}
		course := asked.URL.Query().Get("course")
		for _, thing := range list.Results {
			if of, ok := thing["course"].(string); ok && course != "" && !strings.EqualFold(of, course) && slices.Contains(parameters[path], "course") {
				t.Errorf("%q lists %v", asked.RequestURI, thing)
			}
		}
		if len(list.Results) > page.MaxSize {
			t.Errorf("%q lists %d", asked.RequestURI, len(list.Results))
		}
		if list.Next == nil {
			return
		}
		next, status := get(*list.Next)
		if status != http.StatusOK || next.Previous == nil || !strings.HasPrefix(*list.Next, "http://example.com"+path+"?") || len(next.Results) == 0 || reflect.DeepEqual(ids(next.Results), ids(list.Results)) {
			t.Fatalf("%q leads on to %q: %d %v", asked.RequestURI, *list.Next, status, next)
		}
		if back, _ := get(*next.Previous); !reflect.DeepEqual(ids(back.Results), ids(list.Results)) {
			t.Errorf("%q, with %v, is led back to by %q, with %v", asked.RequestURI, ids(list.Results), *next.Previous, ids(back.Results))
		}
	})
}
