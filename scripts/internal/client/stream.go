package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"iter"
	"strings"
)

// Event is what all events have; Into gives the rest.
type Event struct {
	Name     string  `json:"event"`
	Stage    string  `json:"stage"`
	Progress float64 `json:"progress"` // percent
	Error    string  `json:"error"`

	raw []byte
}

// Into decodes the whole event.
func (e Event) Into(v any) error { return json.Unmarshal(e.raw, v) }

// Stream makes a call whose answer is server-sent events, and yields them as they
// come. An event that says what went wrong is an error, after which nothing comes.
func (c *Client) Stream(ctx context.Context, method, path string, body any) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		resp, err := c.do(ctx, method, path, "text/event-stream", body)
		if err != nil {
			yield(Event{}, err)
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
			e := Event{raw: []byte(data)}
			err := json.Unmarshal(e.raw, &e)
			if err == nil && e.Name == "error" {
				err = errors.New(e.Error)
			}
			if !yield(e, err) || err != nil {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Event{}, err)
		}
	}
}
