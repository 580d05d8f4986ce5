package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"aksio.app/shared/auth"
	"aksio.app/shared/fault"
)

// Event is one server-sent event. Its name stands inside the data, under the
// key `event`: a named event would pass by the onmessage of browsers' EventSource.
type Event struct {
	ID   string // what a client sends back as Last-Event-ID to go on after this one
	Data any    // of one of the types that the operation declares, or a StreamError
}

// StreamError is the last event of a stream that failed on the way.
type StreamError struct {
	Event string `json:"event" enum:"error"`
	Error string `json:"error" doc:"What went wrong and what to do about it."`
	Code  string `json:"code" doc:"A stable word for programs."`
}

// NewStreamError returns the event that tells of the failure.
func NewStreamError(code, message string) StreamError { return StreamError{"error", message, code} }

// StreamHandler carries out a call and emits what happens on the way. The
// response is the answer for clients that don't stream; streaming ones got
// everything in events, the last of which the handler emits itself. An error
// before the first event is an ordinary problem; after it, an event `error`.
type StreamHandler[Req, Resp any] func(ctx context.Context, user auth.User, req *Req, emit func(Event) error) (*Resp, error)

// heartbeat keeps proxies from closing a stream on which nothing happens.
const heartbeat = 15 * time.Second

// writeTimeout is how long a reader may take for what is on its way to it.
const writeTimeout = 30 * time.Second

// HandleUserStream declares a function that can answer with server-sent events.
// Resp has a field Body, as with the other Handle functions.
func HandleUserStream[Req, Resp any](streams Streams, op Operation, setup func(*Env) (StreamHandler[Req, Resp], error)) {
	declare(&Declaration{Operation: op, Access: User, Trigger: HTTP, Streams: streams, register: func(s *server) error {
		return registerStream(s, setup)
	}})
}

// streamsTo reports whether the request is answered with events: always, or where it
// asks for them and doesn't like JSON better.
func (s *server) streamsTo(r *http.Request) bool {
	switch s.Streams {
	case StreamsAlways:
		return true
	case StreamsAsked:
		wanted := quality(r, EventStream)
		return wanted > 0 && wanted >= quality(r, "application/json")
	}
	return false
}

// quality returns the weight that the Accept header gives to the media type by its
// name, 0 to 1, whatever the header says.
func quality(r *http.Request, mediaType string) float64 {
	for one := range strings.SplitSeq(strings.Join(r.Header.Values("Accept"), ","), ",") {
		if name, parameters, _ := mime.ParseMediaType(one); name == mediaType {
			switch weight, err := strconv.ParseFloat(parameters["q"], 64); {
			case err != nil:
				return 1
			case weight > 0:
				return min(weight, 1)
			}
			return 0 // also for NaN
		}
	}
	return 0
}

// mostStreams is how many event streams one user has open at once in an instance of a
// function; of all instances together, as many times MaxInstances. Each holds one of
// the places that all users share, for as long as its client likes.
const mostStreams = 10

// places counts the open streams of each user.
type places struct {
	mu    sync.Mutex
	taken map[auth.UserID]int
}

func (p *places) take(user auth.UserID) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[user] >= mostStreams {
		return fault.New(fault.Throttled, "You have %d streams of this kind open. Close one, or wait until one ends.", mostStreams).
			Coded("too_many_streams").RetryAfter(10 * time.Second)
	}
	p.taken[user]++
	return nil
}

func (p *places) leave(user auth.UserID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken[user]--; p.taken[user] == 0 {
		delete(p.taken, user)
	}
}

// errHead ends a stream of which only the head is asked for.
var errHead = errors.New("only the head is asked for")

// streamOutput makes huma hand over the writer.
type streamOutput struct {
	Body func(huma.Context)
}

func registerStream[Req, Resp any](s *server, setup func(*Env) (StreamHandler[Req, Resp], error)) error {
	body, ok := reflect.TypeFor[Resp]().FieldByName("Body")
	if !ok {
		return fmt.Errorf("%s has no field Body", reflect.TypeFor[Resp]())
	}
	streamer := &streamer[Req, Resp]{server: s, body: body.Index, open: places{taken: map[auth.UserID]int{}}}
	if s.env != nil {
		var err error
		if streamer.handle, err = setup(s.env); err != nil {
			return err
		}
	}
	for _, method := range s.Methods {
		op := s.humaOperation(method)
		schemas := s.huma.OpenAPI().Components.Schemas
		events := &huma.Schema{}
		for _, event := range append(slices.Clone(s.Events), StreamError{}) {
			events.OneOf = append(events.OneOf, schemas.Schema(reflect.TypeOf(event), true, ""))
		}
		op.Responses = map[string]*huma.Response{"200": {
			Description: "Server-sent events, without names and on one line each: the data is one of these objects, whose event says what happened. Comments come while nothing does.",
			Content:     map[string]*huma.MediaType{EventStream: {Schema: events}},
		}}
		if s.Streams == StreamsAsked {
			op.Responses[strconv.Itoa(s.Status)] = &huma.Response{Description: "For who doesn't accept " + EventStream + ": all at once.",
				Content: map[string]*huma.MediaType{"application/json": {Schema: schemas.Schema(body.Type, true, "")}}}
		}
		huma.Register(s.huma, op, func(ctx context.Context, req *Req) (*streamOutput, error) {
			return &streamOutput{Body: func(hc huma.Context) {
				r, w := humago.Unwrap(hc)
				streamer.answer(ctx, w, r, req)
			}}, nil
		})
	}
	return nil
}

