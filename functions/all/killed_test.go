package all_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"aksio.app/shared/ai/aitest"
	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/resource"
	"aksio.app/shared/telemetry"
	"aksio.app/shared/uploads"
)

// TestMain lets the test binary be an instance that serves all functions and logs as
// deployed ones do, so that a test can kill it.
func TestMain(m *testing.M) {
	if os.Getenv("SERVE_FUNCTIONS") == "" {
		os.Exit(m.Run())
	}
	slog.SetDefault(slog.New(telemetry.NewHandler(os.Stderr, "project")))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr())
	api.HandlePrivate(api.Operation{ID: "panic", Summary: "Panic, as no function should."}, func(*api.Env) (api.PublicHandler[struct{}, struct{}], error) {
		return func(context.Context, *struct{}) (*struct{}, error) { panic("on purpose") }, nil
	})
	gateway := api.NewGateway(resource.OSProcess())
	mux := http.NewServeMux()
	mux.Handle("/", gateway)
	mux.Handle("/internal/", gateway.Internal)
	panic(http.Serve(listener, mux))
}

// instance is a process of the test's own that serves the functions.
type instance struct {
	address string
	process *exec.Cmd
	logs    bytes.Buffer // complete once it is killed
}

func startInstance(t *testing.T, app *apitest.App) *instance {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	i := &instance{process: cmd}
	cmd.Stderr = &i.logs
	cmd.Env = append(os.Environ(), "SERVE_FUNCTIONS=1")
	for name, value := range app.Settings {
		cmd.Env = append(cmd.Env, name+"="+value)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(i.kill)
	i.address, err = bufio.NewReader(output).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	i.address = strings.TrimSpace(i.address)
	return i
}

// kill ends the process at once, as SIGKILL does, and waits until it is gone.
func (i *instance) kill() {
	i.process.Process.Kill()
	i.process.Wait()
}

// deliver sends the event to process-document and returns the status, 0 if there was none.
func (i *instance) deliver(t *testing.T, object api.Object) int {
	r, err := object.Push(t.Context(), "http://"+i.address+"/internal/process-document/", "1")
	if err != nil {
		t.Error(err)
		return 0
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	resp.Body.Close()
	return resp.StatusCode
}

// TestAKilledReadingIsFinishedByAnother stops the reading of a document in each of its
// stages, kills the process, and delivers the event again.
func TestAKilledReadingIsFinishedByAnother(t *testing.T) {
	t.Parallel()
	summary := aitest.JSON(map[string]any{"text": "It is about spaces.", "topics": []string{"spaces"}})
	want := map[string]string{lecture: undisturbed(t, lecture), book: undisturbed(t, book)}
	for moment, tc := range map[string]struct {
		text    string
		lock    string         // stops the reading
		replies []aitest.Reply // before it is stopped
		hangs   bool           // the next reply stops it
		after   []aitest.Reply
	}{
		"before it begins": {text: lecture, lock: `document_drafts IN ACCESS EXCLUSIVE`, after: []aitest.Reply{aitest.Embeddings(), summary}},
		"extract":          {text: lecture, lock: `draft_passages IN SHARE`, after: []aitest.Reply{aitest.Embeddings(), summary}},
		"embed":            {text: lecture, hangs: true, after: []aitest.Reply{aitest.Embeddings(), summary}},
		"between batches":  {text: book, replies: []aitest.Reply{aitest.Embeddings()}, hangs: true, after: []aitest.Reply{aitest.Embeddings(), summary}},
		"before the index": {text: lecture, lock: `passages IN SHARE`, replies: []aitest.Reply{aitest.Embeddings()}, after: []aitest.Reply{summary}},
		"summarize":        {text: lecture, replies: []aitest.Reply{aitest.Embeddings()}, hangs: true, after: []aitest.Reply{summary}},
	} {
		t.Run(moment, func(t *testing.T) {
			t.Parallel()
			stopped := make(chan struct{})
			replies := tc.replies
			if tc.hangs {
				replies = append(replies, func(w http.ResponseWriter, r *http.Request, call aitest.Call) {
					close(stopped)
					aitest.Hang()(w, r, call)
				})
			}
			model := aitest.New(t, replies...)
			app := apitest.New(t, "OPENAI_API_KEY", model.Config().Key, "OPENAI_BASE_URL", model.Config().BaseURL)
			object := uploadText(t, app, app.User("ada"), tc.text)

			first := startInstance(t, app)
			lock, err := app.DB.Begin(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if tc.lock != "" {
				if _, err := lock.Exec(t.Context(), `LOCK TABLE `+tc.lock+` MODE`); err != nil {
					t.Fatal(err)
				}
			}
			go first.deliver(t, object)
			if tc.hangs {
				closed(t, "the model's call that hangs", stopped)
			} else {
				waitFor(t, app, somebodyWaits)
			}
			first.kill()
			if err := lock.Rollback(t.Context()); err != nil {
				t.Fatal(err)
			}

			second := startInstance(t, app)
			if status := second.deliver(t, object); status < 500 {
				t.Errorf("while the dead instance's lease lasts: got %d, want an error, so that the event comes again", status)
			}
			if _, err := app.DB.Exec(t.Context(), `UPDATE documents SET lease_until = now() - interval '1 s'`); err != nil {
				t.Fatal(err)
			}
			model.Script(tc.after...)
			if status := second.deliver(t, object); status >= 300 {
				t.Fatalf("delivered again: got %d", status)
			}
			if got, want := whatWasRead(t, app), want[tc.text]; got != want {
				t.Errorf("read\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestACutReadingIsFinishedByTheNext cuts the connection to the database just after it has
// done one of the statements of a reading, each in turn, and delivers the event again.
func TestACutReadingIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		next   func(t *testing.T, app *apitest.App, ada *apitest.Client, read api.Object) api.Object // to be read after a first one
		copied bool                                                                                  // its passages are another document's
		warm   bool                                                                                  // the first reading has prepared the same statements
	}{
		"of a first file":   {},
		"of the same bytes": {next: uploadedAgain, copied: true},
		"of what was read":  {next: readAnew, warm: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app, p := behindProxy(t, "DATABASE_POOL", "1")
			app.Races = true // a new connection prepares anew
			upload := func() api.Object {
				t.Helper()
				if _, err := app.DB.Exec(t.Context(), `DELETE FROM users`); err != nil { // with all that they have
					t.Fatal(err)
				}
				ada := app.User("ada")
				object := uploadLecture(t, app, ada)
				if tc.next == nil {
					return object
				}
				app.Finalize("process-document", object).Want(http.StatusOK)
				return tc.next(t, app, ada, object)
			}
			statement, want := 0, ""
			for ; ; statement++ {
				if want == "" || !tc.warm {
					app.Finalize("process-document", upload()).Want(http.StatusOK) // on a connection that then knows the statements
					want = whatWasRead(t, app)
				}
				if copied := strings.Contains(want, "copied"); copied != tc.copied {
					t.Fatalf("copied: %t, read\n%s", copied, want)
				}

				object := upload()
				searchable := count(t, app, `SELECT count(*) FROM passages`)
				p.cutAnswers(statement)
				first := app.Finalize("process-document", object)
				if p.spared() {
					first.Want(http.StatusOK)
					break
				}
				first.Want(http.StatusServiceUnavailable)
				if left := count(t, app, `SELECT count(*) FROM passages`); left < searchable {
					t.Errorf("cut at statement %d: %d passages are left of %d", statement, left, searchable)
				}
				if statement == 0 { // nobody knows of the lease
					app.Finalize("process-document", object).Want(http.StatusServiceUnavailable)
					if _, err := app.DB.Exec(t.Context(), `UPDATE documents SET lease_until = now() - interval '1 s'`); err != nil {
						t.Fatal(err)
					}
				}
				app.Finalize("process-document", object).Want(http.StatusOK)
				if got := whatWasRead(t, app); got != want {
					t.Errorf("cut at statement %d, read\n%s\nwant\n%s", statement, got, want)
				}
			}
			if statement < 10 {
				t.Errorf("it was cut %d times: it is claimed, and each stage stores something in a transaction", statement)
			}
		})
	}
}

// uploadedAgain uploads the lecture a second time, into the same course.
func uploadedAgain(t *testing.T, app *apitest.App, ada *apitest.Client, read api.Object) api.Object {
	t.Helper()
	return uploadTo(t, app, ada, courseOf(t, app, read), lecture)
}

// readAnew asks for a second reading.
func readAnew(t *testing.T, app *apitest.App, ada *apitest.Client, read api.Object) api.Object {
	t.Helper()
	ada.Post(coursesPath+courseOf(t, app, read)+"/"+read.Name+"/reprocess/", nil).Want(http.StatusOK)
	return stored(t, app, read.Name)
}

func courseOf(t *testing.T, app *apitest.App, object api.Object) (course string) {
	t.Helper()
	if err := app.DB.QueryRow(t.Context(), `SELECT course_id::text FROM documents WHERE object = $1`, object.Name).Scan(&course); err != nil {
		t.Fatal(err)
	}
	return course
}

// TestAKilledGenerationIsMadeAnew kills the process while a model makes cards.
func TestAKilledGenerationIsMadeAnew(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{})
	model := aitest.New(t, func(w http.ResponseWriter, r *http.Request, call aitest.Call) {
		close(asked)
		aitest.Hang()(w, r, call)
	})
	app := apitest.New(t)
	ada := app.User("ada")
	course := ada.Post(coursesPath, map[string]any{"name": "Topology"}).Want(http.StatusCreated).ID()
	const assessments = "/api/v1/assessments/"
	path := assessments + ada.Post(assessments, map[string]any{
		"course": course, "title": "Spaces", "assessment_type": "formative", "flashcard_count": 1, "include_quizzes": false,
	}).Want(http.StatusCreated).ID() + "/generate_content/"
	body, err := json.Marshal(map[string]any{"content": lecture})
	if err != nil {
		t.Fatal(err)
	}

	first := startInstance(t, app.With("OPENAI_API_KEY", model.Config().Key, "OPENAI_BASE_URL", model.Config().BaseURL))
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+first.address+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"Bearer " + app.Token(ada.ID)}, "Content-Type": {"application/json"}}
	go func() {
		if resp, err := http.DefaultClient.Do(r); err == nil {
			resp.Body.Close()
			t.Errorf("answered with %d", resp.StatusCode)
		}
	}()
	closed(t, "a question to the model", asked)
	first.kill()

	early := ada.Post(path, body).Want(http.StatusConflict)
	if early.Map()["code"] != "generation_running" || early.Header.Get("Retry-After") == "" {
		t.Errorf("before the dead one's time is up: %s", early.Body)
	}
	const cards = `SELECT count(*) FROM flashcards`
	if n := count(t, app, cards); n != 0 {
		t.Errorf("the dead one left %d cards", n)
	}
	if _, err := app.DB.Exec(t.Context(), `UPDATE courses SET generating_until = now() - interval '1 s'`); err != nil {
		t.Fatal(err)
	}
	ada.Post(path, body).Want(http.StatusOK)
	if n := count(t, app, cards); n != 1 {
		t.Errorf("%d cards were made, want 1", n)
	}
}

// TestALeaseOutlivesASilentConnection has the connection go silent on which a lease is to
// be renewed while the model takes its time. Once, the reading waited for that one renewal
// up to its end, and didn't yield before, either.
func TestALeaseOutlivesASilentConnection(t *testing.T) {
	t.Parallel()
	model := aitest.New(t, aitest.Hang())
	app, p := behindProxy(t, "OPENAI_API_KEY", model.Config().Key, "OPENAI_BASE_URL", model.Config().BaseURL)
	object := uploadLecture(t, app, app.User("ada"))
	reader := startInstance(t, app)
	go reader.deliver(t, object)
	soon(t, "a question to the model", func() bool { return len(model.Calls()) == 1 }) // nothing but renewals moves the lease from here on
	h := p.holdBack("SET lease_until = now() + $3::interval FROM courses c")
	t.Cleanup(func() { close(h.free) })
	closed(t, "a renewal on its way", h.held)
	var until time.Time
	if err := app.DB.QueryRow(t.Context(), `SELECT lease_until FROM documents`).Scan(&until); err != nil {
		t.Fatal(err)
	}
	soon(t, "a renewal on another connection", func() bool {
		var now time.Time
		if err := app.DB.QueryRow(t.Context(), `SELECT lease_until FROM documents`).Scan(&now); err != nil {
			t.Fatal(err)
		}
		return now.After(until)
	})
}

const lecture = `Topology studies properties that are kept by continuous maps.

A space is compact if every open cover has a finite subcover. Closed intervals of real numbers are compact; the Heine-Borel theorem says so.

A space is connected if it isn't the union of two disjoint open sets that aren't empty. Continuous images of connected spaces are connected.
`

// book has more passages than get their vectors at once: one a paragraph.
var book = func() string {
	var b strings.Builder
	for paragraph := range 66 {
		fmt.Fprintf(&b, "This is paragraph %d.%s\n\n", paragraph, strings.Repeat(" It is an open map.", 40))
	}
	return b.String()
}()

// uploadLecture uploads a document and returns what the bucket's event says of it.
func uploadLecture(t testing.TB, app *apitest.App, student *apitest.Client) api.Object {
	t.Helper()
	return uploadText(t, app, student, lecture)
}

// uploadText is uploadLecture with another text.
func uploadText(t testing.TB, app *apitest.App, student *apitest.Client, text string) api.Object {
	t.Helper()
	return uploadTo(t, app, student, student.Post(coursesPath, map[string]any{"name": "Topology"}).Want(http.StatusCreated).ID(), text)
}

// uploadTo is uploadText into a course that there is.
func uploadTo(t testing.TB, app *apitest.App, student *apitest.Client, course, text string) api.Object {
	t.Helper()
	body, contentType := form(text)
	document := student.Do(http.MethodPost, coursesPath+course+"/documents/upload/", body, "Content-Type", contentType).
		Want(http.StatusCreated).Map()["document_id"].(string)
	return stored(t, app, "documents/"+document)
}

// stored is what the bucket's event says of the object.
func stored(t testing.TB, app *apitest.App, object string) api.Object {
	t.Helper()
	bucket := uploads.New(uploads.Config{Bucket: app.Settings["UPLOADS_BUCKET"], Emulator: app.Settings["STORAGE_EMULATOR_HOST"]})
	attrs, err := bucket.Attrs(t.Context(), object)
	if err != nil {
		t.Fatal(err)
	}
	return api.Object{Bucket: bucket.Name(), Name: attrs.Name, Generation: attrs.Generation, Size: attrs.Size, ContentType: attrs.ContentType}
}

// undisturbed is whatWasRead of a reading of the text that nothing stopped.
func undisturbed(t *testing.T, text string) string {
	t.Helper()
	replies := []aitest.Reply{aitest.Embeddings(), aitest.JSON(map[string]any{"text": "It is about spaces.", "topics": []string{"spaces"}})}
	if text == book {
		replies = append([]aitest.Reply{aitest.Embeddings()}, replies...)
	}
	model := aitest.New(t, replies...)
	app := apitest.New(t, "OPENAI_API_KEY", model.Config().Key, "OPENAI_BASE_URL", model.Config().BaseURL)
	app.Finalize("process-document", uploadText(t, app, app.User("ada"), text)).Want(http.StatusOK)
	return whatWasRead(t, app)
}

// whatWasRead is everything that readings left.
func whatWasRead(t *testing.T, app *apitest.App) (text string) {
	t.Helper()
	if err := app.DB.QueryRow(t.Context(), `
		SELECT concat_ws(E'\n',
			(SELECT string_agg(concat_ws(' ', state, stage, progress, page_count, passage_count, embedded_count, word_count, summary, CASE WHEN duplicate_of IS NOT NULL THEN 'copied' END), E'\n' ORDER BY id) FROM documents),
			(SELECT string_agg(concat_ws(' ', position, text, md5(embedding::text), char_start, char_end), E'\n' ORDER BY document_id, position) FROM passages),
			(SELECT string_agg(text, '|' ORDER BY document_id, number) FROM document_pages),
			(SELECT string_agg(concat_ws(' ', purpose, calls, prompt_tokens, completion_tokens), ', ' ORDER BY purpose) FROM model_usage),
			(SELECT count(*) || ' drafts' FROM document_drafts))`).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}
