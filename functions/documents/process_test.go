package documents_test

import (
	"bytes"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aksio.app/shared/ai/aitest"
	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/usage"
)

// book is a text of some hundred passages.
var book = sync.OnceValue(func() []byte {
	var b bytes.Buffer
	for chapter := range 290 {
		fmt.Fprintf(&b, "Chapter %d is about the number %d.", chapter, chapter)
		for n := range 14 {
			fmt.Fprintf(&b, " Sentence %d of chapter %d says that %d is not %d.", n, chapter, n, n+chapter+1)
		}
		b.WriteString("\n\n")
	}
	return b.Bytes()
})

var summary = aitest.JSON(map[string]any{"text": "It is about numbers.", "topics": []string{"numbers"}})

// withModel is an app whose model is the scripted provider.
func withModel(t testing.TB, replies ...aitest.Reply) (*app, *aitest.Server) {
	t.Helper()
	server := aitest.New(t, replies...)
	// So many tokens that a summary is one call.
	return newApp(t, "OPENAI_API_KEY", server.Config().Key, "OPENAI_BASE_URL", server.Config().BaseURL, "AI_INPUT_TOKENS", "100000"), server
}

func TestEventsAtOnceReadADocumentOnce(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	document := ada.uploaded("book.txt", "text/plain", book())
	object := app.object(document)
	deliveries := make([]*apitest.Response, 20)
	var all sync.WaitGroup
	for i := range deliveries {
		all.Go(func() { deliveries[i] = app.Finalize("process-document", object) })
	}
	all.Wait()
	good := 0
	for _, delivery := range deliveries {
		if delivery.Status == http.StatusOK {
			good++
		} else { // the event comes again
			app.Finalize("process-document", object).Want(http.StatusOK)
		}
	}
	if good == 0 {
		t.Error("no delivery was taken")
	}
	ada.wantStatus(document, "completed", "")
	if n := app.count(`SELECT calls FROM model_usage WHERE purpose = 'summary'`); n != 1 {
		t.Errorf("summarized %d times, want once", n)
	}
	want := app.count(`SELECT passage_count FROM documents WHERE id = $1`, document)
	if got := app.count(`SELECT count(*) FROM passages WHERE document_id = $1`, document); got != want || got < 150 {
		t.Errorf("%d passages, want %d", got, want)
	}
}

// TestRedriveReadsWhatNobodyWasToldOf goes on with two documents whose events got lost.
func TestRedriveReadsWhatNobodyWasToldOf(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	var all []string
	for _, name := range []string{"one.txt", "two.txt"} {
		all = append(all, ada.uploaded(name, "text/plain", append([]byte(name+". "), lecture...)))
	}
	if _, err := app.DB.Exec(t.Context(), `UPDATE documents SET updated_at = now() - interval '1 hour'`); err != nil {
		t.Fatal(err)
	}
	if done := app.Run("run-redrive").Want(http.StatusOK).Map(); done["processed"] != 2.0 || done["failed"] != 0.0 {
		t.Errorf("redriven %v, want two", done)
	}
	for _, document := range all {
		ada.wantStatus(document, "completed", "")
	}
}

func TestReadingGoesOnWhereItBrokeOff(t *testing.T) {
	t.Parallel()
	app, model := withModel(t, aitest.Embeddings(), aitest.Busy("30"), aitest.Embeddings(), aitest.Busy("30"))
	ada := app.student("ada")
	document := ada.uploaded("book.txt", "text/plain", book())

	app.process(document).Want(http.StatusServiceUnavailable)
	status := ada.wantStatus(document, "processing", "")
	if status["processed_chunks"] != 64.0 || status["stage"] != "embed" || status["progress"].(float64) <= 30 || status["progress"] != math.Trunc(status["progress"].(float64)) {
		t.Errorf("after the first batch %v", status)
	}
	if n := app.count(`SELECT count(*) FROM passages`); n != 0 {
		t.Errorf("%d passages of half a document can be found", n)
	}
	before := app.count(`SELECT count(*) FROM draft_passages`)
	ids := app.text(`SELECT string_agg(id::text, ',' ORDER BY position) FROM draft_passages`)

	app.process(document).Want(http.StatusServiceUnavailable)
	if status := ada.wantStatus(document, "processing", ""); status["processed_chunks"] != 128.0 {
		t.Errorf("after the second batch %v", status)
	}
	if again := app.text(`SELECT string_agg(id::text, ',' ORDER BY position) FROM draft_passages`); again != ids {
		t.Error("the text was extracted again")
	}

	// The rest, up to the summary.
	batches := (before - 128 + 63) / 64
	for range batches {
		model.Script(aitest.Embeddings())
	}
	model.Script(aitest.Busy("30"))
	app.process(document).Want(http.StatusServiceUnavailable)
	if n := app.count(`SELECT count(*) FROM passages WHERE embedding IS NOT NULL`); n != before {
		t.Errorf("%d passages can be found before the summary, want %d", n, before)
	}
	model.Script(summary)
	app.process(document).Want(http.StatusOK)
	ada.wantStatus(document, "completed", "")
	if got := ada.Get(ada.path + document + "/").Map(); got["summary"] != "It is about numbers." {
		t.Errorf("summary %v", got["summary"])
	}
	texts := 0
	for _, call := range model.Calls() {
		texts += len(call.Input)
	}
	if want := before + 2*64; texts != want { // two batches were refused
		t.Errorf("%d texts were sent to be embedded, want %d", texts, want)
	}
}

