package quizzes_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	_ "aksio.app/functions/courses/create"
	_ "aksio.app/functions/courses/delete"
	_ "aksio.app/functions/quiz-attempts/complete"
	_ "aksio.app/functions/quiz-attempts/delete"
	_ "aksio.app/functions/quiz-attempts/get"
	_ "aksio.app/functions/quiz-attempts/list"
	_ "aksio.app/functions/quiz-attempts/submit-response"
	_ "aksio.app/functions/quiz-questions/create"
	_ "aksio.app/functions/quizzes/create"
	_ "aksio.app/functions/quizzes/delete"
	_ "aksio.app/functions/quizzes/get"
	_ "aksio.app/functions/quizzes/get-results"
	_ "aksio.app/functions/quizzes/list"
	_ "aksio.app/functions/quizzes/start-attempt"
	_ "aksio.app/functions/quizzes/take"
	_ "aksio.app/functions/quizzes/update"
	"aksio.app/shared/api/apitest"
)

const (
	path     = "/api/v1/assessments/quizzes/"
	attempts = "/api/v1/assessments/quiz-attempts/"
	nobodys  = "0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c"
)

type object = map[string]any

// student is a client with a course.
type student struct {
	*apitest.Client
	course string
}

func newStudent(app *apitest.App, name string) *student {
	client := app.User(name)
	return &student{client, client.Post("/api/v1/courses/", object{"name": "Biology"}).Want(http.StatusCreated).ID()}
}

// One question of each type, with the answer that is right.
var kinds = []object{
	{"question_text": "Which is a base of DNA?", "question_type": "multiple_choice", "choices": []string{"Ribose", "Adenine", "Lysine"}, "correct_answers": []any{1}, "points": 2, "explanation": "A pairs with T."},
	{"question_text": "Mitochondria have DNA.", "question_type": "true_false", "correct_answers": []any{true}},
	{"question_text": "What copies DNA?", "question_type": "short_answer", "correct_answers": []any{"DNA polymerase", "polymerase"}},
	{"question_text": "Water is H___O.", "question_type": "fill_blank", "correct_answers": []any{2}},
	{"question_text": "Why is the genetic code redundant?", "question_type": "essay", "points": 10},
}
var rights = []any{1, "True", " dna  Polymerase", "2", "Because…"}

// published makes a quiz with the questions and the settings.
func (s *student) published(questions []object, settings object) string {
	quiz := object{"course": s.course, "title": "Cells", "shuffle_questions": false}
	id := s.Post(path, quiz).Want(http.StatusCreated).ID()
	for i, q := range questions {
		question := object{"order": i}
		for key, value := range q {
			question[key] = value
		}
		s.Post(path+id+"/questions/", question).Want(http.StatusCreated)
	}
	change := object{"status": "published"}
	for key, value := range settings {
		change[key] = value
	}
	s.Patch(path+id+"/", change).Want(http.StatusOK)
	return id
}

func (s *student) start(quiz string) (attempt string, questions []string) {
	started := s.Post(path+quiz+"/start_attempt/", nil).Want(http.StatusCreated).Map()
	for _, question := range started["questions_order"].([]any) {
		questions = append(questions, question.(string))
	}
	return started["id"].(string), questions
}

func (s *student) answer(attempt, question string, answer any) *apitest.Response {
	return s.Post(attempts+attempt+"/submit_response/", object{"question": question, "user_answer": answer})
}

