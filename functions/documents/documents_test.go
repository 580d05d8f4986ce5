package documents_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"os"
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
	_ "aksio.app/functions/run/redrive"
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
	course := client.Post("/api/v1/courses/", map[string]any{"name": "Topology"}).Want(http.StatusCreated).ID()
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
	return api.Object{Bucket: a.bucket.Name(), Name: attrs.Name, Generation: attrs.Generation, Size: attrs.Size, ContentType: attrs.ContentType}
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
	if got["processing_status"] != "completed" || got["extracted_text"] == "" || got["summary"] == "" {
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

// TestNoPagesAreMadeUp: of files that have none, such as Word's, nothing tells of pages.
func TestNoPagesAreMadeUp(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	for name, pages := range map[string]float64{"pdflatex-outline.pdf": 4, "txt-fit-text.pptx": 1, "par-known-styles.docx": 0, "kubernetes.zh.md": 0} {
		content, err := os.ReadFile("../../shared/extract/testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var want any
		if pages > 0 {
			want = pages
		}
		first := ada.uploaded(name, "application/octet-stream", content)
		app.process(first).Want(http.StatusOK)
		for _, e := range ada.watch(first) {
			if e.name() == "extraction_complete" && e.data["page_count"] != want {
				t.Errorf("%s: the event tells of %v pages, want %v", name, e.data["page_count"], want)
			}
		}
		second := ada.uploaded(name, "application/octet-stream", content)
		app.process(second).Want(http.StatusOK)
		for _, document := range []string{first, second} { // the second one takes over what was read of the first
			if got := ada.Get(ada.path + document + "/").Map()["page_count"]; got != want {
				t.Errorf("%s has %v pages, want %v", name, got, want)
			}
			status := ada.Get(ada.path + document + "/processing_status/").Map()
			if got := status["processing_metadata"].(map[string]any)["pages_processed"]; got != pages || status["extracted_content_available"] != true {
				t.Errorf("%s: %v pages were processed, want %v: %v", name, got, pages, status)
			}
			sections := ada.Get(ada.path + document + "/content/").Map()["sections"].([]any)
			if got := sections[len(sections)-1].(map[string]any)["page_end"]; got != pages {
				t.Errorf("%s ends on page %v, want %v", name, got, pages)
			}
		}
	}
}

// TestEveryStatusIsReached: each word that the API document declares is told of a
// real document, by every operation that tells one, and no other.
func TestEveryStatusIsReached(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	created := ada.Post(ada.path, map[string]any{"name": "Announced", "document_type": "file", "original_filename": "a.txt", "content_type": "text/plain", "file_size_bytes": 10}).
		Want(http.StatusCreated).ID()
	queued := ada.uploaded("queued.txt", "text/plain", lecture)
	claimed := ada.uploaded("claimed.txt", "text/plain", append([]byte("Claimed. "), lecture...))
	if _, err := app.DB.Exec(t.Context(), `UPDATE documents SET state = 'processing' WHERE id = $1`, claimed); err != nil {
		t.Fatal(err)
	}
	read := ada.uploaded("read.txt", "text/plain", append([]byte("Read. "), lecture...))
	app.process(read).Want(http.StatusOK)
	unreadable := ada.uploaded("unreadable.txt", "text/plain", []byte(" \n "))
	app.process(unreadable).Want(http.StatusOK)

	told, brief := map[string]bool{}, map[string]bool{}
	for document, want := range map[string][2]string{
		created: {"uploading", "processing"}, queued: {"processing", "processing"}, claimed: {"processing", "processing"},
		read: {"completed", "completed"}, unreadable: {"failed", "failed"},
	} {
		got := []any{
			ada.Get(ada.path + document + "/").Want(http.StatusOK).Map()["processing_status"],
			ada.Get(ada.path + document + "/processing_status/").Want(http.StatusOK).Map()["processing_status"],
			ada.Get("/api/v1/documents/documents/" + document + "/status/").Want(http.StatusOK).Map()["status"],
		}
		if got[0] != want[0] || got[1] != want[0] || got[2] != want[1] {
			t.Errorf("told %v, want %v", got, want)
		}
		told[want[0]], brief[want[1]] = true, true
	}

	var api struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct{ Enum []string }
			}
		}
	}
	content, err := os.ReadFile("../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(content, &api); err != nil {
		t.Fatal(err)
	}
	declared := 0
	for name, schema := range api.Components.Schemas {
		reached, property := told, schema.Properties["processing_status"]
		if name == "UploadStatus" {
			reached, property = brief, schema.Properties["status"]
		}
		if len(property.Enum) == 0 {
			continue
		}
		declared++
		if len(property.Enum) != len(reached) {
			t.Errorf("%s declares %v, reached are %v", name, property.Enum, reached)
		}
		for _, word := range property.Enum {
			if !reached[word] {
				t.Errorf("%s declares %q, which no document reaches", name, word)
			}
		}
	}
	if declared < 3 {
		t.Errorf("only %d schemas declare what the status may be", declared)
	}
}