func TestDeletedDocumentIsNotReadOn(t *testing.T) {
	t.Parallel()
	var remove func()
	app, model := withModel(t, func(w http.ResponseWriter, r *http.Request, call aitest.Call) {
		remove()
		aitest.Embeddings()(w, r, call)
	})
	ada := app.student("ada")
	document := ada.uploaded("book.txt", "text/plain", book())
	object := app.object(document)
	remove = func() { ada.Delete(ada.path + document + "/").Want(http.StatusNoContent) }
	app.Finalize("process-document", object).Want(http.StatusOK)
	if n := len(model.Calls()); n != 1 {
		t.Errorf("%d calls of the model, want 1", n)
	}
	if n := app.count(`SELECT count(*) FROM passages`); n != 0 {
		t.Errorf("%d passages of a deleted document", n)
	}
	app.Finalize("process-document", object).Want(http.StatusOK) // and a late event
	ada.Get(ada.path + document + "/").Want(http.StatusNotFound)
}

func TestEventOfOtherBytesIsDropped(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	object := app.object(document)
	app.Finalize("process-document", object).Want(http.StatusOK)
	never := object
	never.Generation++
	elsewhere := never
	elsewhere.Bucket = "another-bucket"
	for _, other := range []api.Object{never, elsewhere} {
		app.Finalize("process-document", other).Want(http.StatusOK)
		ada.wantStatus(document, "completed", "")
	}

	ada.Post(ada.path+document+"/reprocess/", nil).Want(http.StatusOK)
	app.process(document).Want(http.StatusOK)
	ada.wantStatus(document, "completed", "")
}

func TestDocumentThatBreaksItsReaderIsGivenUp(t *testing.T) {
	t.Parallel()
	refused := aitest.Error(http.StatusBadRequest, "invalid_request_error", "no")
	app, _ := withModel(t, refused, refused, refused, refused, refused)
	ada := app.student("ada")
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	tries := 0
	for app.process(document).Status != http.StatusOK {
		if tries++; tries > 10 {
			t.Fatal("it is tried for ever")
		}
	}
	status := ada.wantStatus(document, "failed", "processing_failed")
	if message := status["error_message"].(string); !strings.Contains(message, "Process it again") || strings.Contains(message, "model") {
		t.Errorf("the student is told %q", message)
	}
}

func TestReprocessingHasARate(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(document).Want(http.StatusOK)
	for range 20 {
		ada.Post(ada.path+document+"/reprocess/", nil)
	}
	refused := ada.Post(ada.path+document+"/reprocess/", nil).Want(http.StatusTooManyRequests)
	if refused.Header.Get("Retry-After") == "" {
		t.Errorf("when to come again isn't told: %v", refused.Header)
	}
}

func TestReprocessingKeepsTheOldResult(t *testing.T) {
	t.Parallel()
	app, model := withModel(t, aitest.Embeddings(), summary, aitest.Busy("30"))
	ada := app.student("ada")
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	first := app.object(document)
	app.process(document).Want(http.StatusOK)
	ids := app.text(`SELECT string_agg(id::text, ',' ORDER BY position) FROM passages`)

	content := ada.Get(ada.path + document + "/content/").Want(http.StatusOK).Map()["extracted_text"]
	ada.Post(ada.path+document+"/reprocess/", nil).Want(http.StatusOK)
	if code := ada.Post(ada.path+document+"/reprocess/", nil).Want(http.StatusBadRequest).Map()["code"]; code != "already_processing" {
		t.Errorf("a second time: %v", code)
	}
	if kept := ada.Get(ada.path + document + "/content/").Want(http.StatusOK).Map()["extracted_text"]; kept != content || kept == "" {
		t.Errorf("meanwhile the content is %q", kept)
	}
	second := app.object(document)
	if second.Generation <= first.Generation {
		t.Fatalf("generation %d after %d: no event would come", second.Generation, first.Generation)
	}
	app.Finalize("process-document", first).Want(http.StatusOK) // late: those bytes were read
	ada.wantStatus(document, "processing", "")
	app.process(document).Want(http.StatusServiceUnavailable) // the model is busy
	if again := app.text(`SELECT string_agg(id::text, ',' ORDER BY position) FROM passages`); again != ids {
		t.Error("the old passages are gone before the new ones are complete")
	}
	app.Finalize("process-document", first).Want(http.StatusOK)
	ada.wantStatus(document, "processing", "")

	model.Script(aitest.Embeddings(), summary)
	app.process(document).Want(http.StatusOK)
	ada.wantStatus(document, "completed", "")
	if again := app.text(`SELECT string_agg(id::text, ',' ORDER BY position) FROM passages`); again == ids {
		t.Error("the old passages are still there")
	}
}

