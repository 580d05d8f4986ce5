package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"aksio.app/scripts/internal/client"
)

// student is somebody with an account, a course, a document that was read and cards.
type student struct {
	signedOut client.Client // with which each visit begins
	file      *file

	name, password   string
	course, document string // ids
	topics           []string

	mu      sync.Mutex // visits may overlap
	refresh string     // token
	uploads int
}

// file is what students upload. Each adds a line of their own: bytes that the
// student has already aren't read again.
type file struct {
	name    string
	content []byte
}

// cardsOfStudent is enough for the day's reviews.
const cardsOfStudent = 25

// enrol registers the student, who then adds a course, a document and cards. It is
// what was before the day.
func (s *student) enrol(ctx context.Context) error {
	err := s.signedOut.Post(ctx, "/api/v1/accounts/register/", map[string]any{
		"username": s.name, "email": s.name + "@example.com", "password": s.password, "password_confirm": s.password,
	}, nil)
	if err != nil {
		return err
	}
	v := s.begin(func(string, time.Time, error) {})
	if err := v.signIn(ctx); err != nil {
		return err
	}
	var course struct {
		ID string `json:"id"`
	}
	if err := v.Post(ctx, "/api/v1/courses/", map[string]any{"name": "Course"}, &course); err != nil {
		return err
	}
	s.course = course.ID
	if err := v.upload(ctx); err != nil {
		return err
	}
	if err := v.store(ctx); err != nil {
		return err
	}
	if err := v.watch(ctx); err != nil {
		return err
	}
	s.document = v.uploaded
	var document struct {
		Topics []string `json:"topics"`
	}
	if err := v.Get(ctx, v.documents()+s.document+"/", &document); err != nil {
		return err
	}
	if s.topics = document.Topics; len(s.topics) == 0 {
		return fmt.Errorf("no topics were found in %s: take a document with more text", s.file.name)
	}
	for i := range cardsOfStudent {
		err := v.Post(ctx, "/api/v1/assessments/flashcards/", map[string]any{
			"course": s.course, "question": fmt.Sprintf("What is meant by term %d?", i+1), "answer": "An answer of some words, as students write them.",
		}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// visit is a student at the platform: a planned visit under way.
type visit struct {
	*student
	client.Client
	note     func(what string, began time.Time, err error) // of something beside the call itself
	answered time.Time                                     // when the call was, if it did more after that

	due      []string // cards
	chat     string
	asked    int
	uploaded string        // document
	pending  client.Upload // where it is to go
	sent     time.Time
}

// begin lets a visit begin.
func (s *student) begin(note func(what string, began time.Time, err error)) *visit {
	return &visit{student: s, Client: s.signedOut, note: note}
}

// errNothing says that there is nothing to do: the call isn't made.
var errNothing = errors.New("nothing to do")

// actions are the calls of the script by operation.
var actions = map[string]func(*visit, context.Context) error{
	"accounts-login":          (*visit).signIn,
	"accounts-refresh-token":  (*visit).resume,
	"accounts-get-profile":    getting(func(*visit) string { return "/api/v1/accounts/profile/" }),
	"courses-list":            getting(func(*visit) string { return "/api/v1/courses/" }),
	"courses-get":             getting(func(v *visit) string { return "/api/v1/courses/" + v.course + "/" }),
	"documents-list":          getting((*visit).documents),
	"documents-get":           getting(func(v *visit) string { return v.documents() + v.document + "/" }),
	"documents-search":        (*visit).search,
	"flashcards-list":         getting(func(*visit) string { return "/api/v1/assessments/flashcards/" }),
	"flashcards-list-due":     (*visit).listDue,
	"flashcards-review":       (*visit).review,
	"chats-create":            (*visit).openChat,
	"chats-send-message":      (*visit).ask,
	"documents-create":        (*visit).uploadFile,
	"documents-stream-events": (*visit).watch,
	"documents-generate":      (*visit).generate,
}

// getting reads the path and looks at no more than that it is there.
func getting(path func(*visit) string) func(*visit, context.Context) error {
	return func(v *visit, ctx context.Context) error { return v.Get(ctx, path(v), nil) }
}

func (v *visit) documents() string { return "/api/v1/courses/" + v.course + "/documents/" }

type tokens struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh"`
}

func (v *visit) signIn(ctx context.Context) error {
	var got tokens
	err := v.Post(ctx, "/api/v1/accounts/login/", map[string]any{"username": v.name, "password": v.password}, &got)
	if err != nil {
		return err
	}
	v.Token = got.Access
	v.mu.Lock()
	defer v.mu.Unlock()
	v.refresh = got.Refresh
	return nil
}

func (v *visit) resume(ctx context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock() // a refresh token is good for one exchange: another visit has to wait for the next
	var got tokens
	if err := v.Post(ctx, "/api/v1/accounts/token-refresh/", map[string]any{"refresh": v.refresh}, &got); err != nil {
		return err
	}
	v.Token, v.refresh = got.Access, got.Refresh
	return nil
}

func (v *visit) search(ctx context.Context) error {
	query := url.Values{"course": {v.course}, "query": {v.topic()}}
	return v.Get(ctx, "/api/v1/documents/search/?"+query.Encode(), nil)
}

// topic is one of the document's, another each time.
func (v *visit) topic() string {
	v.asked++
	return v.topics[v.asked%len(v.topics)]
}

func (v *visit) listDue(ctx context.Context) error {
	var due []struct {
		ID string `json:"id"`
	}
	if err := v.Get(ctx, "/api/v1/assessments/flashcards/due/?"+url.Values{"course": {v.course}}.Encode(), &due); err != nil {
		return err
	}
	v.due = nil
	for _, card := range due {
		v.due = append(v.due, card.ID)
	}
	return nil
}

func (v *visit) review(ctx context.Context) error {
	if len(v.due) == 0 {
		return errNothing
	}
	card := v.due[0]
	v.due = v.due[1:]
	return v.Post(ctx, "/api/v1/assessments/flashcards/"+card+"/review/", map[string]any{"rating": 3}, nil)
}

func (v *visit) openChat(ctx context.Context) error {
	var chat struct {
		ID string `json:"id"`
	}
	err := v.Post(ctx, "/api/v1/chat/chats/", map[string]any{"title": "Homework", "chat_type": "course_specific", "course": v.course}, &chat)
	v.chat = chat.ID
	return err
}

// ask is over when the answer is complete.
func (v *visit) ask(ctx context.Context) error {
	began, first := time.Now(), true
	for e, err := range v.Stream(ctx, http.MethodPost, "/api/v1/chat/chats/"+v.chat+"/send_message/",
		map[string]any{"role": "user", "content": "What is " + v.topic() + "?"}) {
		if err != nil {
			return err
		}
		if e.Name == "delta" && first {
			first = false
			v.note(firstWords, began, nil)
		}
	}
	return nil
}

// What is measured beside the calls.
const (
	firstWords = "first words of an answer"
	storing    = "upload to the bucket"
	reading    = "document read, since its upload"
)

func (v *visit) uploadFile(ctx context.Context) error {
	if err := v.upload(ctx); err != nil {
		return err
	}
	v.answered = time.Now()
	err := v.store(ctx)
	v.note(storing, v.answered, err)
	return err
}

// upload announces a document.
func (v *visit) upload(ctx context.Context) error {
	var created struct {
		ID string `json:"id"`
		client.Upload
	}
	err := v.Post(ctx, v.documents(), map[string]any{
		"document_type": "file", "original_filename": v.file.name, "file_size_bytes": len(v.file.content) + 100,
		"content_type": cmp.Or(mime.TypeByExtension(filepath.Ext(v.file.name)), "application/octet-stream"),
	}, &created)
	v.uploaded, v.pending = created.ID, created.Upload
	return err
}

// store sends the document's bytes.
func (v *visit) store(ctx context.Context) error {
	v.mu.Lock()
	v.uploads++
	content := append(bytes.Clone(v.file.content), fmt.Sprintf("\n%% %s %d\n", v.name, v.uploads)...)
	v.mu.Unlock()
	err := v.Send(ctx, v.pending, bytes.NewReader(content), int64(len(content)))
	v.sent = time.Now()
	return err
}

// watch is over when the document was read.
func (v *visit) watch(ctx context.Context) error {
	for e, err := range v.Stream(ctx, http.MethodGet, "/api/v1/documents/documents/"+v.uploaded+"/events/", nil) {
		switch {
		case err != nil:
			return err
		case e.Name == "processing_complete":
			v.note(reading, v.sent, nil)
			return nil
		case strings.HasSuffix(e.Name, "_failed"):
			return errors.New(e.Error)
		}
	}
	return errors.New("the events ended before the document was read")
}

func (v *visit) generate(ctx context.Context) error {
	return v.Post(ctx, v.documents()+v.uploaded+"/generate/", nil, nil)
}
