package documents_test

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"aksio.app/shared/api/apitest"
	"aksio.app/shared/documents/files"
	"aksio.app/shared/usage"
)

// put sends the bytes as the answer of documents-create says.
func put(t testing.TB, created map[string]any, content []byte) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), created["upload_method"].(string), created["upload_url"].(string), bytes.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range created["upload_headers"].(map[string]any) {
		req.Header.Set(name, value.(string))
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

func TestFileIsSentToTheSignedURL(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	created := ada.Post(ada.path, map[string]any{
		"document_type": "file", "original_filename": "lecture.txt", "content_type": "text/plain", "file_size_bytes": len(lecture),
	}).Want(http.StatusCreated).Map()
	document := created["id"].(string)
	if created["processing_status"] != "uploading" || created["name"] != "lecture.txt" || created["upload_expires_at"] == nil {
		t.Errorf("created %v", created)
	}
	if url := created["upload_url"].(string); strings.Contains(url, "lecture") || !strings.Contains(url, document) {
		t.Errorf("the object's name is not the document's id alone: %s", url)
	}
	for _, early := range []*apitest.Response{ada.Get(ada.path + document + "/content/"), ada.Post(ada.path+document+"/reprocess/", nil)} {
		if code := early.Want(http.StatusBadRequest).Map()["code"]; code != "upload_pending" {
			t.Errorf("before the bytes came: %v", code)
		}
	}
	if status := put(t, created, lecture); status != http.StatusOK {
		t.Fatalf("PUT: %d", status)
	}
	app.process(document).Want(http.StatusOK)
	got := ada.Get(ada.path + document + "/").Want(http.StatusOK).Map()
	if got["processing_status"] != "completed" || got["file_size_bytes"] != float64(len(lecture)) {
		t.Errorf("read %v", got)
	}
	resp, err := http.Get(got["file_url"].(string))
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if content, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(content, lecture) {
		t.Errorf("file_url leads to %.80q, %v", content, err)
	}
}

// A name that turns around or begins lines could show another ending than the file has.
func TestNamesMisleadNobody(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	created := ada.Post(ada.path, map[string]any{
		"document_type": "file", "original_filename": "\u202egpj.txt\r\n.txt", "content_type": "text/plain",
	}).Want(http.StatusCreated).Map()
	if created["name"] != "gpj.txt.txt" || created["original_filename"] != "gpj.txt.txt" {
		t.Errorf("named %q, of the file %q", created["name"], created["original_filename"])
	}
}

// TestUploadIsRepeatedByItsKey: a client makes the form anew, with another boundary.
func TestUploadIsRepeatedByItsKey(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	upload := func(content string) *apitest.Response {
		body, header := form(t, "notes.txt", "text/plain", []byte(content))
		return ada.Do(http.MethodPost, ada.path+"upload/", body, "Content-Type", header, "Idempotency-Key", "k1")
	}
	first := upload("Homeomorphisms are continuous.").Want(http.StatusCreated)
	again := upload("Homeomorphisms are continuous.").Want(http.StatusCreated)
	if !bytes.Equal(first.Body, again.Body) || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the repetition answers %s, the first %s", again.Body, first.Body)
	}
	if problem := upload("Another file.").Want(http.StatusConflict).Map(); problem["code"] != "idempotency_key_reused" {
		t.Errorf("another file with the key: %v", problem)
	}
	if n := app.count(`SELECT count(*) FROM documents`); n != 1 {
		t.Errorf("%d documents, want 1", n)
	}
}

