package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"syscall"
)

// client calls the API as one user.
type client struct {
	address string
	token   string // access token; empty before signing in
}

// get, post and stream are what the demo needs of HTTP. The answer's JSON is
// decoded into answer, if it isn't nil.
func (c *client) get(ctx context.Context, path string, answer any) error {
	return c.call(ctx, http.MethodGet, path, nil, answer)
}

func (c *client) post(ctx context.Context, path string, body, answer any) error {
	return c.call(ctx, http.MethodPost, path, body, answer)
}

func (c *client) call(ctx context.Context, method, path string, body, answer any) error {
	resp, err := c.do(ctx, method, path, "application/json", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fmt.Errorf("%s %s: the answer can't be read: %w", method, path, err)
	}
	return nil
}

// do returns a good answer; any other is an error with the problem's detail.
func (c *client) do(ctx context.Context, method, path, accept string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.address+path, content)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	resp, err := http.DefaultClient.Do(r)
	if errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("nothing answers at %s: say `make run` in another terminal first", c.address)
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, fmt.Errorf("%s %s: %w", method, path, problem(resp))
	}
	return resp, nil
}

// problem is what an answer says is wrong.
func problem(resp *http.Response) error {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 10_000))
	var said struct {
		Detail string `json:"detail"`
		Error  string `json:"error"` // instead of detail, where the answer is no problem body
		Errors []struct {
			Location string `json:"location"`
			Message  string `json:"message"`
		} `json:"errors"`
	}
	json.Unmarshal(text, &said)
	if said.Detail = cmp.Or(said.Detail, said.Error); said.Detail == "" {
		return fmt.Errorf("%s: %s", resp.Status, text)
	}
	for _, e := range said.Errors {
		said.Detail += fmt.Sprintf(" (%s: %s)", e.Location, e.Message)
	}
	return fmt.Errorf("%s: %s", resp.Status, said.Detail)
}

// stream makes a call whose answer is server-sent events, and yields them as they come.
func (c *client) stream(ctx context.Context, method, path string, body any) iter.Seq2[event, error] {
	return func(yield func(event, error) bool) {
		resp, err := c.do(ctx, method, path, "text/event-stream", body)
		if err != nil {
			yield(event{}, err)
			return
		}
		defer resp.Body.Close()
		lines := bufio.NewScanner(resp.Body)
		lines.Buffer(nil, 4<<20)
		for lines.Scan() {
			data, ok := strings.CutPrefix(lines.Text(), "data: ")
			if !ok {
				continue // an id, a comment or the end of an event; the API's events are one line
			}
			e := event{raw: []byte(data)}
			err := json.Unmarshal(e.raw, &e)
			if err == nil && e.Name == "error" {
				err = errors.New(e.Error)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(event{}, err)
		}
	}
}

// event is what all events have; into gives the rest.
type event struct {
	Name     string  `json:"event"`
	Stage    string  `json:"stage"`
	Progress float64 `json:"progress"` // percent
	Error    string  `json:"error"`

	raw []byte
}

// into decodes the whole event.
func (e event) into(v any) error { return json.Unmarshal(e.raw, v) }
