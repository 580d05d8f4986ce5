package provider_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"testing"
	"time"

	"aksio.app/shared/ai"
	"aksio.app/shared/ai/aitest"
)

// TestCallsAreLoggedByTheirEnd changes the process's logger, so it isn't parallel. A call
// whose time is up is told from one whose student left: only the first is a failure.
func TestCallsAreLoggedByTheirEnd(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)

	for _, tc := range []struct {
		outcome, level string
		reply          aitest.Reply
		within         time.Duration
		leaves         bool // the caller, as the answer begins
	}{
		{"ok", "INFO", aitest.Text("Yes."), time.Minute, false},
		{"ai_timeout", "WARN", aitest.Hang("Half "), 200 * time.Millisecond, false},
		{"abandoned", "INFO", aitest.Hang("Half "), time.Minute, true},
		{"ai_unavailable", "WARN", aitest.Error(401, "invalid_api_key", "Incorrect API key provided."), time.Minute, false},
		{"ai_cut_off", "WARN", aitest.Cut("Half "), time.Minute, false},
	} {
		log.Reset()
		ctx, leave := context.WithTimeout(t.Context(), tc.within)
		aitest.New(t, tc.reply).Model().Answer(ctx, ask("Why?"), func(ai.Part) error {
			if tc.leaves {
				leave()
			}
			return nil
		})
		leave()
		var line struct{ Msg, Level, Model, Task, Outcome string }
		if err := json.Unmarshal(log.Bytes(), &line); err != nil || line.Msg != "model called" || line.Model != "gpt-4o-mini" || line.Task != "answer" {
			t.Errorf("logged %q, %v", log.String(), err)
		}
		if line.Outcome != tc.outcome || line.Level != tc.level {
			t.Errorf("logged %s as %s, want %s as %s", line.Outcome, line.Level, tc.outcome, tc.level)
		}
	}
}
