package assessments_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"

	_ "aksio.app/functions/assessments/create"
	_ "aksio.app/functions/assessments/delete"
	_ "aksio.app/functions/assessments/generate-content"
	_ "aksio.app/functions/assessments/get"
	_ "aksio.app/functions/assessments/list"
	_ "aksio.app/functions/courses/create"
	_ "aksio.app/functions/courses/delete"
	_ "aksio.app/functions/documents/generate"
	_ "aksio.app/functions/flashcards/get"
	_ "aksio.app/functions/flashcards/list-due"
	_ "aksio.app/functions/quiz-attempts/complete"
	_ "aksio.app/functions/quiz-attempts/submit-response"
	_ "aksio.app/functions/quizzes/get"
	_ "aksio.app/functions/quizzes/list"
	_ "aksio.app/functions/quizzes/start-attempt"
	_ "aksio.app/functions/quizzes/take"
	"aksio.app/shared/ai"
	"aksio.app/shared/ai/aitest"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/documents"
	"aksio.app/shared/id"
	"aksio.app/shared/resource"
)

const (
	path    = "/api/v1/assessments/"
	quizzes = path + "quizzes/"
	due     = path + "flashcards/due/"
	nobodys = "0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c"
)

// Two documents, a passage a paragraph.
var (
	cells = []string{
		"A cell is the smallest unit of an organism that can live on its own. The cell membrane is a thin layer of lipids and proteins that controls what enters and leaves a cell. The nucleus is the organelle that holds the DNA of a eukaryotic cell.",
		"Mitochondria are organelles that release energy from sugar in the presence of oxygen. Chloroplasts are organelles of plants that store the energy of light in sugar. Ribosomes are small particles that assemble proteins from amino acids.",
		"Osmosis is the movement of water through a membrane towards the side with more dissolved matter. Diffusion is the spreading of particles from places of high concentration to places of low concentration. Active transport is movement against a concentration that costs the cell energy.",
	}
	genes = []string{
		"A gene is a stretch of DNA that describes a protein. Transcription is the copying of a gene into messenger RNA by RNA polymerase. Translation is the assembly of a protein by ribosomes after the order in messenger RNA.",
		"A mutation is a lasting change in the sequence of DNA. An allele is one of several forms of the same gene. The genotype is the set of alleles that an organism carries, and the phenotype is what can be seen of it.",
	}
)

// object is a body.
type object = map[string]any

// student is a client with a course.
type student struct {
	*apitest.Client
	app    *apitest.App
	t      *testing.T
	course string
}

func newStudent(t *testing.T, app *apitest.App, name string) *student {
	client := app.User(name)
	course := client.Post("/api/v1/courses/", object{"name": "Biology"}).Want(http.StatusCreated).ID()
	return &student{client, app, t, course}
}

// document adds one with the passages, as if it had been read.
func (s *student) document(name string, passages []string) string {
	s.t.Helper()
	document := id.New[documents.Document]()
	if _, err := s.app.DB.Exec(s.t.Context(), `INSERT INTO documents (id, user_id, course_id, name, state, language, passage_count)
		VALUES ($1, $2, $3, $4, 'completed', 'en', $5)`, document, s.ID, s.course, name, len(passages)); err != nil {
		s.t.Fatal(err)
	}
	for i, text := range passages {
		if _, err := s.app.DB.Exec(s.t.Context(), `
			INSERT INTO passages (id, document_id, course_id, user_id, position, text, page_start, page_end, char_start, char_end, words, language)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $8 + length($6), 40, 'en')`,
			id.New[student](), document, s.course, s.ID, i, text, i+1, i*1000); err != nil {
			s.t.Fatal(err)
		}
	}
	return document.String()
}

func (s *student) plan(settings object) string {
	s.t.Helper()
	body := object{"course": s.course, "title": "Midterm", "assessment_type": "formative"}
	for key, value := range settings {
		body[key] = value
	}
	return s.Post(path, body).Want(http.StatusCreated).ID()
}

// made is the answer to a generation.
type made struct {
	Message    string
	Assessment *string `json:"assessment_id"`
	Status     string
	Error      *string
	Content    struct {
		Flashcards *struct {
			Count, Requested int
			Confidence       float64
			Flashcards       []struct {
				ID, Question, Answer string
				SourceContent        string `json:"source_content"`
				Citation             *citation
			}
			Error *string
		}
		Quiz *struct {
			ID        *string `json:"quiz_id"`
			Title     string
			Status    string
			Count     int `json:"question_count"`
			Requested int
			Questions []struct {
				Text          string   `json:"question_text"`
				Type          string   `json:"question_type"`
				Options       []string `json:"answer_options"`
				Correct       []any    `json:"correct_answers"`
				SourceContent string   `json:"source_content"`
				Citation      *citation
			}
			Adaptive *struct {
				Difficulty  string  `json:"starting_difficulty"`
				Performance float64 `json:"user_performance_level"`
			} `json:"adaptive_metadata"`
			Error *string
		}
	} `json:"generated_content"`
	Agents map[string]object `json:"agent_metadata"`
}

type citation struct {
	Passage   string `json:"passage_id"`
	Document  string `json:"document_id"`
	Title     string
	PageStart int `json:"page_start"`
	PageEnd   int `json:"page_end"`
	Start     int `json:"char_start"`
	End       int `json:"char_end"`
	Quote     string
}

func (s *student) generate(assessment string, body any) (m made) {
	s.t.Helper()
	s.Post(path+assessment+"/generate_content/", body).Want(http.StatusOK).Into(&m)
	return m
}

