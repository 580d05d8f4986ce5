// Package telemetry writes the structured logs that Cloud Logging understands,
// with the trace of the request that they belong to.
package telemetry

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
)

type traceKey struct{}

// WithTrace returns a context whose log lines carry the trace of the request,
// as the platform or the client named it (W3C traceparent, else Google's header).
func WithTrace(ctx context.Context, header http.Header) context.Context {
	trace := ""
	if parts := strings.Split(header.Get("Traceparent"), "-"); len(parts) == 4 && isTrace(parts[1]) {
		trace = parts[1]
	} else if id, _, _ := strings.Cut(header.Get("X-Cloud-Trace-Context"), "/"); isTrace(id) {
		trace = id
	}
	if trace == "" {
		return ctx
	}
	return context.WithValue(ctx, traceKey{}, trace)
}

// isTrace reports whether the text, which anybody may have sent, is a trace's id.
func isTrace(id string) bool { return len(id) == 32 && strings.Trim(id, "0123456789abcdef") == "" }

// NewHandler returns a handler that writes one JSON object a line. The project
// makes traces link to their page in the console; "" leaves them bare.
func NewHandler(w io.Writer, project string) slog.Handler {
	inner := slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) > 0 {
			return a
		}
		switch a.Key {
		case slog.MessageKey:
			a.Key = "message"
		case slog.LevelKey:
			a.Key = "severity"
			if a.Value.String() == "WARN" {
				a.Value = slog.StringValue("WARNING")
			}
		}
		return a
	}})
	return handler{inner, project}
}

type handler struct {
	slog.Handler
	project string
}

func (h handler) Handle(ctx context.Context, r slog.Record) error {
	if trace, ok := ctx.Value(traceKey{}).(string); ok {
		if h.project != "" {
			trace = "projects/" + h.project + "/traces/" + trace
		}
		r.AddAttrs(slog.String("logging.googleapis.com/trace", trace))
	}
	return h.Handler.Handle(ctx, r)
}

func (h handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return handler{h.Handler.WithAttrs(attrs), h.project}
}

func (h handler) WithGroup(name string) slog.Handler {
	return handler{h.Handler.WithGroup(name), h.project}
}
