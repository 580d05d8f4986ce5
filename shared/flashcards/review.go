package flashcards

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/flashcards/fsrs"
	"aksio.app/shared/flashcards/sm2"
	"aksio.app/shared/id"
)

// ReviewID identifies a review.
type ReviewID = id.ID[Review]

// Review is one grading of a card. Reviews are only ever added.
type Review struct {
	ID               ReviewID  `db:"id"`
	Card             ID        `db:"flashcard_id"`
	Scheduler        string    `db:"scheduler"`
	Rating           int       `db:"rating"`                // 1 again to 4 easy
	Quality          int       `db:"quality_response"`      // 0 blackout to 5 perfect
	Seconds          *int      `db:"response_time_seconds"` // that the student took
	Session          *string   `db:"study_session_id"`
	Device           *string   `db:"device_type"`
	PreviousInterval int       `db:"previous_interval_days"`
	NewInterval      int       `db:"new_interval_days"`
	EaseBefore       float64   `db:"ease_factor_before"`
	EaseAfter        float64   `db:"ease_factor_after"`
	Due              time.Time `db:"next_review_date"` // as it was set
	Created          time.Time `db:"created_at"`
}

const reviewColumns = `id, flashcard_id, scheduler, rating, quality_response, response_time_seconds, study_session_id::text, device_type,
	previous_interval_days, new_interval_days, ease_factor_before, ease_factor_after, next_review_date, created_at`

// Grade is how well a card was recalled: FSRS's rating, 1 again to 4 easy, and
// SM-2's quality, 0 blackout to 5 perfect.
type Grade struct {
	Rating  fsrs.Rating
	Quality sm2.Grade
}

// GradeOf completes a grade of which only one number is known; the other is nil.
func GradeOf(quality, rating *int) (Grade, error) {
	switch {
	case rating != nil && (*rating < 1 || *rating > 4):
		return Grade{}, fault.Field("rating", "Rate from 1 (again) to 4 (easy).")
	case quality != nil && (*quality < 0 || *quality > 5):
		return Grade{}, fault.Field("quality_response", "Grade from 0 (blackout) to 5 (perfect).")
	case rating != nil && quality != nil:
		return Grade{fsrs.Rating(*rating), sm2.Grade(*quality)}, nil
	case rating != nil:
		return Grade{fsrs.Rating(*rating), []sm2.Grade{1, 3, 4, 5}[*rating-1]}, nil
	case quality != nil:
		return Grade{[]fsrs.Rating{fsrs.Again, fsrs.Again, fsrs.Again, fsrs.Hard, fsrs.Good, fsrs.Easy}[*quality], sm2.Grade(*quality)}, nil
	}
	return Grade{}, fault.Field("quality_response", "Say how well you knew it: quality_response from 0 to 5, or rating from 1 to 4.")
}

// NewReview is a review as it is reported.
type NewReview struct {
	ID      ReviewID // of the client's; the same again changes nothing. Zero: a new one
	Grade   Grade
	Seconds *int
	Session *string
	Device  *string
}

// maxInterval is the longest that a card stays away, in days.
const maxInterval = 3650

// schedule is how FSRS schedules everybody's cards until it is fitted to each student.
func schedule(card ID) *fsrs.Parameters {
	p := fsrs.Defaults()
	p.MaximumInterval = maxInterval
	p.FuzzSeed = card.String() // cards learned together come back apart
	return p
}