func (m made) texts() (texts []string) {
	if m.Content.Flashcards != nil {
		for _, card := range m.Content.Flashcards.Flashcards {
			texts = append(texts, card.Question)
		}
	}
	if m.Content.Quiz != nil {
		for _, question := range m.Content.Quiz.Questions {
			texts = append(texts, question.Text)
		}
	}
	return texts
}

func TestAssessmentsArePlanned(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := newStudent(t, app, "ada"), newStudent(t, app, "bob")
	plain := ada.Get(path + ada.plan(nil) + "/").Want(http.StatusOK).Map()
	for field, want := range map[string]any{"course": ada.course, "status": "draft", "flashcard_count": 10.0, "quiz_count": 1.0, "target_success_rate": 0.8,
		"completion_rate": 0.0, "average_performance": 0.0, "include_quizzes": true, "due_date": nil} {
		if plain[field] != want {
			t.Errorf("%s is %v, want %v", field, plain[field], want)
		}
	}
	second := ada.plan(object{"due_date": "2031-06-01T09:00:00Z", "flashcard_count": 0, "include_quizzes": false})
	var list struct {
		Count   int
		Results []struct{ ID string }
	}
	ada.Get(path).Want(http.StatusOK).Into(&list)
	if list.Count != 2 || list.Results[0].ID != second {
		t.Errorf("list %+v, want the newest first", list)
	}
	bob.Get(path + second + "/").Want(http.StatusNotFound)
	bob.Post(path+second+"/generate_content/", nil).Want(http.StatusNotFound)
	app.Anonymous().Get(path).Want(http.StatusUnauthorized)
	app.Anonymous().Post(path+second+"/generate_content/", nil).Want(http.StatusUnauthorized)
	for field, values := range map[string][]any{
		"course": {nobodys, bob.course, "x"}, "title": {"", " ", strings.Repeat("x", 256)}, "assessment_type": {"exam"},
		"flashcard_count": {-1, 51}, "quiz_count": {51}, "target_success_rate": {1.1}, "estimated_duration_minutes": {-1},
	} {
		for _, value := range values {
			body := object{"course": ada.course, "title": "x", "assessment_type": "diagnostic"}
			body[field] = value
			if problem := ada.Post(path, body).Want(http.StatusBadRequest).Map(); problem[field] == nil {
				t.Errorf("%s %v: %v", field, value, problem)
			}
		}
	}
	ada.Delete("/api/v1/courses/" + ada.course + "/").Want(http.StatusNoContent)
	ada.Get(path + second + "/").Want(http.StatusNotFound)
	ada.Post(path+second+"/generate_content/", nil).Want(http.StatusNotFound)
}

func TestEverythingMadeRestsOnTheMaterial(t *testing.T) {
	t.Parallel()
	ada := newStudent(t, apitest.New(t), "ada")
	titles := map[string]string{ada.document("Cells", cells): "Cells", ada.document("Genes", genes): "Genes"}
	m := ada.generate(ada.plan(object{"flashcard_count": 4, "quiz_count": 4}), nil)
	if m.Status != "completed" || m.Error != nil || m.Content.Flashcards.Count != 4 || m.Content.Quiz.Count != 4 || len(m.texts()) != 8 {
		t.Fatalf("made %+v", m)
	}
	documents := map[string]bool{}
	check := func(source string, c *citation) {
		t.Helper()
		if c == nil || c.Quote != source || titles[c.Document] != c.Title {
			t.Fatalf("source %q, citation %+v", source, c)
		}
		documents[c.Title] = true
		page, first := map[string][]string{"Cells": cells, "Genes": genes}[c.Title][c.PageStart-1], 1000*(c.PageStart-1)
		if c.PageEnd != c.PageStart || c.Start < first || c.End > first+len(page) || page[c.Start-first:c.End-first] != c.Quote {
			t.Errorf("%q isn't where it should be: %+v", c.Quote, c)
		}
	}
	for _, card := range m.Content.Flashcards.Flashcards {
		check(card.SourceContent, card.Citation)
	}
	for _, question := range m.Content.Quiz.Questions {
		check(question.SourceContent, question.Citation)
	}
	if len(documents) != 2 {
		t.Errorf("all is from %v", documents)
	}
	if m.Agents["flashcard_generation"] == nil || m.Agents["quiz_generation"] == nil {
		t.Errorf("agent_metadata %v", m.Agents)
	}

	var cards []struct{ ID string }
	ada.Get(due + "?course=" + ada.course).Want(http.StatusOK).Into(&cards)
	if len(cards) != 4 {
		t.Errorf("%d cards are due", len(cards))
	}
	// A document that is read anew has new passages; where the words stand is known all the same.
	if _, err := ada.app.DB.Exec(t.Context(), `DELETE FROM passages`); err != nil {
		t.Fatal(err)
	}
	for _, card := range cards {
		var c struct {
			SourceContent string `json:"source_content"`
			Source        *struct {
				citation
				Page int
			}
		}
		ada.Get(path + "flashcards/" + card.ID + "/").Want(http.StatusOK).Into(&c)
		check(c.SourceContent, &c.Source.citation)
		if c.Source.Page != c.Source.PageStart {
			t.Errorf("page %d of %+v", c.Source.Page, c.Source)
		}
	}
	var asked struct {
		Questions []struct {
			SourceContent string `json:"source_content"`
			Source        *citation
			Passage       string `json:"passage_id"`
		}
	}
	ada.Get(quizzes + *m.Content.Quiz.ID + "/").Want(http.StatusOK).Into(&asked)
	for _, q := range asked.Questions {
		check(q.SourceContent, q.Source)
		if q.Passage != q.Source.Passage {
			t.Errorf("passage %s of %+v", q.Passage, q.Source)
		}
	}
	quiz := ada.Get(quizzes + *m.Content.Quiz.ID + "/").Want(http.StatusOK).Map()
	if quiz["status"] != "draft" || quiz["quiz_type"] != "assessment" || quiz["title"] != "Quiz for Midterm" || quiz["generated_by_ai"] != true ||
		quiz["total_questions"] != 4.0 || quiz["time_limit_minutes"] != 15.0 || quiz["ai_model_used"] != "offline" {
		t.Errorf("quiz %v", quiz)
	}
}

