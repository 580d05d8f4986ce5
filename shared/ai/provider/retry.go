package provider

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"

	"aksio.app/shared/fault"
)

const (
	mostTries   = 3
	firstPause  = 500 * time.Millisecond // doubled for each further try; the pause is a random part of it
	longestWait = 20 * time.Second       // that a provider may ask for before the call is given up
	errorBody   = 16 << 10               // bytes of an error that are read
	goodBody    = 32 << 20               // and of an answer: the largest are a batch's embeddings
)

// retrier sends requests and sends them again when the provider is busy or away.
// It hands over a response only when it is a good one, so nothing is retried once
// a part of an answer was seen.
type retrier struct {
	client *http.Client
	pause  time.Duration
}

// Do sends the request up to mostTries times. A response that is no success is
// returned as a *refusal.
func (r *retrier) Do(req *http.Request) (*http.Response, error) {
	for try := 1; ; try++ {
		resp, err := r.try(req)
		wait, again := r.wait(err, try)
		if !again || try == mostTries {
			return resp, err
		}
		if !sleep(req.Context(), wait) {
			return resp, err // what the provider said is of more use than that time ran out
		}
		if req.GetBody == nil { // there is none
			continue
		}
		if req.Body, err = req.GetBody(); err != nil {
			return nil, err
		}
	}
}

func (r *retrier) try(req *http.Request) (*http.Response, error) {
	resp, err := r.client.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 300 {
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(resp.Body, goodBody), resp.Body}
		return resp, nil
	}
	defer resp.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, errorBody)) // what came of it is enough for the log
	return nil, &refusal{Status: resp.StatusCode, Body: string(bytes.TrimSpace(body)), Wait: retryAfter(resp.Header)}
}

// wait returns how long to wait before the next try, and whether one makes sense.
func (r *retrier) wait(err error, try int) (time.Duration, bool) {
	if err == nil || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return 0, false
	}
	pause := rand.N(r.pause << (try - 1)) // full jitter: callers that failed together don't return together
	var refused *refusal
	if errors.As(err, &refused) {
		return max(pause, refused.Wait), refused.passing() && refused.Wait <= longestWait
	}
	return pause, true
}

// sleep waits and reports true, or false at once if the context ends before.
func sleep(ctx context.Context, wait time.Duration) bool {
	if end, ok := ctx.Deadline(); ok && time.Until(end) < wait {
		return false
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// longestRetry is the longest that a provider's word is passed on for.
const longestRetry = time.Hour

// retryAfter returns how long the provider asks to wait, in seconds or by a date;
// longestRetry at most, whatever stands there.
func retryAfter(header http.Header) time.Duration {
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && seconds >= 0 {
		return time.Duration(min(seconds, longestRetry.Seconds()) * float64(time.Second))
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(time.Until(at), 0), longestRetry)
	}
	return 0
}

// refusal is a provider's answer that is no success.
type refusal struct {
	Status int
	Body   string // for the log
	Wait   time.Duration
}

func (r *refusal) Error() string { return fmt.Sprintf("provider answered %d: %s", r.Status, r.Body) }

// passing reports whether the same request may succeed later.
func (r *refusal) passing() bool {
	switch r.Status {
	case http.StatusTooManyRequests:
		return !r.outOfQuota()
	case http.StatusRequestTimeout, http.StatusInternalServerError, http.StatusBadGateway,
		http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// outOfQuota reports whether a bill must be paid before anything is answered again.
func (r *refusal) outOfQuota() bool { return strings.Contains(r.Body, "insufficient_quota") }

// failed turns the error of a call into a fault with a fixed text. The
// provider's own words stay in the wrapped error, for the log. A caller that gave
// up gets its own context's error.
func failed(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("language model: %w", context.Cause(ctx))
	}
	return fmt.Errorf("%w: %w", faultOf(err), err)
}

func faultOf(err error) *fault.Fault {
	var refused *refusal
	switch {
	case errors.Is(err, errUnusable):
		return fault.New(fault.BadGateway, "The language model gave no usable answer. Try again, or put it in other words.").Coded("ai_unusable")
	case errors.Is(err, errCut):
		return fault.New(fault.Unavailable, "The language model's answer broke off. Try again.").Coded("ai_cut_off")
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.Unavailable, "The language model took too long. Try again, or ask for less at once.").Coded("ai_timeout")
	case !errors.As(err, &refused):
		return unavailable()
	case refused.Status == http.StatusTooManyRequests && !refused.outOfQuota():
		return fault.New(fault.Throttled, "The language model is busy. Try again in a moment.").Coded("ai_busy").RetryAfter(max(refused.Wait, time.Second))
	case strings.Contains(refused.Body, "context_length_exceeded"):
		return tooLong()
	case refused.Status >= 500 || refused.Status == http.StatusUnauthorized || refused.Status == http.StatusForbidden || refused.Status == http.StatusNotFound || refused.outOfQuota():
		return unavailable()
	default:
		return fault.New(fault.BadGateway, "The language model refused the request.").Coded("ai_refused")
	}
}

func unavailable() *fault.Fault {
	return fault.New(fault.Unavailable, "The language model is not available at the moment. Try again later.").Coded("ai_unavailable")
}

func tooLong() *fault.Fault {
	return fault.New(fault.TooLarge, "This is more text than the language model takes at once. Choose less of it.").Coded("ai_too_long")
}

var (
	errUnusable = errors.New("unusable completion")
	errCut      = errors.New("stream ended before the completion did")
)
