package all_test

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"testing"

	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/id"
	"aksio.app/shared/tutor"
)

// lists are the operations that show many things without pages.
var lists = []string{"chats-get", "flashcards-list-due"}

// TestFullListsFitIntoMemory asks every list for as many as it gives of the largest
// things that the API takes. The answers that an instance gives at once must fit into
// its memory three times: as rows, as JSON, and as what isn't collected yet.
func TestFullListsFitIntoMemory(t *testing.T) {
	t.Parallel()
	schema := readAPI(t)
	for _, d := range api.Declared() {
		asked := schema.Paths[d.Path]["get"].queryParameters()
		if !slices.Equal(d.Methods, []string{http.MethodGet}) || !slices.Contains(lists, d.ID) && !slices.Contains(asked, "page_size") {
			continue
		}
		t.Run(d.ID, func(t *testing.T) {
			t.Parallel()
			fill, ok := fillers[d.ID]
			if !ok {
				t.Fatal("there is no filler: say how the largest things are made that it lists")
			}
			app := apitest.New(t)
			s := &sizes{app.User("ada"), app, t, nil}
			s.world = newWorld(t, app, s.ada)
			fill(s)
			answer := s.ada.Get(s.world.path(t, d) + "?page_size=100&limit=500")
			n, most := len(answer.Want(http.StatusOK).Body), d.MemoryMiB<<20/3/d.Concurrency
			t.Logf("%d bytes, %d are the most", n, most)
			if n > most {
				t.Errorf("answers %d bytes; with %d at once in %d MiB, %d are the most", n, d.Concurrency, d.MemoryMiB, most)
			}
			if n < 100_000 {
				t.Errorf("answers %d bytes: the largest things aren't among them", n)
			}
		})
	}
}

// TestHostileBodiesFitIntoMemory sends every operation that takes JSON the most bytes and
// values that it takes. What an instance allocates for as many as come at once must fit
// into its memory: not all of it is live at once, which leaves the program its part. In
// no other test's company: what is allocated is the whole process's.
func TestHostileBodiesFitIntoMemory(t *testing.T) {
	app := apitest.New(t)
	ada := app.User("ada")
	w := newWorld(t, app, ada)
	schema := readAPI(t)
	sent := 0
	for _, d := range api.Declared() {
		method := d.Methods[0]
		if _, takes := schema.body(d.Path, method); !takes || d.Access == api.Private || d.ID == "documents-upload" {
			continue
		}
		most := uint64(d.MemoryMiB<<20) / uint64(d.Concurrency)
		for name, junk := range map[string]string{
			"objects": "[" + strings.Repeat("{},", int(d.MaxBody)/3-20) + "{}]",
			"a list":  "[" + strings.Repeat("{},", 9_900) + "{}," + `"` + strings.Repeat("x", max(0, int(d.MaxBody)-40_000)) + `"]`,
			"a text":  `"` + strings.Repeat("x", int(d.MaxBody)-20) + `"`,
			"escapes": `"` + strings.Repeat(`\u00e5`, int(d.MaxBody)/6-20) + `"`,
		} {
			body := `{"junk":` + junk + `}`
			allocated := allocates(func() { ada.Do(method, w.path(t, d), body) })
			t.Logf("%s: %s of %d bytes: %d allocated, %d are the most", d.ID, name, len(body), allocated, most)
			if allocated > most {
				t.Errorf("%s: %s of %d bytes: %d allocated; with %d at once in %d MiB, %d are the most", d.ID, name, len(body), allocated, d.Concurrency, d.MemoryMiB, most)
			}
		}
		sent++
	}
	if sent < 20 {
		t.Errorf("%d operations take JSON, want more", sent)
	}
}

