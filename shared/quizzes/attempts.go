package quizzes

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/page"
)

// AttemptID identifies an attempt.
type AttemptID = id.ID[Attempt]

// The states of an attempt.
const (
	InProgress = "in_progress"
	Completed  = "completed"
	TimedOut   = "timed_out" // its time was up; what was answered in time counts
	Abandoned  = "abandoned" // left alone for a day; it has no score
)

// Attempt is one attempt at a quiz.
type Attempt struct {
	ID         AttemptID    `db:"id"`
	Quiz       ID           `db:"quiz_id"`
	Status     string       `db:"status"`
	Number     int          `db:"number"` // of the attempts at the quiz, from 1; never given twice
	Earned     int          `db:"earned"` // points so far
	Possible   int          `db:"possible"`
	Percentage *float64     `db:"percentage"` // nil, as is the next: there is nothing to grade
	Passed     *bool        `db:"passed"`
	Started    time.Time    `db:"started_at"`
	Deadline   *time.Time   `db:"deadline"`
	Completed  *time.Time   `db:"completed_at"`
	Order      []QuestionID `db:"questions_order"`
	ShowKeys   bool         `db:"show_correct_answers"` // while it runs, too
	Responses  []Response   `db:"responses"`
}

const attemptColumns = `a.id, a.quiz_id, a.status, a.number, a.earned, a.possible, a.percentage, a.passed,
	a.started_at, a.deadline, a.completed_at, a.questions_order,
	(SELECT show_correct_answers FROM quizzes WHERE id = a.quiz_id) AS show_correct_answers,
	(SELECT coalesce(jsonb_agg(to_jsonb(r) ORDER BY r.answered_at, r.id), '[]')
		FROM quiz_responses r WHERE r.attempt_id = a.id) AS responses`

// attemptAlive says that the attempt's course wasn't deleted.
const attemptAlive = `EXISTS (SELECT FROM quizzes q WHERE q.id = a.quiz_id AND ` + alive + `)`

// Finished reports whether the attempt has a score.
func (a Attempt) Finished() bool { return a.Status == Completed || a.Status == TimedOut }

// Seconds returns how long a finished attempt took.
func (a Attempt) Seconds() int { return int(a.Completed.Sub(a.Started) / time.Second) }

// at returns the attempt as it stands at the moment: it may be over although
// nothing has noted that yet.
func (a Attempt) at(now time.Time) Attempt {
	if a.Status == InProgress && a.Deadline != nil && !now.Before(*a.Deadline) {
		a.Status, a.Completed = TimedOut, a.Deadline
	}
	if a.Status == InProgress && !a.ShowKeys {
		for i := range a.Responses {
			a.Responses[i] = a.Responses[i].hidden()
		}
	}
	return a
}

// Response is the answer to one question of an attempt. In JSON its fields are
// called like its columns.
type Response struct {
	ID       id.ID[Response] `json:"id"`
	Question QuestionID      `json:"question_id"`
	Answer   json.RawMessage `json:"user_answer"`
	Correct  *bool           `json:"is_correct"` // nil: nobody can tell, or nobody may know yet
	Points   int             `json:"points_earned"`
	Seconds  *int            `json:"time_taken_seconds"`
	Flagged  bool            `json:"flagged_for_review"`
	Answered time.Time       `json:"answered_at"`
}

// hidden returns the response without what gives the key away.
func (r Response) hidden() Response {
	r.Correct, r.Points = nil, 0
	return r
}

// runs says that the attempt is of the quiz $1 and the student $2 and goes on at $3.
const runs = `a.quiz_id = $1 AND a.user_id = $2 AND a.status = 'in_progress' AND (a.deadline IS NULL OR a.deadline > $3)`

