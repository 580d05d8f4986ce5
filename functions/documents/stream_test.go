package documents_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"aksio.app/shared/ai/aitest"
	"aksio.app/shared/documents"
	"aksio.app/shared/documents/progress"
	"aksio.app/shared/live"
)

// event is a server-sent event.
type event struct {
	id   string
	data map[string]any
}

func (e event) name() string { return e.data["event"].(string) }

// events reads a whole stream.
func events(t testing.TB, header http.Header, body []byte) []event {
	t.Helper()
	if got := header.Get("Content-Type"); got != "text/event-stream" {
		t.Fatalf("Content-Type %s", got)
	}
	var all []event
	for block := range strings.SplitSeq(strings.TrimSpace(string(body)), "\n\n") {
		var e event
		for line := range strings.SplitSeq(block, "\n") {
			if id, ok := strings.CutPrefix(line, "id: "); ok {
				e.id = id
			} else if data, ok := strings.CutPrefix(line, "data: "); ok {
				if err := json.Unmarshal([]byte(data), &e.data); err != nil {
					t.Fatal(err)
				}
			} else if !strings.HasPrefix(line, ":") {
				t.Fatalf("line %q", line)
			}
		}
		if e.data != nil {
			all = append(all, e)
		}
	}
	return all
}

func names(all []event) []string {
	var names []string
	for _, e := range all {
		names = append(names, e.name())
	}
	return names
}

func (s *student) watch(document string, headers ...string) []event {
	s.app.t.Helper()
	resp := s.Do(http.MethodGet, "/api/v1/documents/documents/"+document+"/events/", nil, headers...).Want(http.StatusOK)
	return events(s.app.t, resp.Header, resp.Body)
}

// open begins to watch over a connection. The answer is there when the first event is.
func (s *student) open(document string) (resp *http.Response, leave func()) {
	t := s.app.t
	t.Helper()
	server := httptest.NewServer(s.app.Gateway)
	t.Cleanup(server.Close)
	ctx, leave := context.WithCancel(t.Context())
	t.Cleanup(leave)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/api/v1/documents/documents/"+document+"/events/", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+s.app.Token(s.ID))
	if resp, err = http.DefaultClient.Do(r); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { resp.Body.Close() })
	return resp, leave
}

// rest reads to its end what open opened.
func rest(t testing.TB, resp *http.Response) []event {
	t.Helper()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return events(t, resp.Header, body)
}

func TestStreamTellsWhatHappens(t *testing.T) {
	t.Parallel()
	app, _ := withModel(t, aitest.Embeddings(), summary)
	ada := app.student("ada")
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	stream, _ := ada.open(document)
	app.process(document).Want(http.StatusOK)
	all := rest(t, stream)
	want := []string{"document_status", "document_created", "extracting_text", "extraction_complete", "embedding_progress", "processing_complete"}
	if got := names(all); !slices.Equal(got, want) {
		t.Errorf("events %v, want %v", got, want)
	}
	progress := -1.0
	for _, e := range all[1:] {
		if e.data["document_id"] != document || e.id == "" {
			t.Errorf("event %v", e)
		}
		if now := e.data["progress"].(float64); now < progress {
			t.Errorf("%s goes back from %v to %v", e.name(), progress, now)
		} else {
			progress = now
		}
	}

	// Whoever comes back goes on after what was seen; whoever comes late sees all.
	resumed := ada.watch(document, "Last-Event-ID", all[3].id)
	if got := names(resumed); !slices.Equal(got, want[4:]) {
		t.Errorf("resumed %v, want %v", got, want[4:])
	}
	if got := names(ada.watch(document)); !slices.Equal(got, want[1:]) {
		t.Errorf("afterwards %v, want %v", got, want[1:])
	}
	if got := names(ada.watch(document, "Last-Event-ID", all[len(all)-1].id)); !slices.Equal(got, want[5:]) {
		t.Errorf("after the last one %v, want it again", got)
	}
}