func TestQuizIsMadeTakenAndScored(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	quiz := ada.published(kinds, object{"passing_score": 80})
	made := ada.Get(path + quiz + "/").Want(http.StatusOK).Map()
	if made["total_questions"] != 5.0 || made["is_published"] != true || made["generated_by_ai"] != false || made["section"] != nil {
		t.Errorf("made %v", made)
	}
	first := made["questions"].([]any)[0].(object)
	if fmt.Sprint(first["correct_answers"]) != "[1]" || fmt.Sprint(first["answer_options"]) != "[Ribose Adenine Lysine]" || first["choices"] != nil {
		t.Errorf("first question %v", first)
	}
	if statement := made["questions"].([]any)[1].(object); fmt.Sprint(statement["answer_options"]) != "[True False]" { // as generated ones have
		t.Errorf("a statement has the options %v", statement["answer_options"])
	}

	attempt, questions := ada.start(quiz)
	for i, right := range rights {
		response := ada.answer(attempt, questions[i], right).Want(http.StatusCreated).Map()
		wantCorrect, wantPoints := any(true), max(1.0, 2-float64(i))
		if i == 4 {
			wantCorrect, wantPoints = nil, 0
		}
		if response["is_correct"] != wantCorrect || response["points_earned"] != wantPoints || response["question"] != questions[i] {
			t.Errorf("answer %v: %v", right, response)
		}
	}
	running := ada.Get(attempts + attempt + "/").Want(http.StatusOK).Map()
	if running["status"] != "in_progress" || running["score"] != nil || running["passed"] != nil || len(running["responses"].([]any)) != 5 {
		t.Errorf("running %v", running)
	}
	done := ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK).Map()
	if done["status"] != "completed" || done["score"] != 5.0 || done["max_score"] != 5.0 || done["percentage_score"] != 100.0 ||
		done["passed"] != true || done["time_taken_seconds"] == nil || done["completed_at"] == nil {
		t.Errorf("completed %v", done)
	}
	ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusBadRequest)
	if over := ada.answer(attempt, questions[0], 1).Want(http.StatusBadRequest).Map(); over["code"] != "attempt_over" || over["error"] == nil {
		t.Errorf("answer after the end: %v", over)
	}
	made = ada.Get(path + quiz + "/").Want(http.StatusOK).Map()
	first = made["questions"].([]any)[0].(object)
	if made["total_attempts"] != 1.0 || made["average_score"] != 100.0 || first["total_attempts"] != 1.0 || first["success_rate"] != 1.0 {
		t.Errorf("counters %v, question %v", made, first)
	}
}

func TestUnansweredQuestionsCount(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	quiz := ada.published(kinds, nil)
	attempt, questions := ada.start(quiz)
	ada.answer(attempt, questions[1], "true").Want(http.StatusCreated)
	done := ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK).Map()
	if done["score"] != 1.0 || done["max_score"] != 5.0 || done["percentage_score"] != 20.0 || done["passed"] != false {
		t.Errorf("one of five points: %v", done)
	}
	attempt, _ = ada.start(quiz)
	ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK)
	if got := ada.Get(path + quiz + "/").Map()["average_score"]; got != 10.0 {
		t.Errorf("average of 20 and 0 is %v", got)
	}
}

func TestFiguresAreRounded(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	quiz := ada.published([]object{kinds[1], kinds[1], kinds[1]}, nil)
	for right := range 3 {
		attempt, questions := ada.start(quiz)
		for i, question := range questions {
			ada.answer(attempt, question, i < right).Want(http.StatusCreated)
		}
		done := ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK).Map()
		if want := []float64{0, 33.33, 66.67}[right]; done["percentage_score"] != want {
			t.Errorf("%d of 3 are %v %%, want %v", right, done["percentage_score"], want)
		}
	}
	made := ada.Get(path + quiz + "/").Want(http.StatusOK).Map()
	if rate := made["questions"].([]any)[0].(object)["success_rate"]; rate != 0.6667 || made["average_score"] != 33.33 {
		t.Errorf("2 of 3 are the rate %v; the average of the three is %v", rate, made["average_score"])
	}
}

// A quiz of essays only was failed, always, with 0 %.
func TestEssaysAloneAreNotGraded(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	quiz := ada.published(kinds[4:], nil)
	complete := func() object {
		attempt, questions := ada.start(quiz)
		for i, question := range questions {
			ada.answer(attempt, question, rights[4-i]).Want(http.StatusCreated)
		}
		return ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK).Map()
	}
	for _, passing := range []int{70, 0} {
		ada.Patch(path+quiz+"/", object{"passing_score": passing}).Want(http.StatusOK)
		if done := complete(); done["passed"] != nil || done["percentage_score"] != nil || done["max_score"] != 0.0 || done["status"] != "completed" {
			t.Errorf("to pass at %d %%: got %v", passing, done)
		}
	}
	ada.Post(path+quiz+"/questions/", object{"order": 1, "question_text": "H___O", "question_type": "fill_blank", "correct_answers": []any{2}}).Want(http.StatusCreated)
	graded := complete()
	if graded["passed"] != true || graded["percentage_score"] != 100.0 {
		t.Errorf("with a question that is graded: got %v", graded)
	}
	average := func() any { return ada.Get(path + quiz + "/").Want(http.StatusOK).Map()["average_score"] }
	if got := average(); got != 100.0 {
		t.Errorf("average %v, want that of what was graded", got)
	}
	ada.Delete(attempts + graded["id"].(string) + "/").Want(http.StatusNoContent)
	for _, essay := range ada.Get(attempts).Want(http.StatusOK).Map()["results"].([]any) {
		ada.Delete(attempts + essay.(object)["id"].(string) + "/").Want(http.StatusNoContent)
	}
	if got := average(); got != 0.0 {
		t.Errorf("average of nothing %v", got)
	}
}

