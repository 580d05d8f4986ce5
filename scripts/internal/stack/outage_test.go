package stack

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"aksio.app/scripts/internal/postgres"
)

// TestTheDatabaseIsStoppedAndStartedAgain stops a PostgreSQL of its own as a maintenance
// does, in the midst of calls and of a reading, and starts it again. One process serves
// throughout. No other test runs beside: the environment is theirs, too.
func TestTheDatabaseIsStoppedAndStartedAgain(t *testing.T) {
	t.Setenv("DATABASE_URL", "")
	t.Setenv("DOCKER_HOST", "tcp://127.0.0.1:1") // a server in Docker has no processes here
	dir := openDir(t)
	server := startPostgres(t, dir)
	s, student := startWithStudent(t, server.URL)
	course := student.made("/api/v1/courses/", `{"name":"Cells"}`)
	quiz := student.made("/api/v1/assessments/quizzes/", `{"title":"Quiz","course":"`+course+`"}`)
	list := func() answer { return student.get("/api/v1/courses/") }
	add := func() answer { return student.post("/api/v1/courses/", `{"name":"Atoms"}`) }
	ask := func() answer {
		return student.post("/api/v1/assessments/quizzes/"+quiz+"/questions/", `{"question_text":"Why?","question_type":"essay"}`)
	}

	// As long as this server lives, each of them is stopped when it has written something and
	// not committed it.
	db := connect(t, server.URL)
	execute(t, db, `
		CREATE FUNCTION stall() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
			IF pg_postmaster_start_time() = '`+query[string](t, db, `SELECT pg_postmaster_start_time()::text`)+`' THEN PERFORM pg_sleep(60); END IF;
			RETURN NULL;
		END $$`)
	for _, table := range []string{"courses", "quiz_questions", "draft_passages"} {
		execute(t, db, `CREATE TRIGGER stall AFTER INSERT ON `+table+` FOR EACH STATEMENT EXECUTE FUNCTION stall()`)
	}
	student.made("/api/v1/courses/"+course+"/documents/", `{"document_type":"text","name":"Notes","text":"Cells divide."}`)
	broken := atOnce(add, ask)
	soon(t, "three statements under way", func() bool {
		return query[int](t, db, `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'`) == 3
	})
	list().want(t, http.StatusOK) // on a connection that is idle then

	// A server that shuts down ends its sessions and refuses new ones until all is on the disk.
	checkpointer := query[int](t, db, `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`)
	kill(t, checkpointer, syscall.SIGSTOP)
	goOn := sync.OnceFunc(func() { kill(t, checkpointer, syscall.SIGCONT) })
	t.Cleanup(goOn)
	kill(t, postmaster(t, query[string](t, db, `SHOW data_directory`)), syscall.SIGINT)
	for _, got := range broken() {
		got.want(t, http.StatusServiceUnavailable)
	}
	if got := refusal(t, server.URL); got != "57P03" {
		t.Errorf("the server shuts down and says %s", got)
	}
	for _, got := range atOnce(list, add)() {
		got.want(t, http.StatusServiceUnavailable)
	}

	goOn()
	stop(t, server)
	if got := refusal(t, server.URL); got != syscall.ECONNREFUSED.Error() {
		t.Errorf("the server is gone and says %s", got)
	}
	for _, got := range atOnce(list, add)() {
		got.want(t, http.StatusServiceUnavailable)
	}

	again := startPostgres(t, dir)
	if again.URL != server.URL {
		t.Fatalf("it was at %s and is at %s", server.URL, again.URL)
	}
	db = connect(t, again.URL)
	if got := query[string](t, db, `
		SELECT concat_ws(' ', (SELECT count(*) FROM courses), (SELECT items FROM list_counts WHERE list = 'courses'),
			(SELECT count(*) FROM quiz_questions), (SELECT total_questions FROM quizzes))`); got != "1 1 0 0" {
		t.Errorf("something half-written is left: %s", got)
	}
	list().want(t, http.StatusOK)
	for _, got := range atOnce(add, ask)() {
		got.want(t, http.StatusCreated)
	}
	// The reading goes on by itself: at once, or, if nobody could be told that it broke off,
	// when its lease is over and the courier has paused.
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := s.Delivered(ctx); err != nil {
		t.Fatal(err)
	}
	if got := query[string](t, db, `SELECT state || ' ' || passage_count FROM documents`); got != "completed 1" {
		t.Errorf("the document is %s", got)
	}
}

// startPostgres runs a server of this machine's own programs on the data in the folder.
func startPostgres(t *testing.T, dir string) *postgres.Server {
	t.Helper()
	server, err := postgres.Start(t.Context(), postgres.Options{Dir: dir, Progress: func(line string) { t.Log(line) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, server) })
	return server
}