func TestStreamTellsWhatTheDatabaseKnows(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	set := func(state, code string) {
		if _, err := app.DB.Exec(t.Context(), `UPDATE documents SET state = $1, error_code = $2, error_message = 'No text.' WHERE id = $3`, state, code, document); err != nil {
			t.Error(err)
		}
	}
	stream, _ := ada.open(document)
	set("failed", "no_text") // and nothing is published: every event gets lost
	all := rest(t, stream)
	if got := names(all); !slices.Equal(got, []string{"document_status", "extraction_failed"}) {
		t.Fatalf("events %v", got)
	}
	if last := all[1].data; last["code"] != "no_text" || last["error"] != "No text." {
		t.Errorf("last event %v", last)
	}
	set("completed", "")
	if got := names(ada.watch(document)); !slices.Equal(got, []string{"processing_complete"}) {
		t.Errorf("events %v", got)
	}
}

func TestStreamEndsWithTheReadingThatGoesOn(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(document).Want(http.StatusOK)
	first := ada.watch(document)
	ada.Post(ada.path+document+"/reprocess/", nil).Want(http.StatusOK)
	stream, _ := ada.open(document)
	// What is kept of the first reading comes first; its end is passed over.
	body, told := bufio.NewReader(stream.Body), []byte{}
	for !bytes.Contains(told, []byte("embedding_progress")) {
		line, err := body.ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, line...)
	}
	stream.Body = io.NopCloser(io.MultiReader(bytes.NewReader(told), body))
	app.process(document).Want(http.StatusOK)
	all := rest(t, stream)
	if last := all[len(all)-1]; last.name() != "processing_complete" || last.id == first[len(first)-1].id {
		t.Errorf("events %v, the last with the id %s; the first reading's had %s", names(all), last.id, first[len(first)-1].id)
	}
}

// kept is a live store that tells of a finished reading once the next one is over, too.
type kept struct {
	live.Store
	wait   func() // until the second reading is over
	events []event
}

func (k *kept) Watch(_ context.Context, _, _ string, after int64, yield func(live.Event) error) error {
	k.wait()
	for _, e := range k.events {
		seq, err := strconv.ParseInt(e.id, 10, 64)
		if err != nil {
			return err
		}
		if last := strings.HasPrefix(e.name(), "processing_"); seq > after {
			if err := yield(live.Event{Seq: seq, Last: last, Data: e.data}); err != nil || last {
				return err
			}
		}
	}
	return nil
}

// TestStreamPassesOverAnEarlierEnd, even if the later reading is over when it is told of:
// what ended with the state that the document is in was taken for its end.
func TestStreamPassesOverAnEarlierEnd(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada := app.student("ada")
	document := ada.uploaded("lecture.txt", "text/plain", lecture)
	app.process(document).Want(http.StatusOK)
	store := &kept{events: ada.watch(document)}
	ada.Post(ada.path+document+"/reprocess/", nil).Want(http.StatusOK)
	store.wait = sync.OnceFunc(func() {
		app.process(document).Want(http.StatusOK)
		store.events = append(store.events, ada.watch(document)...)
	})
	var read documents.ID
	if err := read.UnmarshalText([]byte(document)); err != nil {
		t.Fatal(err)
	}
	var last progress.Update
	if err := progress.NewFeed(documents.NewStore(app.DB), store).Follow(t.Context(), ada.ID, read, 0, func(u progress.Update) error {
		last = u
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := store.events[len(store.events)-1].id; strconv.FormatInt(last.Seq, 10) != want || last.Event.Event != "processing_complete" {
		t.Errorf("ended with %d, %v; want %s", last.Seq, last.Event, want)
	}
}

// One student can't take the places of all others in an instance.
func TestAStudentHasTenStreamsAtOnce(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	ada, bob := app.student("ada"), app.student("bob")
	document := ada.uploaded("a.txt", "text/plain", lecture)
	var leave func()
	for i := range 10 {
		var resp *http.Response
		if resp, leave = ada.open(document); resp.StatusCode != http.StatusOK {
			t.Fatalf("stream %d: got %d", i+1, resp.StatusCode)
		}
	}
	refused, _ := ada.open(document)
	if refused.StatusCode != http.StatusTooManyRequests || refused.Header.Get("Retry-After") != "10" {
		t.Errorf("stream 11: got %d, Retry-After %q", refused.StatusCode, refused.Header.Get("Retry-After"))
	}
	if resp, _ := bob.open(bob.uploaded("b.txt", "text/plain", lecture)); resp.StatusCode != http.StatusOK {
		t.Errorf("another student's: got %d", resp.StatusCode)
	}
	leave()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		resp, _ := ada.open(document)
		if resp.StatusCode == http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the place of a stream that ended isn't given away")
		}
	}
}
