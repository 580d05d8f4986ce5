package courses_test

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api/apitest"
)

const path = "/api/v1/courses/"

func TestCourseLifecycle(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")

	created := ada.Post(path, map[string]any{"name": "  Topology ", "course_code": "MA3", "exam_date": "2031-06-01"}).
		Want(http.StatusCreated).Map()
	if created["name"] != "Topology" || created["display_name"] != "MA3 - Topology" || created["exam_date"] != "2031-06-01T00:00:00Z" {
		t.Errorf("created %v", created)
	}
	course := path + created["id"].(string) + "/"

	changed := ada.Patch(course, map[string]any{"is_favorite": true, "exam_date": nil}).Want(http.StatusOK).Map()
	if changed["is_favorite"] != true || changed["exam_date"] != nil || changed["course_code"] != "MA3" {
		t.Errorf("changed %v", changed)
	}
	ada.Put(course, map[string]any{"color": "#000000"}).Want(http.StatusBadRequest) // PUT needs the name
	ada.Put(course, map[string]any{"name": "Geometry"}).Want(http.StatusOK)
	if got := ada.Get(course).Want(http.StatusOK).Map(); got["name"] != "Geometry" || got["is_favorite"] != true {
		t.Errorf("after PUT %v", got)
	}

	ada.Delete(course).Want(http.StatusNoContent)
	ada.Get(course).Want(http.StatusNotFound)
	ada.Delete(course).Want(http.StatusNotFound)
	ada.Post(path, map[string]any{"name": "Geometry"}).Want(http.StatusCreated) // the name is free again
}

func TestCoursesAreListedByFavouriteAndName(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := app.User("ada"), app.User("bob")
	for _, course := range []map[string]any{{"name": "B"}, {"name": "A"}, {"name": "C", "is_favorite": true}} {
		ada.Post(path, course).Want(http.StatusCreated)
	}
	bob.Post(path, map[string]any{"name": "Bob's"}).Want(http.StatusCreated)

	var list struct {
		Count          int
		Next, Previous *string
		Results        []struct{ Name string }
	}
	names := func() (names []string) {
		for _, c := range list.Results {
			names = append(names, c.Name)
		}
		return names
	}
	ada.Get(path).Want(http.StatusOK).Into(&list)
	if want := []string{"C", "A", "B"}; list.Count != 3 || !slices.Equal(names(), want) || list.Next != nil {
		t.Errorf("got %d %v, want %v on one page", list.Count, names(), want)
	}
	ada.Get(path + "?page_size=2").Want(http.StatusOK).Into(&list)
	if list.Next == nil || *list.Next != "http://example.com/api/v1/courses/?page=2&page_size=2" {
		t.Errorf("next is %v", list.Next)
	}
	ada.Get(path + "?page_size=2&page=last").Want(http.StatusOK).Into(&list)
	if want := []string{"B"}; !slices.Equal(names(), want) || list.Next != nil || list.Previous == nil {
		t.Errorf("last page %v, want %v", names(), want)
	}
	for _, page := range []string{"2", "0", "-1", "x", "99999999999"} {
		ada.Get(path + "?page=" + page).Want(http.StatusNotFound)
	}
}

func TestCourseRejects(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	ada.Post(path, map[string]any{"name": "Taken", "semester": "H26"}).Want(http.StatusCreated)
	for name, tc := range map[string]struct {
		body  map[string]any
		field string
	}{
		"no name":           {map[string]any{}, "name"},
		"blank name":        {map[string]any{"name": "  "}, "name"},
		"null name":         {map[string]any{"name": nil}, "name"},
		"same semester":     {map[string]any{"name": "Taken", "semester": "H26"}, "name"},
		"color":             {map[string]any{"name": "x", "color": "red"}, "color"},
		"language":          {map[string]any{"name": "x", "language": "English"}, "language"},
		"difficulty":        {map[string]any{"name": "x", "difficulty_level": 6}, "difficulty_level"},
		"ends before start": {map[string]any{"name": "x", "start_date": "2026-02-01", "end_date": "2026-01-01"}, "end_date"},
		"goals":             {map[string]any{"name": "x", "study_goals": "pass"}, "study_goals"},
		"NUL":               {map[string]any{"name": "a\x00b"}, "non_field_errors"},
		"another case":      {map[string]any{"name": "x", "Credits": 99_999}, "non_field_errors"}, // which a decoder takes for credits
		"another s":         {map[string]any{"name": "x", "credit\u017f": 99_999}, "non_field_errors"},
		"no exam date":      {map[string]any{"name": "x", "exam_date": "soon"}, "exam_date"},
		"in year 10000":     {map[string]any{"name": "x", "exam_date": "9999-12-31T23:59:59-12:00"}, "exam_date"},
		"before year 1":     {map[string]any{"name": "x", "exam_date": "0001-01-01T00:00:00+14:00"}, "exam_date"},
	} {
		problem := ada.Post(path, tc.body).Want(http.StatusBadRequest).Map()
		if _, ok := problem[tc.field].([]any); !ok {
			t.Errorf("%s: no list of messages under %q in %v", name, tc.field, problem)
		}
	}
	ada.Post(path, map[string]any{"name": "Taken", "semester": "V27"}).Want(http.StatusCreated)
	ada.Post(path, map[string]any{"name": "Unknown fields", "Teacher": "x", "creditsX": 1, "extra": map[string]any{"Credits": 1}}).Want(http.StatusCreated)
}

