package accounts_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"aksio.app/shared/api/apitest"
	"aksio.app/shared/id"
)

// keys returns the keys of a JSON object in their order.
func keys(t *testing.T, object []byte) (names []string) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(object))
	if _, err := decoder.Token(); err != nil {
		t.Fatal(err)
	}
	for decoder.More() {
		name, err := decoder.Token()
		var value json.RawMessage
		if err != nil || decoder.Decode(&value) != nil {
			t.Fatalf("not an object: %s", object)
		}
		names = append(names, name.(string))
	}
	return names
}

func TestProfileOfANewUser(t *testing.T) {
	t.Parallel()
	app := newApp(t)
	p := newUser(t, app, "ada")
	resp := app.Anonymous().Do(http.MethodGet, profilePath, nil, as(p)...).Want(http.StatusOK)
	want := strings.Fields(`id username email first_name last_name phone_number avatar university study_level study_year
		field_of_study timezone language preferred_study_time daily_study_goal_minutes acquisition_source
		acquisition_details is_verified last_active_at onboarding_completed stripe_customer_id profile streak
		uploaded_files created_at updated_at scheduler`)
	if got := keys(t, resp.Body); !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	user := resp.Map()
	for field, want := range map[string]any{
		"username": "ada", "email": "ada@example.com", "first_name": "", "phone_number": "", "avatar": nil, "university": nil,
		"timezone": "UTC", "language": "en", "daily_study_goal_minutes": 60.0, "is_verified": false,
		"onboarding_completed": false, "stripe_customer_id": nil, "scheduler": "fsrs",
	} {
		if user[field] != want {
			t.Errorf("%s is %v, want %v", field, user[field], want)
		}
	}
	if files, ok := user["uploaded_files"].([]any); !ok || len(files) != 0 {
		t.Errorf("uploaded_files is %v", user["uploaded_files"])
	}
	profile, streak := user["profile"].(fields), user["streak"].(fields)
	for field, want := range map[string]any{
		"id": 1.0, "bio": nil, "learning_goals": nil, "study_style": "mixed", "difficulty_preference": "adaptive",
		"email_notifications": true, "study_reminders": true, "progress_reports": true, "marketing_emails": false,
		"profile_public": false, "show_progress": true, "show_study_time": true,
	} {
		if profile[field] != want {
			t.Errorf("profile.%s is %v, want %v", field, profile[field], want)
		}
	}
	today := user["created_at"].(string)[:10]
	for field, want := range map[string]any{
		"id": 1.0, "current_streak_days": 0.0, "longest_streak_days": 0.0, "current_streak_start": today,
		"last_activity_date": today, "total_study_days": 0.0, "total_study_sessions": 0.0,
	} {
		if streak[field] != want {
			t.Errorf("streak.%s is %v, want %v", field, streak[field], want)
		}
	}
}

func TestProfileOfATokenThatOutlivedItsUser(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	for _, tc := range []struct{ sql, code string }{
		{`UPDATE users SET is_active = false`, "user_inactive"},
		{`DELETE FROM users`, "user_not_found"},
	} {
		exec(t, app, tc.sql)
		for _, resp := range []*apitest.Response{ada.Get(profilePath), ada.Patch(profilePath, fields{"first_name": "Eve"})} {
			if got := resp.Want(http.StatusUnauthorized).Map(); got["code"] != tc.code {
				t.Errorf("after %s: got %v", tc.sql, got)
			}
		}
	}
}

