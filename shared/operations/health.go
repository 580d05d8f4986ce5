package operations

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"aksio.app/shared/database"
)

// Check asks one dependency whether it answers.
type Check struct {
	Name     string
	Required bool          // without it nothing works; without the others some things do
	Kept     time.Duration // that a good answer is believed; 5 s when zero, as a bad one is
	Ask      func(ctx context.Context) error
}

// State is what a check found.
type State struct {
	Healthy bool    `json:"healthy"`
	Seconds float64 `json:"response_time" doc:"Seconds until it answered, or until it was given up."`
}

// Health is the state of everything the platform depends on.
type Health struct {
	Status string           `json:"status" enum:"healthy,degraded,unhealthy" doc:"Degraded: something works only in part. Unhealthy: nothing does."`
	Checks map[string]State `json:"checks"`
	At     time.Time        `json:"timestamp" doc:"When it was told; a check's answer may be some seconds older, the model's a minute."`
	Until  time.Time        `json:"-"` // when unhealthy: it can't be better before
}

// Times of health.
const (
	checkTimeout = 2 * time.Second
	healthKept   = 5 * time.Second // anybody may ask; the dependencies are spared
)

// Monitor asks the checks, at once, and remembers the answers for a while.
type Monitor struct {
	checks []Check

	mu     sync.Mutex // callers that come while it is asked wait for the same answers
	states []State
	until  []time.Time // that the state is believed
}

// NewMonitor returns a monitor of the checks.
func NewMonitor(checks ...Check) *Monitor {
	return &Monitor{checks: checks, states: make([]State, len(checks)), until: make([]time.Time, len(checks))}
}

// Health returns answers that are at most as old as each check allows.
func (m *Monitor) Health(ctx context.Context) Health {
	m.mu.Lock()
	defer m.mu.Unlock()
	var asked sync.WaitGroup
	for i, check := range m.checks {
		if time.Now().Before(m.until[i]) {
			continue
		}
		asked.Go(func() {
			m.states[i] = check.ask(ctx)
			kept := healthKept
			if m.states[i].Healthy {
				kept = max(kept, check.Kept)
			}
			m.until[i] = time.Now().Add(kept)
		})
	}
	asked.Wait()
	health := Health{Status: "healthy", Checks: map[string]State{}, At: time.Now().UTC()}
	for i, check := range m.checks {
		health.Checks[check.Name] = m.states[i]
		switch {
		case m.states[i].Healthy:
		case check.Required:
			health.Status = "unhealthy"
			if m.until[i].After(health.Until) {
				health.Until = m.until[i]
			}
		case health.Status == "healthy":
			health.Status = "degraded"
		}
	}
	return health
}

func (c Check) ask(ctx context.Context) State {
	// Whoever asked may leave; the answer is for others, too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	start := time.Now()
	err := c.Ask(ctx)
	if err != nil {
		slog.WarnContext(ctx, "dependency unhealthy", "dependency", c.Name, "error", err)
	}
	return State{err == nil, time.Since(start).Seconds()}
}

// How old the newest verified backup, and the newest drill that passed, may be: there
// is one every night, and one every month.
const (
	backupAge = 26 * time.Hour
	drillAge  = 35 * 24 * time.Hour
)

// Backups reports whether the newest backup is young enough, the last restore drill
// that ended passed, and that is not too long ago. What never happened counts from the
// first account: the alerts for silence know nothing of what never spoke.
func Backups(ctx context.Context, db *database.DB) error {
	var age, drilled time.Duration
	var last string
	err := db.QueryRow(ctx, `
		WITH first AS (SELECT coalesce((SELECT created_at FROM users ORDER BY id LIMIT 1), now()) AS account)
		SELECT now() - coalesce((SELECT verified_at FROM backups ORDER BY verified_at DESC LIMIT 1), account),
			now() - coalesce((SELECT started_at FROM restore_drills WHERE state = 'passed' ORDER BY started_at DESC LIMIT 1),
				(SELECT verified_at FROM backups ORDER BY verified_at LIMIT 1), account),
			coalesce((SELECT state FROM restore_drills WHERE state <> 'running' ORDER BY started_at DESC LIMIT 1), '')
		FROM first`).
		Scan(&age, &drilled, &last)
	switch {
	case err != nil:
		return err
	case age > backupAge:
		return fmt.Errorf("no backup was verified for %s", age.Round(time.Minute))
	case last == "failed":
		return errors.New("the last restore drill failed")
	case drilled > drillAge:
		return fmt.Errorf("no restore drill passed for %.0f days", drilled.Hours()/24)
	}
	return nil
}
