package quizzes

import (
	"context"
	"encoding/json"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
)

// Answer is what a student answers to one question.
type Answer struct {
	Question QuestionID
	Value    any  // decoded JSON: text, number, truth value, or a list of those
	Seconds  *int // it took
	Flagged  bool
}

// largestAnswer is what an answer may have in bytes of JSON: no text of
// longestAnswer characters has more. All of an attempt may have 256 KiB.
const largestAnswer = 6*longestAnswer + 2

// Submit grades and keeps an answer. It is Invalid when the attempt is over or the
// question was answered before; of two at once, one is.
func (s *Store) Submit(ctx context.Context, owner auth.UserID, attempt AttemptID, answer Answer) (Response, error) {
	question, showKeys, err := s.asked(ctx, owner, attempt, answer.Question)
	if err != nil {
		return Response{}, err
	}
	value, err := json.Marshal(answer.Value)
	switch {
	case err != nil:
		return Response{}, err
	case len(value) > largestAnswer:
		return Response{}, fault.Field("user_answer", "An answer may have %d characters.", longestAnswer)
	}
	correct, err := question.grade(answer.Value)
	if err != nil {
		return Response{}, err
	}
	response, err := s.keep(ctx, owner, attempt, Response{
		ID: id.New[Response](), Question: question.ID, Answer: value, Correct: correct, Points: question.points(correct),
		Seconds: answer.Seconds, Flagged: answer.Flagged, Answered: s.now(),
	})
	if !showKeys {
		response = response.hidden()
	}
	return response, err
}

// asked returns the question as the attempt asks it, if it may be answered now.
func (s *Store) asked(ctx context.Context, owner auth.UserID, attempt AttemptID, question QuestionID) (found Question, showKeys bool, err error) {
	var status string
	var deadline *time.Time
	var asked *Question
	var answered bool
	err = s.db.QueryRow(ctx, `
		SELECT a.status, a.deadline,
			(SELECT o FROM jsonb_array_elements(a.questions) o WHERE o->>'id' = $3::uuid::text),
			EXISTS (SELECT FROM quiz_responses r WHERE r.attempt_id = a.id AND r.question_id = $3),
			(SELECT show_correct_answers FROM quizzes WHERE id = a.quiz_id)
		FROM quiz_attempts a WHERE a.id = $1 AND a.user_id = $2 AND `+attemptAlive, attempt, owner, question).
		Scan(&status, &deadline, &asked, &answered, &showKeys)
	switch {
	case err != nil:
		err = database.Fault(err, "attempt")
	case status == InProgress && deadline != nil && !s.now().Before(*deadline):
		if err = s.finishOverdue(ctx, attempt); err == nil {
			err = attemptOver(TimedOut)
		}
	case status != InProgress:
		err = attemptOver(status)
	case asked == nil:
		err = fault.Field("question", "There is no such question in this attempt.")
	case answered:
		err = alreadyAnswered()
	}
	if err != nil {
		return Question{}, false, err
	}
	return *asked, showKeys, nil
}

// keep stores the response and counts it. The attempt's row is locked meanwhile,
// so that a completion sees all of it or none.
func (s *Store) keep(ctx context.Context, owner auth.UserID, attempt AttemptID, r Response) (Response, error) {
	var answered bool
	err := s.db.QueryRow(ctx, `
		WITH live AS (
			UPDATE quiz_attempts SET earned = earned + $6, touched_at = $9, answer_bytes = answer_bytes + octet_length($10::jsonb::text)
			WHERE id = $1 AND user_id = $2 AND status = 'in_progress' AND (deadline IS NULL OR deadline > $9)
			RETURNING id
		), kept AS (
			INSERT INTO quiz_responses (id, attempt_id, question_id, user_answer, is_correct, points_earned, time_taken_seconds, flagged_for_review, answered_at)
			SELECT $3, live.id, $4, $10, $5, $6, $7, $8, $9 FROM live
			RETURNING question_id
		), counted AS (
			UPDATE quiz_questions o SET total_attempts = total_attempts + 1, correct_attempts = correct_attempts + coalesce($5, false)::int
			FROM kept WHERE o.id = kept.question_id
		)
		SELECT EXISTS (SELECT FROM kept)`,
		attempt, owner, r.ID, r.Question, r.Correct, r.Points, r.Seconds, r.Flagged, r.Answered, r.Answer).Scan(&answered)
	switch {
	case database.Violates(err, "quiz_responses_once"):
		err = alreadyAnswered()
	case database.Violates(err, "quiz_attempts_bytes"):
		err = fault.New(fault.Invalid, "All answers of an attempt together may have 256 KiB. Answer more shortly.").Coded("answers_full")
	case err == nil && !answered:
		err = attemptOver(Completed) // it ended since it was looked at
	}
	return r, err
}