// TestARepeatedAnnouncementHasAnAddressThatWorks: the address of the first answer is good
// for an hour, its key for a day.
func TestARepeatedAnnouncementHasAnAddressThatWorks(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	app.Races = true // a document that was removed is looked for
	ada := app.student("ada")
	announce := func() map[string]any {
		t.Helper()
		return ada.Do(http.MethodPost, ada.path, map[string]any{"document_type": "file", "original_filename": "lecture.txt", "content_type": "text/plain"},
			"Idempotency-Key", "k1").Want(http.StatusCreated).Map()
	}
	later := func(documents int) map[string]any {
		t.Helper()
		if _, err := app.DB.Exec(t.Context(), `UPDATE idempotency_keys SET created_at = created_at - interval '31 min'`); err != nil {
			t.Fatal(err)
		}
		again := announce()
		if n := app.count(`SELECT count(*) FROM documents WHERE deleted_at IS NULL`); n != documents {
			t.Errorf("%d documents, want %d", n, documents)
		}
		return again
	}
	first := announce()
	if same := announce(); same["upload_url"] != first["upload_url"] {
		t.Errorf("at once, it is repeated with %v and not %v", same["upload_url"], first["upload_url"])
	}
	again := later(1)
	if again["id"] != first["id"] || again["upload_expires_at"] == first["upload_expires_at"] {
		t.Errorf("later, it is repeated with %v, and was %v", again, first)
	}
	if status := put(t, again, lecture); status != http.StatusOK {
		t.Fatalf("PUT: %d", status)
	}
	app.process(first["id"].(string)).Want(http.StatusOK)
	if uploaded := later(1); uploaded["id"] != first["id"] || uploaded["processing_status"] != "completed" || uploaded["upload_url"] != nil {
		t.Errorf("uploaded, it is repeated with %v", uploaded)
	}
	ada.Delete(ada.path + first["id"].(string) + "/").Want(http.StatusNoContent)
	anew := later(1)
	if status := put(t, anew, lecture); anew["id"] == first["id"] || status != http.StatusOK {
		t.Errorf("deleted, it is repeated with %v, which takes bytes with %d", anew, status)
	}
	if once := later(1); once["id"] != anew["id"] {
		t.Errorf("and then with %v, not %v", once["id"], anew["id"])
	}
}

// TestFileThatMayBeThereIsFoundByCleanup: an upload whose answer got lost may have
// stored the file all the same.
func TestFileThatMayBeThereIsFoundByCleanup(t *testing.T) {
	t.Parallel()
	var answer atomic.Int32 // instead of the storage's, to a write that it carried out
	app := withStorage(t, &answer)
	ada := app.student("ada")
	answer.Store(http.StatusForbidden)
	ada.upload("lecture.txt", "text/plain", lecture).Want(http.StatusInternalServerError)
	if got := ada.Get(ada.path).Map(); got["count"] != 0.0 {
		t.Errorf("the document is listed: %v", got)
	}
	objects, err := app.bucket.List(t.Context(), "documents/", "", 10)
	if err != nil || len(objects) != 1 {
		t.Fatalf("%d files, %v", len(objects), err)
	}
	app.Finalize("process-document", app.object(strings.TrimPrefix(objects[0].Name, "documents/"))).Want(http.StatusOK)
	if n := app.count(`SELECT count(*) FROM passages`); n != 0 {
		t.Errorf("%d passages of a document that its owner doesn't have", n)
	}
	if _, err := app.DB.Exec(t.Context(), `UPDATE documents SET deleted_at = now() - interval '2 h'`); err != nil {
		t.Fatal(err)
	}
	if n, err := files.Purge(t.Context(), app.DB, app.bucket); n != 1 || err != nil {
		t.Errorf("purged %d, %v", n, err)
	}
	if objects, err := app.bucket.List(t.Context(), "documents/", "", 10); err != nil || len(objects) != 0 {
		t.Errorf("%d files are left for ever, %v", len(objects), err)
	}

	// A write that is repeated because its answer got lost finds its own file.
	answer.Store(http.StatusServiceUnavailable)
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(document).Want(http.StatusOK)
	ada.wantStatus(document, "completed", "")
}

// withStorage is an app whose storage answers one write with the status, if it
// isn't zero, although it carried it out.
func withStorage(t testing.TB, status *atomic.Int32) *app {
	t.Helper()
	direct := newApp(t)
	emulator, err := url.Parse("http://" + strings.TrimPrefix(direct.Settings["STORAGE_EMULATOR_HOST"], "http://"))
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(emulator)
	proxy.ModifyResponse = func(r *http.Response) error {
		if instead := status.Load(); instead != 0 && strings.HasPrefix(r.Request.URL.Path, "/upload/") && status.CompareAndSwap(instead, 0) {
			r.StatusCode = int(instead)
		}
		return nil
	}
	server := httptest.NewServer(proxy)
	t.Cleanup(server.Close)
	address := *emulator // with its token
	address.Host = server.Listener.Addr().String()
	return &app{direct.With("STORAGE_EMULATOR_HOST", address.String()), t, direct.bucket}
}

func TestMissingFileHasNoURL(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	object := app.object(document)
	if err := app.bucket.Delete(t.Context(), object.Name); err != nil {
		t.Fatal(err)
	}
	if _, err := app.DB.Exec(t.Context(), `UPDATE documents SET updated_at = now() - interval '3 min'`); err != nil {
		t.Fatal(err)
	}
	app.Run("run-redrive").Want(http.StatusOK)
	got := ada.Get(ada.path + document + "/").Want(http.StatusOK).Map()
	if got["processing_error_code"] != "upload_missing" || got["file_url"] != "" {
		t.Errorf("%v leads to %q", got["processing_error_code"], got["file_url"])
	}
}

