package flashcards

import (
	"context"
	"errors"
	"strconv"
	"time"
	_ "time/tzdata" // for students' days, on whatever machine

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

// SessionID identifies a client's session of study, of which nothing else is known.
type SessionID = id.ID[session]

type session struct{}

// Review is one grading of a card. Reviews are only ever added.
type Review struct {
	ID               ReviewID   `db:"id"`
	Card             ID         `db:"flashcard_id"`
	Scheduler        string     `db:"scheduler"`
	Rating           int        `db:"rating"`                // 1 again to 4 easy
	Quality          int        `db:"quality_response"`      // 0 blackout to 5 perfect
	Seconds          *int       `db:"response_time_seconds"` // that the student took
	Session          *SessionID `db:"study_session_id"`
	Device           *string    `db:"device_type"`
	PreviousInterval int        `db:"previous_interval_days"`
	NewInterval      int        `db:"new_interval_days"`
	EaseBefore       float64    `db:"ease_factor_before"`
	EaseAfter        float64    `db:"ease_factor_after"`
	Due              time.Time  `db:"next_review_date"` // as it was set
	Created          time.Time  `db:"created_at"`
}

const reviewColumns = `id, flashcard_id, scheduler, rating, quality_response, response_time_seconds, study_session_id, device_type,
	previous_interval_days, new_interval_days, ease_factor_before, ease_factor_after, next_review_date, created_at`

// Grade is how well a card was recalled: FSRS's rating, 1 again to 4 easy, and
// SM-2's quality, 0 blackout to 5 perfect.
type Grade struct {
	Rating  fsrs.Rating
	Quality sm2.Grade
}

// ratings are what the qualities are as ratings.
var ratings = [...]fsrs.Rating{
	sm2.Blackout: fsrs.Again, sm2.Wrong: fsrs.Again, sm2.Familiar: fsrs.Again,
	sm2.Hard: fsrs.Hard, sm2.Hesitation: fsrs.Good, sm2.Perfect: fsrs.Easy,
}

// qualities are what the ratings are as qualities, where only they are known.
var qualities = [...]sm2.Grade{fsrs.Again: sm2.Wrong, fsrs.Hard: sm2.Hard, fsrs.Good: sm2.Hesitation, fsrs.Easy: sm2.Perfect}

// words are the ratings as texts.
var words = map[string]fsrs.Rating{"again": fsrs.Again, "hard": fsrs.Hard, "good": fsrs.Good, "easy": fsrs.Easy}

// ParseQuality reads a quality as a student gives it.
func ParseQuality(text string) (sm2.Grade, error) {
	number, err := strconv.Atoi(text)
	if err != nil || number < 0 || number >= len(ratings) {
		return 0, fault.New(fault.Invalid, "must be a whole number from 0 (blackout) to 5 (perfect)")
	}
	return sm2.Grade(number), nil
}

// ParseRating reads a rating as a student gives it: a number or its word.
func ParseRating(text string) (fsrs.Rating, error) {
	if rating, ok := words[text]; ok {
		return rating, nil
	}
	number, err := strconv.Atoi(text)
	if err != nil || number < int(fsrs.Again) || number > int(fsrs.Easy) {
		return 0, fault.New(fault.Invalid, "must be 1 (again), 2 (hard), 3 (good) or 4 (easy): the number or the word")
	}
	return fsrs.Rating(number), nil
}

// GradeOf completes a grade of which only one number is known; the other is nil. It
// is Invalid when both are known and disagree.
func GradeOf(quality *sm2.Grade, rating *fsrs.Rating) (Grade, error) {
	switch {
	case rating != nil && quality != nil && *rating != ratings[*quality]:
		return Grade{}, fault.Field("rating", "A quality_response of %d is a rating of %d, not of %d. Send one of them.", *quality, ratings[*quality], *rating)
	case quality != nil:
		return Grade{ratings[*quality], *quality}, nil
	case rating != nil:
		return Grade{*rating, qualities[*rating]}, nil
	}
	return Grade{}, fault.Field("quality_response", "Say how well you knew it: quality_response from 0 to 5, or rating from 1 to 4.")
}

// NewReview is a review as it is reported.
type NewReview struct {
	ID      ReviewID // of the client's; the same review again changes nothing. Zero: a new one
	Grade   Grade
	Seconds *int
	Session *SessionID
	Device  *string
}

// schedule is how FSRS schedules everybody's cards until it is fitted to each student.
func schedule(card ID) *fsrs.Parameters {
	p := fsrs.Defaults()
	p.MaximumInterval = sm2.MaxInterval // whichever scheduler a student has
	p.FuzzSeed = card.String()          // cards learned together come back apart
	return p
}

// maxRaces is how often a review is worked out again because another came before it.
const maxRaces = 20

// Review grades a card and sets when it is due next, by the student's scheduler. It is
// Throttled after too many. Two round trips, a third for a repetition; of simultaneous
// reviews of one card the later ones are worked out again on what the earlier left.
func (s *Store) Review(ctx context.Context, owner auth.UserID, cardID ID, n NewReview) (Review, error) {
	if n.ID.IsZero() {
		n.ID = id.For[Review](ctx)
	}
	for range maxRaces {
		card, who, err := s.beforeReview(ctx, owner, cardID)
		if err != nil {
			return Review{}, err
		}
		after := card.reviewed(s.now(), n.Grade, who)
		review, err := s.record(ctx, owner, card, after, who.scheduler, n)
		switch {
		case errors.Is(err, pgx.ErrNoRows): // another review of the card came before it
		case database.Repeated(err, "flashcard_reviews"):
			return s.known(ctx, owner, cardID, n)
		default:
			return review, database.Fault(err, "review")
		}
	}
	return Review{}, fault.New(fault.Unavailable, "This card is being reviewed elsewhere. Try again.")
}

// known returns the review that is there by the id of the new one, which must be the same.
func (s *Store) known(ctx context.Context, owner auth.UserID, card ID, n NewReview) (Review, error) {
	rows, _ := s.db.Query(ctx, `SELECT `+reviewColumns+` FROM flashcard_reviews WHERE id = $1 AND user_id = $2`, n.ID, owner)
	review, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Review])
	if err == nil && (review.Card != card || review.Quality != int(n.Grade.Quality)) {
		return Review{}, fault.Field("id", "There is another review with this id.")
	}
	return review, database.Fault(err, "review")
}

