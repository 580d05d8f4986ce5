package documents_test

import (
	"bytes"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"testing"

	_ "aksio.app/functions/courses/create"
	_ "aksio.app/functions/courses/delete"
	_ "aksio.app/functions/documents/create"
	_ "aksio.app/functions/documents/delete"
	_ "aksio.app/functions/documents/get"
	_ "aksio.app/functions/documents/get-content"
	_ "aksio.app/functions/documents/get-processing-status"
	_ "aksio.app/functions/documents/get-upload-limits"
	_ "aksio.app/functions/documents/list"
	_ "aksio.app/functions/documents/reprocess"
	_ "aksio.app/functions/documents/stream-events"
	_ "aksio.app/functions/documents/upload"
	_ "aksio.app/functions/process/document"
	_ "aksio.app/functions/uploads/get-document-status"
	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/uploads"
)

// app is the platform with a bucket whose events the test delivers.
type app struct {
	*apitest.App
	t      testing.TB
	bucket *uploads.Bucket
}

func newApp(t testing.TB, settings ...string) *app {
	t.Helper()
	a := apitest.New(t, settings...)
	config := uploads.Config{Bucket: a.Settings["UPLOADS_BUCKET"], Emulator: a.Settings["STORAGE_EMULATOR_HOST"]}
	return &app{App: a, t: t, bucket: uploads.New(config)}
}

// student is a client with a course.
type student struct {
	*apitest.Client
	app    *app
	course string
	path   string // of the course's documents
}

func (a *app) student(name string) *student {
	a.t.Helper()
	client := a.User(name)
	course := client.Post("/api/v1/courses/", map[string]any{"name": "Topology"}).Want(http.StatusCreated).Map()["id"].(string)
	return &student{client, a, course, "/api/v1/courses/" + course + "/documents/"}
}

// form is a multipart body with the file and fields, as name, value pairs.
func form(t testing.TB, filename, contentType string, content []byte, fields ...string) (body []byte, header string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="file"; filename=%q`, filename)},
		"Content-Type":        {contentType},
	})
	if err != nil {
		t.Fatal(err)
	}
	part.Write(content)
	for i := 0; i+1 < len(fields); i += 2 {
		w.WriteField(fields[i], fields[i+1])
	}
	w.Close()
	return b.Bytes(), w.FormDataContentType()
}

// upload sends the file through the function.
func (s *student) upload(filename, contentType string, content []byte, fields ...string) *apitest.Response {
	s.app.t.Helper()
	body, header := form(s.app.t, filename, contentType, content, fields...)
	return s.Do(http.MethodPost, s.path+"upload/", body, "Content-Type", header)
}

// uploaded is upload for a file that is taken; it returns the document's id.
func (s *student) uploaded(filename, contentType string, content []byte) string {
	s.app.t.Helper()
	return s.upload(filename, contentType, content).Want(http.StatusCreated).Map()["document_id"].(string)
}

// object is what the bucket's event says of the document's bytes.
func (a *app) object(document string) api.Object {
	a.t.Helper()
	attrs, err := a.bucket.Attrs(a.t.Context(), "documents/"+document)
	if err != nil {
		a.t.Fatal(err)
	}
	return api.Object{Bucket: "uploads", Name: attrs.Name, Generation: attrs.Generation, Size: attrs.Size, ContentType: attrs.ContentType}
}

// process delivers the event.
func (a *app) process(document string) *apitest.Response {
	a.t.Helper()
	return a.Finalize("process-document", a.object(document))
}

// count returns the number that the query selects.
func (a *app) count(query string, args ...any) (n int) {
	a.t.Helper()
	if err := a.DB.QueryRow(a.t.Context(), query, args...).Scan(&n); err != nil {
		a.t.Fatal(err)
	}
	return n
}

var lecture = []byte(`Topology studies properties that are kept by continuous maps.

A topological space is a set with a family of open sets. The empty set and the whole space are open. Unions of open sets are open, and so are finite intersections of open sets.

A space is compact if every open cover has a finite subcover. Closed intervals of real numbers are compact; the Heine-Borel theorem says so.

A space is connected if it isn't the union of two disjoint open sets that aren't empty. Continuous images of connected spaces are connected.
`)

func TestUploadedFileIsReadOnce(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	created := ada.upload("lecture.txt", "text/plain", lecture, "description", "Week 1").Want(http.StatusCreated).Map()
	document := created["document_id"].(string)
	if d := created["document"].(map[string]any); d["processing_status"] != "processing" || d["name"] != "lecture.txt" || d["course"] != ada.course {
		t.Errorf("uploaded %v", d)
	}
	for range 2 {
		app.process(document).Want(http.StatusOK)
	}
	got := ada.Get(ada.path + document + "/").Want(http.StatusOK).Map()
	if got["processing_status"] != "completed" || got["extracted_text"] == "" || got["summary"] == "" || got["page_count"] != 1.0 {
		t.Errorf("read %v", got)
	}
	if n := app.count(`SELECT count(*) FROM passages WHERE document_id = $1 AND embedding IS NOT NULL`, document); n == 0 {
		t.Error("no passages with a vector")
	}
	if n := app.count(`SELECT count(*) FROM document_drafts`); n != 0 {
		t.Errorf("%d drafts are left", n)
	}
	if n := app.count(`SELECT calls FROM model_usage WHERE user_id = $1 AND purpose = 'summary'`, ada.ID); n != 1 {
		t.Errorf("summarized %d times, want once", n)
	}
}

// text returns the text that the query selects.
func (a *app) text(query string, args ...any) (s string) {
	a.t.Helper()
	if err := a.DB.QueryRow(a.t.Context(), query, args...).Scan(&s); err != nil {
		a.t.Fatal(err)
	}
	return s
}

// wantStatus fails the test unless the document stands so, and returns its status.
func (s *student) wantStatus(document, status, code string) map[string]any {
	s.app.t.Helper()
	got := s.Get("/api/v1/documents/documents/" + document + "/status/").Want(http.StatusOK).Map()
	if got["status"] != status || got["error_code"] != code {
		s.app.t.Fatalf("status %v %q, want %s %q: %v", got["status"], got["error_code"], status, code, got)
	}
	return got
}
