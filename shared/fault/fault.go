// Package fault says what kind a failure is, in words that fit every layer.
//
// A domain returns a fault for what the caller can understand and act on; the
// edge turns its kind into a status. Every other error is Internal: its text
// goes to the log and never to the caller.
package fault

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"
)

// Kind is the reason why a call failed, independent of any protocol.
type Kind int

// The kinds, with the HTTP status that shared/api answers for each.
const (
	Internal        Kind = iota // 500: a bug or an unforeseen state
	Invalid                     // 400: the request can't be carried out as it is
	Unauthenticated             // 401: no credentials, or not good ones
	Forbidden                   // 403: signed in, but not allowed
	NotFound                    // 404: missing, or somebody else's
	Conflict                    // 409: the state of things stands against it
	TooLarge                    // 413
	Unsupported                 // 415: a kind of content that can't be read
	Exhausted                   // 402: the plan's limit is reached
	Throttled                   // 429: too many calls; see RetryAfter
	Unavailable                 // 503: a dependency is away; see RetryAfter
	BadGateway                  // 502: a dependency answered, but not usefully
)

var kinds = [...]string{"internal", "invalid", "unauthenticated", "forbidden", "not_found", "conflict", "too_large", "unsupported",
	"exhausted", "throttled", "unavailable", "bad_gateway"}

// String returns the kind's word, for logs.
func (k Kind) String() string { return kinds[k] }

// Fault is an error whose message may be shown to the caller: it says what is
// wrong and what to do about it.
type Fault struct {
	Kind    Kind
	Code    string              // stable word for programs, "" for the kind's own
	Message string              // one or two sentences for a person
	Fields  map[string][]string // messages by request field, for Invalid
	Wait    time.Duration       // when to try again, if that is known
	Routine bool                // part of how things work: nobody has to look into it
}

func (f *Fault) Error() string { return f.Message }

// New returns a fault of the kind with a formatted message.
func New(kind Kind, format string, args ...any) *Fault {
	return &Fault{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Field returns an Invalid fault about one request field.
func Field(name, format string, args ...any) *Fault {
	message := fmt.Sprintf(format, args...)
	return &Fault{Kind: Invalid, Message: message, Fields: map[string][]string{name: {message}}}
}

// Coded sets the stable word by which a program can tell this fault from others of its kind.
func (f *Fault) Coded(code string) *Fault {
	f.Code = code
	return f
}

// RetryAfter sets how long the caller should wait before it tries again.
func (f *Fault) RetryAfter(wait time.Duration) *Fault {
	f.Wait = wait
	return f
}

// AsRoutine marks what happens though all is well.
func (f *Fault) AsRoutine() *Fault {
	f.Routine = true
	return f
}

// classifiers know the errors of the libraries that other packages link.
var classifiers []func(error) (Kind, bool)

// Classify teaches KindOf the errors of a library. Call it from init only.
func Classify(classifier func(error) (Kind, bool)) { classifiers = append(classifiers, classifier) }

// KindOf returns the kind of the first fault in err's chain. A dependency that
// can't be reached, breaks off or doesn't answer in time is Unavailable.
func KindOf(err error) Kind {
	var f *Fault
	if errors.As(err, &f) {
		return f.Kind
	}
	for _, classify := range classifiers {
		if kind, ok := classify(err); ok {
			return kind
		}
	}
	var network net.Error
	if errors.As(err, &network) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF) {
		return Unavailable
	}
	return Internal
}