func TestGeneratingAgainMakesOthers(t *testing.T) {
	t.Parallel()
	ada := newStudent(t, apitest.New(t), "ada")
	ada.document("Cells", cells)
	ada.document("Genes", genes)
	assessment := ada.plan(object{"flashcard_count": 3, "quiz_count": 3})
	seen := map[string]bool{}
	for range 2 {
		for _, text := range ada.generate(assessment, object{}).texts() {
			if seen[text] {
				t.Errorf("made twice: %s", text)
			}
			seen[text] = true
		}
	}
}

func TestOnlyTheNamedMaterialIsUsed(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := newStudent(t, app, "ada"), newStudent(t, app, "bob")
	ada.document("Cells", cells)
	named, bobs, unread := ada.document("Genes", genes), bob.document("Cells", cells), ada.document("Unread", nil)
	assessment := ada.plan(object{"flashcard_count": 3, "quiz_count": 3})
	sources := func(m made) (titles []string) {
		for _, card := range m.Content.Flashcards.Flashcards {
			titles = append(titles, card.Citation.Title)
		}
		for _, question := range m.Content.Quiz.Questions {
			titles = append(titles, question.Citation.Title)
		}
		slices.Sort(titles)
		return slices.Compact(titles)
	}
	if got := sources(ada.generate(assessment, object{"document_ids": []string{named, unread}})); !slices.Equal(got, []string{"Genes"}) {
		t.Errorf("made of %v", got)
	}
	about := ada.generate(ada.plan(object{"flashcard_count": 1, "quiz_count": 0}), object{"topic": "osmosis"})
	if card := about.Content.Flashcards.Flashcards[0]; card.Citation.PageStart != 3 {
		t.Errorf("a card about osmosis from %+v", card.Citation)
	}
	if about.Content.Quiz != nil {
		t.Errorf("a quiz nobody wants: %+v", about.Content.Quiz)
	}
	own := ada.generate(ada.plan(object{"flashcard_count": 1, "include_quizzes": false}),
		object{"content": "Photosynthesis is the process by which plants store the energy of light in sugar."})
	if card := own.Content.Flashcards.Flashcards[0]; card.Citation != nil || !strings.HasPrefix(card.SourceContent, "Photosynthesis") {
		t.Errorf("a card from sent content: %+v", card)
	}

	generate := path + assessment + "/generate_content/"
	for _, ids := range []any{[]string{bobs}, []string{named, nobodys}, []string{"x"}, "x"} {
		if problem := ada.Post(generate, object{"document_ids": ids}).Want(http.StatusBadRequest).Map(); problem["document_ids"] == nil && fmt.Sprint(ids) != "[x]" {
			t.Errorf("documents %v: %v", ids, problem)
		}
	}
	if problem := ada.Post(generate, object{"document_ids": []string{unread}}).Want(http.StatusBadRequest).Map(); problem["code"] != "no_material" || problem["error"] == nil {
		t.Errorf("unread document: %v", problem)
	}
	failed := ada.document("Broken", nil)
	if _, err := app.DB.Exec(t.Context(), `UPDATE documents SET state = 'failed', error_code = 'encrypted', error_message = 'It has a password.' WHERE id = $1`, failed); err != nil {
		t.Fatal(err)
	}
	if problem := ada.Post(generate, object{"document_ids": []string{failed}}).Want(http.StatusBadRequest).Map(); problem["code"] != "document_failed" ||
		!strings.Contains(problem["detail"].(string), "It has a password.") {
		t.Errorf("failed document: %v", problem)
	}
	for name, body := range map[string]object{
		"count": {"question_count": 51}, "topic": {"topic": strings.Repeat("x", 1001)}, "content": {"content": strings.Repeat("x", 200_001)},
		"too many documents": {"document_ids": slices.Repeat([]string{named}, 101)},
	} {
		if status := ada.Post(generate, body).Status; status != http.StatusBadRequest {
			t.Errorf("%s: %d", name, status)
		}
	}
	elsewhere := ada.Post(generate, object{"topic": "quantum chromodynamics"}).Want(http.StatusBadRequest).Map()
	if elsewhere["code"] != "topic_not_found" || !strings.Contains(elsewhere["detail"].(string), "this topic") {
		t.Errorf("a topic of another subject: %v", elsewhere)
	}
	carl := newStudent(t, app, "carl")
	if problem := carl.Post(path+carl.plan(nil)+"/generate_content/", object{"topic": "osmosis"}).Want(http.StatusBadRequest).Map(); problem["code"] != "no_material" {
		t.Errorf("a topic in an empty course: %v", problem)
	}
	if problem := carl.Post(path+carl.plan(nil)+"/generate_content/", nil).Want(http.StatusBadRequest).Map(); problem["code"] != "no_material" {
		t.Errorf("empty course: %v", problem)
	}
	nothing := ada.plan(object{"include_flashcards": false, "quiz_count": 0})
	if problem := ada.Post(path+nothing+"/generate_content/", nil).Want(http.StatusBadRequest).Map(); problem["code"] != "nothing_wanted" {
		t.Errorf("nothing wanted: %v", problem)
	}
}

