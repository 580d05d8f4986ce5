package all_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
)

// TestListsOfACourse asks each list of a student's things for those of a course that has none.
func TestListsOfACourse(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	newWorld(t, app, ada)
	empty := ada.Post("/api/v1/courses/", map[string]any{"name": "Empty"}).Want(http.StatusCreated).ID()
	lists := 0
	for _, d := range api.Declared() {
		if !slices.Contains(d.Methods, http.MethodGet) || d.Access != api.User || strings.Contains(d.Path, "{") || !strings.HasSuffix(d.ID, "-list") || d.ID == "courses-list" {
			continue
		}
		lists++
		for query, some := range map[string]bool{"": true, "?course=" + empty: false} {
			if got := ada.Get(d.Path + query).Want(http.StatusOK).Map()["count"]; (got != 0.0) != some {
				t.Errorf("%s%s has %v items", d.ID, query, got)
			}
		}
		ada.Get(d.Path + "?course=x").Want(http.StatusBadRequest)
	}
	if lists < 5 {
		t.Errorf("%d lists, want at least those of cards, quizzes, attempts, assessments and chats", lists)
	}
}