// What a word's last letter is, or that ß has no capital, made answers wrong.
func TestShortAnswersAreTakenInAnyCase(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	for key, answers := range map[string][]string{
		"ΟΔΟΣ": {"οδος", "Οδοσ"}, "straße": {"STRASSE", "strasse", "Straße"}, "É": {"e\u0301"},
	} {
		question := object{"question_text": "?", "question_type": "short_answer", "correct_answers": []any{key}}
		quiz := ada.published([]object{question}, object{"max_attempts": 5})
		for _, answer := range answers {
			attempt, questions := ada.start(quiz)
			if got := ada.answer(attempt, questions[0], answer).Want(http.StatusCreated).Map(); got["is_correct"] != true {
				t.Errorf("%s for %s: got %v", answer, key, got)
			}
			ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK)
		}
	}
}

func TestAnswersAreTakenOnce(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	attempt, questions := ada.start(ada.published(kinds[:2], nil))
	statuses := together(10, func() int { return ada.answer(attempt, questions[0], 1).Status })
	if got := count(statuses, http.StatusCreated); got != 1 || count(statuses, http.StatusBadRequest) != 9 {
		t.Errorf("ten answers at once: %v", statuses)
	}
	again := ada.answer(attempt, questions[0], 0).Want(http.StatusBadRequest).Map()
	if _, ok := again["question"].([]any); !ok || again["code"] != "already_answered" {
		t.Errorf("second answer: %v", again)
	}
	if done := ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK).Map(); done["score"] != 2.0 {
		t.Errorf("score %v, want 2", done["score"])
	}
}

func TestCompletionAndAnswerAtOnceAgree(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	quiz := ada.published(kinds[:1], object{"max_attempts": 20})
	for range 10 {
		attempt, questions := ada.start(quiz)
		calls := make(chan func() int, 3)
		calls <- func() int { return ada.Post(attempts+attempt+"/complete/", nil).Status }
		calls <- func() int { return ada.answer(attempt, questions[0], 1).Status }
		calls <- func() int { return ada.Post(attempts+attempt+"/complete/", nil).Status }
		statuses := together(3, func() int { return (<-calls)() })
		if count(statuses, http.StatusOK) != 1 {
			t.Errorf("two completions: %v", statuses)
		}
		done := ada.Get(attempts + attempt + "/").Want(http.StatusOK).Map()
		if want := 2 * float64(len(done["responses"].([]any))); done["score"] != want {
			t.Errorf("score %v with responses %v", done["score"], done["responses"])
		}
	}
}

func TestTheAttemptThatRunsIsGoneOnWith(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	quiz := ada.published(kinds, object{"max_attempts": 2, "show_correct_answers": false})
	attempt, questions := ada.start(quiz)
	ada.answer(attempt, questions[0], 1).Want(http.StatusCreated)
	if same, _ := ada.start(quiz); same != attempt {
		t.Error("another attempt was begun")
	}
	ada.Patch(path+quiz+"/", object{"status": "archived"}).Want(http.StatusOK)
	again := ada.Post(path+quiz+"/start_attempt/", nil).Want(http.StatusCreated).Map()
	responses := again["responses"].([]any)
	if again["id"] != attempt || again["status"] != "in_progress" || again["attempt_number"] != 1.0 || again["score"] != nil || len(responses) != 1 {
		t.Fatalf("started twice: %v", again)
	}
	if response := responses[0].(object); response["is_correct"] != nil || response["points_earned"] != 0.0 {
		t.Errorf("gone on with, it tells %v", response)
	}
	ada.Patch(path+quiz+"/", object{"status": "published"}).Want(http.StatusOK)
	ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK)
	if second, _ := ada.start(quiz); second == attempt {
		t.Error("a completed attempt was gone on with")
	}
	if made := ada.Get(path + quiz + "/").Want(http.StatusOK).Map(); made["total_attempts"] != 2.0 {
		t.Errorf("%v attempts, want 2", made["total_attempts"])
	}
}

func TestStartsAtOnceBeginOneAttempt(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	quiz := ada.published(kinds, object{"max_attempts": 20})
	ids := together(20, func() string { return fmt.Sprint(ada.Post(path+quiz+"/start_attempt/", nil).Map()["id"]) })
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) != 1 {
		t.Errorf("20 starts gave the attempts %v", ids)
	}
	if list := ada.Get(attempts).Want(http.StatusOK).Map(); list["count"] != 1.0 {
		t.Errorf("20 starts made %v attempts", list["count"])
	}
	ada.Post(attempts+ids[0]+"/complete/", nil).Want(http.StatusOK)
	if second := ada.Post(path+quiz+"/start_attempt/", nil).Want(http.StatusCreated).Map(); second["attempt_number"] != 2.0 {
		t.Errorf("20 starts used up attempts: the next is number %v", second["attempt_number"])
	}
}

