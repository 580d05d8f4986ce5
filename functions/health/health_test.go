package health_test

import (
	"net/http"
	"testing"
	"time"

	_ "aksio.app/functions/all"
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
	got = ill.Anonymous().Get("/api/health/").Want(http.StatusServiceUnavailable).Map()
	for _, name := range []string{"database", "storage"} {
		if state := got["checks"].(map[string]any)[name].(map[string]any); state["healthy"] != false {
			t.Errorf("%s is away, and is reported as %v", name, state)
		}
	}
	if got["status"] != "unhealthy" || time.Since(start) > 5*time.Second {
		t.Errorf("got %v after %s", got["status"], time.Since(start))
	}
}
