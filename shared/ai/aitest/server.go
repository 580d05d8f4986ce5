// Package aitest is a language model's provider for tests: a server that speaks
// the wire format of OpenAI's API and answers what the test scripts.
package aitest

import (
	"encoding/json"
	"fmt"
	"hash/fnv"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"aksio.app/shared/ai"
	"aksio.app/shared/ai/provider"
)

// key is what clients of the server must present.
const key = "sk-test"

// Server is a provider. It answers calls with the scripted replies, in order;
// calls for embeddings beyond the script get vectors made from the texts, and
// other calls beyond it fail the test.
type Server struct {
	t    testing.TB
	http *httptest.Server

	mu      sync.Mutex
	replies []Reply
	calls   []Call
}

// Call is a request that the server received.
type Call struct {
	Path           string
	Model          string
	Messages       []Message
	Input          []string // texts to embed
	Dimensions     int
	Stream         bool
	Temperature    float64
	MaxTokens      int
	Schema         json.RawMessage // of a structured output
	SchemaName     string
	includesUsage  bool
	responseFormat string
}

// Message is a message of a chat.
type Message struct{ Role, Content string }

// Text returns all messages with the role.
func (c Call) Text(role string) string {
	var texts []string
	for _, m := range c.Messages {
		if m.Role == role {
			texts = append(texts, m.Content)
		}
	}
	return strings.Join(texts, "\n")
}

// Reply answers one call.
type Reply func(w http.ResponseWriter, r *http.Request, call Call)

// New returns a server that lives as long as the test. Replies that weren't asked for fail it.
func New(t testing.TB, replies ...Reply) *Server {
	s := &Server{t: t, replies: replies}
	s.http = httptest.NewServer(http.HandlerFunc(s.serve))
	t.Cleanup(func() {
		s.http.CloseClientConnections() // replies that hang
		s.http.Close()
		if n := len(s.replies); n > 0 && !t.Failed() && !t.Skipped() {
			t.Errorf("%d scripted replies were not asked for", n)
		}
	})
	return s
}

// Config returns settings for a client of the server.
func (s *Server) Config() provider.Config {
	return provider.Config{
		Key: key, BaseURL: s.http.URL + "/v1", Chat: "gpt-4o-mini", Embedding: "text-embedding-3-small",
		Timeout: time.Minute, MaxTokens: 500, InputTokens: 24000,
	}
}

// Model returns a client of the server.
func (s *Server) Model() ai.Model { return provider.New(s.Config()) }

// Calls returns what the server received so far.
func (s *Server) Calls() []Call {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]Call(nil), s.calls...)
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+key {
		Error(http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided.")(w, r, Call{})
		return
	}
	if r.Method == http.MethodGet && r.URL.Path == "/v1/models" {
		w.Header().Set("Content-Type", "application/json")
		write(w, map[string]any{"object": "list", "data": []any{map[string]any{"id": "gpt-4o-mini", "object": "model", "created": 1, "owned_by": "system"}}})
		return
	}
	call, err := parse(r)
	if err != nil {
		Error(http.StatusBadRequest, "invalid_request_error", err.Error())(w, r, call)
		return
	}
	s.next(call)(w, r, call)
}

func (s *Server) next(call Call) Reply {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls = append(s.calls, call)
	switch {
	case len(s.replies) > 0:
		reply := s.replies[0]
		s.replies = s.replies[1:]
		return reply
	case call.Path == "/v1/embeddings":
		return Embeddings()
	}
	s.t.Errorf("call %d to %s has no scripted reply", len(s.calls), call.Path)
	return Error(http.StatusBadRequest, "no_script", "no reply is scripted")
}

