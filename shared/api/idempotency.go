package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"mime/multipart"
	"net/http"
	"os"
	"slices"
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

// settleRetryWait is how long it waits before it tries again to settle a key.
const settleRetryWait = 250 * time.Millisecond

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
	if err := checkKey(key); err != nil {
		writeProblem(w, s.failed(ctx, err))
		return
	}
	fingerprint, err := s.fingerprint(r)
	if err != nil {
		writeProblem(w, unread(err))
		return
	}
	c := claim{store, user.ID, s.ID, key, uuid.New()}
	answer, first, err := c.begin(ctx, fingerprint, s.Timeout+leaseMargin, s.AnswerLifetime)
	if err != nil {
		writeProblem(w, s.failed(ctx, err))
		return
	}
	var stored storedAnswer
	if answer != nil {
		if err := json.Unmarshal(answer, &stored); err != nil {
			writeProblem(w, s.failed(ctx, err))
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
			c.finish(ctx, recorder.answer())
		} else {
			c.abandon(ctx)
		}
		if finished && recorder.through == nil {
			recorder.answer().write(w)
		}
	}()
	call(recorder, r.WithContext(id.WithFirst(ctx, first)))
	finished = true
}

func checkKey(key string) error {
	switch {
	case len(key) > longestKey:
		return fault.Field("header.Idempotency-Key", "Has %d bytes; %d are the most.", len(key), longestKey)
	case strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }):
		return fault.Field("header.Idempotency-Key", "Must be of printable ASCII characters, such as an id.")
	}
	return nil
}

// unread is the problem of a body that didn't arrive whole.
func unread(err error) *Problem {
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return newProblem(http.StatusRequestTimeout, "", "The request took too long to arrive. Send it again.")
	}
	return validationProblem(http.StatusBadRequest, "", []error{err})
}

// claim is one try's hold on a key. Its caller may leave at any time; the key is claimed
// and settled all the same, because a claim that is broken off may be stored after it
// was given up.
type claim struct {
	store     idempotencyStore
	user      auth.UserID
	operation string
	key       string
	id        uuid.UUID
}

func (c claim) begin(ctx context.Context, fingerprint []byte, lease, lifetime time.Duration) (answer []byte, first uuid.UUID, err error) {
	staying, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	answer, first, err = c.store.BeginIdempotent(staying, c.user, c.operation, c.key, fingerprint, c.id, lease, lifetime)
	if err != nil && fault.KindOf(err) != fault.Conflict { // it may be claimed all the same
		c.abandon(ctx)
	}
	return answer, first, err
}

func (c claim) finish(ctx context.Context, answer storedAnswer) {
	text, _ := json.Marshal(answer)
	c.settle(ctx, func(ctx context.Context) error {
		return c.store.FinishIdempotent(ctx, c.user, c.operation, c.key, c.id, text)
	})
}

func (c claim) abandon(ctx context.Context) {
	c.settle(ctx, func(ctx context.Context) error {
		return c.store.AbandonIdempotent(ctx, c.user, c.operation, c.key, c.id)
	})
}

func (c claim) settle(ctx context.Context, how func(context.Context) error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	for {
		err := how(ctx)
		if err == nil {
			return
		}
		if fault.KindOf(err) == fault.Unavailable { // a database that was away comes back
			select {
			case <-ctx.Done():
			case <-time.After(settleRetryWait):
				continue
			}
		}
		slog.WarnContext(ctx, "idempotency key not settled", "operation", c.operation, "error", err)
		return
	}
}

// fingerprint is the same for repetitions of a request and no others. Who asks for
// events the second time wants another answer. It reads the body, which can be read
// again then.
func (s *server) fingerprint(r *http.Request) ([]byte, error) {
	sum := sha256.New()
	address := strings.TrimSuffix(r.URL.EscapedPath(), "/") + "/"
	if r.URL.RawQuery != "" {
		address += "?" + r.URL.RawQuery
	}
	io.WriteString(sum, address+"\n")
	if s.streamsTo(r) {
		io.WriteString(sum, EventStream+"\n")
	}
	if r.MultipartForm != nil { // its files lie outside of memory
		err := writeForm(sum, r.MultipartForm)
		return sum.Sum(nil), err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	sum.Write(body)
	return sum.Sum(nil), nil
}

// writeForm writes what the form holds: clients choose another boundary each time.
func writeForm(w io.Writer, form *multipart.Form) error {
	for _, name := range slices.Sorted(maps.Keys(form.Value)) {
		fmt.Fprintf(w, "%q %q\n", name, form.Value[name])
	}
	for _, name := range slices.Sorted(maps.Keys(form.File)) {
		for _, header := range form.File[name] {
			fmt.Fprintf(w, "%q %q %q %d\n", name, header.Filename, header.Header, header.Size)
			file, err := header.Open()
			if err != nil {
				return err
			}
			_, err = io.Copy(w, file)
			file.Close()
			if err != nil {
				return err
			}
		}
	}
	return nil
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