func TestStartsAndCompletionsAtOnceStayWithinTheLimit(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	quiz := ada.published(kinds, object{"max_attempts": 5})
	statuses := together(10, func() int {
		for {
			started := ada.Post(path+quiz+"/start_attempt/", nil)
			if started.Status != http.StatusCreated {
				return started.Status
			}
			// Another may have completed it.
			if done := ada.Post(attempts+started.ID()+"/complete/", nil).Status; done != http.StatusOK && done != http.StatusBadRequest {
				return done
			}
		}
	})
	if count(statuses, http.StatusForbidden) != 10 {
		t.Errorf("statuses %v", statuses)
	}
	var list struct {
		Results []struct {
			Number int `json:"attempt_number"`
		}
	}
	ada.Get(attempts).Want(http.StatusOK).Into(&list)
	var numbers []int
	for _, attempt := range list.Results {
		numbers = append(numbers, attempt.Number)
	}
	slices.Sort(numbers)
	if !slices.Equal(numbers, []int{1, 2, 3, 4, 5}) {
		t.Errorf("numbers %v", numbers)
	}
}

func TestAttemptsAreDeleted(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := newStudent(app, "ada"), newStudent(app, "bob")
	quiz := ada.published(kinds, object{"max_attempts": 3})
	average := func() any { return ada.Get(path + quiz + "/").Want(http.StatusOK).Map()["average_score"] }
	complete := func(right bool) (attempt string) {
		attempt, questions := ada.start(quiz)
		if right {
			ada.answer(attempt, questions[0], 1).Want(http.StatusCreated)
		}
		ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK)
		return attempt
	}
	good, bad := complete(true), complete(false)
	if got := average(); got != 20.0 {
		t.Fatalf("average of 40 and 0 is %v", got)
	}
	bob.Delete(attempts + good + "/").Want(http.StatusNotFound)
	ada.Delete(attempts + bad + "/").Want(http.StatusNoContent)
	ada.Delete(attempts + bad + "/").Want(http.StatusNotFound)
	ada.Get(attempts + bad + "/").Want(http.StatusNotFound)
	if got := average(); got != 40.0 {
		t.Errorf("average without the deleted attempt %v, want 40", got)
	}
	running, questions := ada.start(quiz)
	ada.answer(running, questions[0], 1).Want(http.StatusCreated)
	ada.Delete(attempts + running + "/").Want(http.StatusNoContent)
	ada.answer(running, questions[1], true).Want(http.StatusNotFound)
	if got := average(); got != 40.0 {
		t.Errorf("average %v after an attempt that had no score was deleted", got)
	}
	ada.Delete(attempts + good + "/").Want(http.StatusNoContent)
	if got := average(); got != 0.0 {
		t.Errorf("average of nothing %v", got)
	}
	if list := ada.Get(attempts).Want(http.StatusOK).Map(); list["count"] != 0.0 {
		t.Errorf("%v attempts are left", list["count"])
	}
	ada.Post(path+quiz+"/start_attempt/", nil).Want(http.StatusForbidden) // deleted ones count
}

func TestAnswersThatArentThereToChooseAreRefused(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	attempt, questions := ada.start(ada.published(kinds, nil))
	for question, answers := range [][]any{
		{3, -1, 0.5, "Guanine", "b", true, object{"id": 1}, []any{1, 3}, []any{0, 1, 2, 0}},
		{"yes", 2, []any{true}},
		{[]any{"polymerase"}, object{}},
	} {
		for _, answer := range answers {
			refused := ada.answer(attempt, questions[question], answer).Want(http.StatusBadRequest).Map()
			said, _ := refused["user_answer"].([]any)
			if len(said) != 1 || !strings.HasPrefix(said[0].(string), "Answer with ") || question == 0 && !strings.Contains(said[0].(string), "0 to 2") {
				t.Errorf("%v to %v: %v", answer, kinds[question]["question_text"], refused)
			}
		}
	}
	if responses := ada.Get(attempts + attempt + "/").Want(http.StatusOK).Map()["responses"].([]any); len(responses) != 0 {
		t.Errorf("stored %v", responses)
	}
	ada.answer(attempt, questions[0], 1).Want(http.StatusCreated)
}

