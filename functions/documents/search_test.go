package documents_test

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	_ "aksio.app/functions/documents/search"
	"aksio.app/shared/ai/aitest"
	"aksio.app/shared/api/apitest"
)

// search looks for something in a course of the client's own.
func search(client *apitest.Client, course string) *apitest.Response {
	return client.Get("/api/v1/documents/search/?" + url.Values{"course": {course}, "query": {"compact spaces"}}.Encode())
}

func ownCourse(client *apitest.Client) string {
	return client.Post("/api/v1/courses/", map[string]any{"name": "Topology"}).Want(http.StatusCreated).Map()["id"].(string)
}

// TestASearchWithoutMeaningIsLogged changes the process's logger, so it isn't parallel.
func TestASearchWithoutMeaningIsLogged(t *testing.T) {
	var log bytes.Buffer
	before := slog.Default()
	slog.SetDefault(slog.New(slog.NewJSONHandler(&log, nil)))
	defer slog.SetDefault(before)

	revoked := aitest.New(t, aitest.Error(http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided."))
	ada := apitest.New(t, "OPENAI_API_KEY", revoked.Config().Key, "OPENAI_BASE_URL", revoked.Config().BaseURL).User("ada")
	if found := search(ada, ownCourse(ada)).Want(http.StatusOK).Map(); found["words_only"] != true {
		t.Errorf("found %v, want words only", found)
	}
	if n := strings.Count(log.String(), `"msg":"search by words only"`); n != 1 || !strings.Contains(log.String(), `"kind":"unavailable"`) {
		t.Errorf("logged %d times, want once with its kind: %s", n, log.String())
	}
}

func TestSearchesAreLimited(t *testing.T) {
	t.Parallel()
	provider := aitest.New(t)
	app := apitest.New(t, "OPENAI_API_KEY", provider.Config().Key, "OPENAI_BASE_URL", provider.Config().BaseURL)
	ada, bob := app.User("ada"), app.User("bob")
	adas, bobs := ownCourse(ada), ownCourse(bob)
	search(ada, adas).Want(http.StatusOK)
	if _, err := app.DB.Exec(t.Context(), `UPDATE rate_limits SET ready = now() + interval '2 hours' WHERE key = 'search:' || $1::uuid`, ada.ID); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if refused := search(ada, adas).Want(http.StatusTooManyRequests); refused.Header.Get("Retry-After") == "" {
			t.Error("without Retry-After")
		}
	}
	search(bob, bobs).Want(http.StatusOK)
	if asked := len(provider.Calls()); asked != 3 { // of two searches and the first that was one too many
		t.Errorf("the model was asked %d times, want 3", asked)
	}
}
