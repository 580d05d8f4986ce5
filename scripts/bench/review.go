package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/functions/flashcards/review"
	"aksio.app/shared/database"
	"aksio.app/shared/decimals"
	"aksio.app/shared/flashcards"
	"aksio.app/shared/id"
)

// marked is how many reviews the captured card has: no other argument is as large, so
// that this one is found.
const marked = 1_000_000

// reviewing grades the learner's cards at random, each time with a new review.
func reviewing(l learner) operation {
	ctx := context.Background()
	var cards []flashcards.ID
	known := id.New[flashcards.Review]()
	return operation{
		id: "flashcards-review", method: http.MethodPost, body: `{"rating":3}`,
		path: func() string {
			return "/api/v1/assessments/flashcards/" + cards[rand.IntN(len(cards))].String() + "/review/"
		},
		domain: func(db *database.DB) error {
			rows, _ := db.Query(ctx, `SELECT id FROM flashcards WHERE user_id = $1`, l.user)
			var err error
			if cards, err = pgx.CollectRows(rows, pgx.RowTo[flashcards.ID]); err != nil {
				return err
			}
			if _, err := db.Exec(ctx, `UPDATE flashcards SET total_reviews = $1 WHERE id = $2`, marked, cards[0]); err != nil {
				return err
			}
			_, err = flashcards.NewStore(db).Review(ctx, l.user, cards[0], flashcards.NewReview{ID: known, Grade: flashcards.Grade{Rating: 3, Quality: 4}})
			return err
		},
		answer: func(ctx context.Context, db *database.DB, sent [][]statement, r *http.Request) (int, any, error) {
			var card flashcards.ID
			if err := card.UnmarshalText([]byte(r.PathValue("id"))); err != nil {
				return 0, nil, err
			}
			fresh := id.New[flashcards.Review]()
			own := func(args []any, reviews int) []any { // the captured arguments, for this request of a card with so many
				args = slices.Clone(args)
				for i, arg := range args {
					switch v := arg.(type) {
					case flashcards.ID:
						args[i] = card
					case int:
						if v == marked+1 { // a review counts only on what was read
							args[i] = reviews + 1
						}
					case flashcards.ReviewID:
						args[i] = fresh
					case time.Time: // another each time: an unchanged indexed column would be cheaper to store
						args[i] = v.Add(time.Duration(rand.IntN(1e6)) * time.Millisecond)
					}
				}
				return args
			}
			body, err := reviewByHand(ctx, db, sent[len(sent)-2:], own)
			return http.StatusCreated, body, err
		},
	}
}

// reviewByHand reads the card in one round trip and stores its review in another,
// again if another review came between.
func reviewByHand(ctx context.Context, db *database.DB, sent [][]statement, own func([]any, int) []any) (body review.Review, err error) {
	for range 10 {
		if body, err = reviewOnce(ctx, db, sent, own); !errors.Is(err, pgx.ErrNoRows) {
			break
		}
	}
	return body, err
}

func reviewOnce(ctx context.Context, db *database.DB, sent [][]statement, own func([]any, int) []any) (body review.Review, err error) {
	var read, write pgx.Batch
	for _, s := range sent[0] {
		read.Queue(s.sql, own(s.args, 0)...)
	}
	results := db.SendBatch(ctx, &read)
	card, err := next[flashcards.Card](results)
	var scheduler, timezone string
	if err = errors.Join(err, results.QueryRow().Scan(&scheduler, &timezone), results.Close()); err != nil {
		return body, err
	}
	for _, s := range sent[1] {
		write.Queue(s.sql, own(s.args, card.Reviews)...)
	}
	results = db.SendBatch(ctx, &write)
	r, err := next[flashcards.Review](results)
	err = errors.Join(err, results.Close())
	return review.Review{
		ID: r.ID, Card: r.Card, Quality: r.Quality, Rating: r.Rating, PreviousInterval: r.PreviousInterval, NewInterval: r.NewInterval,
		EaseBefore: decimals.Four(r.EaseBefore), EaseAfter: decimals.Four(r.EaseAfter), Due: r.Due, Scheduler: r.Scheduler, Created: r.Created,
	}, err
}