func TestWhoMayAttempt(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	for name, tc := range map[string]struct {
		settings object
		before   int // attempts
		code     string
	}{
		"archived":    {object{"status": "archived"}, 0, "quiz_not_published"},
		"draft again": {object{"status": "draft"}, 0, "quiz_not_published"},
		"never":       {object{"max_attempts": 0}, 0, "no_attempts_left"},
		"used up":     {object{"max_attempts": 1}, 1, "no_attempts_left"},
		"no retakes":  {object{"allow_retakes": false}, 1, "no_retakes"},
	} {
		quiz := ada.published(kinds, tc.settings)
		for range tc.before {
			attempt, _ := ada.start(quiz)
			ada.Get(path + quiz + "/take/").Want(http.StatusOK) // the last allowed attempt runs
			ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK)
		}
		for _, refused := range []*apitest.Response{ada.Post(path+quiz+"/start_attempt/", nil), ada.Get(path + quiz + "/take/")} {
			if got := refused.Want(http.StatusForbidden).Map(); got["code"] != tc.code || got["error"] == nil {
				t.Errorf("%s: %v, want %s", name, got, tc.code)
			}
		}
	}
}

func TestPublishingNeedsAQuestion(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	quiz := ada.Post(path, object{"course": ada.course, "title": "Empty"}).Want(http.StatusCreated).Map()
	for _, refused := range []*apitest.Response{
		ada.Patch(path+quiz["id"].(string)+"/", object{"status": "published"}),
		ada.Post(path, object{"course": ada.course, "title": "Empty", "status": "published"}),
	} {
		var problem struct {
			Errors []struct{ Location string }
		}
		refused.Want(http.StatusBadRequest).Into(&problem)
		if len(problem.Errors) != 1 || problem.Errors[0].Location != "body.status" {
			t.Errorf("%s", refused.Body)
		}
	}
}

// A page of the largest quizzes and attempts must fit into an instance many times.
func TestQuizzesAndAttemptsAreBounded(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := newStudent(app, "ada")
	const most = 350_000 // bytes of one on the wire: 256 KiB of text, and what stands around it
	long := object{"question_text": strings.Repeat("Why? ", 2_000), "question_type": "essay"}
	quiz := ada.published([]object{long}, object{"max_attempts": 30})
	full := func(call func() *apitest.Response, code string) (calls int) {
		t.Helper()
		for range 100 {
			switch resp := call(); resp.Status {
			case http.StatusCreated:
				calls++
			default:
				if resp.Want(http.StatusBadRequest).Map()["code"] != code {
					t.Errorf("refused by %s", resp.Body)
				}
				return calls
			}
		}
		t.Errorf("never %s", code)
		return calls
	}
	if asked := 1 + full(func() *apitest.Response { return ada.Post(path+quiz+"/questions/", long) }, "quiz_full"); asked < 20 {
		t.Errorf("full with %d questions", asked)
	}
	for name, change := range map[string]object{"description": {"description": long["question_text"]}, "source": {"source_content": long["question_text"]}} {
		if got := ada.Patch(path+quiz+"/", change).Want(http.StatusBadRequest).Map(); got["code"] != "quiz_full" {
			t.Errorf("%s: %v", name, got)
		}
	}
	if n := len(ada.Get(path + quiz + "/").Want(http.StatusOK).Body); n < 240_000 || n > most {
		t.Errorf("a full quiz has %d bytes", n)
	}

	attempt, questions := ada.start(quiz)
	essay := strings.Repeat("🦠", 10_000) // four bytes each
	ada.answer(attempt, questions[0], essay+"!").Want(http.StatusBadRequest)
	ada.answer(attempt, questions[0], slices.Repeat([]any{essay}, 5)).Want(http.StatusBadRequest)
	answered := full(func() *apitest.Response {
		question := questions[0]
		questions = questions[1:]
		return ada.answer(attempt, question, essay)
	}, "answers_full")
	if answered < 5 {
		t.Errorf("full with %d answers", answered)
	}
	if n := len(ada.Get(attempts + attempt + "/").Want(http.StatusOK).Body); n > most {
		t.Errorf("a full attempt has %d bytes", n)
	}
	ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK)

	for range 20 {
		attempt, _ := ada.start(quiz)
		ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK)
		ada.Post(path, object{"course": ada.course, "title": "Short"}).Want(http.StatusCreated)
	}
	for _, list := range []string{path, attempts} {
		page := ada.Get(list + "?page_size=100").Want(http.StatusOK).Map()
		if len(page["results"].([]any)) != 20 || page["count"] != 21.0 || page["next"] == nil {
			t.Errorf("%s: %d of %v on a page, next %v", list, len(page["results"].([]any)), page["count"], page["next"])
		}
	}
}

func TestChosenAnswersAreBounded(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	attempt, questions := ada.start(ada.published(kinds[:1], nil))
	for _, answer := range []any{strings.Repeat("x", 100_000), slices.Repeat([]any{"xxxx"}, 5_000)} {
		if got := ada.answer(attempt, questions[0], answer).Want(http.StatusBadRequest).Map(); got["user_answer"] == nil {
			t.Errorf("refused by %v", got)
		}
	}
}