func TestATopicIsSearchedFor(t *testing.T) {
	t.Parallel()
	ada := newStudent(t, apitest.New(t), "ada")
	var long []string
	for i := range 60 {
		long = append(long, fmt.Sprintf("Cell number %d is a small cell that lies beside another cell of the same kind.", i))
	}
	long[37] = cells[2]
	ada.document("Long", long)
	m := ada.generate(ada.plan(object{"flashcard_count": 1, "quiz_count": 0}), object{"topic": "osmosis"})
	if card := m.Content.Flashcards.Flashcards[0]; card.Citation.PageStart != 38 {
		t.Errorf("a card about osmosis from page %d: %s", card.Citation.PageStart, card.SourceContent)
	}
}

func TestLessThanAskedForIsSaid(t *testing.T) {
	t.Parallel()
	ada := newStudent(t, apitest.New(t), "ada")
	ada.document("Cells", cells[:1])
	m := ada.generate(ada.plan(object{"flashcard_count": 50, "quiz_count": 50}), nil)
	cards, quiz := m.Content.Flashcards, m.Content.Quiz
	if m.Status != "partial" || cards.Count >= 50 || cards.Count == 0 || cards.Requested != 50 || quiz.Count >= 50 || quiz.Requested != 50 ||
		!strings.Contains(m.Message, fmt.Sprintf("%d of 50 cards", cards.Count)) {
		t.Errorf("made %+v", m)
	}
}

func TestADocumentBecomesAStudyKit(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := newStudent(t, app, "ada"), newStudent(t, app, "bob")
	ada.document("Genes", genes)
	document := ada.document(strings.Repeat("Cells", 51), cells)
	url := "/api/v1/courses/" + ada.course + "/documents/" + document + "/generate/"
	var m made
	ada.Post(url, nil).Want(http.StatusOK).Into(&m)
	if m.Assessment == nil || m.Content.Flashcards.Requested != 10 || m.Content.Quiz.Requested != 5 || m.Content.Quiz.Status != "published" || m.Content.Quiz.Count == 0 {
		t.Fatalf("made %+v", m)
	}
	for _, card := range m.Content.Flashcards.Flashcards {
		if card.Citation.Document != document {
			t.Errorf("a card of another document: %+v", card)
		}
	}
	plan := ada.Get(path + *m.Assessment + "/").Want(http.StatusOK).Map()
	if plan["assessment_type"] != "self_assessment" || plan["flashcard_count"] != 10.0 || plan["quiz_count"] != 5.0 {
		t.Errorf("assessment %v", plan)
	}

	// It can be taken at once, and its own keys are right.
	attempt := ada.Post(quizzes+*m.Content.Quiz.ID+"/start_attempt/", nil).Want(http.StatusCreated).Map()
	keys := map[string]any{}
	for _, q := range ada.Get(quizzes + *m.Content.Quiz.ID + "/").Want(http.StatusOK).Map()["questions"].([]any) {
		keys[q.(object)["id"].(string)] = q.(object)["correct_answers"].([]any)[0]
	}
	for _, question := range attempt["questions_order"].([]any) {
		response := ada.Post(path+"quiz-attempts/"+attempt["id"].(string)+"/submit_response/",
			object{"question": question, "user_answer": keys[question.(string)]}).Want(http.StatusCreated).Map()
		if response["is_correct"] != true {
			t.Errorf("the key %v is wrong: %v", keys[question.(string)], response)
		}
	}
	ada.Post(path+"quiz-attempts/"+attempt["id"].(string)+"/complete/", nil).Want(http.StatusOK)
	plan = ada.Get(path + *m.Assessment + "/").Want(http.StatusOK).Map()
	if done := 100 / float64(m.Content.Flashcards.Count+1); plan["average_performance"] != 1.0 || math.Abs(plan["completion_rate"].(float64)-done) > 0.005 {
		t.Errorf("after a perfect quiz %v", plan)
	}

	var one made
	ada.Post(url, object{"flashcard_count": 0, "question_count": 1}).Want(http.StatusOK).Into(&one)
	if one.Content.Flashcards != nil || one.Content.Quiz.Requested != 1 || one.Content.Quiz.Count != 1 {
		t.Errorf("one question: %+v", one.Content)
	}
	ada.Post(url, object{"flashcard_count": 51}).Want(http.StatusBadRequest)
	ada.Post(url, object{"flashcard_count": 0, "question_count": 0}).Want(http.StatusBadRequest)
	bob.Post(url, nil).Want(http.StatusNotFound)
	bob.Post("/api/v1/courses/"+bob.course+"/documents/"+document+"/generate/", nil).Want(http.StatusNotFound)
	app.Anonymous().Post(url, nil).Want(http.StatusUnauthorized)
}

// scripted is an app whose model answers as many calls, at once or not, by the name
// of what is asked for.
func scripted(t *testing.T, calls int, replies map[string]aitest.Reply) *apitest.App {
	t.Helper()
	reply := func(w http.ResponseWriter, r *http.Request, call aitest.Call) { replies[call.SchemaName](w, r, call) }
	server := aitest.New(t, slices.Repeat([]aitest.Reply{reply}, calls)...)
	return apitest.New(t, "OPENAI_API_KEY", server.Config().Key, "OPENAI_BASE_URL", server.Config().BaseURL)
}