// TestLongTextComesInParts reads a text as long as a document may have, of the
// character that takes the most room in JSON.
func TestLongTextComesInParts(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(document).Want(http.StatusOK)
	// A page of ordinary length, one of the longest, and ten more.
	lengths := []int{3_000, 17_000_000}
	for range 10 {
		lengths = append(lengths, 290_000)
	}
	if _, err := app.DB.Exec(t.Context(), `
		WITH gone AS (DELETE FROM document_pages WHERE document_id = $1)
		INSERT INTO document_pages (document_id, number, text) SELECT $1, number + 10, repeat('<', length - 2) || '文' || number % 10
		FROM unnest($2::int[]) WITH ORDINALITY p (length, number)`, document, lengths); err != nil {
		t.Fatal(err)
	}
	const second = 17_003_004 // the third page's beginning
	if _, err := app.DB.Exec(t.Context(), `UPDATE documents SET page_count = 12, outline = $2 WHERE id = $1`, document, fmt.Sprintf(
		`[{"title":"One","level":1,"page":1,"start":0},{"title":"Two","level":1,"page":3,"start":%d},{"title":"Empty","level":2,"page":3,"start":%[1]d}]`, second)); err != nil {
		t.Fatal(err)
	}
	total, sections, begun := 0, map[string]int{}, map[string]int{}
	for offset := 0; ; {
		resp := ada.Get(fmt.Sprintf("%s%s/content/?offset=%d", ada.path, document, offset)).Want(http.StatusOK)
		if len(resp.Body) > 20<<20 {
			t.Fatalf("an answer of %d bytes", len(resp.Body))
		}
		part := resp.Map()
		text := []rune(part["extracted_text"].(string))
		if part["offset"] != float64(offset) || len(text) == 0 {
			t.Fatalf("%d characters from %v", len(text), part["offset"])
		}
		if start := offset - second; offset > second && start%290_002 != 0 {
			t.Errorf("a part begins within a page, at %d", offset)
		}
		total += len(text)
		for _, s := range part["sections"].([]any) {
			section := s.(map[string]any)
			title := section["title"].(string)
			sections[title] += len([]rune(section["content"].(string)))
			begun[title]++
			if title == "Two" && section["page_start"] != 13.0 {
				t.Errorf("Two begins on page %v", section["page_start"])
			}
		}
		if part["next_offset"] == nil {
			if part["metadata"].(map[string]any)["total_characters"] != float64(total) {
				t.Errorf("%d characters came of %v", total, part["metadata"])
			}
			break
		}
		offset = int(part["next_offset"].(float64))
	}
	if total != 3_000+17_000_000+10*290_000+11*2 || begun["Empty"] < 3 || begun["Two"] != 1 || sections["Two"] != 0 {
		t.Errorf("%d characters, sections %v, parts of them %v", total, sections, begun)
	}
	if views := ada.Get(ada.path + document + "/").Map()["view_count"]; views != 1.0 {
		t.Errorf("%v views, want 1", views)
	}
	beyond := ada.Get(ada.path + document + "/content/?offset=99999999").Want(http.StatusOK).Map()
	if beyond["extracted_text"] != "" || beyond["next_offset"] != nil || len(beyond["sections"].([]any)) != 0 {
		t.Errorf("beyond the end: %v", beyond["next_offset"])
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
