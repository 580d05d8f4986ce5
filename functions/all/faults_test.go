package all_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/documents/progress"
	"aksio.app/shared/id"
	"aksio.app/shared/live"
)

// Calls that these tests make fail are no news, and their lines would stand before a test that fails.
func init() { slog.SetLogLoggerLevel(slog.LevelError) }

const coursesPath = "/api/v1/courses/"

// briefly is the most that a call waits for what it can't have: a lock is waited for for
// 10 s, a connection for 5, and a slow machine takes its time. What nothing bounds ends
// with the call's own time, 30 s.
const briefly = 20 * time.Second

// refused fails the test unless the answer says, and soon, that it was too early, and when
// to come again.
func refused(t *testing.T, resp *apitest.Response) {
	t.Helper()
	if resp.Status != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" { // callers aren't the test's goroutine
		t.Errorf("got %d, Retry-After %q, want 503 with one: %s", resp.Status, resp.Header.Get("Retry-After"), resp.Body)
	}
	if resp.Took > briefly {
		t.Errorf("refused after %s: %s", resp.Took, resp.Body)
	}
}

// names returns the courses of a student.
func names(t *testing.T, app *apitest.App) (names []string) {
	t.Helper()
	if err := app.DB.QueryRow(t.Context(), `SELECT coalesce(array_agg(name ORDER BY name), '{}') FROM courses`).Scan(&names); err != nil {
		t.Fatal(err)
	}
	return names
}

func hostOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

// behindProxy returns an app whose functions reach the database through a proxy. The
// test itself has a way around it.
func behindProxy(t *testing.T, settings ...string) (*apitest.App, *proxy) {
	t.Helper()
	app := apitest.New(t)
	p := newProxy(t, hostOf(t, app.Settings["DATABASE_URL"]))
	return app.With(append(settings, "DATABASE_URL", p.before(t, app.Settings["DATABASE_URL"]))...), p
}

// TestTheDatabaseGoesAwayAndComesBack makes every call while it is away, and again in the
// same process when it is back.
func TestTheDatabaseGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	for name, broken := range map[string]mode{"down": refuses, "unreachable": ignores} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, p := behindProxy(t, "DATABASE_POOL", "100") // each call finds out by itself
			ada := app.User("ada")
			w := newWorld(t, app, ada)
			events := eventsOf(api.Object{Name: "documents/" + w["/api/v1/documents/documents/{}"]})
			waiting := uploadTo(t, app, ada, w["/api/v1/courses/{}"], lecture)
			stream := watch(t, app, ada, waiting)
			told(t, stream, "document_status")
			narrowed := func(c call) *apitest.Response {
				t.Helper()
				if c.method == http.MethodGet {
					return w.make(t, ada, c, w.query())
				}
				return w.make(t, ada, c, "")
			}

			p.set(broken)
			var calls sync.WaitGroup
			calls.Go(func() { refused(t, ada.Get(events)) })
			calls.Go(func() {
				rest, err := io.ReadAll(stream)
				if err != nil || !bytes.Contains(rest, []byte(`"event":"error"`)) || !bytes.Contains(rest, []byte(`"code":"unavailable"`)) {
					t.Errorf("a stream ends with %q, %v", rest, err)
				}
			})
			for _, c := range everyCall() {
				calls.Go(func() {
					resp := narrowed(c)
					if slices.Contains(c.Needs, database.Resource) {
						refused(t, resp)
					} else {
						resp.Want(http.StatusOK)
					}
				})
			}
			calls.Wait()

			p.set(passes)
			ada.Get(events).Want(http.StatusOK)
			told(t, watch(t, app, ada, waiting), "document_status")
			for _, c := range everyCall() { // what was refused was left as it was, or some would find nothing
				var resp *apitest.Response
				soon(t, c.ID+" works again", func() bool {
					resp = narrowed(c)
					return c.ID != "health-check" || resp.Status == http.StatusOK // what it found is kept for some seconds
				})
				if !granted(c, resp) {
					t.Errorf("%s by %s: %d %s", c.ID, c.method, resp.Status, resp.Body)
				}
			}
		})
	}
}