var (
	card = object{"front": "What do mitochondria release?", "back": "Energy", "explanation": "", "difficulty": "easy", "tags": []string{"cells"},
		"source": 2, "quote": "release energy from sugar in the presence of oxygen", "confidence": 0.9}
	item = object{"text": "What assembles proteins?", "type": "multiple_choice", "options": []string{"Ribosomes", "Sugar", "Light"}, "correct": []string{"Ribosomes"},
		"explanation": "", "hint": "", "difficulty": "easy", "tags": []string{"cells"}, "source": 2, "quote": "particles that assemble proteins from amino acids"}
	invented = object{"front": "Who discovered cells?", "back": "Hooke", "difficulty": "easy", "source": 1, "quote": "cells were discovered by Robert Hooke", "confidence": 1}

	cardsReply    = aitest.JSON(object{"cards": []any{card, invented}})
	itemsReply    = aitest.JSON(object{"items": []any{item}})
	verdictsReply = aitest.JSON(object{"answers": []any{object{"question": 1, "answer": "Ribosomes"}}})
	broken        = aitest.Error(http.StatusBadRequest, "bad", "secret of the provider")
)

func TestWhatTheModelInventsIsDropped(t *testing.T) {
	t.Parallel()
	app := scripted(t, 5, map[string]aitest.Reply{"cards": cardsReply, "items": itemsReply, "verdicts": verdictsReply})
	ada := newStudent(t, app, "ada")
	ada.document("Cells", cells)
	m := ada.generate(ada.plan(object{"flashcard_count": 2, "quiz_count": 2}), nil)
	if m.Status != "partial" || m.Content.Flashcards.Count != 1 || m.Content.Flashcards.Confidence != 0.9 || m.Content.Quiz.Count != 1 {
		t.Errorf("made %+v", m)
	}
	var calls, tokens int
	if err := app.DB.QueryRow(t.Context(), `SELECT sum(calls), sum(prompt_tokens) FROM model_usage WHERE user_id = $1 AND purpose = 'generating'`, ada.ID).
		Scan(&calls, &tokens); err != nil || calls != 2 || tokens == 0 {
		t.Errorf("usage: %d calls, %d tokens, %v", calls, tokens, err)
	}
}

// TestTheModelIsToldTheStoredLanguage: that of the documents as they were read, if
// they have one in common.
func TestTheModelIsToldTheStoredLanguage(t *testing.T) {
	t.Parallel()
	prompts := make(chan string, 8)
	reply := func(w http.ResponseWriter, r *http.Request, call aitest.Call) {
		prompts <- call.Text("system")
		aitest.JSON(object{"cards": []any{}})(w, r, call)
	}
	server := aitest.New(t, slices.Repeat([]aitest.Reply{reply}, 6)...)
	app := apitest.New(t, "OPENAI_API_KEY", server.Config().Key, "OPENAI_BASE_URL", server.Config().BaseURL)
	ada := newStudent(t, app, "ada")
	english, danish := ada.document("Cells", cells), ada.document("Genes", genes)
	if _, err := app.DB.Exec(t.Context(), `UPDATE passages SET language = 'da' WHERE document_id = $1`, danish); err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		documents []string
		want      string
	}{
		{[]string{danish}, `BCP 47 code "da"`},
		{[]string{english}, `BCP 47 code "en"`},
		{[]string{english, danish}, "in the language of the sources"},
	} {
		assessment := ada.plan(object{"flashcard_count": 3, "quiz_count": 0})
		ada.Post(path+assessment+"/generate_content/", object{"document_ids": tc.documents})
		for len(prompts) > 1 { // of one that asks again
			<-prompts
		}
		if prompt := <-prompts; !strings.Contains(prompt, tc.want) {
			t.Errorf("of %d documents the model is told %q, want %q", len(tc.documents), prompt, tc.want)
		}
	}
}

// TestMaterialThatGivesNothingIsSaid: the model is well, so that it isn't to blame.
func TestMaterialThatGivesNothingIsSaid(t *testing.T) {
	t.Parallel()
	ada := newStudent(t, apitest.New(t), "ada")
	ada.document("Lunch", []string{"soup salad bread"})
	resp := ada.Post(path+ada.plan(object{"flashcard_count": 1})+"/generate_content/", nil).Want(http.StatusUnprocessableEntity)
	var m made
	resp.Into(&m)
	if m.Status != "failed" || m.Error == nil || !strings.Contains(*m.Error, "Nothing could be made") {
		t.Errorf("answer %s", resp.Body)
	}
}

// TestAModelThatCantReadTheScriptSaysSo: that nothing came of it had no reason.
func TestAModelThatCantReadTheScriptSaysSo(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"植物":      "光合作用是植物利用光能把水和二氧化碳变成糖和氧气的过程。叶绿体是进行光合作用的细胞器。叶绿素吸收红光和蓝光。",
		"광합성":     "광합성은 식물이 빛으로 물과 이산화탄소를 당과 산소로 바꾸는 과정이다. 엽록체는 광합성을 하는 세포 소기관이다. DNA도 들어 있다.",
		"الخلايا": "الخلية هي أصغر وحدة في الكائن الحي. تحتوي النواة على المادة الوراثية للخلية. الغشاء يفصل الخلية عن محيطها.",
	} {
		ada := newStudent(t, apitest.New(t), "ada")
		ada.document(name, []string{text})
		resp := ada.Post(path+ada.plan(object{"flashcard_count": 1})+"/generate_content/", nil).Want(http.StatusUnprocessableEntity)
		var m made
		resp.Into(&m)
		if m.Status != "failed" || m.Error == nil || !strings.Contains(*m.Error, "this script") {
			t.Errorf("%s: answer %s", name, resp.Body)
		}
	}
}

