package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"aksio.app/shared/auth"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/resource"
)

// idempotencyStore remembers the answers to requests that carry an Idempotency-Key;
// shared/database is one. A function without it ignores the header.
type idempotencyStore interface {
	BeginIdempotent(ctx context.Context, user auth.UserID, operation, key string, fingerprint []byte, claim uuid.UUID, lease, lifetime time.Duration) (answer []byte, first uuid.UUID, err error)
	FinishIdempotent(ctx context.Context, user auth.UserID, operation, key string, claim uuid.UUID, answer []byte) error
	AbandonIdempotent(ctx context.Context, user auth.UserID, operation, key string, claim uuid.UUID) error
}

// leaseMargin is how long after its time is up a request is taken for dead, so that
// a repetition may run: what it still stores then takes less.
const leaseMargin = 30 * time.Second

// settleTimeout bounds how long a call waits for its key to be claimed or settled.
const settleTimeout = 5 * time.Second

// longestKey is how many bytes an Idempotency-Key may have.
const longestKey = 255

// idempotent reports whether calls of the method that carry an Idempotency-Key are
// carried out once.
func (d *Declaration) idempotent(method string) bool {
	return method == http.MethodPost && d.Access == User && d.Streams != StreamsAlways
}

// storedAnswer is what repetitions are answered with.
type storedAnswer struct {
	Status      int    `json:"status"`
	ContentType string `json:"content_type"`
	Body        []byte `json:"body"`
}

// callOnce carries out a request once for its key and answers every repetition
// like the first, while that answer is good. Only good answers are kept: a request
// that failed may be sent again, mended or not.
func (s *server) callOnce(w http.ResponseWriter, r *http.Request, key string, call http.HandlerFunc) {
	store, ok := resource.Find[idempotencyStore](s.env)
	if !ok {
		call(w, r)
		return
	}
	ctx, user := r.Context(), r.Context().Value(userKey{}).(auth.User)
	fail := func(err error) { writeProblem(w, s.failed(ctx, err)) }
	if len(key) > longestKey {
		fail(fault.New(fault.Invalid, "The Idempotency-Key has %d characters; %d are the most.", len(key), longestKey))
		return
	}
	if strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		fail(fault.Field("header.Idempotency-Key", "Must be of printable ASCII characters, such as an id."))
		return
	}
	// A test's recorder knows no deadlines; every server's connection does.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.Timeout))
	body, err := io.ReadAll(r.Body)
	if err != nil {
		fail(fault.New(fault.TooLarge, "The request is too large or broke off. Send it again, whole."))
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	claim := uuid.New()
	// The caller may be gone; the key must be claimed and settled all the same: a claim
	// that is broken off may be stored after it was given up.
	stay := func() (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	}
	settle := func(how func(ctx context.Context) error) {
		ctx, cancel := stay()
		defer cancel()
		if err := how(ctx); err != nil {
			slog.WarnContext(ctx, "idempotency key not settled", "operation", s.ID, "error", err)
		}
	}
	abandon := func(ctx context.Context) error { return store.AbandonIdempotent(ctx, user.ID, s.ID, key, claim) }
	claiming, cancel := stay()
	answer, first, err := store.BeginIdempotent(claiming, user.ID, s.ID, key, s.fingerprint(r, body), claim, s.Timeout+leaseMargin, s.AnswerLifetime)
	cancel()
	if err != nil {
		if fault.KindOf(err) != fault.Conflict { // the key may be claimed all the same
			settle(abandon)
		}
		fail(err)
		return
	}
	var stored storedAnswer
	if answer != nil {
		if err := json.Unmarshal(answer, &stored); err != nil {
			fail(err)
			return
		}
		w.Header().Set("Idempotent-Replayed", "true")
		stored.write(w)
		return
	}

	recorder := &recorder{header: w.Header(), status: http.StatusOK}
	if s.streamsTo(r) {
		recorder.through = w // events can't wait until the key is settled
	}
	finished := false
	defer func() {
		if finished && recorder.status < 300 && !recorder.broken {
			answer, _ := json.Marshal(recorder.answer())
			settle(func(ctx context.Context) error { return store.FinishIdempotent(ctx, user.ID, s.ID, key, claim, answer) })
		} else {
			settle(abandon)
		}
		if finished && recorder.through == nil {
			recorder.answer().write(w)
		}
	}()
	call(recorder, r.WithContext(id.WithFirst(ctx, first)))
	finished = true
}

// fingerprint is the same for repetitions of a request and no others. Who asks for
// events the second time wants another answer.
func (s *server) fingerprint(r *http.Request, body []byte) []byte {
	sum := sha256.New()
	address := strings.TrimSuffix(r.URL.EscapedPath(), "/") + "/"
	if r.URL.RawQuery != "" {
		address += "?" + r.URL.RawQuery
	}
	io.WriteString(sum, address+"\n")
	if s.streamsTo(r) {
		io.WriteString(sum, EventStream+"\n")
	}
	var boundary string // of a form's parts: clients choose another each time
	if kind, parameters, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err == nil && kind == "multipart/form-data" {
		boundary = parameters["boundary"]
	}
	if boundary == "" {
		sum.Write(body)
		return sum.Sum(nil)
	}
	for part := range bytes.SplitSeq(body, []byte(boundary)) {
		sum.Write(part)
	}
	return sum.Sum(nil)
}

func (a storedAnswer) write(w http.ResponseWriter) {
	if a.ContentType != "" {
		w.Header().Set("Content-Type", a.ContentType)
	}
	w.WriteHeader(a.Status)
	w.Write(a.Body)
}

// recorder keeps an answer, and sends it only if it is told where to.
type recorder struct {
	header  http.Header
	status  int
	body    bytes.Buffer
	through http.ResponseWriter
	broken  bool // an answer that a failure or the caller's leaving cut short after its good status
}

func (r *recorder) Header() http.Header { return r.header }

func (r *recorder) WriteHeader(status int) {
	r.status = status
	if r.through != nil {
		r.through.WriteHeader(status)
	}
}

func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	if r.through != nil {
		return r.through.Write(b)
	}
	return len(b), nil
}

// Unwrap lets http.ResponseController flush what is sent.
func (r *recorder) Unwrap() http.ResponseWriter { return r.through }

func (r *recorder) answer() storedAnswer {
	return storedAnswer{r.status, r.header.Get("Content-Type"), r.body.Bytes()}
}