func TestCourseIsCreatedOnceForAnIdempotencyKey(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	do := func(body any, key string) *apitest.Response {
		return ada.Do(http.MethodPost, path, body, "Idempotency-Key", key)
	}
	first := do(map[string]any{"name": "Topology"}, "k1").Want(http.StatusCreated)
	again := do(map[string]any{"name": "Topology"}, "k1").Want(http.StatusCreated)
	if string(first.Body) != string(again.Body) || again.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("the repetition answers %s, the first %s", again.Body, first.Body)
	}
	do(map[string]any{"name": "Other"}, "k1").Want(http.StatusConflict)
	do(map[string]any{"name": ""}, "k2").Want(http.StatusBadRequest)
	do(map[string]any{"name": "Mended"}, "k2").Want(http.StatusCreated) // a failed request frees its key
}

// TestTwinsWithOneKeyMakeOneCourse: of requests at once, one is carried out; the
// others are told to wait, or answered like it.
func TestTwinsWithOneKeyMakeOneCourse(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	answers := make([]*apitest.Response, 12)
	var twins sync.WaitGroup
	for i := range answers {
		twins.Go(func() {
			answers[i] = ada.Do(http.MethodPost, path, map[string]any{"name": "Topology"}, "Idempotency-Key", "k1")
		})
	}
	twins.Wait()
	list := ada.Get(path).Want(http.StatusOK).Map()
	if list["count"] != 1.0 {
		t.Fatalf("%v courses, want 1", list["count"])
	}
	id := list["results"].([]any)[0].(map[string]any)["id"]
	for _, answer := range answers {
		made := answer.Status == http.StatusCreated && answer.Map()["id"] == id
		told := answer.Status == http.StatusConflict && answer.Map()["code"] == "request_in_progress" && answer.Header.Get("Retry-After") != ""
		if !made && !told {
			t.Errorf("a twin was answered %d %s", answer.Status, answer.Body)
		}
	}
}

func TestAnExamMayBeFarAway(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	got := ada.Post(path, map[string]any{"name": "x", "exam_date": "9999-12-31"}).Want(http.StatusCreated).Map()
	if days, ok := got["days_until_exam"].(float64); !ok || days < 2_900_000 {
		t.Errorf("days until the year 9999: %v", got["days_until_exam"])
	}
}

func TestTimesAreThoseOfRFC3339(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	course := path + ada.Post(path, map[string]any{"name": "x"}).Want(http.StatusCreated).ID() + "/"
	for sent, want := range map[string]any{
		"2026-06-01": "2026-06-01T00:00:00Z", "2026-06-01T09:00:00.123456Z": "2026-06-01T09:00:00.123456Z", "2026-06-01t09:00:00z": "2026-06-01T09:00:00Z",
		"2026-06-01T09:00:00+14:00": "2026-05-31T19:00:00Z", "2026-06-01T09:00:00-23:59": "2026-06-02T08:59:00Z",
		"2026-06-01T09:00:00,5Z": nil, "2026-06-01T09:00:00+24:00": nil, "2026-06-01T09:00:00+02:60": nil, "2026-06-01T09:00:00+0200": nil, "2026-06-01T9:00:00Z": nil,
		"2026-06-01T24:00:00Z": nil, "2026-06-31": nil, "2026-06-01 09:00:00Z": nil, "2026-06-01T09:00:00": nil, "2026-06-01T09:00:00.Z": nil,
	} {
		changed := ada.Patch(course, map[string]any{"exam_date": sent})
		switch said := string(changed.Body); {
		case want == nil && (changed.Status != http.StatusBadRequest || !strings.Contains(said, "such as 2026-06-01T09:00:00Z, or a day.")):
			t.Errorf("%s is answered with %d %s", sent, changed.Status, said)
		case want != nil && changed.Map()["exam_date"] != want:
			t.Errorf("%s is taken for %s, want %s", sent, said, want)
		}
	}
}