// parse reads a request and refuses what the API refuses.
func parse(r *http.Request) (Call, error) {
	var body struct {
		Model       string
		Messages    []Message
		Input       []string
		Dimensions  int
		Stream      bool
		Temperature float64
		MaxTokens   int `json:"max_tokens"`
		MaxNew      int `json:"max_completion_tokens"`
		Options     struct {
			Usage bool `json:"include_usage"`
		} `json:"stream_options"`
		Format struct {
			Type   string
			Schema struct {
				Name   string
				Strict bool
				Schema json.RawMessage
			} `json:"json_schema"`
		} `json:"response_format"`
	}
	call := Call{Path: r.URL.Path}
	data, err := io.ReadAll(r.Body)
	if err != nil {
		return call, err
	}
	if err := json.Unmarshal(data, &body); err != nil {
		return call, fmt.Errorf("the body is no JSON: %w", err)
	}
	call = Call{
		Path: r.URL.Path, Model: body.Model, Messages: body.Messages, Input: body.Input, Dimensions: body.Dimensions, Stream: body.Stream,
		Temperature: body.Temperature, MaxTokens: max(body.MaxTokens, body.MaxNew), Schema: body.Format.Schema.Schema,
		SchemaName: body.Format.Schema.Name, includesUsage: body.Options.Usage, responseFormat: body.Format.Type,
	}
	switch {
	case r.Method != http.MethodPost:
		return call, fmt.Errorf("the method is %s", r.Method)
	case call.Model == "":
		return call, fmt.Errorf("you must provide a model parameter")
	case call.Path == "/v1/embeddings":
		return call, checkEmbeddings(call)
	case call.Path != "/v1/chat/completions":
		return call, fmt.Errorf("unknown path %s", call.Path)
	case len(call.Messages) == 0:
		return call, fmt.Errorf("messages is empty")
	case call.responseFormat == "json_schema":
		if !body.Format.Schema.Strict {
			return call, fmt.Errorf("json_schema is not strict")
		}
		return call, checkSchema(call.Schema)
	}
	return call, nil
}

func checkEmbeddings(call Call) error {
	if len(call.Input) == 0 || len(call.Input) > 2048 {
		return fmt.Errorf("input has %d texts", len(call.Input))
	}
	for i, text := range call.Input {
		if text == "" || len(text) > 8191*5 {
			return fmt.Errorf("input[%d] has %d bytes", i, len(text))
		}
	}
	return nil
}

