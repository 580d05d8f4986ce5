package all_test

import (
	"bufio"
	"bytes"
	"context"
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
	want := undisturbed(t)
	for moment, tc := range map[string]struct {
		lock    string         // stops the reading
		replies []aitest.Reply // before it is stopped
		hangs   bool           // the next reply stops it
		after   []aitest.Reply
	}{
		"before it begins": {lock: `document_drafts IN ACCESS EXCLUSIVE`, after: []aitest.Reply{aitest.Embeddings(), summary}},
		"extract":          {lock: `draft_passages IN SHARE`, after: []aitest.Reply{aitest.Embeddings(), summary}},
		"embed":            {hangs: true, after: []aitest.Reply{aitest.Embeddings(), summary}},
		"before the index": {lock: `passages IN SHARE`, replies: []aitest.Reply{aitest.Embeddings()}, after: []aitest.Reply{summary}},
		"summarize":        {replies: []aitest.Reply{aitest.Embeddings()}, hangs: true, after: []aitest.Reply{summary}},
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
			object := uploadLecture(t, app, app.User("ada"))

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
			if got := whatWasRead(t, app); got != want {
				t.Errorf("read\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestACutReadingIsFinishedByTheNext cuts the connection to the database just after it has
// done one of the statements of a reading, each in turn, and delivers the event again.
func TestACutReadingIsFinishedByTheNext(t *testing.T) {
	t.Parallel()
	app, p := behindProxy(t, "DATABASE_POOL", "1")
	app.Races = true // a new connection prepares anew
	upload := func() api.Object {
		t.Helper()
		if _, err := app.DB.Exec(t.Context(), `DELETE FROM users`); err != nil { // with all that they have
			t.Fatal(err)
		}
		return uploadLecture(t, app, app.User("ada"))
	}
	statement := 0
	for ; ; statement++ {
		app.Finalize("process-document", upload()).Want(http.StatusOK) // on a connection that then knows the statements
		want := whatWasRead(t, app)

		object := upload()
		p.cutAnswers(statement)
		first := app.Finalize("process-document", object)
		if p.spared() {
			first.Want(http.StatusOK)
			break
		}
		first.Want(http.StatusServiceUnavailable)
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

// uploadLecture uploads a document and returns what the bucket's event says of it.
func uploadLecture(t testing.TB, app *apitest.App, student *apitest.Client) api.Object {
	t.Helper()
	course := student.Post(coursesPath, map[string]any{"name": "Topology"}).Want(http.StatusCreated).ID()
	body, contentType := form(lecture)
	document := student.Do(http.MethodPost, coursesPath+course+"/documents/upload/", body, "Content-Type", contentType).
		Want(http.StatusCreated).Map()["document_id"].(string)
	bucket := uploads.New(uploads.Config{Bucket: app.Settings["UPLOADS_BUCKET"], Emulator: app.Settings["STORAGE_EMULATOR_HOST"]})
	attrs, err := bucket.Attrs(t.Context(), "documents/"+document)
	if err != nil {
		t.Fatal(err)
	}
	return api.Object{Bucket: bucket.Name(), Name: attrs.Name, Generation: attrs.Generation, Size: attrs.Size, ContentType: attrs.ContentType}
}

// undisturbed is whatWasRead of a reading that nothing stopped.
func undisturbed(t *testing.T) string {
	t.Helper()
	model := aitest.New(t, aitest.Embeddings(), aitest.JSON(map[string]any{"text": "It is about spaces.", "topics": []string{"spaces"}}))
	app := apitest.New(t, "OPENAI_API_KEY", model.Config().Key, "OPENAI_BASE_URL", model.Config().BaseURL)
	app.Finalize("process-document", uploadLecture(t, app, app.User("ada"))).Want(http.StatusOK)
	return whatWasRead(t, app)
}

// whatWasRead is everything that the reading of the only document left.
func whatWasRead(t *testing.T, app *apitest.App) (text string) {
	t.Helper()
	if err := app.DB.QueryRow(t.Context(), `
		SELECT concat_ws(E'\n',
			(SELECT concat_ws(' ', state, stage, progress, page_count, passage_count, embedded_count, word_count, summary) FROM documents),
			(SELECT string_agg(concat_ws(' ', position, text, md5(embedding::text), char_start, char_end), E'\n' ORDER BY position) FROM passages),
			(SELECT string_agg(text, '|' ORDER BY number) FROM document_pages),
			(SELECT string_agg(concat_ws(' ', purpose, calls, prompt_tokens, completion_tokens), ', ' ORDER BY purpose) FROM model_usage),
			(SELECT count(*) || ' drafts' FROM document_drafts))`).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}