func TestQuestionsAreShuffledOnce(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	var questions []object
	for i := range 30 {
		questions = append(questions, object{"question_text": fmt.Sprint("Question ", i), "question_type": "true_false", "correct_answers": []any{"true"}})
	}
	quiz := ada.published(questions, object{"shuffle_questions": true})
	finish := func(attempt string) { ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK) }
	attempt, first := ada.start(quiz)
	if got := ada.taken(quiz); !slices.Equal(got, first) {
		t.Errorf("take asks in another order than the attempt:\n%v\n%v", got, first)
	}
	finish(attempt)
	attempt, second := ada.start(quiz)
	finish(attempt)
	if slices.Equal(first, second) { // by chance once in 30!
		t.Error("two attempts have one order")
	}
	slices.Sort(first)
	slices.Sort(second)
	if !slices.Equal(first, second) || len(slices.Compact(first)) != 30 {
		t.Error("the attempts don't ask the same 30 questions")
	}
	ada.Patch(path+quiz+"/", object{"shuffle_questions": false}).Want(http.StatusOK)
	_, plain := ada.start(quiz)
	if !slices.IsSorted(plain) { // their ids are in the order of their creation
		t.Errorf("not shuffled, but %v", plain)
	}
}

// taken returns the ids of the questions that take shows.
func (s *student) taken(quiz string) (ids []string) {
	for _, q := range s.Get(path + quiz + "/take/").Want(http.StatusOK).Map()["questions"].([]any) {
		ids = append(ids, q.(object)["id"].(string))
	}
	return ids
}

func TestRunningAttemptsKeepTheirQuestions(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada := newStudent(app, "ada")
	quiz := ada.published(kinds[:2], nil)
	attempt, questions := ada.start(quiz)
	ada.Post(path+quiz+"/questions/", kinds[2]).Want(http.StatusCreated)
	if _, err := app.DB.Exec(t.Context(), `UPDATE quiz_questions SET correct_answers = '[0]', points = 100 WHERE id = $1`, questions[0]); err != nil {
		t.Fatal(err)
	}
	if _, err := app.DB.Exec(t.Context(), `DELETE FROM quiz_questions WHERE id = $1`, questions[1]); err != nil {
		t.Fatal(err)
	}
	if got := ada.taken(quiz); !slices.Equal(got, questions) {
		t.Errorf("take asks %v, the attempt %v", got, questions)
	}
	if got := ada.answer(attempt, questions[0], 1).Want(http.StatusCreated).Map(); got["is_correct"] != true || got["points_earned"] != 2.0 {
		t.Errorf("graded %v, want by the key at the start", got)
	}
	ada.answer(attempt, questions[1], "true").Want(http.StatusCreated)
	if done := ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK).Map(); done["percentage_score"] != 100.0 || done["max_score"] != 3.0 {
		t.Errorf("done %v", done)
	}
}

func TestKeysAreHidden(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	keys := func(quiz string) (keys, explanations int) {
		for _, q := range ada.Get(path + quiz + "/results/").Want(http.StatusOK).Map()["questions"].([]any) {
			keys += len(q.(object)["correct_answers"].([]any))
			if q.(object)["explanation"] != nil {
				explanations++
			}
		}
		return keys, explanations
	}
	for _, show := range []bool{true, false} {
		quiz := ada.published(kinds[:1], object{"show_correct_answers": show, "show_explanations": show})
		for _, secret := range []string{"correct_answers", "explanation", "pairs with"} {
			if body := ada.Get(path + quiz + "/take/").Want(http.StatusOK).Body; strings.Contains(string(body), secret) {
				t.Errorf("take shows %s", secret)
			}
		}
		if k, e := keys(quiz); k != 0 || e != 0 {
			t.Errorf("shown %v: results before any attempt have %d keys, %d explanations", show, k, e)
		}
		attempt, questions := ada.start(quiz)
		response := ada.answer(attempt, questions[0], 1).Want(http.StatusCreated).Map()
		stored := ada.Get(attempts + attempt + "/").Want(http.StatusOK).Map()["responses"].([]any)[0].(object)
		for _, r := range []object{response, stored} {
			if told := r["is_correct"] != nil; told != show || (r["points_earned"] != 0.0) != show {
				t.Errorf("shown %v, but a running attempt answers %v", show, r)
			}
		}
		if k, e := keys(quiz); k != 0 || e != 0 {
			t.Errorf("results of a running attempt have %d keys, %d explanations", k, e)
		}
		done := ada.Post(attempts+attempt+"/complete/", nil).Want(http.StatusOK).Map()
		if r := done["responses"].([]any)[0].(object); r["is_correct"] != true || done["score"] != 2.0 {
			t.Errorf("finished %v", done)
		}
		if k, e := keys(quiz); (k == 1) != show || (e == 1) != show {
			t.Errorf("shown %v: results have %d keys, %d explanations", show, k, e)
		}
	}
}

