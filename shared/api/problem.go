package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"aksio.app/shared/fault"
)

// Problem is the body of every answer that isn't a good one (RFC 9457). Its
// extension members serve clients of several conventions: `error` repeats the
// detail, and each invalid field is a member that lists its messages; those of a
// field that is called like a member of the problem itself are non_field_errors.
type Problem struct {
	Status int            `json:"status" doc:"The HTTP status."`
	Title  string         `json:"title" doc:"The status in words."`
	Detail string         `json:"detail" doc:"What is wrong and what to do about it."`
	Code   string         `json:"code" doc:"A stable word for programs."`
	Error_ string         `json:"error" doc:"The detail again."`
	Errors []ProblemError `json:"errors,omitempty" doc:"What is wrong with the fields of the request."`

	fields map[string][]string
	header http.Header
}

// ProblemError is what is wrong with one field.
type ProblemError struct {
	Location string `json:"location" doc:"Where in the request, such as body.items[3].tags."`
	Message  string `json:"message"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus and the next two are how huma asks.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns the headers that belong to the problem.
func (p *Problem) GetHeaders() http.Header { return p.header }

// ContentType replaces the media type of the answer.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// MarshalJSON adds the extension members.
func (p *Problem) MarshalJSON() ([]byte, error) {
	type plain Problem
	own, err := json.Marshal((*plain)(p))
	if err != nil || len(p.fields) == 0 {
		return own, err
	}
	members := map[string]any{}
	for field, messages := range p.fields {
		members[field] = messages
	}
	if err := json.Unmarshal(own, &members); err != nil {
		return nil, err
	}
	return json.Marshal(members)
}

// codes are the words for kinds of failure that have no word of their own.
var codes = map[int]string{
	http.StatusBadRequest:            "invalid",
	http.StatusUnauthorized:          "not_authenticated",
	http.StatusPaymentRequired:       "limit_reached",
	http.StatusForbidden:             "permission_denied",
	http.StatusNotFound:              "not_found",
	http.StatusMethodNotAllowed:      "method_not_allowed",
	http.StatusRequestTimeout:        "timeout",
	http.StatusConflict:              "conflict",
	http.StatusRequestEntityTooLarge: "too_large",
	http.StatusUnsupportedMediaType:  "unsupported_media_type",
	http.StatusTooManyRequests:       "throttled",
	http.StatusInternalServerError:   "internal_error",
	http.StatusBadGateway:            "bad_gateway",
	http.StatusServiceUnavailable:    "unavailable",
}

func newProblem(status int, code, detail string) *Problem {
	if code == "" {
		code = codes[status]
	}
	return &Problem{Status: status, Title: http.StatusText(status), Detail: detail, Code: code, Error_: detail, header: http.Header{}}
}

func notFound() *Problem {
	return newProblem(http.StatusNotFound, "", "There is nothing at this address; see the API's documentation for those that there are.")
}

// notAllowed says that the path has no handler for the request's method.
func notAllowed[T any](r *http.Request, handlers map[string]T) *Problem {
	p := newProblem(http.StatusMethodNotAllowed, "", fmt.Sprintf("Method %.20q not allowed.", r.Method))
	p.header.Set("Allow", allow(handlers))
	return p
}

// nowhere is the member for messages that belong to no field, or to one that is called
// like a member of the problem itself.
const nowhere = "non_field_errors"

// addField notes what is wrong with a field at a location such as body.tags[2].
func (p *Problem) addField(location, message string) {
	p.Errors = append(p.Errors, ProblemError{location, message})
	field := location
	if _, rest, ok := strings.Cut(location, "."); ok {
		field = rest
	}
	if i := strings.IndexAny(field, ".["); i >= 0 {
		field = field[:i]
	}
	switch field {
	case "", "body":
		field = nowhere
	case "status", "title", "detail", "code", "error", "errors", "type", "instance":
		field, message = nowhere, field+": "+message
	}
	if p.fields == nil {
		p.fields = map[string][]string{}
	}
	p.fields[field] = append(p.fields[field], message)
}

var statuses = map[fault.Kind]int{
	fault.Invalid:         http.StatusBadRequest,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.Unsupported:     http.StatusUnsupportedMediaType,
	fault.Exhausted:       http.StatusPaymentRequired,
	fault.Throttled:       http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
	fault.BadGateway:      http.StatusBadGateway,
	fault.Internal:        http.StatusInternalServerError,
}

// problemOf tells the caller about an error: a fault in its own words, any
// other error in words that give nothing away.
func problemOf(err error) *Problem {
	kind := fault.KindOf(err)
	status := statuses[kind]
	var f *fault.Fault
	if !errors.As(err, &f) {
		f = &fault.Fault{Kind: kind}
		switch kind {
		case fault.Unavailable:
			f.Message = "The service is busy or being restarted. Try again in a few seconds."
		case fault.Invalid:
			f.Message = "The request holds a value that can't be stored: a text, time or number that isn't one, or is out of range."
		default:
			f.Message = "Something went wrong on our side. It has been noted; try again later."
		}
	}
	p := newProblem(status, f.Code, f.Message)
	var found []ProblemError
	for _, field := range slices.Sorted(maps.Keys(f.Fields)) {
		location := field
		if !strings.Contains(field, ".") {
			location = "body." + field
		}
		for _, message := range f.Fields[field] {
			found = append(found, ProblemError{location, message})
		}
	}
	switch {
	case len(found) > 0:
		p.tell(found)
	case kind == fault.Invalid:
		p.fields = map[string][]string{nowhere: {f.Message}}
	}
	switch {
	case kind == fault.Unauthenticated:
		p.header.Set("WWW-Authenticate", `Bearer realm="api"`)
	case kind == fault.Throttled || kind == fault.Unavailable || f.Wait > 0:
		p.header.Set("Retry-After", strconv.Itoa(int(max(1, math.Ceil(f.Wait.Seconds())))))
	}
	return p
}

// ClientClosedRequest is the status of a call whose caller left before the answer: it went
// wrong, but not for us. Nobody but the metrics sees it.
const ClientClosedRequest = 499

// failed returns what the error of a call is to its caller, and notes the rest.
func (d *Declaration) failed(ctx context.Context, err error) *Problem {
	p := problemOf(err)
	if p.Status >= http.StatusInternalServerError && d.Access != Private && ctx.Err() == context.Canceled {
		p.Status = ClientClosedRequest
	}
	logFailure(ctx, d.ID, p.Status, err)
	return p
}

// logFailure notes what the caller isn't told, once a call.
func logFailure(ctx context.Context, operation string, status int, err error) {
	var f *fault.Fault
	if errors.As(err, &f) && status < http.StatusInternalServerError {
		return
	}
	level := slog.LevelError
	switch {
	case f != nil && f.Routine, status == ClientClosedRequest:
		level = slog.LevelInfo
	case status == http.StatusServiceUnavailable || errors.Is(err, context.Canceled),
		status < http.StatusInternalServerError: // the caller's fault, though no check of ours found it
		level = slog.LevelWarn
	}
	slog.Log(ctx, level, "call failed", "operation", operation, "status", status, "error", err)
}

var requiredProperty = regexp.MustCompile(`^expected required property (\S+) to be present$`)

// init teaches huma, which keeps them in package variables, our error bodies and
// that a list is never null.
func init() {
	huma.DefaultArrayNullable = false
	huma.NewErrorWithContext = func(_ huma.Context, status int, message string, errs ...error) huma.StatusError {
		return validationProblem(status, message, errs)
	}
	huma.NewError = func(status int, message string, errs ...error) huma.StatusError {
		return validationProblem(status, message, errs)
	}
}

// mostErrors is how many of a request's errors are told: a list may have one in each
// of its entries.
const mostErrors = 20

// validationProblem words what huma found wrong with a request.
func validationProblem(status int, message string, errs []error) *Problem {
	var found []ProblemError
	for _, err := range errs {
		var own *Problem
		var detailer huma.ErrorDetailer
		switch {
		case errors.As(err, &own):
			return own
		case errors.As(err, &detailer):
			detail := detailer.ErrorDetail()
			if strings.HasPrefix(detail.Location, "path.") { // a malformed id is nobody's
				return newProblem(http.StatusNotFound, "", "Not found.")
			}
			if detail.Message == "Failed to infer file media type" { // it has no byte to tell by
				return problemOf(fault.Field(detail.Location, "The file is empty. Choose one with content.").Coded("empty_file"))
			}
			found = append(found, plainly(detail))
		case errors.As(err, new(*http.MaxBytesError)):
			status = http.StatusRequestEntityTooLarge
		case err != nil:
			found = append(found, ProblemError{"body", "It broke off. Send it again, whole."})
		}
	}
	switch status {
	case http.StatusUnprocessableEntity, http.StatusInternalServerError: // the latter for a body that broke off
		status = http.StatusBadRequest
	case http.StatusRequestEntityTooLarge:
		message = "The request has more bytes than this operation takes."
	}
	if status != http.StatusBadRequest {
		return newProblem(status, "", sentence(message))
	}
	p := newProblem(status, "", "")
	if len(found) == 0 {
		p.Detail = sentence(message)
		p.Error_, p.fields = p.Detail, map[string][]string{nowhere: {p.Detail}}
		return p
	}
	p.tell(found)
	return p
}

// tell says what is wrong with the request's values, and where.
func (p *Problem) tell(found []ProblemError) {
	for _, e := range found[:min(len(found), mostErrors)] {
		p.addField(e.Location, e.Message)
	}
	p.Detail = fmt.Sprintf("%s: %s", found[0].Location, found[0].Message)
	if len(found) > 1 {
		p.Detail = fmt.Sprintf("%d values of the request are wrong; see errors for up to %d of them.", len(found), mostErrors)
	}
	p.Error_ = p.Detail
}