// TestWhatThePlatformRunsFailsWithoutTheDatabase, so that it is run again, and succeeds in
// the same process when the database is back.
func TestWhatThePlatformRunsFailsWithoutTheDatabase(t *testing.T) {
	t.Parallel()
	app, p := behindProxy(t, "DATABASE_POOL", "100")
	var private []string
	for _, d := range api.Declared() {
		if d.Access == api.Private && d.Trigger != api.Finalized && slices.Contains(d.Needs, database.Resource) {
			private = append(private, d.ID)
		}
	}
	if len(private) < 5 {
		t.Errorf("the platform runs only %v", private)
	}
	p.set(refuses)
	var runs sync.WaitGroup
	for _, function := range private {
		runs.Go(func() {
			if resp := app.Run(function); resp.Status < 500 {
				t.Errorf("%s: got %d %s", function, resp.Status, resp.Body)
			}
		})
	}
	runs.Wait()

	p.set(passes)
	for _, function := range private { // the backup before the drill, which restores it
		app.Run(function).Want(http.StatusOK)
	}
}

// TestASlowStatementIsEndedByTheServer, which has little patience here.
func TestASlowStatementIsEndedByTheServer(t *testing.T) {
	t.Parallel()
	app := apitest.New(t).With("DATABASE_POOL", "1")
	ada := app.User("ada")
	onNewCourses(t, app, `
		PERFORM set_config('statement_timeout', '2s', false); -- of those that follow in this session
		IF NEW.name = 'Slow' THEN PERFORM pg_sleep(60); END IF;`)
	ada.Post(coursesPath, map[string]any{"name": "Before"}).Want(http.StatusCreated)
	refused(t, ada.Post(coursesPath, map[string]any{"name": "Slow"}))
	ada.Post(coursesPath, map[string]any{"name": "Then"}).Want(http.StatusCreated)
	if got := names(t, app); strings.Join(got, " ") != "Before Then" {
		t.Errorf("courses %v", got)
	}
}

// TestASessionThatTheServerEndedIsReplaced: it ends those that are idle, as of an instance
// that sleeps, which then hears of it by its next call.
func TestASessionThatTheServerEndedIsReplaced(t *testing.T) {
	t.Parallel()
	app := apitest.New(t).With("DATABASE_POOL", "1")
	ada := app.User("ada")
	// The pool tries a connection that was idle for a second before it gives it away; the server
	// waits for longer.
	onNewCourses(t, app, `
		PERFORM set_config('idle_session_timeout', '3s', false), set_config('application_name', 'idle', false);`)
	ada.Post(coursesPath, map[string]any{"name": "Before"}).Want(http.StatusCreated)
	const idle = `EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'idle')`
	waitFor(t, app, `SELECT `+idle)
	waitFor(t, app, `SELECT NOT `+idle)
	ada.Get(coursesPath).Want(http.StatusOK)
}

// onNewCourses has the database do something whenever a course is created.
func onNewCourses(t *testing.T, app *apitest.App, does string) {
	t.Helper()
	if _, err := app.DB.Exec(t.Context(), `
		CREATE FUNCTION on_new_courses() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN `+does+` RETURN NEW; END $$;
		CREATE TRIGGER on_new_courses BEFORE INSERT ON courses FOR EACH ROW EXECUTE FUNCTION on_new_courses()`); err != nil {
		t.Fatal(err)
	}
}

// TestASilentConnectionIsReplaced has the instance's only connection lose its other end
// without a word while nothing is done on it, as a failover or a NAT does.
func TestASilentConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	app, p := behindProxy(t, "DATABASE_POOL", "1")
	ada := app.User("ada")
	ada.Post(coursesPath, map[string]any{"name": "Before"}).Want(http.StatusCreated)

	p.silence()
	time.Sleep(1100 * time.Millisecond) // the pool tries a connection that was idle for a second before it gives it away
	refused(t, ada.Post(coursesPath, map[string]any{"name": "Lost"}))
	soon(t, "a call on another connection", func() bool { // once the silent one has said goodbye in vain
		resp := ada.Get(coursesPath)
		if resp.Status == http.StatusOK {
			return true
		}
		refused(t, resp)
		return false
	})
	if got := names(t, app); strings.Join(got, " ") != "Before" {
		t.Errorf("courses %v", got)
	}
}

// timeUp is the context of a call whose time is over once the channel is closed.
type timeUp struct {
	context.Context
	over <-chan struct{}
}

func (c timeUp) Done() <-chan struct{} { return c.over }