// TestReadingTakesNoTurnFromTheTutor: who adds many documents at once can ask the
// tutor, and who asks the tutor a lot gets documents read.
func TestReadingTakesNoTurnFromTheTutor(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	first := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(first).Want(http.StatusOK)
	if n := app.count(`SELECT count(*) FROM rate_limits WHERE key = 'ai:' || $1::text`, ada.ID); n != 0 {
		t.Error("reading a document was counted as a call of the tutor")
	}
	if _, err := app.DB.Exec(t.Context(), `INSERT INTO rate_limits (key, ready) VALUES ('ai:' || $1::text, now() + interval '1 h')`, ada.ID); err != nil {
		t.Fatal(err)
	}
	second := ada.uploaded("more.txt", "text/plain", append([]byte("Week 2. "), lecture...))
	app.process(second).Want(http.StatusOK)
	ada.wantStatus(second, "completed", "")

	if _, err := app.DB.Exec(t.Context(), `
		INSERT INTO model_usage (user_id, day, purpose, model, calls, prompt_tokens, completion_tokens)
		VALUES ($1, now()::date, 'answering', 'gpt-4o', 1, 1000000000, 0)`, ada.ID); err != nil {
		t.Fatal(err)
	}
	third := ada.uploaded("most.txt", "text/plain", append([]byte("Week 3. "), lecture...))
	app.process(third).Want(http.StatusOK)
	ada.wantStatus(third, "failed", "model_budget")
}

// A reading that finds the month's tokens held by others waits for its event to come again.
func TestReadingsAtOnceKeepToTheMonthsTokens(t *testing.T) {
	t.Parallel()
	asked, more := make(chan struct{}), make(chan struct{})
	app, model := withModel(t, func(w http.ResponseWriter, r *http.Request, call aitest.Call) {
		close(asked)
		select {
		case <-more:
			aitest.Embeddings()(w, r, call)
		case <-r.Context().Done():
		}
	}, summary)
	app.Races = true
	ada := app.student("ada")
	first, second := ada.uploaded("one.txt", "text/plain", lecture), ada.uploaded("two.txt", "text/plain", append([]byte("Week 2. "), lecture...))
	if _, err := app.DB.Exec(t.Context(), `
		INSERT INTO model_usage (user_id, day, purpose, model, calls, prompt_tokens, completion_tokens)
		VALUES ($1, now()::date, 'answering', 'gpt-4o-mini', 1, 2999900, 0)`, ada.ID); err != nil {
		t.Fatal(err)
	}
	read := make(chan *apitest.Response)
	go func() { read <- app.process(first) }()
	<-asked
	app.process(second).Want(http.StatusServiceUnavailable)
	ada.wantStatus(second, "processing", "")
	close(more)
	(<-read).Want(http.StatusOK)
	if n := app.count(`SELECT count(*) FROM model_calls`); n != 0 {
		t.Errorf("%d readings hold tokens though they are done", n)
	}
	if _, err := app.DB.Exec(t.Context(), `UPDATE model_usage SET prompt_tokens = 0`); err != nil {
		t.Fatal(err)
	}
	model.Script(aitest.Embeddings(), summary)
	app.process(second).Want(http.StatusOK)
	ada.wantStatus(second, "completed", "")
}

