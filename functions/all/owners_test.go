package all_test

import (
	"bytes"
	"cmp"
	"encoding/hex"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/auth"
	"aksio.app/shared/id"
)

// world is one student's things, by the path that leads to them.
type world map[string]string

// newWorld gives the student one of each thing. The test of a new operation under
// another path fails until its thing is here.
func newWorld(t testing.TB, app *apitest.App, ada *apitest.Client) world {
	t.Helper()
	made := func(path string, body map[string]any) string {
		t.Helper()
		return ada.Post(path, body).Want(http.StatusCreated).ID()
	}
	const assessments = "/api/v1/assessments/"
	w := world{}
	course := made("/api/v1/courses/", map[string]any{"name": "Topology"})
	w["/api/v1/courses/{}"] = course
	document := made("/api/v1/courses/"+course+"/documents/", map[string]any{
		"document_type": "file", "name": "a.txt", "original_filename": "a.txt", "content_type": "text/plain", "file_size_bytes": 10,
	})
	w["/api/v1/courses/{}/documents/{}"] = document
	w["/api/v1/documents/documents/{}"] = document
	if _, err := app.DB.Exec(t.Context(), `UPDATE documents SET state = 'completed' WHERE id = $1`, document); err != nil {
		t.Fatal(err)
	}
	w[assessments+"flashcards/{}"] = made(assessments+"flashcards/", map[string]any{"course": course, "question": "q", "answer": "a"})
	quiz := made(assessments+"quizzes/", map[string]any{"course": course, "title": "Quiz"})
	w[assessments+"quizzes/{}"] = quiz
	w["question"] = made(assessments+"quizzes/"+quiz+"/questions/", map[string]any{"question_text": "?", "question_type": "true_false", "correct_answers": []string{"true"}})
	ada.Patch(assessments+"quizzes/"+quiz+"/", map[string]any{"status": "published"}).Want(http.StatusOK)
	w[assessments+"quiz-attempts/{}"] = ada.Post(assessments+"quizzes/"+quiz+"/start_attempt/", nil).Want(http.StatusCreated).ID()
	w[assessments+"{}"] = made(assessments, map[string]any{"course": course, "title": "Check", "assessment_type": "formative"})
	w["/api/v1/chat/chats/{}"] = made("/api/v1/chat/chats/", map[string]any{"title": "Help"})
	w["refresh"] = refreshToken(t, app, ada)
	return w
}

// refreshToken returns one of a login of the student's, who has no password.
func refreshToken(t testing.TB, app *apitest.App, ada *apitest.Client) string {
	t.Helper()
	signer, err := auth.NewSigner([]byte(app.Settings["TOKEN_SIGNING_KEY"]))
	if err != nil {
		t.Fatal(err)
	}
	token := id.New[auth.Claims]()
	signed, err := signer.Sign(ada.ID, auth.Refresh, hex.EncodeToString(token[:]), time.Now(), auth.RefreshLifetime)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := app.DB.Exec(t.Context(), `INSERT INTO refresh_tokens (id, user_id, family, expires_at) VALUES ($1, $2, $1, now() + interval '1 day')`, token, ada.ID); err != nil {
		t.Fatal(err)
	}
	return signed
}

// call is one that people make: an operation by one of its methods.
type call struct {
	*api.Declaration
	method string
}

