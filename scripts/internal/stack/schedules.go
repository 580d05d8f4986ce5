package stack

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"aksio.app/shared/api"
)

// schedules calls scheduled functions at their times, UTC.
type schedules struct {
	count  int
	cron   *cron.Cron
	cancel context.CancelFunc
}

func startSchedules(private string, log *slog.Logger) (*schedules, error) {
	ctx, cancel := context.WithCancel(context.Background())
	s := &schedules{cron: cron.New(cron.WithLocation(time.UTC)), cancel: cancel}
	for _, d := range api.Declared() {
		if d.Trigger != api.Scheduled {
			continue
		}
		if _, err := s.cron.AddFunc(d.Schedule, func() { call(ctx, private, d, log) }); err != nil {
			cancel()
			return nil, fmt.Errorf("%s: schedule %q: %w", d.ID, d.Schedule, err)
		}
		s.count++
	}
	s.cron.Start()
	return s, nil
}

// close cancels the calls that run, and waits for them to end.
func (s *schedules) close() error {
	s.cancel()
	<-s.cron.Stop().Done()
	return nil
}

// call runs a scheduled function once, and logs what it answered.
func call(ctx context.Context, private string, d *api.Declaration, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, d.Timeout)
	defer cancel()
	began := time.Now()
	answer, err := post(ctx, private+d.Path)
	took := time.Since(began).Round(time.Millisecond)
	if err != nil {
		log.Error("schedule failed", "function", d.ID, "took", took, "error", err)
		return
	}
	log.Info("schedule kept", "function", d.ID, "took", took, "answer", answer)
}

func post(ctx context.Context, url string) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 10_000))
	if err != nil {
		return "", err
	}
	answer := strings.TrimSpace(string(body))
	if resp.StatusCode/100 != 2 {
		return "", fmt.Errorf("%s: %s", resp.Status, answer)
	}
	return answer, nil
}