func alreadyAnswered() error {
	return fault.Field("question", "This question is already answered.").Coded("already_answered")
}

func attemptOver(status string) error {
	switch status {
	case TimedOut:
		return fault.New(fault.Invalid, "The time for this attempt is up. What was answered in time counts.").Coded("time_is_up")
	case Abandoned:
		return fault.New(fault.Invalid, "This attempt was left alone for a day and is over. Start another one.").Coded("attempt_over")
	}
	return fault.New(fault.Invalid, "This attempt is completed already.").Coded("attempt_over")
}

// finish ends the running attempts that meet the condition, in time or at their
// deadlines, and adds them to their quizzes' averages. $1 is now.
func finish(condition string) string {
	return `
		WITH finished AS (
			UPDATE quiz_attempts a
			SET status = CASE WHEN deadline <= $1 THEN 'timed_out' ELSE 'completed' END,
				completed_at = least($1, deadline)
			WHERE a.status = 'in_progress' AND ` + condition + `
			RETURNING a.quiz_id, a.percentage
		), averaged AS (
			UPDATE quizzes q
			SET average_score = coalesce((q.average_score * q.graded_attempts + f.percentages) / nullif(q.graded_attempts + f.graded, 0), 0),
				graded_attempts = q.graded_attempts + f.graded, finished_attempts = q.finished_attempts + f.attempts
			FROM (
				SELECT quiz_id, count(*) AS attempts, count(percentage) AS graded, coalesce(sum(percentage), 0) AS percentages
				FROM finished GROUP BY quiz_id
			) f
			WHERE q.id = f.quiz_id
		)
		SELECT count(*) FROM finished`
}

var (
	finishOwn     = finish(`a.id = $2 AND a.user_id = $3 AND ` + attemptAlive)
	finishOverdue = finish(`a.id = $2 AND a.deadline <= $1`)
	// ARRAY runs the subquery once; IN may run it for each row, limit and all.
	finishOverdues = finish(`a.id = ANY (ARRAY(
		SELECT id FROM quiz_attempts WHERE status = 'in_progress' AND deadline <= $1
		ORDER BY deadline, id LIMIT $2 FOR UPDATE SKIP LOCKED))`)
)

func (s *Store) finishOverdue(ctx context.Context, attempt AttemptID) error {
	_, err := s.db.Exec(ctx, finishOverdue, s.now(), attempt)
	return err
}

// Complete ends an attempt and scores it. One whose time is up is returned as it
// ended; one that was completed before is Invalid.
func (s *Store) Complete(ctx context.Context, owner auth.UserID, attempt AttemptID) (Attempt, error) {
	now := s.now()
	var finished int
	var found Attempt
	var batch pgx.Batch
	batch.Queue(finishOwn, now, attempt, owner).QueryRow(func(row pgx.Row) error { return row.Scan(&finished) })
	batch.Queue(oneAttempt, attempt, owner).Query(func(rows pgx.Rows) (err error) {
		found, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Attempt])
		return err
	})
	err := s.db.SendBatch(ctx, &batch).Close()
	switch {
	case err != nil:
		return Attempt{}, database.Fault(err, "attempt")
	case finished == 0 && found.Status != TimedOut:
		return Attempt{}, attemptOver(found.Status)
	}
	return found, nil
}

// idle is how long an attempt without a deadline may be left alone.
const idle = 24 * time.Hour

// ExpireAttempts ends at most limit attempts whose time is up and at most limit
// that were left alone for a day. It returns how many that were: fewer than limit
// when none is left.
func (s *Store) ExpireAttempts(ctx context.Context, limit int) (timedOut, abandoned int, err error) {
	now := s.now()
	if err = s.db.QueryRow(ctx, finishOverdues, now, limit).Scan(&timedOut); err != nil {
		return 0, 0, err
	}
	tag, err := s.db.Exec(ctx, `
		UPDATE quiz_attempts SET status = 'abandoned' WHERE id = ANY (ARRAY(
			SELECT id FROM quiz_attempts WHERE status = 'in_progress' AND deadline IS NULL AND touched_at <= $1
			ORDER BY touched_at, id LIMIT $2 FOR UPDATE SKIP LOCKED))`, now.Add(-idle), limit)
	return timedOut, int(tag.RowsAffected()), err
}