// everyCall returns all calls that people make, but for those that are always answered by
// events. In this order each finds its thing: those that remove one come last, and the
// course goes at the very end.
func everyCall() (calls []call) {
	for _, d := range api.Declared() {
		if d.Access == api.Private || d.Trigger != api.HTTP || d.Streams == api.StreamsAlways {
			continue
		}
		for _, method := range d.Methods {
			calls = append(calls, call{d, method})
		}
	}
	place := func(c call) int {
		switch {
		case c.ID == "courses-delete":
			return 2
		case c.method == http.MethodDelete:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(calls, func(a, b call) int { return cmp.Compare(place(a), place(b)) })
	return calls
}

// make makes a good call as the client, about the student's things.
func (w world) make(t *testing.T, client *apitest.Client, c call, query string, headers ...string) *apitest.Response {
	t.Helper()
	body, contentType := w.body(c.Declaration, w["/api/v1/courses/{}"])
	if c.method == http.MethodGet || c.method == http.MethodDelete {
		body = nil
	}
	return client.Do(c.method, w.path(t, c.Declaration)+query, body, append(headers, "Content-Type", contentType)...)
}

// query narrows what any list can be narrowed by, and says what is searched for.
func (w world) query() string {
	return "?course=" + w["/api/v1/courses/{}"] + "&query=alpha&search=alpha&status=published&state=completed"
}

// path fills the parameters of the operation's path with the student's things.
func (w world) path(t testing.TB, d *api.Declaration) string {
	t.Helper()
	segments := strings.Split(d.Path, "/")
	shape := make([]string, len(segments))
	for i, segment := range segments {
		shape[i] = segment
		if strings.HasPrefix(segment, "{") {
			shape[i] = "{}"
			at := strings.Join(shape[:i+1], "/")
			if w[at] == "" {
				t.Fatalf("%s: there is no thing at %s: let newWorld make one", d.ID, at)
			}
			segments[i] = w[at]
		}
	}
	return strings.Join(segments, "/")
}

// body is what a good call of the operation would send; the course is the caller's own.
func (w world) body(d *api.Declaration, course string) (body any, contentType string) {
	switch d.ID {
	case "accounts-login":
		return map[string]any{"username": "ada", "password": "not hers"}, "application/json"
	case "accounts-register":
		return map[string]any{"username": "eve", "email": "eve@example.com", "password": "long enough, eve", "password_confirm": "long enough, eve"}, "application/json"
	case "documents-upload":
		return form("Some notes about compact spaces.")
	case "quiz-attempts-submit-response":
		return map[string]any{"question": w["question"], "user_answer": "true"}, "application/json"
	case "quiz-questions-create":
		return map[string]any{"question_text": "?", "question_type": "true_false", "correct_answers": []string{"true"}}, "application/json"
	case "documents-create":
		return map[string]any{"document_type": "text", "name": "Notes", "text": "Some notes about compact spaces."}, "application/json"
	}
	return map[string]any{
		"name": d.ID, "title": "x", "username": "ada", "email": "ada@example.com", "assessment_type": "formative", "content": "What is compact?", "question": "q", "answer": "a", "rating": 3, "course": course, "refresh": w["refresh"],
	}, "application/json"
}

// form is a multipart body with a text file.
func form(content string) (body any, contentType string) {
	var b bytes.Buffer
	writer := multipart.NewWriter(&b)
	part, _ := writer.CreateFormFile("file", "notes.txt")
	io.WriteString(part, content)
	writer.Close()
	return b.Bytes(), writer.FormDataContentType()
}

func TestEveryThingOfAnotherIsNotFound(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := app.User("ada"), app.User("bob")
	w := newWorld(t, app, ada)
	bobs := bob.Post("/api/v1/courses/", map[string]any{"name": "Mine"}).Want(http.StatusCreated).ID()
	call := func(client *apitest.Client, d *api.Declaration, method, course string) int {
		body, contentType := w.body(d, course)
		if method == http.MethodGet || method == http.MethodDelete {
			body = nil
		}
		return client.Do(method, w.path(t, d), body, "Content-Type", contentType).Status
	}
	for _, d := range api.Declared() {
		if d.Access != api.User || !strings.Contains(d.Path, "{") {
			continue
		}
		for _, method := range d.Methods {
			if status := call(bob, d, method, bobs); status != http.StatusNotFound {
				t.Errorf("%s by %s: another user gets %d, want 404", d.ID, method, status)
			}
			// The same call by the owner finds it: that is what makes the 404 mean something.
			if method != http.MethodDelete {
				if status := call(ada, d, method, w["/api/v1/courses/{}"]); status == http.StatusNotFound || status == http.StatusInternalServerError {
					t.Errorf("%s by %s: the owner gets %d", d.ID, method, status)
				}
			}
		}
	}
}

// A row of somebody's course can't be somebody else's: the database refuses it,
// whatever a statement forgets.
func TestWhatHangsFromACourseIsItsOwners(t *testing.T) {
	t.Parallel()
	rows, err := apitest.New(t).DB.Query(t.Context(), `
		SELECT t.table_name::text, EXISTS (
			SELECT FROM pg_constraint k
			WHERE k.conrelid = t.table_name::regclass AND k.confrelid = 'courses'::regclass AND cardinality(k.conkey) = 2 AND k.convalidated)
		FROM information_schema.columns t JOIN information_schema.columns u USING (table_schema, table_name)
		WHERE t.table_schema = 'public' AND t.column_name = 'course_id' AND u.column_name = 'user_id'
			AND t.table_name NOT IN ('passages', 'list_counts') -- those go with their document, these count`)
	if err != nil {
		t.Fatal(err)
	}
	tables := 0
	var table string
	var owned bool
	_, err = pgx.ForEachRow(rows, []any{&table, &owned}, func() error {
		if tables++; !owned {
			t.Errorf("nothing keeps the owner of a row of %s and the owner of its course the same: copy the constraint flashcards_own_course and the index flashcards_course", table)
		}
		return nil
	})
	if err != nil || tables < 5 {
		t.Errorf("%d tables have a course and an owner, %v", tables, err)
	}
}
