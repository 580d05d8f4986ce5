package processing_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"aksio.app/shared/ai/provider"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/documents"
	"aksio.app/shared/documents/files"
	"aksio.app/shared/documents/processing"
	"aksio.app/shared/extract"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/live"
	"aksio.app/shared/uploads"
	"aksio.app/shared/uploads/uploadstest"
	"aksio.app/shared/usage"
)

// fixture is a course in which documents are processed.
type fixture struct {
	*processing.Processor
	t      testing.TB
	db     *database.DB
	bucket *uploads.Bucket
	owner  auth.UserID
	course courses.ID
}

func newFixture(t testing.TB) *fixture {
	t.Helper()
	return newFixtureIn(t, uploadstest.New(t))
}

// newFixtureIn is newFixture with a bucket of the test's.
func newFixtureIn(t testing.TB, bucket *uploads.Bucket) *fixture {
	t.Helper()
	f := &fixture{t: t, db: dbtest.New(t), bucket: bucket, owner: id.New[auth.User](), course: id.New[courses.Course]()}
	f.Processor = processing.New(f.db, f.bucket, live.NewMemory(time.Hour), provider.Offline{}, extract.New(extract.DefaultLimits, os.Getenv("EXTRACT_CACHE")))
	f.exec(`INSERT INTO users (id, username, email, password) VALUES ($1, 'ada', 'ada@example.com', '-')`, f.owner)
	f.exec(`INSERT INTO courses (id, user_id, name) VALUES ($1, $2, 'Topology')`, f.course, f.owner)
	return f
}

func (f *fixture) exec(sql string, args ...any) {
	f.t.Helper()
	if _, err := f.db.Exec(f.t.Context(), sql, args...); err != nil {
		f.t.Fatal(err)
	}
}

// add adds a document that stands so, with the content in the bucket unless it is empty.
func (f *fixture) add(state documents.State, age time.Duration, content string) documents.ID {
	f.t.Helper()
	document := id.New[documents.Document]()
	f.exec(`INSERT INTO documents (id, user_id, course_id, name, object, state, created_at, updated_at) VALUES ($1, $2, $3, 'x', $4, $5, now() - $6::interval, now() - $6::interval)`,
		document, f.owner, f.course, documents.Object(document), state, age)
	if content != "" {
		if _, err := f.bucket.Write(f.t.Context(), documents.Object(document), "text/plain", strings.NewReader(content), 1<<20); err != nil {
			f.t.Fatal(err)
		}
	}
	return document
}

// want fails the test unless the document stands so; "" means that it is gone.
func (f *fixture) want(document documents.ID, state documents.State, code string) {
	f.t.Helper()
	got, err := documents.NewStore(f.db).Get(f.t.Context(), f.owner, f.course, document)
	if state == "" && fault.KindOf(err) == fault.NotFound {
		return
	}
	if err != nil || got.State != state || got.ErrorCode != code {
		f.t.Errorf("state %q, code %q, error %v; want %q, %q", got.State, got.ErrorCode, err, state, code)
	}
}

func TestRedriveGoesOnWithWhatIsStuck(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	const text = "A space is compact if every open cover has a finite subcover."
	lost := f.add(documents.Queued, 3*time.Minute, text+"1")         // its event never came
	uploaded := f.add(documents.AwaitingUpload, time.Hour, text+"2") // its neither
	crashed := f.add(documents.Processing, 3*time.Minute, text+"3")
	f.exec(`UPDATE documents SET lease = 3, lease_until = now() - interval '1 s', generation = 1 WHERE id = $1`, crashed)
	held := f.add(documents.Processing, 11*time.Minute, text+"4")
	f.exec(`UPDATE documents SET lease = 3, lease_until = now() + interval '1 min', generation = 1 WHERE id = $1`, held)
	young := f.add(documents.Queued, time.Minute, text+"5")
	announced := f.add(documents.AwaitingUpload, 9*time.Minute, text+"7")
	again := f.add(documents.Queued, 11*time.Minute, text+"6") // to be read again, but the call broke off before the object was renewed
	attrs, err := f.bucket.Attrs(t.Context(), documents.Object(again))
	if err != nil {
		t.Fatal(err)
	}
	f.exec(`UPDATE documents SET generation = $1 WHERE id = $2`, attrs.Generation+1, again)
	empty := f.add(documents.Queued, time.Hour, "")
	waiting := f.add(documents.AwaitingUpload, 24*time.Hour+50*time.Minute, "") // the address of a repetition may still be good
	abandoned := f.add(documents.AwaitingUpload, 25*time.Hour, "")

	done, err := f.Redrive(t.Context(), 100)
	if err != nil || done != (processing.Redriven{Processed: 4, Removed: 1}) {
		t.Errorf("redriven %+v, %v", done, err)
	}
	f.want(lost, documents.Completed, "")
	f.want(uploaded, documents.Completed, "")
	f.want(crashed, documents.Completed, "")
	f.want(again, documents.Completed, "")
	f.want(held, documents.Processing, "")
	f.want(young, documents.Queued, "")
	f.want(announced, documents.AwaitingUpload, "")
	f.want(empty, documents.Failed, "upload_missing")
	f.want(waiting, documents.AwaitingUpload, "")
	f.want(abandoned, "", "")

	if done, err := f.Redrive(t.Context(), 100); err != nil || done != (processing.Redriven{}) {
		t.Errorf("another round: %+v, %v", done, err)
	}
}

