// Package check serves GET /api/health/.
package check

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"time"

	"aksio.app/shared/ai"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/api"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits/counter"
	"aksio.app/shared/live"
	"aksio.app/shared/operations"
	"aksio.app/shared/uploads"
)

func init() {
	api.HandlePublic(api.Operation{
		ID:       "health-check",
		Methods:  []string{http.MethodGet},
		Path:     "/api/health/",
		Summary:  "Tell whether the platform and what it depends on are well.",
		Needs:    []api.Resource{database.Resource, uploads.Resource, live.Resource, ai.Resource, counter.Resource},
		Statuses: []int{http.StatusServiceUnavailable},
	}, setup)
}

// Request is empty.
type Request struct{}

// Response has the status 503 if nothing works.
type Response struct {
	Status     int
	RetryAfter string `header:"Retry-After" doc:"With 503: seconds until it is looked at again."`
	Body       Health
}

// Health is the body of the response.
type Health struct {
	operations.Health
	Service string `json:"service"`
	Model   string `json:"model" doc:"The language model; offline is the built-in one that extracts."`
}

func setup(env *api.Env) (api.PublicHandler[Request, Response], error) {
	db, err := database.Open(env)
	if err != nil {
		return nil, err
	}
	bucket, err := uploads.Open(env)
	if err != nil {
		return nil, err
	}
	events, err := live.Open(env)
	if err != nil {
		return nil, err
	}
	model, err := provider.Open(env)
	if err != nil {
		return nil, err
	}
	limiter, err := counter.Open(env, db)
	if err != nil {
		return nil, err
	}
	checks := []operations.Check{
		operations.Check{Name: "database", Required: true, Ask: db.Ping},
		operations.Check{Name: "storage", Ask: bucket.Ping},
		operations.Check{Name: "backups", Ask: func(ctx context.Context) error { return operations.Backups(ctx, db) }},
		operations.Check{Name: "live", Ask: func(ctx context.Context) error { return askLive(ctx, events) }},
		operations.Check{Name: "model", Kept: time.Minute, Ask: model.Ping}, // it is others'
	}
	if redis, ok := limiter.(counter.Pinger); ok {
		checks = append(checks, operations.Check{Name: "cache", Ask: redis.Ping})
	}
	monitor := operations.NewMonitor(checks...)
	return func(ctx context.Context, _ *Request) (*Response, error) {
		health := monitor.Health(ctx)
		resp := &Response{Status: http.StatusOK, Body: Health{health, "aksio-backend", model.Name()}}
		if health.Status == "unhealthy" {
			resp.Status = http.StatusServiceUnavailable
			resp.RetryAfter = strconv.Itoa(max(1, int(math.Ceil(time.Until(health.Until).Seconds()))))
		}
		return resp, nil
	}, nil
}

// askLive looks for a topic that isn't there: to be told so is to be answered.
func askLive(ctx context.Context, events live.Store) error {
	err := events.Watch(ctx, "health", "nobody", 0, func(live.Event) error { return nil })
	if fault.KindOf(err) == fault.NotFound {
		return nil
	}
	return err
}