// TestKindOfAFileIsFoundOut: what the client claims is only kept until it is read.
func TestKindOfAFileIsFoundOut(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	page := []byte("<!DOCTYPE html><html><body><p>" + string(lecture) + "</p></body></html>")
	for _, tc := range []struct {
		filename, contentType string
		content               []byte
		kind, found           string
	}{
		{"notes.md", "application/octet-stream", lecture, "markdown", "text/markdown"},
		{"notes.pdf", "application/pdf", page, "other", "text/html"},
		{"copy.pdf", "application/pdf", page, "other", "text/html"}, // its reading is taken over
	} {
		created := ada.Post(ada.path, map[string]any{
			"document_type": "file", "original_filename": tc.filename, "content_type": tc.contentType, "file_size_bytes": len(tc.content),
		}).Want(http.StatusCreated).Map()
		if status := put(t, created, tc.content); status != http.StatusOK {
			t.Fatalf("PUT: %d", status)
		}
		document := created["id"].(string)
		app.process(document).Want(http.StatusOK)
		got := ada.Get(ada.path + document + "/").Want(http.StatusOK).Map()
		if got["document_type"] != tc.kind || got["content_type"] != tc.found {
			t.Errorf("%s is %v, %v; want %s, %s", tc.filename, got["document_type"], got["content_type"], tc.kind, tc.found)
		}
	}
}

func TestSameBytesAreReadOnce(t *testing.T) {
	t.Parallel()
	app, model := withModel(t, aitest.Embeddings(), summary)
	ada := app.student("ada")
	first := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(first).Want(http.StatusOK)
	calls := len(model.Calls())

	second := ada.uploaded("copy of lecture.txt", "text/plain", lecture)
	app.process(second).Want(http.StatusOK)
	got := ada.Get(ada.path + second + "/").Want(http.StatusOK).Map()
	if got["processing_status"] != "completed" || got["duplicate_of"] != first || got["summary"] != "It is about numbers." || got["extracted_text"] == "" {
		t.Errorf("the copy is %v", got)
	}
	if n := len(model.Calls()); n != calls {
		t.Errorf("the model was asked %d times for the copy", n-calls)
	}
	per := `SELECT count(*) FROM passages WHERE embedding IS NOT NULL AND document_id = $1`
	if a, b := app.count(per, first), app.count(per, second); a != b || a == 0 {
		t.Errorf("%d passages of the copy, want %d", b, a)
	}

	// Another student's same bytes are read for themselves.
	bob := app.student("bob")
	third := bob.uploaded("lecture.txt", "text/plain", lecture)
	model.Script(aitest.Embeddings(), summary)
	app.process(third).Want(http.StatusOK)
	if got := bob.Get(bob.path + third + "/").Map(); got["duplicate_of"] != nil {
		t.Errorf("bob is told of %v", got["duplicate_of"])
	}
}

// TestLongBookHasTimeToBeStored, read or taken over from one with the same bytes: tens of
// thousands of passages take longer than other statements may.
func TestLongBookHasTimeToBeStored(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	if _, err := app.DB.Exec(t.Context(), `
		CREATE FUNCTION hurry() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF current_setting('statement_timeout') <> '5min' THEN RAISE 'it has %', current_setting('statement_timeout'); END IF;
			RETURN NULL;
		END $$;
		CREATE TRIGGER hurry AFTER INSERT ON passages FOR EACH STATEMENT EXECUTE FUNCTION hurry()`); err != nil {
		t.Fatal(err)
	}
	first := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(first).Want(http.StatusOK)
	second := ada.uploaded("copy of lecture.txt", "text/plain", lecture)
	app.process(second).Want(http.StatusOK)
	if got := ada.Get(ada.path + second + "/").Want(http.StatusOK).Map(); got["processing_status"] != "completed" || got["duplicate_of"] != first {
		t.Errorf("the copy is %v", got)
	}
}

// holding adds a document with so many passages, as the plan counts them, and returns its id.
func (s *student) holding(passages int) string {
	s.app.t.Helper()
	return s.app.text(`
		INSERT INTO documents (id, user_id, course_id, name, file_size_bytes, state, passage_count)
		VALUES (gen_random_uuid(), $1, $2, 'Library', 1, 'completed', $3) RETURNING id::text`, s.ID, s.course, passages)
}