func TestProfileChanges(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	change := fields{
		"username": "lovelace", "first_name": " Ada ", "last_name": "Lovelace", "phone_number": "+4712345678", "university": "NTNU",
		"study_level": "phd", "study_year": 10.0, "field_of_study": "Mathematics", "timezone": "Europe/Oslo", "language": "no",
		"preferred_study_time": "night", "daily_study_goal_minutes": 0.0, "acquisition_source": "Other",
		"acquisition_details": "a friend", "onboarding_completed": true, "scheduler": "sm2",
	}
	got := ada.Patch(profilePath, change).Want(http.StatusOK).Map()
	change["first_name"] = "Ada"
	for field, want := range change {
		if got[field] != want {
			t.Errorf("%s is %v, want %v", field, got[field], want)
		}
	}
	cleared := fields{"phone_number": "", "university": nil, "study_level": "", "study_year": nil, "preferred_study_time": nil, "daily_study_goal_minutes": nil}
	got = ada.Patch(profilePath, cleared).Want(http.StatusOK).Map()
	for field, want := range cleared {
		if got[field] != want {
			t.Errorf("cleared %s is %v, want %v", field, got[field], want)
		}
	}
	got = ada.Put(profilePath, fields{"username": "lovelace", "email": "ada@example.com"}).Want(http.StatusOK).Map()
	if got["timezone"] != "Europe/Oslo" || got["onboarding_completed"] != true {
		t.Errorf("PUT reset what it left out: %v", got)
	}
	// What only we set, and what nobody knows, is ignored.
	got = ada.Patch(profilePath, fields{
		"id": "x", "is_verified": true, "is_staff": true, "stripe_customer_id": "cus_1", "created_at": "2000-01-01T00:00:00Z",
		"password": "x", "profile": fields{"bio": "x"}, "uploaded_files": []any{1, fields{"id": "x", "num_pages": 3}}, "avatar": "x", "nonsense": 1,
	}).Want(http.StatusOK).Map()
	if got["is_verified"] != false || got["stripe_customer_id"] != nil || len(got["uploaded_files"].([]any)) != 0 || got["id"] != ada.ID.String() {
		t.Errorf("read-only fields were written: %v", got)
	}
	if unchanged := ada.Patch(profilePath, fields{}).Want(http.StatusOK).Map(); unchanged["updated_at"] != got["updated_at"] {
		t.Errorf("an empty change changed %v", unchanged)
	}
}

func TestProfileRefuses(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	app.User("bob")
	for i, tc := range []struct {
		field string
		value any
	}{
		{"username", "bob"}, {"username", "ｂｏｂ"}, {"username", "BOB@example.com"}, {"username", "a"}, {"username", "a b c"},
		{"email", "bob@example.com"}, {"email", "BOB@EXAMPLE.COM"}, {"email", "x"}, {"email", ""},
		{"first_name", strings.Repeat("x", 151)}, {"first_name", 5}, {"last_name", []int{1}},
		{"phone_number", "x"}, {"phone_number", "1234"}, {"phone_number", strings.Repeat("1", 21)},
		{"university", strings.Repeat("x", 201)}, {"field_of_study", strings.Repeat("x", 201)},
		{"study_level", "PhD"}, {"study_level", 1}, {"study_year", 0}, {"study_year", 11}, {"study_year", 1.5}, {"study_year", "1st"},
		{"timezone", ""}, {"timezone", "Local"}, {"timezone", "europe/oslo"}, {"timezone", "../../etc/passwd"}, {"timezone", "Mars/Base"},
		{"timezone", "UTC+1"}, {"timezone", strings.Repeat("A", 51)}, {"timezone", "/Europe/Oslo"}, {"timezone", "right/UTC"},
		{"language", "de"}, {"language", ""}, {"preferred_study_time", "noon"},
		{"daily_study_goal_minutes", -1}, {"daily_study_goal_minutes", 2147483648.0}, {"acquisition_source", strings.Repeat("x", 101)},
		{"acquisition_details", strings.Repeat("x", 256)}, {"onboarding_completed", "maybe"}, {"scheduler", "leitner"},
	} {
		wantField(t, fmt.Sprintf("%d: %s = %.30v", i, tc.field, tc.value), ada.Patch(profilePath, fields{tc.field: tc.value}), tc.field)
	}
	put := ada.Put(profilePath, fields{"first_name": "Ada"})
	wantField(t, "PUT without names", put, "username")
	wantField(t, "PUT without names", put, "email")
	both := ada.Patch(profilePath, fields{"username": "bob", "email": "bob@example.com"})
	wantField(t, "both taken", both, "username")
	wantField(t, "both taken", both, "email")
	ada.Patch(profilePath, `{"username": null}`).Want(http.StatusBadRequest)
	if got := ada.Get(profilePath).Map(); got["username"] != "ada" || got["email"] != "ada@example.com" {
		t.Errorf("refused changes left %v", got)
	}
}