func stop(t *testing.T, server *postgres.Server) {
	t.Helper()
	if err := server.Stop(); err != nil {
		t.Error(err)
	}
}

// openDir is a folder that the account which runs PostgreSQL can enter.
func openDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "aksio-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// student calls a stack as somebody who is signed in.
type student struct {
	t              *testing.T
	address, token string
}

// startWithStudent runs a stack on the database and registers somebody.
func startWithStudent(t *testing.T, databaseURL string) (*Stack, *student) {
	t.Helper()
	s, err := Start(t.Context(), Config{
		Dir:      t.TempDir(),
		Settings: map[string]string{"DATABASE_URL": databaseURL, "LIVE_STORE": "memory"},
		Log:      slog.New(slog.DiscardHandler),
		Progress: func(string, string, time.Duration) {},
		Detail:   func(string) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	ada := &student{t: t, address: s.Address}
	const password = "a cell is not an atom"
	ada.post("/api/v1/accounts/register/", `{"username":"ada","email":"ada@example.com","password":"`+password+`","password_confirm":"`+password+`"}`).
		want(t, http.StatusCreated)
	ada.token = ada.post("/api/v1/accounts/login/", `{"username":"ada","password":"`+password+`"}`).want(t, http.StatusOK).member(t, "access")
	return s, ada
}

func (s *student) get(path string) answer { return s.call(http.MethodGet, path, "") }

func (s *student) post(path, body string) answer { return s.call(http.MethodPost, path, body) }

// made returns the id of what the call makes.
func (s *student) made(path, body string) string {
	s.t.Helper()
	return s.post(path, body).want(s.t, http.StatusCreated).member(s.t, "id")
}

func (s *student) call(method, path, body string) answer {
	r, err := http.NewRequest(method, s.address+path, strings.NewReader(body))
	if err != nil {
		return answer{call: err.Error()}
	}
	r.Header.Set("Content-Type", "application/json")
	if s.token != "" {
		r.Header.Set("Authorization", "Bearer "+s.token)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return answer{call: err.Error()}
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(resp.Body)
	return answer{method + " " + path, resp.StatusCode, resp.Header.Get("Retry-After"), text}
}

// answer is what a call got.
type answer struct {
	call       string // or why there was no answer
	status     int
	retryAfter string
	body       []byte
}

// want fails the test unless the answer has the status, and says when to come again if that
// is that it was too early.
func (a answer) want(t *testing.T, status int) answer {
	t.Helper()
	if a.status != status || status == http.StatusServiceUnavailable && a.retryAfter == "" {
		t.Errorf("%s: got %d, Retry-After %q, want %d: %s", a.call, a.status, a.retryAfter, status, a.body)
	}
	return a
}

func (a answer) member(t *testing.T, name string) string {
	t.Helper()
	var members map[string]any
	if err := json.Unmarshal(a.body, &members); err != nil {
		t.Fatalf("%s: %v in %s", a.call, err, a.body)
	}
	text, ok := members[name].(string)
	if !ok {
		t.Fatalf("%s has no %s: %s", a.call, name, a.body)
	}
	return text
}

// atOnce begins all calls; the returned function waits for their answers.
func atOnce(calls ...func() answer) func() []answer {
	answers := make([]answer, len(calls))
	var going sync.WaitGroup
	for i, call := range calls {
		going.Go(func() { answers[i] = call() })
	}
	return func() []answer {
		going.Wait()
		return answers
	}
}

// refusal is how a server refuses a connection: PostgreSQL's code, or the system's word.
func refusal(t *testing.T, address string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err == nil {
		conn.Close(t.Context())
		return "nothing: it takes the connection"
	}
	var pg *pgconn.PgError
	var system syscall.Errno
	switch {
	case errors.As(err, &pg):
		return pg.Code
	case errors.As(err, &system):
		return system.Error()
	}
	return err.Error()
}

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.Background()) })
	return conn
}

func execute(t *testing.T, db *pgx.Conn, statement string) {
	t.Helper()
	if _, err := db.Exec(t.Context(), statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func query[T any](t *testing.T, db *pgx.Conn, statement string) (value T) {
	t.Helper()
	if err := db.QueryRow(t.Context(), statement).Scan(&value); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
	return value
}

// postmaster returns the process that runs the server on the data.
func postmaster(t *testing.T, data string) int {
	t.Helper()
	mark, err := os.ReadFile(filepath.Join(data, "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(mark), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

func kill(t *testing.T, pid int, signal syscall.Signal) {
	t.Helper()
	if err := syscall.Kill(pid, signal); err != nil {
		t.Error(err)
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