// allocates is how many bytes the process allocates meanwhile.
func allocates(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestAKeyKeepsNoFileInMemory uploads one with and without an Idempotency-Key. In no other
// test's company, too.
func TestAKeyKeepsNoFileInMemory(t *testing.T) {
	ada := apitest.New(t).User("ada")
	path := coursesPath + ada.Post(coursesPath, map[string]any{"name": "Cells"}).Want(http.StatusCreated).ID() + "/documents/upload/"
	upload := func(content byte, headers ...string) uint64 {
		body, contentType := form(strings.Repeat(string(content), 16<<20))
		return allocates(func() {
			ada.Do(http.MethodPost, path, body, append(headers, "Content-Type", contentType)...).Want(http.StatusCreated)
		})
	}
	upload('a') // the client's own buffers are there from now on
	without, with := upload('b'), upload('c', "Idempotency-Key", "k")
	if with > without+4<<20 {
		t.Errorf("%d bytes allocated with a key, %d without", with, without)
	}
}

type sizes struct {
	ada   *apitest.Client
	app   *apitest.App
	t     *testing.T
	world world
}

// each posts the bodies, which must be taken.
func (s *sizes) each(n int, path string, body func(i int) map[string]any) {
	s.t.Helper()
	for i := range n {
		s.ada.Post(path, body(i)).Want(http.StatusCreated)
		if _, err := s.app.DB.Exec(s.t.Context(), `DELETE FROM rate_limits`); err != nil {
			s.t.Fatal(err)
		}
	}
}

// exec changes what the API has no call for.
func (s *sizes) exec(sql string, args ...any) {
	s.t.Helper()
	if _, err := s.app.DB.Exec(s.t.Context(), sql, args...); err != nil {
		s.t.Fatal(err)
	}
}

// wide is a character of three bytes that JSON writes in six; a control character is
// one of one byte.
const (
	wide    = "\u2028"
	control = "\x01"
)

var fillers = map[string]func(*sizes){
	"courses-list": func(s *sizes) {
		goals := slices.Repeat([]string{strings.Repeat("g", 200)}, 20)
		body := func(i int) map[string]any {
			return map[string]any{"name": fmt.Sprint(i), "description": strings.Repeat(wide, 8_000), "study_goals": goals, "preferred_study_methods": goals[:10]}
		}
		s.each(100, "/api/v1/courses/", body)
		for _, larger := range []map[string]any{
			{"description": strings.Repeat("🦠", 10_000)},
			{"description": strings.Repeat(control, 10_000)},
			{"study_goals": append(goals, "g")},
			{"study_goals": []string{strings.Repeat("g", 201)}},
		} {
			s.ada.Patch("/api/v1/courses/"+s.world["/api/v1/courses/{}"]+"/", larger).Want(http.StatusBadRequest)
		}
	},
	"documents-list": func(s *sizes) {
		path := "/api/v1/courses/" + s.world["/api/v1/courses/{}"] + "/documents/"
		body := func(i int) map[string]any {
			return map[string]any{"document_type": "file", "name": strings.Repeat("🦠", 255), "original_filename": strings.Repeat(wide, 250) + ".txt",
				"content_type": "text/plain", "file_size_bytes": 1, "description": strings.Repeat(control, 10_000)}
		}
		s.each(100, path, body)
		s.exec(`UPDATE documents SET summary = repeat('s', 8192), topics = array_fill(repeat('t', 100), '{20}')`) // as a model's are bounded
		larger := body(0)
		larger["description"] = strings.Repeat("🦠", 10_000)
		s.ada.Post(path, larger).Want(http.StatusBadRequest)
	},
	"assessments-list": func(s *sizes) {
		body := func(i int) map[string]any {
			return map[string]any{"course": s.world["/api/v1/courses/{}"], "title": strings.Repeat("t", 255), "assessment_type": "formative",
				"description": strings.Repeat(control, 10_000)}
		}
		s.each(100, "/api/v1/assessments/", body)
		larger := body(0)
		larger["description"] = strings.Repeat("🦠", 10_000)
		s.ada.Post("/api/v1/assessments/", larger).Want(http.StatusBadRequest)
	},
	"flashcards-list": func(s *sizes) {
		s.each(20, "/api/v1/assessments/flashcards/", func(int) map[string]any { return s.card() })
	},
	"flashcards-list-due": func(s *sizes) {
		s.each(40, "/api/v1/assessments/flashcards/", func(int) map[string]any { return s.card() })
	},
	"chats-list": func(s *sizes) {
		s.each(100, "/api/v1/chat/chats/", func(int) map[string]any {
			return map[string]any{"title": strings.Repeat("🦠", 255), "system_prompt": strings.Repeat(control, 8_000)}
		})
	},
	"chats-get":           messages,
	"chats-list-messages": messages,
	"quizzes-list": func(s *sizes) {
		const path = "/api/v1/assessments/quizzes/"
		for range 20 {
			quiz := s.ada.Post(path, map[string]any{"course": s.world["/api/v1/courses/{}"], "title": strings.Repeat("🦠", 255)}).Want(http.StatusCreated).ID()
			s.questions(quiz)
		}
	},
	"quiz-attempts-list": func(s *sizes) {
		const path = "/api/v1/assessments/"
		quiz := s.ada.Post(path+"quizzes/", map[string]any{"course": s.world["/api/v1/courses/{}"], "title": "t", "max_attempts": 30}).Want(http.StatusCreated).ID()
		var questions []string
		for range 60 {
			questions = append(questions, s.ada.Post(path+"quizzes/"+quiz+"/questions/", map[string]any{"question_text": "?", "question_type": "essay"}).Want(http.StatusCreated).ID())
		}
		s.ada.Patch(path+"quizzes/"+quiz+"/", map[string]any{"status": "published"}).Want(http.StatusOK)
		for range 20 {
			attempt := s.ada.Post(path+"quizzes/"+quiz+"/start_attempt/", nil).Want(http.StatusCreated).ID()
			for _, question := range questions {
				answer := map[string]any{"question": question, "user_answer": strings.Repeat(wide, 1_400)}
				if s.ada.Post(path+"quiz-attempts/"+attempt+"/submit_response/", answer).Status != http.StatusCreated {
					break
				}
			}
			s.ada.Post(path+"quiz-attempts/"+attempt+"/complete/", nil).Want(http.StatusOK)
		}
	},
}

// card is the largest: its answer is written in six times as many bytes as it has.
func (s *sizes) card() map[string]any {
	long := strings.Repeat(control, 19_999)
	return map[string]any{"course": s.world["/api/v1/courses/{}"], "question": "q" + long, "answer": "a" + long, "explanation": "e" + long}
}

// questions fills the quiz.
func (s *sizes) questions(quiz string) {
	question := map[string]any{"question_text": "?" + strings.Repeat(wide, 9_999), "question_type": "essay", "explanation": strings.Repeat("🦠", 10_000)}
	for range 10 {
		if s.ada.Post("/api/v1/assessments/quizzes/"+quiz+"/questions/", question).Status != http.StatusCreated {
			return
		}
	}
	s.t.Fatal("the quiz is never full")
}

// messages are the longest questions, with what may be attached, and answers of the
// longest text that a model's may have.
func messages(s *sizes) {
	chat := s.world["/api/v1/chat/chats/{}"]
	s.ada.Post("/api/v1/chat/chats/"+chat+"/send_message/", map[string]any{
		"content": "Why?" + strings.Repeat(control, 31_000), "attachments": []map[string]any{{"a": strings.Repeat("x", 60_000)}},
	}).Want(http.StatusCreated)
	var asked string
	if err := s.app.DB.QueryRow(s.t.Context(), `SELECT id::text FROM chat_messages WHERE chat_id = $1 AND role = 'user'`, chat).Scan(&asked); err != nil {
		s.t.Fatal(err)
	}
	for i := range 49 {
		s.exec(`INSERT INTO chat_messages SELECT (jsonb_populate_record(m, jsonb_build_object('id', $2::text, 'number', $3::int))).* FROM chat_messages m WHERE id = $1`,
			asked, id.New[tutor.Message](), 10+i)
	}
}