func TestAFailedModelIsSaid(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		replies map[string]aitest.Reply
		calls   int
		http    int
		status  string
		cards   int
	}{
		"both": {map[string]aitest.Reply{"cards": broken, "items": broken}, 4, http.StatusBadGateway, "failed", 0},
		"quiz": {map[string]aitest.Reply{"cards": cardsReply, "items": broken}, 2, http.StatusOK, "partial", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ada := newStudent(t, scripted(t, tc.calls, tc.replies), "ada")
			document := ada.document("Cells", cells)
			assessment := ada.plan(object{"flashcard_count": 1, "quiz_count": 2})
			resp := ada.Post(path+assessment+"/generate_content/", nil).Want(tc.http)
			var m made
			resp.Into(&m)
			if m.Status != tc.status || *m.Assessment != assessment || m.Content.Flashcards.Count != tc.cards || m.Content.Quiz.Error == nil || m.Content.Quiz.ID != nil {
				t.Errorf("made %s", resp.Body)
			}
			if strings.Contains(string(resp.Body), "secret") || (m.Error != nil) != (tc.status == "failed") {
				t.Errorf("answer %s", resp.Body)
			}
			var keys object
			if err := json.Unmarshal(resp.Body, &keys); err != nil || keys["generated_content"] == nil || keys["agent_metadata"] == nil || keys["message"] == nil {
				t.Errorf("keys are missing in %s", resp.Body)
			}
			if tc.status == "failed" {
				ada.Post("/api/v1/courses/"+ada.course+"/documents/"+document+"/generate/", nil).Want(http.StatusBadGateway)
				if got := ada.Get(path).Map()["count"]; got != 1.0 {
					t.Errorf("%v assessments after a failure, want the planned one", got)
				}
			}
			if got := ada.Get(quizzes).Map()["count"]; got != 0.0 {
				t.Errorf("%v quizzes, want none", got)
			}
		})
	}
}

// What was made before the model broke off was paid for and checked.
func TestWhatWasMadeBeforeAFailureIsKept(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		plan    object // wants more than one call makes
		replies []aitest.Reply
	}{
		"cards":     {object{"flashcard_count": 16, "quiz_count": 0}, []aitest.Reply{cardsReply, broken}},
		"questions": {object{"flashcard_count": 0, "quiz_count": 16}, []aitest.Reply{itemsReply, verdictsReply, broken}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := aitest.New(t, tc.replies...)
			app := apitest.New(t, "OPENAI_API_KEY", server.Config().Key, "OPENAI_BASE_URL", server.Config().BaseURL)
			ada := newStudent(t, app, "ada")
			ada.document("Cells", cells)
			m := ada.generate(ada.plan(tc.plan), nil)
			if m.Status != "partial" || len(m.texts()) != 1 {
				t.Errorf("made %+v, want the one of the first call", m)
			}
			var tokens int
			if err := app.DB.QueryRow(t.Context(), `SELECT sum(prompt_tokens) FROM model_usage WHERE user_id = $1`, ada.ID).Scan(&tokens); err != nil || tokens == 0 {
				t.Errorf("%d tokens are recorded, %v", tokens, err)
			}
		})
	}
}

// fill makes the student's list as long as it may be.
func (s *student) fill(list string) {
	s.t.Helper()
	if _, err := s.app.DB.Exec(s.t.Context(), `INSERT INTO list_counts AS c (user_id, list, items) VALUES ($1, $2, most_items($2))
		ON CONFLICT (user_id, list, course_id) DO UPDATE SET items = excluded.items`, s.ID, list); err != nil {
		s.t.Error(err)
	}
}

// The model was paid, every time anew, for what then found no room.
func TestAFullListIsNoticedBeforeTheModelIsPaid(t *testing.T) {
	t.Parallel()
	app := scripted(t, 0, nil)
	for _, list := range []string{"flashcards", "quizzes", "assessments"} {
		ada := newStudent(t, app, list)
		document := ada.document("Cells", cells)
		ada.fill(list)
		problem := ada.Post("/api/v1/courses/"+ada.course+"/documents/"+document+"/generate/", nil).Want(http.StatusConflict).Map()
		if problem["code"] != "too_many" || !strings.Contains(problem["detail"].(string), "000 "+list) {
			t.Errorf("%s: got %v", list, problem)
		}
	}
}

// Nothing was recorded of a generation that couldn't be stored.
func TestWhatIsPaidForIsRecordedThoughThereIsNoRoom(t *testing.T) {
	t.Parallel()
	var ada *student
	app := scripted(t, 4, map[string]aitest.Reply{"cards": func(w http.ResponseWriter, r *http.Request, call aitest.Call) {
		ada.fill("flashcards") // in the meantime
		cardsReply(w, r, call)
	}, "items": itemsReply, "verdicts": verdictsReply})
	ada = newStudent(t, app, "ada")
	ada.document("Cells", cells)
	assessment := ada.plan(object{"flashcard_count": 1, "quiz_count": 1})
	if problem := ada.Post(path+assessment+"/generate_content/", nil).Want(http.StatusConflict).Map(); problem["code"] != "too_many" {
		t.Errorf("got %v", problem)
	}
	if got := ada.Get(quizzes).Map()["count"]; got != 0.0 {
		t.Errorf("%v quizzes, want none", got)
	}
	var calls int
	if err := app.DB.QueryRow(t.Context(), `SELECT sum(calls) FROM model_usage WHERE user_id = $1 AND purpose = 'generating'`, ada.ID).Scan(&calls); err != nil || calls == 0 {
		t.Errorf("%d calls are recorded, %v", calls, err)
	}
}