func TestOthersQuizzesArentThere(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := newStudent(app, "ada"), newStudent(app, "bob")
	quiz := ada.published(kinds, nil)
	attempt, questions := ada.start(quiz)
	for _, call := range []*apitest.Response{
		bob.Get(path + quiz + "/"), bob.Patch(path+quiz+"/", object{"title": "x"}), bob.Patch(path+quiz+"/", object{}),
		bob.Put(path+quiz+"/", object{"title": "x", "course": bob.course}), bob.Patch(path+quiz+"/", object{"course": ada.course}), bob.Delete(path + quiz + "/"),
		bob.Get(path + quiz + "/take/"), bob.Get(path + quiz + "/results/"), bob.Post(path+quiz+"/start_attempt/", nil),
		bob.Post(path+quiz+"/questions/", kinds[0]), bob.Get(attempts + attempt + "/"), bob.Post(attempts+attempt+"/complete/", nil),
		bob.answer(attempt, questions[0], 1), ada.Get(path + nobodys + "/"),
	} {
		call.Want(http.StatusNotFound)
	}
	for _, list := range []string{path, attempts, path + "?course=" + ada.course, attempts + "?course=" + ada.course} {
		if got := bob.Get(list).Want(http.StatusOK).Map()["count"]; got != 0.0 {
			t.Errorf("bob sees %v at %s", got, list)
		}
	}
	own, _ := bob.start(bob.published(kinds, nil))
	refused := bob.answer(own, questions[0], 1).Want(http.StatusBadRequest).Map()
	if _, ok := refused["question"].([]any); !ok {
		t.Errorf("a question of another quiz: %v", refused)
	}
	for _, call := range []*apitest.Response{
		bob.Post(path, object{"title": "x", "course": ada.course}),
		bob.Patch(path+bob.published(kinds, nil)+"/", object{"course": ada.course}),
	} {
		if problem := call.Want(http.StatusBadRequest).Map(); problem["course"] == nil {
			t.Errorf("another's course: %v", problem)
		}
	}
	for _, client := range []*apitest.Client{app.Anonymous()} {
		client.Get(path).Want(http.StatusUnauthorized)
		client.Post(path+quiz+"/start_attempt/", nil).Want(http.StatusUnauthorized)
		client.Post(attempts+attempt+"/submit_response/", object{"question": questions[0], "user_answer": 1}).Want(http.StatusUnauthorized)
	}
	ada.Delete("/api/v1/courses/" + ada.course + "/").Want(http.StatusNoContent)
	ada.Get(path + quiz + "/").Want(http.StatusNotFound)
	ada.answer(attempt, questions[0], 1).Want(http.StatusNotFound)
	ada.Post(path+quiz+"/start_attempt/", nil).Want(http.StatusNotFound)
	if got := ada.Get(path).Want(http.StatusOK).Map()["count"]; got != 0.0 {
		t.Errorf("%v quizzes of a deleted course", got)
	}
}

func TestQuizRejects(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	for field, values := range map[string][]any{
		"course":             {nobodys, "x"},
		"section":            {nobodys},
		"title":              {"", "  ", strings.Repeat("x", 256), 5},
		"quiz_type":          {"adaptive", ""},
		"time_limit_minutes": {-1, "x", 0.5},
		"max_attempts":       {-1, 1e9},
		"passing_score":      {-1, 101},
	} {
		for _, value := range values {
			body := object{"course": ada.course, "title": "Cells"}
			body[field] = value
			if problem := ada.Post(path, body).Want(http.StatusBadRequest).Map(); problem[field] == nil {
				t.Errorf("%s %v: nothing under the field in %v", field, value, problem)
			}
		}
	}
	ada.Post(path, object{"course": ada.course, "title": "Cells", "section": nil, "time_limit_minutes": nil}).Want(http.StatusCreated)
	quiz := ada.published(kinds, nil)
	if got := ada.Get(path + "?course=").Want(http.StatusOK).Map()["count"]; got != 2.0 {
		t.Errorf("%v quizzes of no course in particular", got)
	}
	ada.Put(path+quiz+"/", object{"title": "Cells"}).Want(http.StatusBadRequest)
	ada.Put(path+quiz+"/", object{"title": "Genes", "course": ada.course}).Want(http.StatusOK)
	for _, list := range []string{path, attempts} {
		if problem := ada.Get(list + "?course=x").Want(http.StatusBadRequest).Map(); problem["course"] == nil {
			t.Errorf("malformed course: %v", problem)
		}
	}
}