// TestPlanLimitsPassages: a small file may unpack to a lot of text, and its copies ask no
// model, so that neither bytes nor tokens bound them.
func TestPlanLimitsPassages(t *testing.T) {
	t.Parallel()
	app, model := withModel(t, aitest.Embeddings(), summary)
	ada, bob := app.student("ada"), app.student("bob")
	first := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(first).Want(http.StatusOK)
	library := ada.holding(usage.Free.Passages - app.count(`SELECT passage_count FROM documents WHERE id = $1`, first))
	calls := len(model.Calls())
	refused := func(filename string, content []byte) string {
		t.Helper()
		document := ada.uploaded(filename, "text/plain", content)
		app.process(document).Want(http.StatusOK)
		status := ada.wantStatus(document, "failed", "storage_limit")
		if message := status["error_message"].(string); !strings.Contains(message, "Remove some, then process it again.") {
			t.Errorf("the student is told %q", message)
		}
		if n := app.count(`SELECT (SELECT count(*) FROM passages WHERE document_id = $1) + (SELECT count(*) FROM document_drafts WHERE document_id = $1)`, document); n != 0 {
			t.Errorf("%d rows of a text that was refused", n)
		}
		return document
	}
	copied := refused("copy of lecture.txt", lecture)
	refused("more.txt", append([]byte("Week 2. "), lecture...))
	ada.Post(ada.path+first+"/reprocess/", nil).Want(http.StatusOK) // what was read of it stays meanwhile
	refused("most.txt", append([]byte("Week 3. "), lecture...))
	if n := len(model.Calls()); n != calls {
		t.Errorf("the model was asked %d times for what was refused", n-calls)
	}

	process := func(of *student, document string) {
		t.Helper()
		model.Script(aitest.Embeddings(), summary)
		app.process(document).Want(http.StatusOK)
		of.wantStatus(document, "completed", "")
	}
	process(ada, first) // takes no more than before
	process(bob, bob.uploaded("lecture.txt", "text/plain", lecture))
	ada.Delete(ada.path + library + "/").Want(http.StatusNoContent)
	ada.Post(ada.path+copied+"/reprocess/", nil).Want(http.StatusOK)
	app.process(copied).Want(http.StatusOK)
	ada.wantStatus(copied, "completed", "")
}

func TestReadingsAtOnceShareThePlan(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	first := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(first).Want(http.StatusOK)
	ada.holding(usage.Free.Passages - 2*app.count(`SELECT passage_count FROM documents WHERE id = $1`, first)) // there is room for one more
	all := []string{ada.uploaded("copy of lecture.txt", "text/plain", lecture)}
	for _, week := range []string{"Week 2. ", "Week 3. "} {
		all = append(all, ada.uploaded("more.txt", "text/plain", append([]byte(week), lecture...)))
	}
	tx, err := app.DB.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(t.Context())
	if _, err := tx.Exec(t.Context(), `SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE`, ada.ID); err != nil {
		t.Fatal(err)
	}
	deliveries := make([]*apitest.Response, len(all))
	var readings sync.WaitGroup
	var over atomic.Int32
	for i, document := range all {
		object := app.object(document)
		readings.Go(func() {
			deliveries[i] = app.Finalize("process-document", object)
			over.Add(1)
		})
	}
	for waiting := 0; waiting+int(over.Load()) < len(all); time.Sleep(time.Millisecond) { // until all want the last place
		waiting = app.count(`SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`)
	}
	if n := app.count(`SELECT count(*) FROM documents WHERE id = ANY ($1) AND state = 'completed'`, all); n != 0 {
		t.Errorf("%d readings took the place out of turn", n)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	readings.Wait()
	for i, delivery := range deliveries {
		if delivery.Status != http.StatusOK { // the event comes again
			app.process(all[i]).Want(http.StatusOK)
		}
	}
	if got := app.text(`SELECT string_agg(trim(state || ' ' || error_code), ', ' ORDER BY state) FROM documents WHERE id = ANY ($1)`, all); got != "completed, failed storage_limit, failed storage_limit" {
		t.Errorf("three readings for one place: %s", got)
	}
}

// TestTextOfADeletedDocumentIsGone, and so is what a reading of it had drafted: who deletes
// and uploads all day fills nothing until cleanup.
func TestTextOfADeletedDocumentIsGone(t *testing.T) {
	t.Parallel()
	app, _ := withModel(t, aitest.Embeddings(), summary, aitest.Busy("30"))
	ada := app.student("ada")
	read := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(read).Want(http.StatusOK)
	drafted := ada.uploaded("more.txt", "text/plain", append([]byte("Week 2. "), lecture...))
	app.process(drafted).Want(http.StatusServiceUnavailable)
	for _, document := range []string{read, drafted} {
		rows := `SELECT (SELECT count(*) FROM document_pages WHERE document_id = $1) + (SELECT count(*) FROM passages WHERE document_id = $1)
			+ (SELECT count(*) FROM document_drafts WHERE document_id = $1)`
		before := app.count(rows, document)
		ada.Delete(ada.path + document + "/").Want(http.StatusNoContent)
		if after := app.count(rows, document); before == 0 || after != 0 {
			t.Errorf("%d rows of its text before, %d after", before, after)
		}
	}
	if held := app.count(`SELECT count(*) FROM model_calls`); held != 0 {
		t.Errorf("%d readings that broke off hold tokens that the student waits for", held)
	}
}