// streamer answers the calls of one function.
type streamer[Req, Resp any] struct {
	*server
	handle StreamHandler[Req, Resp]
	body   []int // where Resp has its Body
	open   places
}

func (s *streamer[Req, Resp]) answer(ctx context.Context, w http.ResponseWriter, r *http.Request, req *Req) {
	stream := &stream{w: w, types: s.Events, events: s.streamsTo(r)}
	defer stream.close()
	emit := stream.emit
	if r.Method == http.MethodHead && stream.events { // that there is a first event is all
		emit = func(Event) error { return errHead }
	}
	resp, err := s.call(ctx, req, stream.events, emit)
	if errors.Is(err, errHead) {
		w.Header().Set("Content-Type", EventStream)
		return
	}
	stream.close()
	if recorder, ok := w.(*recorder); ok {
		recorder.broken = stream.failed || err != nil || ctx.Err() != nil // who left may have ended the answer
	}
	switch {
	case err != nil:
		problem := s.failed(ctx, err)
		if !stream.started {
			writeProblem(w, problem)
		} else if ctx.Err() == nil {
			stream.write(Event{Data: NewStreamError(problem.Code, problem.Detail)})
		}
	case !stream.events:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(s.Status)
		if err := encode(w, reflect.ValueOf(resp).Elem().FieldByIndex(s.body).Interface()); err != nil {
			panic(err) // nothing is sent yet
		}
	}
}

// call carries out the call, in one of the user's places if it streams.
func (s *streamer[Req, Resp]) call(ctx context.Context, req *Req, events bool, emit func(Event) error) (*Resp, error) {
	user := ctx.Value(userKey{}).(auth.User)
	if events {
		if err := s.open.take(user.ID); err != nil {
			return nil, err
		}
		defer s.open.leave(user.ID)
	}
	return s.handle(ctx, user, req, emit)
}

// stream writes events as they come, and comments while none do.
type stream struct {
	w      http.ResponseWriter
	types  []any // of the events
	events bool  // the client wants them

	started bool
	failed  bool          // an event told of it
	done    chan struct{} // closed to end the heartbeat
	beating sync.WaitGroup
	mu      sync.Mutex // one writer at a time
}

// emit sends the event, if the client wants events. It fails when the client is gone.
func (s *stream) emit(e Event) error {
	if _, ok := e.Data.(StreamError); ok {
		s.failed = true
	} else if !slices.ContainsFunc(s.types, func(t any) bool { return reflect.TypeOf(t) == reflect.TypeOf(e.Data) }) {
		return fmt.Errorf("an event is a %T, which the operation doesn't declare", e.Data)
	}
	if !s.events {
		return nil
	}
	if !s.started {
		s.w.Header().Set("Content-Type", EventStream)
		s.w.Header().Set("Cache-Control", "no-cache, no-transform")
		s.w.Header().Set("X-Accel-Buffering", "no")
		s.w.WriteHeader(http.StatusOK)
		s.started = true
		s.done = make(chan struct{})
		s.beating.Go(s.beat)
	}
	return s.write(e)
}

func (s *stream) write(e Event) error {
	data, err := json.Marshal(e.Data)
	if err != nil {
		return err
	}
	text := "data: " + string(data) + "\n\n"
	if e.ID != "" {
		text = "id: " + e.ID + "\n" + text
	}
	return s.flush(text)
}

// flush sends the text in one piece: old clients don't put pieces together.
func (s *stream) flush(text string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	control := http.NewResponseController(s.w)
	// A reader that reads no more holds nothing up; a test's recorder knows no deadlines.
	_ = control.SetWriteDeadline(time.Now().Add(writeTimeout))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return control.Flush()
}

func (s *stream) beat() {
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-s.done:
			return
		case <-ticker.C:
			if s.flush(": still here\n\n") != nil {
				return
			}
		}
	}
}

// close ends the heartbeat; nothing is written by others afterwards.
func (s *stream) close() {
	if s.done != nil {
		close(s.done)
		s.beating.Wait()
		s.done = nil
	}
}