// Start returns the attempt at the quiz that runs, and else begins one: that is
// Forbidden unless the quiz is published and attempts are left. The quiz is locked
// before it is looked for what runs, so that starts at once begin one attempt, and none
// share the last chance.
func (s *Store) Start(ctx context.Context, owner auth.UserID, quiz ID) (Attempt, error) {
	now, fresh := s.now(), id.For[Attempt](ctx)
	var found Attempt
	var batch pgx.Batch
	// Who comes back hasn't left it alone. Attempts are locked before their quiz, as by what ends them.
	batch.Queue(`UPDATE quiz_attempts a SET touched_at = $3 WHERE `+runs, quiz, owner, now)
	batch.Queue(`SELECT FROM quizzes WHERE id = $1 AND user_id = $2 FOR NO KEY UPDATE`, quiz, owner)
	batch.Queue(`
		WITH counted AS (
			UPDATE quizzes q SET total_attempts = total_attempts + 1
			WHERE q.id = $1 AND q.user_id = $2 AND `+mayAttempt+` AND `+alive+` AND NOT EXISTS (SELECT FROM quiz_attempts a WHERE `+runs+`)
			RETURNING q.id, q.total_attempts, q.time_limit_minutes, q.passing_score, q.shuffle_questions
		), asked AS (
			SELECT
				jsonb_agg(to_jsonb(o) - '{quiz_id,rank}'::text[] ORDER BY rank) AS questions,
				array_agg(id ORDER BY rank) AS questions_order,
				coalesce(sum(points) FILTER (WHERE question_type <> 'essay'), 0) AS possible
			FROM (
				SELECT o.*, row_number() OVER (ORDER BY CASE WHEN counted.shuffle_questions THEN random() END, o.position, o.created_at, o.id) AS rank
				FROM quiz_questions o JOIN counted ON o.quiz_id = counted.id
			) o
		)
		INSERT INTO quiz_attempts (id, quiz_id, user_id, number, started_at, touched_at, deadline,
			questions, questions_order, possible, passing_score)
		SELECT $4, counted.id, $2, counted.total_attempts, $3, $3, $3 + make_interval(mins => nullif(counted.time_limit_minutes, 0)),
			asked.questions, asked.questions_order, asked.possible, counted.passing_score
		FROM counted, asked`, quiz, owner, now, fresh)
	batch.Queue(`SELECT `+attemptColumns+` FROM quiz_attempts a WHERE `+runs+` AND `+attemptAlive+` ORDER BY a.number DESC LIMIT 1`, quiz, owner, now).
		Query(func(rows pgx.Rows) (err error) {
			found, err = pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Attempt])
			return err
		})
	err := s.db.SendBatch(ctx, &batch).Close()
	if database.Repeated(err, "quiz_attempts") {
		return s.Attempt(ctx, owner, fresh)
	}
	if errors.Is(err, pgx.ErrNoRows) {
		if begun, err := s.Attempt(ctx, owner, fresh); err == nil { // it was the last one
			return begun, nil
		}
		return Attempt{}, s.whyNot(ctx, owner, quiz)
	}
	return found.at(now), database.Fault(err, "attempt")
}

// whyNot says why the quiz can't be attempted.
func (s *Store) whyNot(ctx context.Context, owner auth.UserID, quiz ID) error {
	var status string
	var questions, attempts int
	var retakes bool
	err := s.db.QueryRow(ctx, `SELECT status, total_questions, total_attempts, allow_retakes
		FROM quizzes q WHERE q.id = $1 AND q.user_id = $2 AND `+alive, quiz, owner).Scan(&status, &questions, &attempts, &retakes)
	switch {
	case err != nil:
		return database.Fault(err, "quiz")
	case status != Published || questions == 0:
		return fault.New(fault.Forbidden, "This quiz isn't published. Publish it first.").Coded("quiz_not_published")
	case !retakes && attempts > 0:
		return fault.New(fault.Forbidden, "This quiz may be taken once only.").Coded("no_retakes")
	}
	return fault.New(fault.Forbidden, "No attempts at this quiz are left.").Coded("no_attempts_left")
}

// Take returns the quiz to be answered: with the questions of the attempt that
// runs, in its order, else with its own if an attempt may be started. Its keys are
// there; they are not for the taker.
func (s *Store) Take(ctx context.Context, owner auth.UserID, quiz ID) (Quiz, error) {
	type taken struct {
		Quiz
		MayAttempt bool       `db:"may_attempt"`
		Running    []Question `db:"running"`
	}
	rows, _ := s.db.Query(ctx, `SELECT `+columns+`, `+mayAttempt+` AS may_attempt, (
			SELECT a.questions FROM quiz_attempts a
			WHERE `+runs+` ORDER BY a.number DESC LIMIT 1
		) AS running
		FROM quizzes q WHERE q.id = $1 AND q.user_id = $2 AND `+alive, quiz, owner, s.now())
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[taken])
	switch {
	case err != nil:
		return Quiz{}, database.Fault(err, "quiz")
	case found.Running != nil:
		found.Questions = found.Running
	case !found.MayAttempt:
		return Quiz{}, s.whyNot(ctx, owner, quiz)
	}
	return found.Quiz, nil
}