// TestAGeneratedQuizOfTooMuchTextIsRefused: it was an error of ours.
func TestAGeneratedQuizOfTooMuchTextIsRefused(t *testing.T) {
	t.Parallel()
	long := slices.Repeat([]string{strings.Repeat("x", 8000)}, 19) // accepted answers: 152 KB
	first := object{"text": "What assembles proteins?", "type": "short_answer", "options": []string{}, "correct": append([]string{"Ribosomes"}, long...), "explanation": "", "hint": "",
		"difficulty": "easy", "tags": []string{}, "source": 2, "quote": item["quote"]}
	second := maps.Clone(first)
	second["text"], second["correct"], second["quote"] = card["front"], append([]string{"Energy"}, long...), card["quote"]
	app := scripted(t, 2, map[string]aitest.Reply{"items": aitest.JSON(object{"items": []any{first, second}}),
		"verdicts": aitest.JSON(object{"answers": []any{object{"question": 1, "answer": "Ribosomes"}, object{"question": 2, "answer": "Energy"}}})})
	ada := newStudent(t, app, "ada")
	ada.document("Cells", cells)
	problem := ada.Post(path+ada.plan(object{"flashcard_count": 0, "quiz_count": 2})+"/generate_content/", nil).Want(http.StatusBadRequest).Map()
	if problem["code"] != "quiz_full" {
		t.Errorf("got %v", problem)
	}
}

func TestWhatWasMadeOutlivesItsAssessment(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	ada, bob := newStudent(t, app, "ada"), newStudent(t, app, "bob")
	ada.document("Cells", cells)
	assessment := ada.plan(object{"flashcard_count": 1, "quiz_count": 1})
	m := ada.generate(assessment, nil)
	bob.Delete(path + assessment + "/").Want(http.StatusNotFound)
	ada.Delete(path + assessment + "/").Want(http.StatusNoContent)
	ada.Delete(path + assessment + "/").Want(http.StatusNotFound)
	ada.Get(path + assessment + "/").Want(http.StatusNotFound)
	ada.Get(path + "flashcards/" + m.Content.Flashcards.Flashcards[0].ID + "/").Want(http.StatusOK)
	ada.Get(quizzes + *m.Content.Quiz.ID + "/").Want(http.StatusOK)
}

func TestAdaptiveQuizzesFitTheStudent(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	for percent, want := range map[int]struct {
		difficulty string
		asked      int
	}{-1: {"medium", 10}, 95: {"hard", 8}, 80: {"medium", 10}, 30: {"easy", 12}} {
		ada := newStudent(t, app, fmt.Sprint("ada", percent))
		ada.document("Cells", cells)
		if percent >= 0 {
			if _, err := app.DB.Exec(t.Context(), `
				WITH quiz AS (INSERT INTO quizzes (id, user_id, course_id, title) VALUES (gen_random_uuid(), $1, $2, 'x') RETURNING id)
				INSERT INTO quiz_attempts (id, quiz_id, user_id, number, status, questions, questions_order, earned, possible, passing_score, started_at, touched_at, completed_at)
				SELECT gen_random_uuid(), id, $1, 1, 'completed', '[]', '{}', $3, 100, 70, now(), now(), now() FROM quiz`, ada.ID, ada.course, percent); err != nil {
				t.Fatal(err)
			}
		}
		m := ada.generate(ada.plan(object{"flashcard_count": 0, "estimated_duration_minutes": 25}), object{"use_adaptive": true})
		quiz := m.Content.Quiz
		if quiz.Requested != want.asked || quiz.Adaptive == nil || quiz.Adaptive.Difficulty != want.difficulty || quiz.Adaptive.Performance != float64(max(percent, 0))/100 {
			t.Errorf("at %d %%: %+v, want %v", percent, quiz, want)
		}
		if got := ada.Get(quizzes + *quiz.ID + "/").Map(); got["time_limit_minutes"] != 25.0 || got["quiz_type"] != "assessment" {
			t.Errorf("quiz %v", got)
		}
	}
}

func TestGenerationsAreLimited(t *testing.T) {
	t.Parallel()
	app := apitest.New(t, "AI_PRICES", "our-own=0")
	for name, tc := range map[string]struct {
		model  string
		tokens int
		left   bool
	}{
		"the usual model":            {"gpt-4o-mini", 2_900_000, true},
		"the usual model, used up":   {"gpt-4o-mini", 3_000_000, false},
		"embeddings":                 {"text-embedding-3-small", 20_000_000, true},
		"a dear model":               {"gpt-4o", 170_000, true},
		"a dear model, used up":      {"gpt-4o", 190_000, false},
		"who knows":                  {"gpt-99", 190_000, false},
		"priced by the installation": {"our-own", 1_000_000_000, true},
	} {
		ada := newStudent(t, app, name)
		ada.document("Cells", cells)
		assessment := ada.plan(object{"flashcard_count": 1, "quiz_count": 0})
		if _, err := app.DB.Exec(t.Context(), `INSERT INTO model_usage (user_id, day, purpose, model, calls, prompt_tokens, completion_tokens)
			VALUES ($1, now()::date, 'answering', $2, 1, $3 - 10, 10)`, ada.ID, tc.model, tc.tokens); err != nil {
			t.Fatal(err)
		}
		generated := ada.Post(path+assessment+"/generate_content/", nil)
		if tc.left {
			generated.Want(http.StatusOK)
			continue
		}
		if problem := generated.Want(http.StatusPaymentRequired).Map(); problem["code"] != "model_budget" {
			t.Errorf("%s: %v", name, problem)
		}
		if due := string(ada.Get(due).Body); due != "[]\n" {
			t.Errorf("%s: made %s", name, due)
		}
	}
}

