package all_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"aksio.app/shared/ai/aitest"
	"aksio.app/shared/api/apitest"
)

// tutored is an app with a model that answers as scripted, and a chat about nothing.
type tutored struct {
	*apitest.App
	ada  *apitest.Client
	chat string
}

func newTutored(t *testing.T, app *apitest.App, model *aitest.Server, address string) tutored {
	t.Helper()
	app = app.With("OPENAI_API_KEY", model.Config().Key, "OPENAI_BASE_URL", address)
	ada := app.User("ada")
	chat := ada.Post("/api/v1/chat/chats/", map[string]any{"title": "Help"}).Want(http.StatusCreated).ID()
	return tutored{app, ada, "/api/v1/chat/chats/" + chat + "/"}
}

const question = `{"content":"When is a space compact?"}`

// ask sends a question to the address and returns the stream of its answer.
func (a tutored) ask(t *testing.T, address string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+a.chat+"send_message/", strings.NewReader(question))
	if err != nil {
		t.Fatal(err)
	}
	r.Header = http.Header{"Authorization": {"Bearer " + a.Token(a.ada.ID)}, "Content-Type": {"application/json"}, "Accept": {"text/event-stream"}, "Idempotency-Key": {"first"}}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp
}

// rest reads the stream to its end, or to where it broke off.
func rest(resp *http.Response) string {
	var b bytes.Buffer
	b.ReadFrom(resp.Body)
	return b.String()
}

// answers fails the test unless the tutor's messages are as listed, with their
// statuses, and what the model was asked for is counted so often.
func (a tutored) answers(t *testing.T, calls int, want ...string) {
	t.Helper()
	var list struct {
		Results []struct{ Status, Content string }
	}
	a.ada.Get(a.chat + "messages/?role=assistant").Want(http.StatusOK).Into(&list)
	var got []string
	for _, m := range list.Results {
		got = append(got, m.Status+": "+m.Content)
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the tutor said %q, want %q", got, want)
	}
	var counts string
	if err := a.DB.QueryRow(t.Context(), `
		SELECT concat_ws(' ', coalesce((SELECT sum(calls) FROM model_usage WHERE purpose = 'answering'), 0),
			(SELECT message_count - (SELECT count(*) FROM chat_messages) FROM chats),
			(SELECT total_tokens_used - coalesce((SELECT sum(prompt_tokens + completion_tokens) FROM model_usage WHERE purpose = 'answering'), 0) FROM chats),
			(SELECT answers - (SELECT count(*) FROM chat_messages WHERE processing_time_ms IS NOT NULL) FROM chats))`).Scan(&counts); err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprint(calls, " 0 0 0"); counts != want {
		t.Errorf("calls counted, and what the chat counts beside its messages: %s, want %s", counts, want)
	}
}

// hears answers with the pieces, the second and further ones when they are asked for.
func hears(more <-chan struct{}, pieces ...string) aitest.Reply {
	return func(w http.ResponseWriter, r *http.Request, call aitest.Call) {
		aitest.Ended(pieces[0])(w, r, call)
		for _, piece := range pieces[1:] {
			select {
			case <-more:
			case <-r.Context().Done():
				return
			}
			aitest.Ended(piece)(w, r, call)
		}
		select {
		case <-more:
			aitest.Text()(w, r, call)
		case <-r.Context().Done():
		}
	}
}

func TestAKilledAnswerIsKeptAsInterrupted(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	model := aitest.New(t, hears(more, "A space is compact ", "if every open cover "))
	a := newTutored(t, apitest.New(t), model, model.Config().BaseURL)
	first := startInstance(t, a.App)
	stream := a.ask(t, "http://"+first.address)
	waitFor(t, a.App, `SELECT EXISTS (SELECT FROM chat_messages WHERE content = 'A space is compact')`)
	a.answers(t, 0, "pending: A space is compact")
	more <- struct{}{}
	waitFor(t, a.App, `SELECT EXISTS (SELECT FROM chat_messages WHERE content = 'A space is compact if every open cover')`)
	first.kill()
	if text := rest(stream); strings.Contains(text, "message_complete") {
		t.Errorf("the stream of a dead process is complete: %s", text)
	}
	if _, err := a.DB.Exec(t.Context(), `UPDATE chat_messages SET updated_at = now() - interval '21 s' WHERE role = 'assistant'`); err != nil {
		t.Fatal(err)
	}
	a.answers(t, 0, "interrupted: A space is compact if every open cover")

	model.Script(aitest.Text("If every open cover has a finite subcover."))
	a.ada.Post(a.chat+"send_message/", map[string]any{"content": "Again, please."}).Want(http.StatusCreated)
	a.answers(t, 1, "interrupted: A space is compact if every open cover", "complete: If every open cover has a finite subcover.")
	if said := model.Calls()[1].Text("assistant"); said != "A space is compact if every open cover" {
		t.Errorf("the model is reminded of %q", said)
	}
}

