package health_test

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"

	_ "aksio.app/functions/all"
	"aksio.app/shared/ai/aitest"
	"aksio.app/shared/api/apitest"
)

func TestHealthTellsTheTruth(t *testing.T) {
	t.Parallel()
	well := apitest.New(t)
	got := well.Anonymous().Get("/api/health/").Want(http.StatusOK).Map()
	database := got["checks"].(map[string]any)["database"].(map[string]any)
	if database["healthy"] != true || got["service"] != "aksio-backend" || got["model"] != "offline" {
		t.Errorf("got %v", got)
	}

	ill := apitest.New(t, "DATABASE_URL", "postgres://nobody@127.0.0.1:1/none", "STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
	start := time.Now()
	answer := ill.Anonymous().Get("/api/health/").Want(http.StatusServiceUnavailable)
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 5 {
		t.Errorf("got %v", answer.Header)
	}
	got = answer.Map()
	for _, name := range []string{"database", "storage"} {
		if state := got["checks"].(map[string]any)[name].(map[string]any); state["healthy"] != false {
			t.Errorf("%s is away, and is reported as %v", name, state)
		}
	}
	if got["status"] != "unhealthy" || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %s", got["status"], time.Since(start))
	}
}

func TestHealthAsksRedisWhereThereIsOne(t *testing.T) {
	t.Parallel()
	server := miniredis.RunT(t)
	for _, tc := range []struct{ address, status string }{
		{"redis://" + server.Addr(), "healthy"},
		{"redis://127.0.0.1:1", "degraded"},
	} {
		app := apitest.New(t, "REDIS_URL", tc.address)
		got := app.Anonymous().Get("/api/health/").Want(http.StatusOK).Map()
		cache := got["checks"].(map[string]any)["cache"].(map[string]any)
		if got["status"] != tc.status || cache["healthy"] != (tc.status == "healthy") {
			t.Errorf("%s: got %v", tc.address, got)
		}
	}
	got := apitest.New(t).Anonymous().Get("/api/health/").Want(http.StatusOK).Map()
	if cache, asked := got["checks"].(map[string]any)["cache"]; asked {
		t.Errorf("without a Redis: got %v", cache)
	}
}

func TestHealthAsksTheModel(t *testing.T) {
	t.Parallel()
	config := aitest.New(t).Config()
	for name, tc := range map[string]struct {
		key, address, status string
	}{
		"well":        {config.Key, config.BaseURL, "healthy"},
		"key revoked": {"sk-old", config.BaseURL, "degraded"},
		"away":        {config.Key, "http://127.0.0.1:1/v1", "degraded"},
	} {
		app := apitest.New(t, "OPENAI_API_KEY", tc.key, "OPENAI_BASE_URL", tc.address)
		got := app.Anonymous().Get("/api/health/").Want(http.StatusOK).Map()
		model := got["checks"].(map[string]any)["model"].(map[string]any)
		if got["status"] != tc.status || model["healthy"] != (tc.status == "healthy") || got["model"] != "gpt-4o-mini" {
			t.Errorf("%s: got %v", name, got)
		}
	}
}

// TestHealthSparesTheModel lets anybody ask, as often as they like.
func TestHealthSparesTheModel(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		w.Write([]byte(`{"object": "list", "data": []}`))
	}))
	defer server.Close()
	anybody := apitest.New(t, "OPENAI_API_KEY", "sk-test", "OPENAI_BASE_URL", server.URL).Anonymous()
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() { anybody.Get("/api/health/").Want(http.StatusOK) })
	}
	callers.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("the model was asked %d times in some seconds, want once", n)
	}
}