// A course has one generation at a time, and a student many courses.
func TestGenerationsAtOnceKeepToTheMonthsTokens(t *testing.T) {
	t.Parallel()
	more := make(chan struct{})
	app := scripted(t, 2, map[string]aitest.Reply{"cards": func(w http.ResponseWriter, r *http.Request, call aitest.Call) {
		select {
		case <-more:
			cardsReply(w, r, call)
		case <-r.Context().Done():
		}
	}})
	app.Races = true
	ada := newStudent(t, app, "ada")
	var urls []string
	for i := range 5 {
		ada.course = ada.Post("/api/v1/courses/", object{"name": fmt.Sprint("Biology ", i)}).Want(http.StatusCreated).ID()
		ada.document("Cells", cells)
		urls = append(urls, path+ada.plan(object{"flashcard_count": 1, "quiz_count": 0})+"/generate_content/")
	}
	if _, err := app.DB.Exec(t.Context(), `INSERT INTO model_usage (user_id, day, purpose, model, calls, prompt_tokens, completion_tokens)
		VALUES ($1, now()::date, 'answering', 'gpt-4o-mini', 1, 2980000, 0)`, ada.ID); err != nil {
		t.Fatal(err)
	}
	type generated struct {
		*apitest.Response
		url string
	}
	all := make(chan generated, len(urls))
	for _, url := range urls {
		go func() { all <- generated{ada.Post(url, nil), url} }()
	}
	var refused generated
	for range len(urls) - 1 {
		refused = <-all
		if refused.Status != http.StatusTooManyRequests || refused.Map()["code"] != "model_budget_in_use" || refused.Header.Get("Retry-After") == "" {
			t.Errorf("beside another generation: %d %s", refused.Status, refused.Body)
		}
	}
	close(more)
	(<-all).Want(http.StatusOK)
	ada.Post(refused.url, nil).Want(http.StatusOK)
	var held int
	if err := app.DB.QueryRow(t.Context(), `SELECT count(*) FROM model_calls`).Scan(&held); err != nil || held != 0 {
		t.Errorf("%d generations hold tokens though all are over: %v", held, err)
	}
}

// panics is a model with a bug.
type panics struct{ provider.Offline }

func (panics) Cards(context.Context, ai.Material) ([]ai.Card, ai.Usage, error) { panic("on purpose") }

// The cards are made beside the questions: a panic there ended the process, and with it
// what it did for everybody else.
func TestAPanicOfAGenerationIsItsOwn(t *testing.T) {
	t.Parallel()
	app := apitest.New(t)
	if _, err := resource.Open(app.Process.Env("test", []resource.Name{ai.Resource}), ai.Resource, func() (ai.Model, error) { return panics{}, nil }); err != nil {
		t.Fatal(err)
	}
	ada := newStudent(t, app, "ada")
	ada.document("Cells", cells)
	for range 2 { // the first leaves the course free
		if got := ada.Post(path+ada.plan(object{"flashcard_count": 1, "quiz_count": 3})+"/generate_content/", nil).Want(http.StatusInternalServerError).Map(); got["code"] != "internal_error" {
			t.Errorf("got %v", got)
		}
	}
	if m := ada.generate(ada.plan(object{"flashcard_count": 0, "quiz_count": 3}), nil); m.Content.Quiz.Count == 0 {
		t.Errorf("made %+v, want questions", m)
	}
}

// Two generations at once would read the same and ask for the same.
func TestOneGenerationOfACourseAtATime(t *testing.T) {
	t.Parallel()
	asked, more := make(chan struct{}, 8), make(chan struct{})
	app := scripted(t, 6, map[string]aitest.Reply{"cards": func(w http.ResponseWriter, r *http.Request, call aitest.Call) {
		asked <- struct{}{}
		<-more
		cardsReply(w, r, call)
	}})
	ada, bob := newStudent(t, app, "ada"), newStudent(t, app, "bob")
	document := ada.document("Cells", cells)
	bob.document("Cells", cells)
	url := path + ada.plan(object{"flashcard_count": 1, "quiz_count": 0}) + "/generate_content/"
	first := make(chan *apitest.Response)
	go func() { first <- ada.Post(url, nil) }()
	<-asked
	for _, resp := range []*apitest.Response{
		ada.Post(url, nil),
		ada.Post("/api/v1/courses/"+ada.course+"/documents/"+document+"/generate/", nil),
	} {
		if got := resp.Want(http.StatusConflict).Map(); got["code"] != "generation_running" || resp.Header.Get("Retry-After") == "" {
			t.Errorf("a second one: %v", got)
		}
	}
	others := make(chan *apitest.Response)
	go func() {
		others <- bob.Post(path+bob.plan(object{"flashcard_count": 1, "quiz_count": 0})+"/generate_content/", nil)
	}()
	<-asked // another course's runs beside it
	close(more)
	(<-first).Want(http.StatusOK)
	(<-others).Want(http.StatusOK)
	if again := ada.Post(url, nil); again.Status == http.StatusConflict {
		t.Errorf("afterwards: %s", again.Body)
	}
	// One whose instance was killed keeps the course until its time is up.
	for until, want := range map[string]bool{"1 min": true, "-1 s": false} {
		if _, err := app.DB.Exec(t.Context(), `UPDATE courses SET generation = gen_random_uuid(), generating_until = now() + $1::interval`, until); err != nil {
			t.Fatal(err)
		}
		if resp := ada.Post(url, nil); (resp.Status == http.StatusConflict) != want {
			t.Errorf("%s from the end of a dead one's time: got %d", until, resp.Status)
		}
	}
}