func TestAnotherAddressHasToBeVerifiedAnew(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := app.User("ada")
	exec(t, app, `UPDATE users SET is_verified = true`)
	for _, tc := range []struct {
		email string
		want  bool
	}{{"ada@example.com", true}, {"Ada@Example.com", true}, {"countess@example.com", false}} {
		got := ada.Patch(profilePath, fields{"email": tc.email}).Want(http.StatusOK).Map()
		if got["is_verified"] != tc.want {
			t.Errorf("%s: is_verified is %v, want %v", tc.email, got["is_verified"], tc.want)
		}
	}
}

func TestProfileListsTheNewestDocuments(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := app.User("ada"), app.User("bob")
	add := func(user *apitest.Client, name, state, deletedCourse string) {
		course, document := id.New[apitest.App](), id.New[apitest.App]()
		exec(t, app, `INSERT INTO courses (id, user_id, name, deleted_at) VALUES ($1, $2, $3, nullif($4, '')::timestamptz)`,
			course, user.ID, name, deletedCourse)
		exec(t, app, `INSERT INTO documents (id, user_id, course_id, name, state, object, summary) VALUES ($1, $2, $3, $4, $5, $4, 'long')`,
			document, user.ID, course, name, state)
	}
	add(bob, "Bob's", "completed", "")
	for i := range 21 {
		add(ada, fmt.Sprint("Document ", i), "queued", "")
	}
	add(ada, "Gone", "completed", "2026-01-01")
	add(ada, "Newest", "completed", "")

	var user struct {
		Files []json.RawMessage `json:"uploaded_files"`
	}
	ada.Get(profilePath).Want(http.StatusOK).Into(&user)
	var names []string
	for _, raw := range user.Files {
		var file struct {
			Name   string
			Status string `json:"processing_status"`
		}
		if err := json.Unmarshal(raw, &file); err != nil {
			t.Fatal(err)
		}
		names = append(names, file.Name+" "+file.Status)
		if got := keys(t, raw); slices.Contains(got, "summary") || slices.Contains(got, "object") || slices.Contains(got, "storage_path") {
			t.Errorf("a light entry has %v", got)
		}
	}
	if len(names) != 20 || names[0] != "Newest completed" || names[1] != "Document 20 processing" || names[19] != "Document 2 processing" {
		t.Errorf("got %q", names)
	}
}

// Whoever may try any address learns who has an account.
func TestOtherNamesAreTriedSeldom(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	app.Races = true // a name that is taken costs a round trip more
	ada := app.User("ada")
	app.User("bob")
	for range 30 { // the same names count for nothing
		ada.Put(profilePath, fields{"username": "ada", "email": "ada@example.com"}).Want(http.StatusOK)
	}
	answers := map[int]int{}
	for i := range 20 {
		change := fields{"email": fmt.Sprintf("ada%d@example.com", i)}
		switch i % 3 {
		case 0:
			change = fields{"email": "bob@example.com"}
		case 1:
			change = fields{"username": "bob"}
		}
		resp := ada.Patch(profilePath, change)
		if answers[resp.Status]++; resp.Status == http.StatusTooManyRequests && resp.Header.Get("Retry-After") == "" {
			t.Error("429 doesn't say when to come again")
		}
	}
	if answers[http.StatusTooManyRequests] != 10 {
		t.Errorf("20 tries of other names were answered %v, want 10 with 429", answers)
	}
	now := ada.Get(profilePath).Map()
	ada.Put(profilePath, fields{"username": now["username"], "email": now["email"], "first_name": "Ada"}).Want(http.StatusOK)
}
