package all_test

import (
	"maps"
	"net/http"
	"strings"
	"testing"

	"aksio.app/shared/api/apitest"
)

// Once, some names could be blank to the eye, of several lines, or turned around, each
// kind of thing by a rule of its own.
func TestNamesAreOneLineThatIsSeen(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	course := ada.Post(coursesPath, map[string]any{"name": "Topology"}).Want(http.StatusCreated).ID()
	quizzes, chats := "/api/v1/assessments/quizzes/", "/api/v1/chat/chats/"
	for path, named := range map[string]struct {
		field string
		body  map[string]any
	}{
		coursesPath:                          {"name", nil},
		quizzes:                              {"title", map[string]any{"course": course}},
		chats:                                {"title", nil},
		"/api/v1/assessments/":               {"title", map[string]any{"course": course, "assessment_type": "formative"}},
		coursesPath + course + "/documents/": {"name", map[string]any{"document_type": "text", "text": "Homeomorphisms are continuous."}},
	} {
		create := func(name string) *apitest.Response {
			body := map[string]any{named.field: name}
			maps.Copy(body, named.body)
			return ada.Post(path, body)
		}
		for _, name := range []string{"\u200b", "\ufeff", "\u202eabc", "a\nb", "a\u2028b", "Bio\u200b", "B\u00adio", "\u3164", "\u200d", "\ufe0f", "\x1b[2J"} {
			if resp := create(name); resp.Status != http.StatusBadRequest || resp.Map()[named.field] == nil {
				t.Errorf("%s: %q: got %d %s, want 400 under %s", path, name, resp.Status, resp.Body, named.field)
			}
		}
		for _, name := range []string{"👩‍👩‍👧 ❤️", "می\u200cخواهم", "नमस्ते", "水", "½"} {
			created := create(" " + name + "\n").Want(http.StatusCreated).Map()
			if created[named.field] != name {
				t.Errorf("%s: %q is named %q", path, name, created[named.field])
			}
			if path == coursesPath || path == quizzes || path == chats {
				ada.Patch(path+created["id"].(string)+"/", map[string]any{named.field: "\u200b"}).Want(http.StatusBadRequest)
			}
		}
	}
}

// Short texts beside names are shown in lists with them.
func TestShortTextsAreOneLine(t *testing.T) {
	t.Parallel()
	ada := apitest.New(t).User("ada")
	course := ada.Post(coursesPath, map[string]any{"name": "Topology"}).Want(http.StatusCreated).ID()
	card := ada.Post("/api/v1/assessments/flashcards/", map[string]any{"course": course, "question": "q", "answer": "a"}).Want(http.StatusCreated).ID()
	quiz := ada.Post("/api/v1/assessments/quizzes/", map[string]any{"course": course, "title": "Quiz"}).Want(http.StatusCreated).ID()
	question := map[string]any{"question_text": "?", "question_type": "true_false", "correct_answers": []string{"true"}}
	for path, fields := range map[string][]string{
		coursesPath + course + "/":                            {"university", "course_code", "semester", "academic_year", "subject_area", "icon", "study_goals", "preferred_study_methods"},
		"/api/v1/assessments/flashcards/" + card + "/":        {"tags"},
		"/api/v1/assessments/quizzes/" + quiz + "/questions/": {"tags"},
	} {
		for _, field := range fields {
			send := func(text string) *apitest.Response {
				var value any = text
				if field == "tags" || field == "study_goals" || field == "preferred_study_methods" {
					value = []string{text}
				}
				body := map[string]any{field: value}
				if strings.HasSuffix(path, "/questions/") {
					maps.Copy(body, question)
					return ada.Post(path, body)
				}
				return ada.Patch(path, body)
			}
			for _, text := range []string{"a\nb", "\u202eabc", "MA\u200b3", "\x1b[2J"} {
				if resp := send(text); resp.Status != http.StatusBadRequest || resp.Map()[field] == nil {
					t.Errorf("%s of %s: %q: got %d %s", field, path, text, resp.Status, resp.Body)
				}
			}
			if kept := send(" ❤️\n"); kept.Status >= 300 || !strings.Contains(string(kept.Body), `"❤️"`) {
				t.Errorf("%s of %s: got %d %s", field, path, kept.Status, kept.Body)
			}
		}
	}
}