func TestPurgeRemovesFilesAndRows(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	kept := f.add(documents.Queued, time.Hour, "a")
	deleted := f.add(documents.Queued, time.Hour, "b")
	lately := f.add(documents.Queued, time.Hour, "c")
	f.exec(`UPDATE documents SET deleted_at = now() - interval '2 h' WHERE id = $1`, deleted)
	f.exec(`UPDATE documents SET deleted_at = now() WHERE id = $1`, lately)
	purge := func(want int, left ...documents.ID) {
		t.Helper()
		if n, err := files.Purge(t.Context(), f.db, f.bucket); n != want || err != nil {
			t.Errorf("purged %d, %v; want %d", n, err, want)
		}
		objects, err := f.bucket.List(t.Context(), "documents/", "", 10)
		if err != nil || len(objects) != len(left) {
			t.Errorf("%d files are left, %v; want %d", len(objects), err, len(left))
		}
		for _, document := range left {
			if _, err := f.bucket.Attrs(t.Context(), documents.Object(document)); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
	}
	purge(1, kept, lately)
	f.exec(`UPDATE courses SET deleted_at = now() - interval '2 h'`)
	purge(1, lately)
	f.exec(`UPDATE documents SET deleted_at = now() - interval '2 h'`)
	purge(1)
	purge(0)
}

// refusing returns a bucket that refuses the calls that the test says, for good.
func refusing(t testing.TB, refused func(*http.Request) bool) *uploads.Bucket {
	t.Helper()
	config := uploadstest.Config(t)
	emulator, err := url.Parse(config.Emulator)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(emulator)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refused(r) {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	address := *emulator // with its token
	address.Host = server.Listener.Addr().String()
	config.Emulator = address.String()
	return uploads.New(config)
}

// TestFileThatCantBeRemovedStopsNoOther: it is tried again another time, after the others.
func TestFileThatCantBeRemovedStopsNoOther(t *testing.T) {
	t.Parallel()
	var kept atomic.Value // the document whose file stays
	kept.Store("nothing")
	f := newFixtureIn(t, refusing(t, func(r *http.Request) bool {
		return r.Method == http.MethodDelete && strings.Contains(r.URL.Path, kept.Load().(string))
	}))
	var all []documents.ID
	for range 3 {
		all = append(all, f.add(documents.Queued, time.Hour, "a"))
	}
	f.exec(`UPDATE documents SET deleted_at = now() - interval '2 h'`)
	f.exec(`UPDATE documents SET deleted_at = now() - interval '3 h' WHERE id = $1`, all[1])
	kept.Store(all[1].String())
	if n, err := files.Purge(t.Context(), f.db, f.bucket); n != 2 || err == nil || !strings.Contains(err.Error(), all[1].String()) {
		t.Errorf("purged %d, %v; want 2, and an error that names the third", n, err)
	}
	f.exec(`UPDATE documents SET deleted_at = now() - interval '2 h'`) // the next night
	kept.Store("nothing")
	if n, err := files.Purge(t.Context(), f.db, f.bucket); n != 1 || err != nil {
		t.Errorf("the next night: purged %d, %v", n, err)
	}
}

func TestRedriveGoesOnAfterAFailure(t *testing.T) {
	t.Parallel()
	var broken atomic.Value
	broken.Store("nothing")
	f := newFixtureIn(t, refusing(t, func(r *http.Request) bool { return strings.Contains(r.URL.Path, broken.Load().(string)) }))
	const text = "A space is compact if every open cover has a finite subcover."
	first := f.add(documents.Queued, time.Hour, text)
	second := f.add(documents.Queued, 30*time.Minute, text+"2")
	third := f.add(documents.Queued, 20*time.Minute, text+"3")
	broken.Store(first.String())

	// A call without the time to read a document leaves them as they are.
	brief, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	if done, err := f.Redrive(brief, 100); err != nil || done != (processing.Redriven{}) {
		t.Errorf("in too short a time: %+v, %v", done, err)
	}
	done, err := f.Redrive(t.Context(), 2)
	if err == nil || !strings.Contains(err.Error(), first.String()) || done != (processing.Redriven{Processed: 1}) {
		t.Errorf("redriven %+v, %v; want one, and an error that names the broken one", done, err)
	}
	f.want(second, documents.Completed, "")
	f.want(third, documents.Queued, "")
	if done, err := f.Redrive(t.Context(), 100); err != nil || done.Processed != 1 { // at once, not in ten minutes
		t.Errorf("the next round: %+v, %v", done, err)
	}
	f.want(third, documents.Completed, "")
}

func TestOnlyTheNewestBytesCount(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	document := f.add(documents.Queued, 0, "A space is compact if every open cover has a finite subcover.")
	attrs, err := f.bucket.Attrs(t.Context(), documents.Object(document))
	if err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		object     string
		generation int64
	}{
		"nobody's object": {"documents/" + id.New[documents.Document]().String(), attrs.Generation},
		"another folder":  {"exports/" + document.String(), attrs.Generation},
	} {
		if err := f.Process(t.Context(), tc.object, tc.generation); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	f.want(document, documents.Queued, "")
	if err := f.Process(t.Context(), attrs.Name, attrs.Generation); err != nil {
		t.Fatal(err)
	}
	f.want(document, documents.Completed, "")
}

// TestEventOfBytesThatAreNotThereIsDropped: one of a generation to come made a document
// unreadable for good.
func TestEventOfBytesThatAreNotThereIsDropped(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	document := f.add(documents.AwaitingUpload, 0, "")
	object := documents.Object(document)
	stays := func(state documents.State, generations ...int64) {
		t.Helper()
		for _, generation := range generations {
			if err := f.Process(t.Context(), object, generation); err != nil {
				t.Errorf("the event of generation %d comes again: %v", generation, err)
			}
			f.want(document, state, "")
		}
	}
	completes := func(generation int64) {
		t.Helper()
		if err := f.Process(t.Context(), object, generation); err != nil {
			t.Fatal(err)
		}
		f.want(document, documents.Completed, "")
	}

	stays(documents.AwaitingUpload, 1, 1<<60)
	first, err := f.bucket.Write(t.Context(), object, "text/plain", strings.NewReader("A space is compact if every open cover has a finite subcover."), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	never := []int64{first - 1, first + 1, 1 << 60}
	stays(documents.AwaitingUpload, never...)
	completes(first)
	stays(documents.Completed, never...)

	if _, err := documents.NewStore(f.db).Requeue(t.Context(), f.owner, f.course, document); err != nil {
		t.Fatal(err)
	}
	stays(documents.Queued, never...)
	second, err := f.bucket.Rewrite(t.Context(), object)
	if err != nil {
		t.Fatal(err)
	}
	stays(documents.Queued, append(never, first)...)
	completes(second)

	if err := f.bucket.Delete(t.Context(), object); err != nil {
		t.Fatal(err)
	}
	stays(documents.Completed, second, 1<<61)
}

// TestOverwrittenWhileItIsFetched: the document fails, until the event of the newer bytes comes.
func TestOverwrittenWhileItIsFetched(t *testing.T) {
	t.Parallel()
	var fetched atomic.Value // what happens before the bytes are
	fetched.Store(func() {})
	f := newFixtureIn(t, refusing(t, func(r *http.Request) bool {
		if r.URL.Query().Has("generation") { // which only who fetches names
			fetched.Load().(func())()
		}
		return false
	}))
	document := f.add(documents.Queued, 0, "A space is compact if every open cover has a finite subcover.")
	object := documents.Object(document)
	fetched.Store(sync.OnceFunc(func() {
		if _, err := f.bucket.Rewrite(t.Context(), object); err != nil {
			t.Error(err)
		}
	}))
	for _, want := range []struct {
		state documents.State
		code  string
	}{{documents.Failed, "upload_missing"}, {documents.Completed, ""}} {
		attrs, err := f.bucket.Attrs(t.Context(), object)
		if err != nil {
			t.Fatal(err)
		}
		if err := f.Process(t.Context(), object, attrs.Generation); err != nil {
			t.Errorf("its event comes again: %v", err)
		}
		f.want(document, want.state, want.code)
	}
}

func TestCallThatRunsOutOfTimeIsRepeated(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	document := f.add(documents.Queued, 0, "A space is compact if every open cover has a finite subcover.")
	attrs, err := f.bucket.Attrs(t.Context(), documents.Object(document))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 29*time.Second) // too little to begin anything
	defer cancel()
	if err := f.Process(ctx, attrs.Name, attrs.Generation); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("out of time: %v", err)
	}
	f.want(document, documents.Processing, "")
	if err := f.Process(t.Context(), attrs.Name, attrs.Generation); err != nil {
		t.Errorf("the next call: %v", err)
	}
	f.want(document, documents.Completed, "")
}

func TestDocumentThatKillsItsReaderIsGivenUp(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	document := f.add(documents.Processing, 0, "A space is compact if every open cover has a finite subcover.")
	attrs, err := f.bucket.Attrs(t.Context(), documents.Object(document))
	if err != nil {
		t.Fatal(err)
	}
	// Five runs ended without a word: each would have been the instance's last.
	f.exec(`UPDATE documents SET generation = $1, attempts = 5 WHERE id = $2`, attrs.Generation, document)
	if err := f.Process(t.Context(), attrs.Name, attrs.Generation); err != nil {
		t.Error(err)
	}
	f.want(document, documents.Failed, "processing_failed")
}

// TestDocumentIsLetGoOnceTheDatabaseIsBack: a reading loses the database when it stores what
// it found, and it is still away when the document is first let go. Neither counts as an attempt.
func TestDocumentIsLetGoOnceTheDatabaseIsBack(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	document := f.add(documents.Queued, 0, "A space is compact if every open cover has a finite subcover.")
	attrs, err := f.bucket.Attrs(t.Context(), documents.Object(document))
	if err != nil {
		t.Fatal(err)
	}
	f.exec(`CREATE SEQUENCE tries`) // which no rollback undoes
	f.exec(`CREATE FUNCTION fail_twice() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF nextval('tries') <= 2 THEN RAISE 'shutting down' USING ERRCODE = '57P01'; END IF;
			RETURN NEW;
		END $$`)
	f.exec(`CREATE TRIGGER store BEFORE INSERT ON document_drafts FOR EACH ROW EXECUTE FUNCTION fail_twice()`)
	f.exec(`CREATE TRIGGER let_go BEFORE UPDATE ON documents FOR EACH ROW
		WHEN (NEW.state = 'processing' AND NEW.lease_until IS NULL) EXECUTE FUNCTION fail_twice()`)
	if err := f.Process(t.Context(), attrs.Name, attrs.Generation); fault.KindOf(err) != fault.Unavailable {
		t.Fatalf("without a database: %v", err)
	}
	var attempts int
	if err := f.db.QueryRow(t.Context(), `SELECT attempts FROM documents WHERE id = $1`, document).Scan(&attempts); err != nil || attempts != 0 {
		t.Errorf("%d attempts count, %v; want none", attempts, err)
	}
	if err := f.Process(t.Context(), attrs.Name, attrs.Generation); err != nil {
		t.Errorf("with a database: %v", err)
	}
	f.want(document, documents.Completed, "")
}

func TestHostileFilesEndWithAReason(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	for name, tc := range map[string]struct {
		content []byte
		code    string
	}{
		"empty":         {nil, "empty_file"},
		"blank":         {[]byte(" \n\t\n"), "no_text"},
		"a program":     {[]byte("MZ\x90\x00\x03\x00\x00\x00"), "unsupported_type"},
		"over the plan": {bytes.Repeat([]byte("x"), int(usage.Free.DocumentBytes)+1), "file_too_large"},
	} {
		t.Run(name, func(t *testing.T) {
			document := f.add(documents.Queued, 0, "")
			generation, err := f.bucket.Write(t.Context(), documents.Object(document), "text/plain", bytes.NewReader(tc.content), int64(len(tc.content)))
			if err != nil {
				t.Fatal(err)
			}
			if err := f.Process(t.Context(), documents.Object(document), generation); err != nil {
				t.Errorf("its event comes again: %v", err)
			}
			f.want(document, documents.Failed, tc.code)
		})
	}
}

// TestDocumentThatTakesTooLongSaysSo: it fails at its first try, and nobody thinks
// that it was the platform's fault.
func TestDocumentThatTakesTooLongSaysSo(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	limits := extract.DefaultLimits
	limits.Time = time.Millisecond
	hasty := processing.New(f.db, f.bucket, live.NewMemory(time.Hour), provider.Offline{}, extract.New(limits, os.Getenv("EXTRACT_CACHE")))
	document := f.add(documents.Queued, 0, "<html><body>"+strings.Repeat("<div>", 500)+strings.Repeat("x</p>", 50_000))
	attrs, err := f.bucket.Attrs(t.Context(), documents.Object(document))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 540*time.Second) // as the function has
	defer cancel()
	if err := hasty.Process(ctx, attrs.Name, attrs.Generation); err != nil {
		t.Errorf("its event comes again: %v", err)
	}
	f.want(document, documents.Failed, "too_slow")
}