func TestAnAnswerWhoseModelIsCutOffIsInterrupted(t *testing.T) {
	t.Parallel()
	model := aitest.New(t, hears(nil, "A space is compact "))
	p := newProxy(t, hostOf(t, model.Config().BaseURL))
	a := newTutored(t, apitest.New(t), model, p.before(t, model.Config().BaseURL))
	server := httptest.NewServer(a.Gateway)
	defer server.Close()
	stream := a.ask(t, server.URL)
	waitFor(t, a.App, `SELECT EXISTS (SELECT FROM chat_messages WHERE status = 'pending')`)
	p.set(refuses)
	if text := rest(stream); !strings.Contains(text, `"code":"tutor_unavailable"`) {
		t.Errorf("the stream doesn't tell of it: %s", text)
	}
	a.answers(t, 1, "interrupted: A space is compact")
}

// Once, the repetition got what had been streamed, without an end.
func TestWhoLeftAndAsksAgainByTheKeyGetsAWholeAnswer(t *testing.T) {
	t.Parallel()
	model := aitest.New(t, hears(nil, "A space is compact "), aitest.Text("If every open cover has a finite subcover."))
	a := newTutored(t, apitest.New(t), model, model.Config().BaseURL)
	server := httptest.NewServer(a.Gateway)
	defer server.Close()
	stream := a.ask(t, server.URL)
	waitFor(t, a.App, `SELECT EXISTS (SELECT FROM chat_messages WHERE status = 'pending')`)
	stream.Body.Close()
	waitFor(t, a.App, `SELECT answer IS NOT NULL OR created_at < now() - interval '30 min' FROM idempotency_keys`) // it is settled
	again := a.ada.Do(http.MethodPost, a.chat+"send_message/", question, "Accept", "text/event-stream", "Idempotency-Key", "first").Want(http.StatusOK)
	if !strings.Contains(string(again.Body), "message_complete") {
		t.Errorf("the repetition streams %s", again.Body)
	}
	a.answers(t, 2, "interrupted: A space is compact", "complete: If every open cover has a finite subcover.")
	if asked := count(t, a.App, `SELECT count(*) FROM chat_messages WHERE role = 'user'`); asked != 1 {
		t.Errorf("the question is kept %d times", asked)
	}
}

// An answer that used up the month's tokens is there for who didn't get it.
func TestARepetitionIsAnsweredThoughThePlanIsUsedUp(t *testing.T) {
	t.Parallel()
	model := aitest.New(t, aitest.Text("If every open cover has a finite subcover."))
	a := newTutored(t, apitest.New(t), model, model.Config().BaseURL)
	ask := func(key string) *apitest.Response {
		return a.ada.Do(http.MethodPost, a.chat+"send_message/", question, "Idempotency-Key", key)
	}
	id := func(resp *apitest.Response) any {
		return resp.Want(http.StatusCreated).Map()["ai_response"].(map[string]any)["id"]
	}
	first := id(ask("first"))
	for _, sql := range []string{
		`UPDATE model_usage SET prompt_tokens = 3000000`,
		`UPDATE idempotency_keys SET created_at = now() - interval '1 h', answer = NULL`, // the key was never settled
	} {
		if _, err := a.DB.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		if again := id(ask("first")); again != first {
			t.Errorf("after %s: answered with %v, then with %v", sql, first, again)
		}
	}
	ask("second").Want(http.StatusPaymentRequired)
}

// TestAnAnswerOutlivesTheDatabasesAbsence cuts the database off at the end of the
// answer, before it is stored and just after that.
func TestAnAnswerOutlivesTheDatabasesAbsence(t *testing.T) {
	t.Parallel()
	for name, cut := range map[string]func(p *proxy){
		"away for some tries":  func(p *proxy) { p.refuse(3) },
		"cut after the commit": func(p *proxy) { p.cutAnswers(0) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := make(chan struct{})
			model := aitest.New(t, aitest.Text("Warm."), hears(more, "A space is compact "))
			app, p := behindProxy(t, "DATABASE_POOL", "1")
			a := newTutored(t, app, model, model.Config().BaseURL)
			a.Races = true // tries again
			a.ada.Post(a.chat+"send_message/", map[string]any{"content": "Hello?"}).Want(http.StatusCreated)
			a.answers(t, 1, "complete: Warm.")
			server := httptest.NewServer(a.Gateway)
			defer server.Close()
			stream := a.ask(t, server.URL)
			waitFor(t, a.App, `SELECT EXISTS (SELECT FROM chat_messages WHERE status = 'pending')`)
			// Whoever reads gets the only connection when the draft's write is over; the next one is far.
			a.answers(t, 1, "complete: Warm.", "pending: A space is compact")
			cut(p)
			more <- struct{}{}
			if text := rest(stream); !strings.Contains(text, "message_complete") {
				t.Errorf("the stream isn't completed: %s", text)
			}
			a.answers(t, 2, "complete: Warm.", "complete: A space is compact ")
		})
	}
}
