package telemetry_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"aksio.app/shared/telemetry"
)

const trace = "4bf92f3577b34da6a3ce929d0e0e4736"

// FuzzTrace takes traces from strangers, and writes a line of the log with each.
func FuzzTrace(f *testing.F) {
	f.Add("00-"+trace+"-00f067aa0ba902b7-01", "")
	f.Add("", trace+"/1;o=1")
	f.Add("00-"+strings.Repeat("\n", 32)+"-x-01", strings.Repeat("é", 16))
	f.Fuzz(func(t *testing.T, parent, google string) {
		header := http.Header{"Traceparent": {parent}, "X-Cloud-Trace-Context": {google}}
		var out bytes.Buffer
		slog.New(telemetry.NewHandler(&out, "p")).ErrorContext(telemetry.WithTrace(t.Context(), header), "failed", "said", parent)
		var line map[string]any
		if err := json.Unmarshal(out.Bytes(), &line); err != nil || bytes.Count(out.Bytes(), []byte("\n")) != 1 || line["message"] != "failed" {
			t.Fatalf("not one line of JSON: %v: %q", err, out.Bytes())
		}
		if logged, ok := line["logging.googleapis.com/trace"].(string); ok {
			id, known := strings.CutPrefix(logged, "projects/p/traces/")
			if !known || len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" || !strings.Contains(parent+google, id) {
				t.Errorf("trace %q of %q and %q", logged, parent, google)
			}
		}
	})
}

func TestTracesOfBothHeadersAreTaken(t *testing.T) {
	t.Parallel()
	for name, header := range map[string]http.Header{
		"W3C":    {"Traceparent": {"00-" + trace + "-00f067aa0ba902b7-01"}, "X-Cloud-Trace-Context": {strings.Repeat("0", 32) + "/1"}},
		"Google": {"Traceparent": {"00-" + strings.Repeat("X", 32) + "-00f067aa0ba902b7-01"}, "X-Cloud-Trace-Context": {trace + "/1;o=1"}},
	} {
		var out bytes.Buffer
		slog.New(telemetry.NewHandler(&out, "")).InfoContext(telemetry.WithTrace(t.Context(), header), "x")
		if !strings.Contains(out.String(), `"logging.googleapis.com/trace":"`+trace+`"`) {
			t.Errorf("%s: got %s", name, out.String())
		}
	}
}