// Results returns the quiz with its keys and explanations, as far as it shows
// them, once an attempt at it is finished.
func (s *Store) Results(ctx context.Context, owner auth.UserID, quiz ID) (Quiz, error) {
	type judged struct {
		Quiz
		Finished bool `db:"finished"`
	}
	rows, _ := s.db.Query(ctx, `SELECT `+columns+`, EXISTS (
			SELECT FROM quiz_attempts a WHERE a.quiz_id = q.id AND a.user_id = q.user_id
				AND (a.status IN ('completed', 'timed_out') OR a.status = 'in_progress' AND a.deadline <= $3)
		) AS finished
		FROM quizzes q WHERE q.id = $1 AND q.user_id = $2 AND `+alive, quiz, owner, s.now())
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[judged])
	if err != nil {
		return Quiz{}, database.Fault(err, "quiz")
	}
	for i := range found.Questions {
		if !found.Finished || !found.ShowCorrectAnswers {
			found.Questions[i].Correct = []any{}
		}
		if !found.Finished || !found.ShowExplanations {
			found.Questions[i].Explanation = nil
		}
	}
	return found.Quiz, nil
}

// ListAttempts returns a page of the student's attempts, the newest first; those
// at the quizzes of one course if it isn't zero.
func (s *Store) ListAttempts(ctx context.Context, owner auth.UserID, course courses.ID, req page.Request) (page.Page[Attempt], error) {
	list, args := database.List{
		Columns: attemptColumns,
		From:    "quiz_attempts a",
		Where:   "a.user_id = $1 AND " + attemptAlive,
		Order:   []string{"a.started_at DESC", "a.id DESC"},
		Count:   database.Counted("quiz_attempts"),
	}, []any{owner}
	if !course.IsZero() {
		list.Where, list.Count = list.Where+" AND a.quiz_id IN (SELECT id FROM quizzes WHERE course_id = $2)", database.CountedOf("quiz_attempts")
		args = append(args, course)
	}
	found, err := database.Page[Attempt](ctx, s.db, req, list, args...)
	now := s.now()
	for i, attempt := range found.Items {
		found.Items[i] = attempt.at(now)
	}
	return found, err
}

const oneAttempt = `SELECT ` + attemptColumns + ` FROM quiz_attempts a WHERE a.id = $1 AND a.user_id = $2 AND ` + attemptAlive

// Attempt returns an attempt. Another student's is NotFound.
func (s *Store) Attempt(ctx context.Context, owner auth.UserID, attempt AttemptID) (Attempt, error) {
	rows, _ := s.db.Query(ctx, oneAttempt, attempt, owner)
	found, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[Attempt])
	return found.at(s.now()), database.Fault(err, "attempt")
}

// DeleteAttempt removes an attempt with its answers, and its score from the quiz's
// average. It still counts as one of the attempts that the quiz allows, and its answers
// in what the questions tell of theirs.
func (s *Store) DeleteAttempt(ctx context.Context, owner auth.UserID, attempt AttemptID) error {
	var deleted bool
	err := s.db.QueryRow(ctx, `
		WITH deleted AS (
			DELETE FROM quiz_attempts a WHERE a.id = $1 AND a.user_id = $2 AND `+attemptAlive+`
			RETURNING a.quiz_id, a.status, a.percentage, (a.percentage IS NOT NULL)::int AS graded
		), averaged AS (
			UPDATE quizzes q
			SET average_score = coalesce((q.average_score * q.graded_attempts - coalesce(d.percentage, 0)) / nullif(q.graded_attempts - d.graded, 0), 0),
				graded_attempts = q.graded_attempts - d.graded, finished_attempts = q.finished_attempts - 1
			FROM deleted d WHERE q.id = d.quiz_id AND d.status IN ('completed', 'timed_out')
		)
		SELECT true FROM deleted`, attempt, owner).Scan(&deleted)
	return database.Fault(err, "attempt")
}