func (c timeUp) Err() error {
	select {
	case <-c.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

// TestACallOnASilentConnectionEndsWithItsTime has the connection lose its other end without
// a word just after the database has done one of the statements of a call, each in turn.
// Nothing but the call's own time ends that, which is over at once here.
func TestACallOnASilentConnectionEndsWithItsTime(t *testing.T) {
	t.Parallel()
	app, p := behindProxy(t, "DATABASE_POOL", "100") // a silent connection is said goodbye to for 15 s
	app.Races = true                                 // a new connection prepares anew
	ada := app.User("ada")
	made := 0
	for _, c := range creations(ada) {
		if strings.HasSuffix(c.path, "/send_message/") {
			continue // what the tutor says outlives the call, within limits of its own
		}
		create := func(student *apitest.Client) *apitest.Response {
			abandonAttempts(t, app)
			made++
			return student.Post(c.path, strings.ReplaceAll(c.body, "%s", fmt.Sprint("number ", made)))
		}
		statement := 0
		for ; ; statement++ {
			create(ada).Want(http.StatusCreated) // on a connection that then knows the statements
			before := count(t, app, c.rows)
			lost := p.loseAnswers(statement)
			resp := create(ada.Within(timeUp{t.Context(), lost}))
			if p.spared() {
				resp.Want(http.StatusCreated)
				break
			}
			refused(t, resp)
			if more := count(t, app, c.rows) - before; more > 1 {
				t.Errorf("%s, silent after statement %d: %d were made", c.path, statement, more)
			}
		}
		if statement == 0 {
			t.Errorf("%s answers without a statement", c.path)
		}
	}
	countsAgree(t, app)
}

// TestAKeyIsClaimedBriefly has the connection go silent just after a call's key was claimed.
func TestAKeyIsClaimedBriefly(t *testing.T) {
	t.Parallel()
	app, p := behindProxy(t, "DATABASE_POOL", "2")
	app.Races = true
	ada := app.User("ada")
	create := func(key string) *apitest.Response {
		return ada.Do(http.MethodPost, coursesPath, `{"name":"Course `+key+`"}`, "Idempotency-Key", key)
	}
	create("one").Want(http.StatusCreated) // on a connection that then knows the statements
	p.loseAnswers(0)
	refused(t, create("two"))
	if p.spared() {
		t.Error("no answer got lost: the proxy proves nothing")
	}
	create("two").Want(http.StatusCreated)
	if got := names(t, app); strings.Join(got, ", ") != "Course one, Course two" {
		t.Errorf("courses %v", got)
	}
}

// TestAFullPoolIsWaitedForBriefly lets one call hold the instance's only connection.
func TestAFullPoolIsWaitedForBriefly(t *testing.T) {
	t.Parallel()
	app := apitest.New(t).With("DATABASE_POOL", "1")
	ada := app.User("ada")
	ada.Get(coursesPath).Want(http.StatusOK)

	unlock := lockCourses(t, app)
	var slow sync.WaitGroup
	slow.Go(func() { ada.Post(coursesPath, map[string]any{"name": "Slow"}).Want(http.StatusCreated) })
	waitFor(t, app, somebodyWaits)

	refused(t, ada.Post(coursesPath, map[string]any{"name": "Refused"}))
	unlock()
	slow.Wait()
	if got := names(t, app); strings.Join(got, " ") != "Slow" {
		t.Errorf("courses %v", got)
	}
}

// TestALockIsWaitedForBriefly has a migration or the like hold a table that calls need.
func TestALockIsWaitedForBriefly(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	unlock := lockCourses(t, app)
	var calls sync.WaitGroup
	calls.Go(func() { refused(t, ada.Get(coursesPath)) })
	calls.Go(func() { refused(t, ada.Post(coursesPath, map[string]any{"name": "Refused"})) })
	calls.Wait()

	unlock()
	ada.Post(coursesPath, map[string]any{"name": "Then"}).Want(http.StatusCreated)
	if got := names(t, app); strings.Join(got, " ") != "Then" {
		t.Errorf("courses %v", got)
	}
}

// lockCourses keeps everybody else from the courses, until the returned function is called.
func lockCourses(t *testing.T, app *apitest.App) (unlock func()) {
	t.Helper()
	lock, err := app.DB.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Rollback(context.Background()) })
	if _, err := lock.Exec(t.Context(), `LOCK TABLE courses IN ACCESS EXCLUSIVE MODE`); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := lock.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAFullDatabaseIsWaitedForBriefly gives the functions a role with one connection,
// which somebody else has.
func TestAFullDatabaseIsWaitedForBriefly(t *testing.T) {
	t.Parallel()
	for sslmode, dials := range map[string]int{"disable": 1, "prefer": 2} { // of an attempt; the server has no TLS
		t.Run(sslmode, func(t *testing.T) {
			t.Parallel()
			app := apitest.New(t)
			u := roleWithOneConnection(t, app)
			somebody, err := pgx.Connect(t.Context(), u.String())
			if err != nil {
				t.Fatal(err)
			}
			u.RawQuery = "sslmode=" + sslmode
			p := newProxy(t, u.Host)
			full := app.With("DATABASE_URL", p.before(t, u.String()), "DATABASE_POOL", "1")
			ada := full.User("ada")
			refused(t, ada.Post(coursesPath, map[string]any{"name": "Refused"}))

			tried := p.connections()
			var patient sync.WaitGroup
			patient.Go(func() { ada.Post(coursesPath, map[string]any{"name": "Patient"}).Want(http.StatusCreated) })
			soon(t, "another attempt after a refused one", func() bool { return p.connections() > tried+dials })
			somebody.Close(context.Background())
			patient.Wait()
			if got := names(t, app); strings.Join(got, " ") != "Patient" {
				t.Errorf("courses %v", got)
			}
		})
	}
}

// roleWithOneConnection returns the address of the app's database for a role of its own.
func roleWithOneConnection(t *testing.T, app *apitest.App) *url.URL {
	t.Helper()
	role := "r" + strings.ReplaceAll(id.New[proxy]().String(), "-", "")
	if _, err := app.DB.Exec(t.Context(), fmt.Sprintf(
		`CREATE ROLE %[1]s LOGIN PASSWORD 'secret' CONNECTION LIMIT 1; GRANT ALL ON ALL TABLES IN SCHEMA public TO %[1]s`, role)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := app.DB.Exec(context.Background(), fmt.Sprintf(`DROP OWNED BY %[1]s CASCADE; DROP ROLE %[1]s`, role)); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(app.Settings["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "secret")
	return u
}

func TestStorageGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	p := newProxy(t, hostOf(t, app.Settings["STORAGE_EMULATOR_HOST"]))
	behind := app.With("STORAGE_EMULATOR_HOST", p.before(t, app.Settings["STORAGE_EMULATOR_HOST"]))
	ada := behind.User("ada")
	object := uploadLecture(t, app, ada)
	course := ada.Post(coursesPath, map[string]any{"name": "Other"}).Want(http.StatusCreated).ID()
	body, contentType := form("Notes about compact spaces.")
	upload := func() *apitest.Response {
		return ada.Do(http.MethodPost, coursesPath+course+"/documents/upload/", body, "Content-Type", contentType)
	}

	p.set(refuses)
	refused(t, upload())
	if status := behind.Finalize("process-document", object).Status; status < 500 {
		t.Errorf("the event is taken with %d, though its object can't be read", status)
	}

	p.set(passes)
	upload().Want(http.StatusCreated)
	behind.Finalize("process-document", object).Want(http.StatusOK)
	waitFor(t, app, `SELECT count(*) FILTER (WHERE state = 'completed') = 1 AND count(*) = 2 FROM documents WHERE deleted_at IS NULL`)
}

// TestAFileThatCantBeStoredIsForgottenBriefly has the database say nothing, either, when it
// is told that the storage didn't take a file.
func TestAFileThatCantBeStoredIsForgottenBriefly(t *testing.T) {
	t.Parallel()
	app, p := behindProxy(t)
	storage := newProxy(t, hostOf(t, app.Settings["STORAGE_EMULATOR_HOST"]))
	ada := app.With("STORAGE_EMULATOR_HOST", storage.before(t, app.Settings["STORAGE_EMULATOR_HOST"])).User("ada")
	course := ada.Post(coursesPath, map[string]any{"name": "Cells"}).Want(http.StatusCreated).ID()
	body, contentType := form("Cells divide.")
	storage.set(refuses)
	h := p.holdBack("SET deleted_at = now(), lease = lease + 1")
	over := make(chan struct{})
	go func() {
		defer close(over)
		refused(t, ada.Do(http.MethodPost, coursesPath+course+"/documents/upload/", body, "Content-Type", contentType))
	}()
	closed(t, "that the document is taken back, on its way", h.held)
	closed(t, "the call's end", over)
	close(h.free)
}

func TestFirestoreGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	emulator := os.Getenv("FIRESTORE_EMULATOR_HOST")
	if emulator == "" {
		if os.Getenv("CI") != "" {
			t.Fatal("FIRESTORE_EMULATOR_HOST is missing: run the tests by `make test`")
		}
		t.Skip("NOT TESTED: FIRESTORE_EMULATOR_HOST is missing; `make test` starts the emulator where it is installed")
	}
	for name, broken := range map[string]mode{"down": refuses, "unreachable": ignores} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newProxy(t, emulator)
			app := apitest.New(t, "LIVE_STORE", "firestore", "FIRESTORE_EMULATOR_HOST", p.address, "GOOGLE_CLOUD_PROJECT", "faults")
			ada := app.User("ada")
			object := uploadLecture(t, app, ada)
			var document documents.ID
			if err := document.UnmarshalText([]byte(strings.TrimPrefix(object.Name, "documents/"))); err != nil {
				t.Fatal(err)
			}
			begun := live.Event{First: true, Data: progress.Event{Event: "document_created", Document: document}.Data()}
			if _, err := live.NewFirestore(live.Config{Emulator: emulator, Project: "faults", TTL: time.Hour}).
				Publish(t.Context(), progress.Topic(document), ada.ID.String(), begun); err != nil {
				t.Fatal(err)
			}
			stream := watch(t, app, ada, object)
			if before := told(t, stream, "document_created"); !strings.Contains(before, "id: ") {
				t.Errorf("no event comes out of Firestore while it is there: %s", before)
			}

			// Nothing needs it: whoever watches is told what the database knows.
			p.set(broken)
			app.Finalize("process-document", object).Want(http.StatusOK)
			if rest := told(t, stream, "processing_complete"); strings.Contains(rest, "id: ") {
				t.Errorf("events come out of Firestore, the proxy proves nothing: %s", rest)
			}
			if completedLive(t, ada, object) {
				t.Error("events come out of Firestore: the proxy proves nothing")
			}

			p.set(passes)
			tries := 0
			soon(t, "events out of Firestore", func() bool {
				tries++
				another := app.User(fmt.Sprint("student ", tries))
				object := uploadLecture(t, app, another)
				app.Finalize("process-document", object).Want(http.StatusOK)
				return completedLive(t, another, object)
			})
		})
	}
}

