package stack

import (
	"context"
	"encoding/json"
	"errors"
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

	"aksio.app/scripts/internal/client"
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
	list := func() error { return student.get("/api/v1/courses/") }
	add := func() error { return student.post("/api/v1/courses/", `{"name":"Atoms"}`) }
	ask := func() error {
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
	served(t, list()) // on a connection that is idle then

	// A server that shuts down ends its sessions and refuses new ones until all is on the disk.
	checkpointer := query[int](t, db, `SELECT pid FROM pg_stat_activity WHERE backend_type = 'checkpointer'`)
	kill(t, checkpointer, syscall.SIGSTOP)
	goOn := sync.OnceFunc(func() { kill(t, checkpointer, syscall.SIGCONT) })
	t.Cleanup(goOn)
	kill(t, postmaster(t, query[string](t, db, `SHOW data_directory`)), syscall.SIGINT)
	for _, err := range broken() {
		refused(t, err)
	}
	if got := refusal(t, server.URL); got != "57P03" {
		t.Errorf("the server shuts down and says %s", got)
	}
	for _, err := range atOnce(list, add)() {
		refused(t, err)
	}

	goOn()
	stop(t, server)
	if got := refusal(t, server.URL); got != syscall.ECONNREFUSED.Error() {
		t.Errorf("the server is gone and says %s", got)
	}
	for _, err := range atOnce(list, add)() {
		refused(t, err)
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
	served(t, list())
	for _, err := range atOnce(add, ask)() {
		served(t, err)
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
	*testing.T
	client.Client
}

// startWithStudent runs a stack on the database and registers somebody.
func startWithStudent(t *testing.T, databaseURL string) (*Stack, *student) {
	t.Helper()
	s, err := Start(t.Context(), Config{
		Dir:      t.TempDir(),
		Settings: map[string]string{"DATABASE_URL": databaseURL, "LIVE_STORE": "memory"},
		Log:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	ada := &student{t, client.Client{Address: s.Address}}
	const password = "a cell is not an atom"
	served(t, ada.post("/api/v1/accounts/register/", `{"username":"ada","email":"ada@example.com","password":"`+password+`","password_confirm":"`+password+`"}`))
	var pair struct{ Access string }
	served(t, ada.Post(t.Context(), "/api/v1/accounts/login/", json.RawMessage(`{"username":"ada","password":"`+password+`"}`), &pair))
	ada.Token = pair.Access
	return s, ada
}

func (s *student) get(path string) error { return s.Get(s.Context(), path, nil) }

func (s *student) post(path, body string) error {
	return s.Post(s.Context(), path, json.RawMessage(body), nil)
}

// made returns the id of what the call makes.
func (s *student) made(path, body string) string {
	s.Helper()
	var made struct{ ID string }
	served(s.T, s.Post(s.Context(), path, json.RawMessage(body), &made))
	return made.ID
}

// served fails the test unless the call that returned this did what it was for.
func served(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// refused fails the test unless the call was told to come again, and when.
func refused(t *testing.T, err error) {
	t.Helper()
	var p *client.Problem
	if !errors.As(err, &p) || p.Status != http.StatusServiceUnavailable || p.RetryAfter == "" {
		t.Errorf("got %v %+v, want 503 and a Retry-After", err, p)
	}
}

// atOnce begins all calls; the returned function waits for what they return.
func atOnce(calls ...func() error) func() []error {
	results := make([]error, len(calls))
	var going sync.WaitGroup
	for i, call := range calls {
		going.Go(func() { results[i] = call() })
	}
	return func() []error {
		going.Wait()
		return results
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