// student is what counts of one when a card is scheduled.
type student struct{ scheduler, timezone string }

// zone is where the student's days begin at midnight: UTC if their time zone's name means
// nothing here.
func (s student) zone() *time.Location {
	zone, err := time.LoadLocation(s.timezone)
	if err != nil {
		return time.UTC
	}
	return zone
}

// beforeReview returns the card and its student.
func (s *Store) beforeReview(ctx context.Context, owner auth.UserID, cardID ID) (card Card, who student, err error) {
	var batch pgx.Batch
	batch.Queue(`SELECT `+columns+` FROM flashcards f WHERE `+theirs+` AND f.id = $2`, owner, cardID).
		Query(func(rows pgx.Rows) (err error) {
			card, err = one(rows)
			return err
		})
	batch.Queue(`SELECT scheduler, timezone FROM users WHERE id = $1`, owner).
		QueryRow(func(row pgx.Row) error { return row.Scan(&who.scheduler, &who.timezone) })
	err = s.db.SendBatch(ctx, &batch).Close()
	return card, who, err
}

// reviewed returns the card after a review. Both schedulers go on, so that a
// student may change from one to the other; the chosen one sets when it is due.
func (c Card) reviewed(now time.Time, grade Grade, who student) Card {
	now = now.UTC().Truncate(time.Microsecond) // as the database keeps it
	byFSRS := schedule(c.ID).Next(c.fsrs(), now.In(who.zone()), grade.Rating)
	bySM2 := c.sm2().Next(now, grade.Quality)
	c.Stability, c.Difficulty, c.State, c.Step, c.Lapses = byFSRS.Stability, byFSRS.Difficulty, byFSRS.State, byFSRS.Step, byFSRS.Lapses
	c.LastReview = &now
	c.Ease, c.SM2Interval, c.Repetitions, c.Reviews, c.Correct = bySM2.Ease, bySM2.Interval, bySM2.Repetitions, bySM2.Reviews, bySM2.Correct
	c.Due, c.Interval = byFSRS.Due, int(byFSRS.Due.Sub(now).Hours()/24)
	if who.scheduler == "sm2" {
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

// record stores the review and the card's new schedule, unless the card was reviewed
// since it was read: then it returns pgx.ErrNoRows.
func (s *Store) record(ctx context.Context, owner auth.UserID, before, after Card, scheduler string, n NewReview) (Review, error) {
	rows, _ := s.db.Query(ctx, `
		WITH reviewed AS (
			UPDATE flashcards SET stability = $16, difficulty = $17, state = $18, step = $19, lapses = $20, last_review = $15,
				ease_factor = $13, sm2_interval = $21, repetitions = $22, interval_days = $11, next_review_date = $14,
				total_reviews = $23, total_correct = $24, updated_at = now()
			WHERE id = $2 AND user_id = $3 AND total_reviews = $23 - 1
			RETURNING id
		)
		INSERT INTO flashcard_reviews (id, flashcard_id, user_id, scheduler, rating, quality_response, response_time_seconds, study_session_id,
			device_type, previous_interval_days, new_interval_days, ease_factor_before, ease_factor_after, next_review_date, created_at)
		SELECT $1, id, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15 FROM reviewed
		RETURNING `+reviewColumns,
		n.ID, after.ID, owner, scheduler, int(n.Grade.Rating), int(n.Grade.Quality), n.Seconds, n.Session,
		n.Device, before.Interval, after.Interval, before.Ease, after.Ease, after.Due, after.LastReview,
		after.Stability, after.Difficulty, int(after.State), after.Step, after.Lapses,
		after.SM2Interval, after.Repetitions, after.Reviews, after.Correct)
	return pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Review])
}