// completedLive fails the test unless the events of the document end with its completion,
// and reports whether Firestore had any of them: the database's have no ids.
func completedLive(t *testing.T, student *apitest.Client, object api.Object) bool {
	t.Helper()
	resp := student.Get(eventsOf(object))
	if resp.Status != http.StatusOK || !bytes.Contains(resp.Body, []byte("processing_complete")) {
		t.Errorf("the events don't end with the document's completion: %d %s", resp.Status, resp.Body)
	}
	return bytes.Contains(resp.Body, []byte("id: "))
}

// eventsOf is where the document's events are.
func eventsOf(object api.Object) string {
	return "/api/v1/documents/documents/" + strings.TrimPrefix(object.Name, "documents/") + "/events/"
}

// watch begins to watch the document over a connection.
func watch(t *testing.T, app *apitest.App, student *apitest.Client, object api.Object) *bufio.Reader {
	t.Helper()
	server := httptest.NewServer(app.Gateway)
	t.Cleanup(server.Close)
	ctx, leave := context.WithTimeout(t.Context(), 5*time.Minute)
	t.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+eventsOf(object), nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+app.Token(student.ID))
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return bufio.NewReader(resp.Body)
}

// told reads the stream up to what is waited for.
func told(t *testing.T, stream *bufio.Reader, what string) (all string) {
	t.Helper()
	for !strings.Contains(all, what) {
		line, err := stream.ReadString('\n')
		if err != nil {
			t.Fatalf("never told of: %s, but %s: %v", what, all, err)
		}
		all += line
	}
	return all
}

// somebodyWaits is true while a lock is waited for in this database.
const somebodyWaits = `SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database d ON d.oid = database WHERE NOT granted AND datname = current_database())`

// waitFor waits until the query is true.
func waitFor(t *testing.T, app *apitest.App, query string) {
	t.Helper()
	soon(t, query, func() (is bool) {
		if err := app.DB.QueryRow(t.Context(), query).Scan(&is); err != nil {
			t.Fatal(err)
		}
		return is
	})
}

// closed waits until the channel is closed.
func closed(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatalf("never came: %s", what)
	}
}

// soon waits until what is asked for is so.
func soon(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never so: %s", what)
		}
	}
}