func TestQuestionRejects(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	quiz := path + ada.published(kinds, nil) + "/questions/"
	choice := func(options, correct []any) object {
		return object{"question_text": "?", "question_type": "multiple_choice", "answer_options": options, "correct_answers": correct}
	}
	of := func(kind string, correct ...any) object {
		return object{"question_text": "?", "question_type": kind, "correct_answers": append([]any{}, correct...)}
	}
	for name, tc := range map[string]struct {
		body  object
		field string
	}{
		"no text":          {object{"question_type": "essay"}, "question_text"},
		"blank":            {object{"question_type": "essay", "question_text": " "}, "question_text"},
		"no type":          {object{"question_text": "?"}, "question_type"},
		"type":             {of("matching", "x"), "question_type"},
		"one option":       {choice([]any{"a"}, []any{0}), "answer_options"},
		"eleven options":   {choice(slices.Repeat([]any{"a"}, 11), []any{0}), "answer_options"},
		"same options":     {choice([]any{"a", " a"}, []any{0}), "answer_options"},
		"blank option":     {choice([]any{"a", " "}, []any{0}), "answer_options"},
		"number as option": {choice([]any{"a", 2}, []any{0}), "answer_options"},
		"no key":           {choice([]any{"a", "b"}, []any{}), "correct_answers"},
		"index behind":     {choice([]any{"a", "b"}, []any{2}), "correct_answers"},
		"index before":     {choice([]any{"a", "b"}, []any{-1}), "correct_answers"},
		"half an index":    {choice([]any{"a", "b"}, []any{0.5}), "correct_answers"},
		"other text":       {choice([]any{"a", "b"}, []any{"c"}), "correct_answers"},
		"texts and labels": {choice([]any{"a", "b"}, []any{"a", 1}), "correct_answers"},
		"nested key":       {choice([]any{"a", "b"}, []any{[]any{0}}), "correct_answers"},
		"null key":         {choice([]any{"a", "b"}, []any{nil}), "correct_answers"},
		"neither":          {of("true_false", "maybe"), "correct_answers"},
		"both":             {of("true_false", "true", "false"), "correct_answers"},
		"truth as number":  {of("true_false", 1), "correct_answers"}, // true to some, the second option to others
		"none":             {of("true_false"), "correct_answers"},
		"nothing accepted": {of("short_answer"), "correct_answers"},
		"blank accepted":   {of("fill_blank", "x", " "), "correct_answers"},
		"points":           {object{"question_text": "?", "question_type": "essay", "points": -1}, "points"},
	} {
		if problem := ada.Post(quiz, tc.body).Want(http.StatusBadRequest).Map(); problem[tc.field] == nil {
			t.Errorf("%s: nothing under %s in %v", name, tc.field, problem)
		}
	}
}

func TestAnswersOfTheWrongKindAreRefused(t *testing.T) {
	t.Parallel()
	ada := newStudent(apitest.New(t), "ada")
	attempt, questions := ada.start(ada.published(kinds, nil))
	for i, values := range [][]any{
		{nil, true, object{"a": 1}, []any{[]any{1}}},
		{nil, 2, "maybe", []any{"true"}},
		{nil, object{}, []any{"polymerase"}, strings.Repeat("x", 10_001)},
		{nil, []any{}},
		{nil, object{}},
	} {
		for _, value := range values {
			if problem := ada.answer(attempt, questions[i], value).Want(http.StatusBadRequest).Map(); problem["user_answer"] == nil {
				t.Errorf("question %d, %.40v: %v", i, value, problem)
			}
		}
	}
	if problem := ada.answer(attempt, "x", 1).Want(http.StatusBadRequest).Map(); problem["question"] == nil {
		t.Errorf("malformed question: %v", problem)
	}
	ada.Post(attempts+attempt+"/submit_response/", object{"question": questions[0]}).Want(http.StatusBadRequest)
	ada.answer(attempt, questions[0], "Lysine").Want(http.StatusCreated) // wrong, but an answer
}

// together calls f n times at once.
func together[T any](n int, f func() T) []T {
	results := make(chan T)
	for range n {
		go func() { results <- f() }()
	}
	all := make([]T, n)
	for i := range n {
		all[i] = <-results
	}
	return all
}

func count(statuses []int, status int) (n int) {
	for _, s := range statuses {
		if s == status {
			n++
		}
	}
	return n
}