// checkSchema refuses what strict structured outputs refuse: an object must name
// all its properties as required and allow no others.
func checkSchema(schema json.RawMessage) error {
	var object struct {
		Type       string
		Properties map[string]json.RawMessage
		Required   []string
		Additional any                        `json:"additionalProperties"`
		Items      json.RawMessage            `json:"items"`
		Defs       map[string]json.RawMessage `json:"$defs"`
	}
	if err := json.Unmarshal(schema, &object); err != nil {
		return fmt.Errorf("the schema is no JSON: %w", err)
	}
	if object.Type == "object" && (object.Additional != false || len(object.Required) != len(object.Properties)) {
		return fmt.Errorf("invalid schema: additionalProperties must be false and all %d properties required", len(object.Properties))
	}
	for name, inner := range object.Properties {
		if err := checkSchema(inner); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	for name, inner := range object.Defs {
		if err := checkSchema(inner); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if len(object.Items) > 0 {
		return checkSchema(object.Items)
	}
	return nil
}

// Text answers a chat with the pieces: as so many chunks if it is to be streamed,
// and joined otherwise.
func Text(pieces ...string) Reply {
	return func(w http.ResponseWriter, _ *http.Request, call Call) {
		if !call.Stream {
			completion(w, call, strings.Join(pieces, ""))
			return
		}
		stream(w, call, pieces)
		chunk(w, call, map[string]any{"choices": []any{map[string]any{"index": 0, "delta": map[string]any{}, "finish_reason": "stop"}}})
		if call.includesUsage {
			chunk(w, call, map[string]any{"choices": []any{}, "usage": usage(call, strings.Join(pieces, ""))})
		}
		fmt.Fprint(w, "data: [DONE]\n\n")
	}
}

// JSON answers a chat with a structured output.
func JSON(value any) Reply {
	return func(w http.ResponseWriter, r *http.Request, call Call) {
		text, err := json.Marshal(value)
		if err != nil {
			panic(err) // a mistake in the test
		}
		Text(string(text))(w, r, call)
	}
}

// Cut streams the pieces and then breaks the connection.
func Cut(pieces ...string) Reply {
	return func(w http.ResponseWriter, _ *http.Request, call Call) {
		stream(w, call, pieces)
		panic(http.ErrAbortHandler)
	}
}

// Ended streams the pieces and closes the stream as if it were complete, without
// a reason to finish.
func Ended(pieces ...string) Reply {
	return func(w http.ResponseWriter, _ *http.Request, call Call) { stream(w, call, pieces) }
}

// Hang streams the pieces, if there are any, and then nothing until the caller goes.
func Hang(pieces ...string) Reply {
	return func(w http.ResponseWriter, r *http.Request, call Call) {
		if len(pieces) > 0 {
			stream(w, call, pieces)
		}
		<-r.Context().Done()
	}
}

// Error answers with an error body.
func Error(status int, code, message string) Reply {
	return func(w http.ResponseWriter, _ *http.Request, _ Call) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		write(w, map[string]any{"error": map[string]any{"message": message, "type": code, "param": nil, "code": code}})
	}
}

// Busy answers 429 and asks to wait for so many seconds.
func Busy(seconds string) Reply {
	return func(w http.ResponseWriter, r *http.Request, call Call) {
		w.Header().Set("Retry-After", seconds)
		Error(http.StatusTooManyRequests, "rate_limit_exceeded", "Rate limit reached for requests.")(w, r, call)
	}
}

// Embeddings answers with a vector for each text, the same for the same, in
// reverse order: the index tells which is whose.
func Embeddings() Reply {
	return func(w http.ResponseWriter, _ *http.Request, call Call) {
		var data []any
		tokens := 0
		for i := len(call.Input) - 1; i >= 0; i-- {
			data = append(data, map[string]any{"object": "embedding", "index": i, "embedding": vector(call.Input[i], call.Dimensions)})
			tokens += len(call.Input[i])/4 + 1
		}
		w.Header().Set("Content-Type", "application/json")
		write(w, map[string]any{"object": "list", "model": call.Model, "data": data,
			"usage": map[string]any{"prompt_tokens": tokens, "total_tokens": tokens}})
	}
}

func vector(text string, dimensions int) []float64 {
	out := make([]float64, dimensions)
	for _, word := range strings.Fields(strings.ToLower(text)) {
		h := fnv.New32a()
		h.Write([]byte(word))
		out[int(h.Sum32())%dimensions]++
	}
	return out
}

func completion(w http.ResponseWriter, call Call, text string) {
	w.Header().Set("Content-Type", "application/json")
	write(w, map[string]any{
		"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": call.Model,
		"choices": []any{map[string]any{"index": 0, "finish_reason": "stop", "message": map[string]any{"role": "assistant", "content": text, "refusal": nil}}},
		"usage":   usage(call, text),
	})
}

func stream(w http.ResponseWriter, call Call, pieces []string) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i, piece := range pieces {
		delta := map[string]any{"content": piece}
		if i == 0 {
			delta["role"] = "assistant"
		}
		chunk(w, call, map[string]any{"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": nil}}})
	}
}

func chunk(w http.ResponseWriter, call Call, fields map[string]any) {
	fields["id"], fields["object"], fields["created"], fields["model"] = "chatcmpl-1", "chat.completion.chunk", 1, call.Model
	fmt.Fprint(w, "data: ")
	write(w, fields)
	fmt.Fprint(w, "\n\n")
	w.(http.Flusher).Flush()
}

func usage(call Call, text string) map[string]any {
	prompt := 0
	for _, m := range call.Messages {
		prompt += len(m.Content)/4 + 4
	}
	return map[string]any{"prompt_tokens": prompt, "completion_tokens": len(text)/4 + 1, "total_tokens": prompt + len(text)/4 + 1}
}

func write(w io.Writer, value any) {
	data, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	w.Write(data)
}