// TestFilesWithoutATypeAreToldByTheirName: browsers and curl know few types.
func TestFilesWithoutATypeAreToldByTheirName(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	word := "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
	content, err := os.ReadFile("../../shared/extract/testdata/par-known-styles.docx")
	if err != nil {
		t.Fatal(err)
	}
	for _, untyped := range []string{"application/octet-stream", "application/zip"} {
		uploaded := ada.upload("Styles.DOCX", untyped, content).Want(http.StatusCreated).Map()["document"].(map[string]any)
		if uploaded["content_type"] != word || uploaded["document_type"] != "document" {
			t.Errorf("%s: taken as %v, %v", untyped, uploaded["content_type"], uploaded["document_type"])
		}
		announced := ada.Post(ada.path, map[string]any{"document_type": "file", "original_filename": "Styles.DOCX", "content_type": untyped}).Want(http.StatusCreated).Map()
		if put(t, announced, content) != http.StatusOK || announced["content_type"] != word {
			t.Errorf("%s: announced as %v", untyped, announced["content_type"])
		}
	}
	broken := ada.uploaded("essay.docx", "application/zip", content[:1000])
	app.process(broken).Want(http.StatusOK)
	ada.wantStatus(broken, "failed", "truncated_or_damaged")
}

func TestTextIsADocument(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	document := ada.Post(ada.path, map[string]any{"document_type": "text", "name": "Notes", "text": string(lecture), "description": nil}).
		Want(http.StatusCreated).ID()
	app.process(document).Want(http.StatusOK)
	content := ada.Get(ada.path + document + "/content/").Want(http.StatusOK).Map()
	if !strings.Contains(content["extracted_text"].(string), "Heine-Borel") || content["embeddings_available"] != true {
		t.Errorf("content %v", content)
	}
	ada.Do(http.MethodPost, ada.path, `{"document_type": "text", "name": "Notes", "text": "Types ignore case."}`, "Content-Type", "Application/JSON; charset=utf-8").
		Want(http.StatusCreated)
	if views := ada.Get(ada.path + document + "/").Map()["view_count"]; views != 1.0 {
		t.Errorf("%v views, want 1", views)
	}
}

// TestShortTextsAreRead adds notes of a line or less: a formula, figures, a title.
func TestShortTextsAreRead(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	for _, text := range []string{"E = mc²", "pH 7", "12345 67890", "水的化学式", "∀x∃y", "π"} {
		document := ada.Post(ada.path, map[string]any{"document_type": "text", "name": "Notes", "text": text}).
			Want(http.StatusCreated).ID()
		app.process(document).Want(http.StatusOK)
		ada.wantStatus(document, "completed", "")
		if got := ada.Get(ada.path + document + "/content/").Want(http.StatusOK).Map()["extracted_text"]; got != text {
			t.Errorf("%q was read as %q", text, got)
		}
		if n := app.count(`SELECT count(*) FROM passages WHERE document_id = $1`, document); n != 1 {
			t.Errorf("%q has %d passages", text, n)
		}
	}
}