// TestReadingOfADeletedDocumentEndsSoon deletes one that takes minutes: its table of pages
// has one page of 3,000 lines again and again.
func TestReadingOfADeletedDocumentEndsSoon(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	limits := extract.DefaultLimits
	limits.Characters, limits.Time, limits.Step = 1_000_000_000, time.Hour, time.Hour
	reader := extract.New(limits, os.Getenv("EXTRACT_CACHE"))
	if err := reader.Warm(); err != nil {
		t.Fatal(err)
	}
	patient := processing.New(f.db, f.bucket, live.NewMemory(time.Hour), provider.Offline{}, reader)
	page := "BT /F 1 Tf 50 790 Td 1 TL " + strings.Repeat("(a line of some words) ' ", 3_000) + "ET"
	document := f.add(documents.Queued, 0, fmt.Sprintf("%%PDF-1.7\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[%s]/Count 2000>>endobj\n"+
		"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents 4 0 R/Resources<</Font<</F 5 0 R>>>>>>endobj\n4 0 obj<</Length %d>>stream\n%s\nendstream endobj\n"+
		"5 0 obj<</Type/Font/Subtype/Type1/BaseFont/Helvetica>>endobj\ntrailer<</Root 1 0 R/Size 6>>\n%%%%EOF", strings.Repeat("3 0 R ", 2_000), len(page), page))
	attrs, err := f.bucket.Attrs(t.Context(), documents.Object(document))
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error)
	go func() { ended <- patient.Process(t.Context(), attrs.Name, attrs.Generation) }()
	for hashed := false; !hashed; { // what is read next is its text
		if err := f.db.QueryRow(t.Context(), `SELECT sha256 IS NOT NULL FROM documents WHERE id = $1`, document).Scan(&hashed); err != nil {
			t.Fatal(err)
		}
	}
	f.exec(`UPDATE documents SET deleted_at = now() WHERE id = $1 AND state = 'processing'`, document)
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second): // the lease, which tells of it, is renewed each five
		t.Error("it is still being read")
		<-ended
	}
	var state documents.State
	if err := f.db.QueryRow(t.Context(), `SELECT state FROM documents WHERE id = $1 AND deleted_at IS NOT NULL`, document).Scan(&state); err != nil || state != documents.Processing {
		t.Errorf("it ended as %q, %v", state, err)
	}
}

func TestPassagesAreStretchesOfTheText(t *testing.T) {
	t.Parallel()
	f := newFixture(t)
	text := "Überschrift\n\n" + strings.Repeat("Ein Raum heißt kompakt, wenn jede Überdeckung eine endliche Teilüberdeckung hat. ", 11) + "\n\n\n" + strings.Repeat("ß", 40)
	document := f.add(documents.Queued, 0, text)
	attrs, err := f.bucket.Attrs(t.Context(), documents.Object(document))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Process(t.Context(), attrs.Name, attrs.Generation); err != nil {
		t.Fatal(err)
	}
	var wrong, all int
	if err := f.db.QueryRow(t.Context(), `
		SELECT count(*) FILTER (WHERE p.text <> substr(d.text, p.char_start + 1, p.char_end - p.char_start)), count(*)
		FROM passages p JOIN document_pages d USING (document_id) WHERE document_id = $1`, document).Scan(&wrong, &all); err != nil {
		t.Fatal(err)
	}
	if wrong > 0 || all == 0 {
		t.Errorf("%d of %d passages aren't where they say", wrong, all)
	}
}
