package main

import (
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/jackc/pgx/v5"

	chatviews "aksio.app/functions/chats"
	courseviews "aksio.app/functions/courses"
	documentviews "aksio.app/functions/documents"
	status "aksio.app/functions/documents/get-processing-status"
	find "aksio.app/functions/documents/search"
	cardviews "aksio.app/functions/flashcards"
	listdue "aksio.app/functions/flashcards/list-due"
	quizviews "aksio.app/functions/quizzes"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/flashcards"
	"aksio.app/shared/page"
	"aksio.app/shared/quizzes"
	"aksio.app/shared/retrieval"
	"aksio.app/shared/tutor"
)

// operation is one that is measured.
type operation struct {
	id     string
	method string
	path   func() string
	body   string
	domain func(*database.DB) error // does once what the function does
	answer answering                // the baseline
}

// query is what is looked for, of usual and rarer words.
var query = fmt.Sprintf("%s %s %s", word(40), word(300), word(2_000))

// operations are the ten busiest, called by the learner.
func operations(l learner) []operation {
	ctx := context.Background()
	first := page.Request{Number: 1, Size: page.DefaultSize}
	document := fmt.Sprintf("/api/v1/courses/%s/documents/%s/processing_status/", l.course, l.document)
	searching := "/api/v1/documents/search/?" + url.Values{"course": {l.course.String()}, "query": {query}}.Encode()
	get := func(name, path string, domain func(*database.DB) error, answer answering) operation {
		return operation{id: name, method: http.MethodGet, path: func() string { return path }, domain: domain, answer: answer}
	}
	return []operation{
		get("courses-list", "/api/v1/courses/", func(db *database.DB) error {
			_, err := courses.NewStore(db).List(ctx, l.user, first)
			return err
		}, pageOf(courseviews.View)),
		get("courses-get", "/api/v1/courses/"+l.course.String()+"/", func(db *database.DB) error {
			_, err := courses.NewStore(db).Get(ctx, l.user, l.course)
			return err
		}, single(courseviews.View)),
		get("documents-list", "/api/v1/courses/"+l.course.String()+"/documents/", func(db *database.DB) error {
			_, err := documents.NewStore(db).List(ctx, l.user, l.course, first)
			return err
		}, pageOf(documentviews.View)),
		get("documents-get-processing-status", document, func(db *database.DB) error {
			_, err := documents.NewStore(db).Status(ctx, l.user, l.course, l.document)
			return err
		}, single(viewStatus)),
		get("flashcards-list-due", "/api/v1/assessments/flashcards/due/", func(db *database.DB) error {
			_, err := flashcards.NewStore(db).Due(ctx, l.user, courses.ID{}, 100)
			return err
		}, every(func(c flashcards.Card) listdue.DueFlashcard {
			return listdue.DueFlashcard{ID: c.ID, Question: c.Question, Answer: c.Answer, Explanation: c.Explanation, Level: c.Level, Starred: c.Starred, Mastery: string(c.Mastery())}
		})),
		reviewing(l),
		get("flashcards-list", "/api/v1/assessments/flashcards/", func(db *database.DB) error {
			_, err := flashcards.NewStore(db).List(ctx, l.user, courses.ID{}, first)
			return err
		}, pageOf(cardviews.View)),
		get("quizzes-get", "/api/v1/assessments/quizzes/"+l.quiz.String()+"/", func(db *database.DB) error {
			_, err := quizzes.NewStore(db).Get(ctx, l.user, l.quiz)
			return err
		}, single(quizviews.View)),
		get("chats-list-messages", "/api/v1/chat/chats/"+l.chat.String()+"/messages/", func(db *database.DB) error {
			_, err := tutor.NewStore(db).ListMessages(ctx, l.user, l.chat, "", "", first)
			return err
		}, pageOf(chatviews.ViewMessage)),
		get("documents-search", searching, func(db *database.DB) error {
			_, err := retrieval.NewStore(db, provider.Offline{}).Search(ctx, l.user, retrieval.Query{Course: l.course, Text: query, Limit: 10})
			return err
		}, searchByHand),
	}
}

func viewStatus(d documents.Document) status.ProcessingStatus {
	s := status.ProcessingStatus{Document: d.ID, Status: d.State.Status(), Progress: d.Progress, Text: d.Pages != nil}
	s.Metadata = status.ProcessingSteps{Stage: string(d.Stage), Chunks: d.Passages, Extracted: d.Passages > 0, Summarized: d.Summary != ""}
	return s
}

func searchByHand(ctx context.Context, db *database.DB, sent [][]statement, _ *http.Request) (int, any, error) {
	var batch pgx.Batch
	for _, s := range sent[0] {
		batch.Queue(s.sql, s.args...)
	}
	results := db.SendBatch(ctx, &batch)
	defer results.Close()
	var one int
	if err := results.QueryRow().Scan(&one); err != nil {
		return 0, nil, err
	}
	if _, err := results.Exec(); err != nil { // the setting
		return 0, nil, err
	}
	rows, _ := results.Query()
	hits, err := pgx.CollectRows(rows, pgx.RowToStructByName[retrieval.Hit])
	return http.StatusOK, find.SearchResults{Results: each(hits, func(h retrieval.Hit) find.SearchResult {
		return find.SearchResult{Place: h.Place(), Text: h.Text, Snippet: h.Snippet, Score: h.Score}
	})}, err
}