func TestUploadIsRefused(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	big := usage.Free.DocumentBytes + 1
	for _, tc := range []struct {
		name   string
		body   map[string]any
		status int
		code   string
	}{
		{"no type", map[string]any{"name": "x"}, http.StatusBadRequest, "invalid"},
		{"no name", map[string]any{"document_type": "file"}, http.StatusBadRequest, "invalid"},
		{"no text", map[string]any{"document_type": "text", "name": "x", "text": " \n"}, http.StatusBadRequest, "invalid"},
		{"an address", map[string]any{"document_type": "url", "name": "x", "source_url": "http://example.com"}, http.StatusBadRequest, "invalid"},
		{"a video", map[string]any{"document_type": "video", "name": "x"}, http.StatusBadRequest, "invalid"},
		{"too large", map[string]any{"document_type": "file", "original_filename": "x.pdf", "file_size_bytes": big}, http.StatusRequestEntityTooLarge, "file_too_large"},
		{"an empty file", map[string]any{"document_type": "file", "original_filename": "x.pdf", "file_size_bytes": 0}, http.StatusBadRequest, "empty_file"},
		{"a header in the type", map[string]any{"document_type": "file", "original_filename": "x", "content_type": "text/plain\r\nX-Goog-Acl: public-read"}, http.StatusBadRequest, "invalid"},
		{"no subtype", map[string]any{"document_type": "file", "original_filename": "x.pdf", "content_type": "application/"}, http.StatusBadRequest, "invalid"},
		{"a program", map[string]any{"document_type": "file", "original_filename": "setup.exe", "content_type": "application/x-msdownload"}, http.StatusUnsupportedMediaType, "unsupported_type"},
	} {
		problem := ada.Post(ada.path, tc.body).Want(tc.status).Map()
		if problem["code"] != tc.code || problem["error"] == "" {
			t.Errorf("%s: %v, want the code %s", tc.name, problem, tc.code)
		}
	}
	for _, untyped := range []string{"application/octet-stream", "application/zip"} {
		ada.upload("essay.odt", untyped, []byte("PK")).Want(http.StatusUnsupportedMediaType)
	}
	for field, refused := range map[string]*apitest.Response{
		"content_type": ada.Post(ada.path, map[string]any{"document_type": "file", "original_filename": "x.pdf", "content_type": "x"}),
		"file":         ada.upload("x.pdf", "x", lecture),
	} {
		said, _ := refused.Want(http.StatusBadRequest).Map()[field].([]any)
		if len(said) != 1 || !strings.Contains(said[0].(string), "such as application/pdf") {
			t.Errorf("no media type, in %s: %s", field, refused.Body)
		}
	}
	if code := ada.upload("empty.txt", "text/plain", nil).Want(http.StatusBadRequest).Map()["code"]; code != "empty_file" {
		t.Errorf("an empty file: %v", code)
	}
	if code := ada.upload("setup.exe", "application/x-msdownload", []byte("MZ\x90\x00")).Want(http.StatusUnsupportedMediaType).Map()["code"]; code != "unsupported_type" {
		t.Errorf("a program: %v", code)
	}
	large := bytes.Repeat([]byte("x"), 25<<20+1)
	if code := ada.upload("large.txt", "text/plain", large).Want(http.StatusRequestEntityTooLarge).Map()["code"]; code != "file_too_large" {
		t.Errorf("a large file: %v", code)
	}
	huge := ada.upload("huge.txt", "text/plain", append(large, large[:2<<20]...)).Want(http.StatusRequestEntityTooLarge).Map()
	if detail := huge["detail"].(string); !strings.Contains(detail, "26214400") || !strings.Contains(detail, "upload_url") {
		t.Errorf("a huge file: %q", detail)
	}
	const untyped = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"empty.txt\"\r\n\r\n\r\n"
	empty := ada.Do(http.MethodPost, ada.path+"upload/", untyped+"--b--\r\n", "Content-Type", "multipart/form-data; boundary=b").
		Want(http.StatusBadRequest).Map()
	if empty["code"] != "empty_file" || empty["file"] == nil {
		t.Errorf("an empty file without a type: %v", empty)
	}
	many := ada.Do(http.MethodPost, ada.path+"upload/", strings.Repeat(untyped, 1001)+"--b--\r\n", "Content-Type", "multipart/form-data; boundary=b").
		Want(http.StatusBadRequest).Map()
	if !strings.Contains(many["detail"].(string), "1000 parts") {
		t.Errorf("a form of 1001 parts: %v", many)
	}
	ada.Do(http.MethodPost, ada.path+"upload/", "{}").Want(http.StatusUnsupportedMediaType)
	body, header := form(t, "x.txt", "text/plain", lecture, "name", strings.Repeat("x", 256))
	ada.Do(http.MethodPost, ada.path+"upload/", body, "Content-Type", header).Want(http.StatusBadRequest)

	if n := app.count(`SELECT count(*) FROM documents`); n != 0 {
		t.Errorf("%d rows of refused documents", n)
	}
}

