// Package client calls the API as a student's program does: over HTTP, with a
// token, knowing nothing of what is behind it.
package client

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
)

// Client calls the API as one user.
type Client struct {
	Address string       // of the API, such as http://127.0.0.1:8080
	Token   string       // access token; empty before signing in
	HTTP    *http.Client // http.DefaultClient when nil
}

// Get, Post and Stream are what students' programs need of HTTP. The answer's
// JSON is decoded into answer, if it isn't nil. An answer that isn't good is a *Problem.
func (c *Client) Get(ctx context.Context, path string, answer any) error {
	return c.call(ctx, http.MethodGet, path, nil, answer)
}

// Post is Get for changes.
func (c *Client) Post(ctx context.Context, path string, body, answer any) error {
	return c.call(ctx, http.MethodPost, path, body, answer)
}

func (c *Client) call(ctx context.Context, method, path string, body, answer any) error {
	resp, err := c.do(ctx, method, path, "application/json", body)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	defer io.Copy(io.Discard, resp.Body) // so that the connection is used again
	if answer == nil {
		return nil
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fmt.Errorf("%s %s: the answer can't be read: %w", method, path, err)
	}
	return nil
}

// do returns a good answer.
func (c *Client) do(ctx context.Context, method, path, accept string, body any) (*http.Response, error) {
	var content io.Reader
	if body != nil {
		encoded, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		content = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.Address+path, content)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept", accept)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.Token != "" {
		r.Header.Set("Authorization", "Bearer "+c.Token)
	}
	return c.send(r, method+" "+path)
}

// send makes the request and returns a good answer. What names the request in errors.
func (c *Client) send(r *http.Request, what string) (*http.Response, error) {
	resp, err := cmp.Or(c.HTTP, http.DefaultClient).Do(r)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		return nil, fmt.Errorf("%s: %w", what, problem(resp))
	}
	return resp, nil
}

// Upload is where the bytes of a new document are to be sent, as documents-create answers it.
type Upload struct {
	URL     string            `json:"upload_url"`
	Method  string            `json:"upload_method"`
	Headers map[string]string `json:"upload_headers"`
}

// Send sends so many bytes straight to the bucket, as browsers do it: they never
// pass through a function.
func (c *Client) Send(ctx context.Context, to Upload, content io.Reader, size int64) error {
	r, err := http.NewRequestWithContext(ctx, to.Method, to.URL, content)
	if err != nil {
		return err
	}
	r.ContentLength = size
	for name, value := range to.Headers {
		r.Header.Set(name, value)
	}
	resp, err := c.send(r, to.Method+" to the signed URL")
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// Problem is an answer that isn't good.
type Problem struct {
	Status     int
	Code       string // of the problem body; empty if the answer is none
	Detail     string // what is wrong, for people
	RetryAfter string // seconds, or a date; empty if the answer doesn't say
}

func (p *Problem) Error() string {
	text := fmt.Sprintf("%d %s: %s", p.Status, http.StatusText(p.Status), p.Detail)
	if p.RetryAfter != "" {
		text += " (Retry-After: " + p.RetryAfter + ")"
	}
	return text
}

func problem(resp *http.Response) *Problem {
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 10_000))
	var said struct {
		Code   string `json:"code"`
		Detail string `json:"detail"`
		Error  string `json:"error"` // instead of detail, where the answer is no problem body
		Errors []struct {
			Location string `json:"location"`
			Message  string `json:"message"`
		} `json:"errors"`
	}
	json.Unmarshal(text, &said)
	p := &Problem{resp.StatusCode, said.Code, cmp.Or(said.Detail, said.Error, string(text)), resp.Header.Get("Retry-After")}
	for _, e := range said.Errors {
		p.Detail += fmt.Sprintf(" (%s: %s)", e.Location, e.Message)
	}
	return p
}