// Review grades a card and sets when it is due next, by the student's scheduler.
// Reviews of one card wait for each other. Three round trips.
func (s *Store) Review(ctx context.Context, owner auth.UserID, cardID ID, n NewReview) (Review, Card, error) {
	if n.ID.IsZero() {
		n.ID = id.New[Review]()
	}
	var review Review
	var card Card
	err := pgx.BeginFunc(ctx, s.db, func(tx pgx.Tx) error {
		var scheduler string
		var batch pgx.Batch
		batch.Queue(`SELECT `+columns+` FROM flashcards f WHERE `+theirs+` AND f.id = $2 FOR UPDATE OF f`, owner, cardID).
			Query(func(rows pgx.Rows) (err error) {
				card, err = one(rows)
				return err
			})
		batch.Queue(`SELECT scheduler FROM users WHERE id = $1`, owner).
			QueryRow(func(row pgx.Row) error { return row.Scan(&scheduler) })
		known := false
		batch.Queue(`SELECT `+reviewColumns+` FROM flashcard_reviews WHERE id = $1 AND user_id = $2`, n.ID, owner).
			Query(func(rows pgx.Rows) (err error) {
				review, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Review])
				known = err == nil
				if errors.Is(err, pgx.ErrNoRows) {
					err = nil
				}
				return err
			})
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		if known {
			if review.Card != cardID {
				return fault.Field("id", "There is another review with this id.")
			}
			return nil
		}
		before := card
		card = card.reviewed(s.now(), n.Grade, scheduler)
		return s.record(ctx, tx, owner, before, card, scheduler, n, &review)
	})
	if database.Violates(err, "flashcard_reviews_pkey") {
		return review, card, fault.Field("id", "There is another review with this id.")
	}
	return review, card, err
}

// reviewed returns the card after a review. Both schedulers go on, so that a
// student may change from one to the other; the chosen one sets when it is due.
func (c Card) reviewed(now time.Time, grade Grade, scheduler string) Card {
	now = now.UTC().Truncate(time.Microsecond) // as the database keeps it
	byFSRS := schedule(c.ID).Next(c.fsrs(), now, grade.Rating)
	bySM2 := c.sm2().Next(now, grade.Quality)
	c.Stability, c.Difficulty, c.State, c.Step, c.Lapses = byFSRS.Stability, byFSRS.Difficulty, byFSRS.State, byFSRS.Step, byFSRS.Lapses
	c.LastReview = &now
	c.Ease, c.SM2Interval, c.Repetitions, c.Reviews, c.Correct = bySM2.Ease, bySM2.Interval, bySM2.Repetitions, bySM2.Reviews, bySM2.Correct
	c.Due, c.Interval = byFSRS.Due, int(byFSRS.Due.Sub(now).Hours()/24)
	if scheduler == "sm2" {
		c.Due, c.Interval = bySM2.Due, bySM2.Interval
	}
	return c
}

func (c Card) fsrs() fsrs.Card {
	card := fsrs.Card{Stability: c.Stability, Difficulty: c.Difficulty, State: c.State, Step: c.Step, Due: c.Due, Reps: c.Reviews, Lapses: c.Lapses}
	if c.LastReview != nil {
		card.LastReview = *c.LastReview
	}
	return card
}

func (c Card) sm2() sm2.Card {
	return sm2.Card{Ease: c.Ease, Interval: c.SM2Interval, Repetitions: c.Repetitions, Reviews: c.Reviews, Correct: c.Correct, Due: c.Due}
}

// record stores the review and the card's new schedule.
func (s *Store) record(ctx context.Context, tx pgx.Tx, owner auth.UserID, before, after Card, scheduler string, n NewReview, review *Review) error {
	var batch pgx.Batch
	batch.Queue(`
		INSERT INTO flashcard_reviews (id, flashcard_id, user_id, scheduler, rating, quality_response, response_time_seconds, study_session_id,
			device_type, previous_interval_days, new_interval_days, ease_factor_before, ease_factor_after, next_review_date, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
		RETURNING `+reviewColumns,
		n.ID, after.ID, owner, scheduler, int(n.Grade.Rating), int(n.Grade.Quality), n.Seconds, n.Session,
		n.Device, before.Interval, after.Interval, before.Ease, after.Ease, after.Due, after.LastReview).
		Query(func(rows pgx.Rows) (err error) {
			*review, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Review])
			return err
		})
	batch.Queue(`
		UPDATE flashcards SET stability = $2, difficulty = $3, state = $4, step = $5, lapses = $6, last_review = $7,
			ease_factor = $8, sm2_interval = $9, repetitions = $10, interval_days = $11, next_review_date = $12,
			total_reviews = $13, total_correct = $14, updated_at = now()
		WHERE id = $1`,
		after.ID, after.Stability, after.Difficulty, int(after.State), after.Step, after.Lapses, after.LastReview,
		after.Ease, after.SM2Interval, after.Repetitions, after.Interval, after.Due, after.Reviews, after.Correct)
	return tx.SendBatch(ctx, &batch).Close()
}