func TestPlanLimitsDocuments(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada, bob := app.student("ada"), app.student("bob")
	fill := func(n int, size int64) {
		t.Helper()
		if _, err := app.DB.Exec(t.Context(), `
			DELETE FROM documents`); err != nil {
			t.Fatal(err)
		}
		if _, err := app.DB.Exec(t.Context(), `
			INSERT INTO documents (id, user_id, course_id, name, file_size_bytes)
			SELECT gen_random_uuid(), $1, $2, 'x', $4 FROM generate_series(1, $3)`, ada.ID, ada.course, n, size); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(code string) {
		t.Helper()
		if got := ada.upload("x.txt", "text/plain", lecture).Want(http.StatusPaymentRequired).Map()["code"]; got != code {
			t.Errorf("code %v, want %s", got, code)
		}
		ada.Post(ada.path, map[string]any{"document_type": "file", "original_filename": "x.txt", "file_size_bytes": 100}).Want(http.StatusPaymentRequired)
		bob.uploaded("x.txt", "text/plain", lecture) // has limits of his own
	}
	fill(usage.Free.Documents, 1)
	refused("document_limit")
	fill(1, usage.Free.StorageBytes-10)
	refused("storage_limit")
	// Who doesn't say the size may send as much as a document may have.
	unsized := map[string]any{"document_type": "file", "original_filename": "x.txt"}
	fill(1, usage.Free.StorageBytes-2*usage.Free.DocumentBytes)
	ada.Post(ada.path, unsized).Want(http.StatusCreated)
	ada.Post(ada.path, unsized).Want(http.StatusCreated)
	ada.Post(ada.path, unsized).Want(http.StatusPaymentRequired)
	refused("storage_limit")
	fill(usage.Free.Documents-1, 1)
	if _, err := app.DB.Exec(t.Context(), `
		CREATE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.1); RETURN new; END';
		CREATE TRIGGER linger BEFORE INSERT ON documents FOR EACH ROW EXECUTE FUNCTION linger()`); err != nil {
		t.Fatal(err)
	}
	var uploads sync.WaitGroup
	var taken atomic.Int32
	for range 4 { // only one of them gets the last place
		uploads.Go(func() {
			if ada.upload("x.txt", "text/plain", lecture).Status == http.StatusCreated {
				taken.Add(1)
			}
		})
	}
	uploads.Wait()
	if n := taken.Load(); n != 1 {
		t.Errorf("%d uploads at once took the plan's last place", n)
	}
}

func TestDocumentsOfOthersAreNotFound(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada, bob := app.student("ada"), app.student("bob")
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(document).Want(http.StatusOK)
	for _, course := range []string{ada.path, bob.path} {
		for _, path := range []string{"", "content/", "processing_status/"} {
			bob.Get(course + document + "/" + path).Want(http.StatusNotFound)
		}
		bob.Post(course+document+"/reprocess/", nil).Want(http.StatusNotFound)
		bob.Delete(course + document + "/").Want(http.StatusNotFound)
	}
	ada.Get(bob.path + document + "/").Want(http.StatusNotFound)
	bob.Get(ada.path).Want(http.StatusNotFound)
	bob.Get(ada.path + "upload_limits/").Want(http.StatusNotFound)
	bob.Post(ada.path, map[string]any{"document_type": "text", "name": "x", "text": "x"}).Want(http.StatusNotFound)
	body, header := form(t, "x.txt", "text/plain", lecture)
	bob.Do(http.MethodPost, ada.path+"upload/", body, "Content-Type", header).Want(http.StatusNotFound)
	bob.Get("/api/v1/documents/documents/" + document + "/status/").Want(http.StatusNotFound)
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		bob.Do(method, "/api/v1/documents/documents/"+document+"/events/", nil).Want(http.StatusNotFound)
		ada.Do(method, "/api/v1/documents/documents/"+document+"/events/", nil).Want(http.StatusOK)
	}

	// Nor are one's own of a course that is gone.
	ada.Delete("/api/v1/courses/" + ada.course + "/").Want(http.StatusNoContent)
	ada.Get(ada.path).Want(http.StatusNotFound)
	ada.Get(ada.path + document + "/").Want(http.StatusNotFound)
	ada.Get("/api/v1/documents/documents/" + document + "/events/").Want(http.StatusNotFound)
}

func TestDocumentsAreListedNewestFirst(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	var list struct {
		Count   int
		Results []struct {
			Name string
			Text string `json:"extracted_text"`
		}
	}
	ada.Get(ada.path).Want(http.StatusOK).Into(&list)
	if list.Count != 0 || list.Results == nil {
		t.Errorf("an empty course has %+v", list)
	}
	for _, name := range []string{"a.txt", "b.txt", "c.txt"} {
		app.process(ada.uploaded(name, "text/plain", append(lecture, name...))).Want(http.StatusOK)
	}
	ada.Get(ada.path).Want(http.StatusOK).Into(&list)
	if list.Count != 3 || list.Results[0].Name != "c.txt" || list.Results[2].Name != "a.txt" || list.Results[0].Text != "" {
		t.Errorf("got %+v", list)
	}
	limits := ada.Get(ada.path + "upload_limits/").Want(http.StatusOK).Map()
	if limits["max_file_size_bytes"] != float64(usage.Free.DocumentBytes) || len(limits["allowed_content_types"].([]any)) == 0 {
		t.Errorf("limits %v", limits)
	}
}
