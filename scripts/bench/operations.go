package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	accountviews "aksio.app/functions/accounts"
	chatviews "aksio.app/functions/chats"
	courseviews "aksio.app/functions/courses"
	documentviews "aksio.app/functions/documents"
	find "aksio.app/functions/documents/search"
	cardviews "aksio.app/functions/flashcards"
	listdue "aksio.app/functions/flashcards/list-due"
	"aksio.app/shared/accounts"
	"aksio.app/shared/ai/provider"
	"aksio.app/shared/api"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/flashcards"
	"aksio.app/shared/id"
	"aksio.app/shared/page"
	"aksio.app/shared/patch"
	"aksio.app/shared/retrieval"
	"aksio.app/shared/tutor"
	"aksio.app/shared/uploads"
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

// operations are the ten hot ones, called by the learner: what students call most on a school day, except for
// leftOut.
func operations(l learner, bucket *uploads.Bucket) []operation {
	ctx := context.Background()
	first := page.Request{Number: 1, Size: page.DefaultSize}
	course := "/api/v1/courses/" + l.course.String() + "/"
	searching := "/api/v1/documents/search/?" + url.Values{"course": {l.course.String()}, "query": {query}}.Encode()
	get := func(name, path string, domain func(*database.DB) error, answer answering) operation {
		return operation{id: name, method: http.MethodGet, path: func() string { return path }, domain: domain, answer: answer}
	}
	return []operation{
		get("accounts-get-profile", "/api/v1/accounts/profile/", func(db *database.DB) error {
			_, err := accounts.NewStore(db).Get(ctx, l.user)
			return err
		}, profileByHand),
		get("courses-list", "/api/v1/courses/", func(db *database.DB) error {
			_, err := courses.NewStore(db).List(ctx, l.user, first)
			return err
		}, pageOf(courseviews.View)),
		get("courses-get", course, func(db *database.DB) error {
			_, err := courses.NewStore(db).Get(ctx, l.user, l.course)
			return err
		}, single(courseviews.View)),
		get("documents-list", course+"documents/", func(db *database.DB) error {
			_, err := documents.NewStore(db).List(ctx, l.user, l.course, first)
			return err
		}, pageOf(documentviews.View)),
		get("documents-get", course+"documents/"+l.document.String()+"/", func(db *database.DB) error {
			_, err := documents.NewStore(db).Get(ctx, l.user, l.course, l.document)
			return err
		}, single(func(d documents.Document) documentviews.Document {
			view := documentviews.View(d)
			signed, _ := bucket.SignDownload(ctx, documents.Object(d.ID), d.Name, 15*time.Minute)
			view.FileURL = signed.URL
			return view
		})),
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
		{
			id: "chats-create", method: http.MethodPost, body: fmt.Sprintf(`{"title":"Chat","course":"%s"}`, l.course),
			path: func() string { return "/api/v1/chat/chats/" },
			domain: func(db *database.DB) error {
				_, err := tutor.NewStore(db).Create(ctx, l.user, l.course, tutor.ChatChange{Title: patch.To("Chat")})
				return err
			},
			answer: chatByHand,
		},
		get("documents-search", searching, func(db *database.DB) error {
			_, err := retrieval.NewStore(db, provider.Offline{}).Search(ctx, l.user, retrieval.Query{Course: l.course, Text: query, Limit: 10})
			return err
		}, searchByHand),
	}
}

// leftOut are hot, too: two take the time of a password's hash and of the model, and a refresh
// token is good for one call.
var leftOut = []string{"accounts-login", "chats-send-message", "accounts-refresh-token"}

func profileByHand(ctx context.Context, db *database.DB, sent [][]statement, _ *http.Request) (int, any, error) {
	results := send(ctx, db, sent[0])
	var account accounts.Account
	var userErr, profileErr, streakErr error
	account.User, userErr = next[accounts.User](results)
	account.Profile, profileErr = next[accounts.Profile](results)
	account.Streak, streakErr = next[accounts.Streak](results)
	rows, _ := results.Query()
	var err error
	account.Files, err = pgx.CollectRows(rows, pgx.RowToStructByName[accounts.File])
	return http.StatusOK, accountviews.View(account), errors.Join(userErr, profileErr, streakErr, err, results.Close())
}

// chatByHand stores a new chat each time.
func chatByHand(ctx context.Context, db *database.DB, sent [][]statement, _ *http.Request) (int, any, error) {
	insert := sent[0][0]
	args := slices.Clone(insert.args)
	for i, arg := range args {
		if _, ok := arg.(tutor.ChatID); ok {
			args[i] = id.New[tutor.Chat]()
		}
	}
	rows, _ := db.Query(ctx, insert.sql, args...)
	chat, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[tutor.Chat])
	return http.StatusCreated, chatviews.View(chat, nil), err
}

func searchByHand(ctx context.Context, db *database.DB, sent [][]statement, _ *http.Request) (int, any, error) {
	results := send(ctx, db, sent[0])
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
	return http.StatusOK, find.SearchResults{Results: api.Each(hits, func(h retrieval.Hit) find.SearchResult {
		return find.SearchResult{Place: h.Place(), Text: h.Text, Snippet: h.Snippet, Score: h.Score}
	})}, err
}
