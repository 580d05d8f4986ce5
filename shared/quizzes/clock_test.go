package quizzes

import (
	"errors"
	"testing"
	"time"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/page"
	"aksio.app/shared/patch"
)

// desk is a store with a clock that the test sets, and a quiz of two questions.
type desk struct {
	*Store
	t      *testing.T
	owner  auth.UserID
	course courses.ID
	quiz   ID
	clock  time.Time
}

func newDesk(t *testing.T, minutes int) *desk {
	db := dbtest.New(t)
	d := &desk{Store: NewStore(db), t: t, owner: id.New[auth.User](), clock: time.Date(2031, 5, 1, 12, 0, 0, 0, time.UTC)}
	d.Store.now = func() time.Time { return d.clock }
	insertUser(t, db, d.owner)
	d.course = must(courses.NewStore(db).Create(t.Context(), d.owner, courses.Change{Name: patch.To("Biology")}))(t).ID
	d.newQuiz(minutes)
	return d
}

// newQuiz lays another quiz on the desk.
func (d *desk) newQuiz(minutes int) {
	d.t.Helper()
	d.quiz = must(d.Create(d.t.Context(), d.owner, Change{Course: patch.To(d.course), Title: patch.To("Cells"), TimeLimit: patch.To(&minutes)}))(d.t).ID
	for _, text := range []string{"Mitochondria have DNA.", "Ribosomes have RNA."} {
		must(d.AddQuestion(d.t.Context(), d.owner, d.quiz, QuestionChange{
			Text: patch.To(text), Type: patch.To(TrueFalse), Correct: patch.To([]any{"true"}),
		}))(d.t)
	}
	must(d.Update(d.t.Context(), d.owner, d.quiz, Change{Status: patch.To(Published)}))(d.t)
}

func insertUser(t *testing.T, db *database.DB, user auth.UserID) {
	t.Helper()
	if _, err := db.Exec(t.Context(), `INSERT INTO users (id, username, email, password) VALUES ($1, 'ada', 'ada@example.com', '')`, user); err != nil {
		t.Fatal(err)
	}
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func (d *desk) start() Attempt {
	d.t.Helper()
	return must(d.Start(d.t.Context(), d.owner, d.quiz))(d.t)
}

func (d *desk) attempt(attempt Attempt) Attempt {
	d.t.Helper()
	return must(d.Attempt(d.t.Context(), d.owner, attempt.ID))(d.t)
}

// submit answers the attempt's question of the number rightly.
func (d *desk) submit(attempt Attempt, number int) error {
	_, err := d.Submit(d.t.Context(), d.owner, attempt.ID, Answer{Question: attempt.Order[number], Value: true})
	return err
}

// stored returns the state that the database has noted.
func (d *desk) stored(attempt Attempt) (status string) {
	d.t.Helper()
	if err := d.db.QueryRow(d.t.Context(), `SELECT status FROM quiz_attempts WHERE id = $1`, attempt.ID).Scan(&status); err != nil {
		d.t.Fatal(err)
	}
	return status
}

func (d *desk) average() float64 {
	d.t.Helper()
	return must(d.Get(d.t.Context(), d.owner, d.quiz))(d.t).AverageScore
}

func code(err error) string {
	var f *fault.Fault
	errors.As(err, &f)
	if f == nil {
		return ""
	}
	return f.Code
}

func TestAnswersAfterTheDeadlineAreLate(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 30)
	attempt := d.start()
	if attempt.Deadline == nil || !attempt.Deadline.Equal(d.clock.Add(30*time.Minute)) {
		t.Fatalf("deadline %v", attempt.Deadline)
	}
	d.clock = d.clock.Add(30*time.Minute - time.Microsecond)
	if err := d.submit(attempt, 0); err != nil {
		t.Fatalf("in time: %v", err)
	}
	d.clock = d.clock.Add(time.Microsecond)
	if err := d.submit(attempt, 1); fault.KindOf(err) != fault.Invalid || code(err) != "time_is_up" {
		t.Fatalf("late: %v", err)
	}
	if got := d.stored(attempt); got != TimedOut {
		t.Errorf("the attempt is %s", got)
	}
	d.clock = d.clock.Add(time.Hour)
	for range 2 {
		over := must(d.Complete(t.Context(), d.owner, attempt.ID))(t)
		if over.Status != TimedOut || over.Earned != 1 || over.Possible != 2 || *over.Percentage != 50 || *over.Passed || over.Seconds() != 30*60 || !over.Completed.Equal(*attempt.Deadline) {
			t.Errorf("completed late: %+v", over)
		}
	}
	if got := d.average(); got != 50 {
		t.Errorf("average %v, want 50, counted once", got)
	}
}

func TestAnAnswerThatLosesTheRaceIsLate(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 0)
	attempt := d.start()
	question, _, err := d.asked(t.Context(), d.owner, attempt.ID, attempt.Order[0])
	if err != nil {
		t.Fatal(err)
	}
	must(d.Complete(t.Context(), d.owner, attempt.ID))(t) // between the look and the write
	right := true
	_, err = d.keep(t.Context(), d.owner, attempt.ID, Response{
		ID: id.New[Response](), Question: question.ID, Answer: []byte("true"), Correct: &right, Points: 1, Answered: d.clock,
	})
	if got := d.attempt(attempt); code(err) != "attempt_over" || got.Earned != 0 || len(got.Responses) != 0 {
		t.Errorf("%v; attempt %+v", err, got)
	}
}

func TestCompletionAfterTheDeadlineTimesOut(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1)
	attempt := d.start()
	if err := d.submit(attempt, 0); err != nil {
		t.Fatal(err)
	}
	d.clock = d.clock.Add(2 * time.Minute)
	over := must(d.Complete(t.Context(), d.owner, attempt.ID))(t)
	if over.Status != TimedOut || *over.Percentage != 50 || !over.Completed.Equal(*attempt.Deadline) {
		t.Errorf("completed late: %+v", over)
	}
}

func TestReadersSeeThatTimeIsUp(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 1)
	attempt := d.start()
	if err := d.submit(attempt, 0); err != nil {
		t.Fatal(err)
	}
	if quiz := must(d.Take(t.Context(), d.owner, d.quiz))(t); quiz.Questions[0].ID != attempt.Order[0] {
		t.Errorf("take asks %v, the attempt %v", quiz.Questions, attempt.Order)
	}
	d.clock = d.clock.Add(time.Minute)
	listed := must(d.ListAttempts(t.Context(), d.owner, courses.ID{}, page.Request{Number: 1, Size: 10}))(t).Items
	for _, seen := range []Attempt{d.attempt(attempt), listed[0]} {
		if seen.Status != TimedOut || !seen.Finished() || seen.Completed == nil || *seen.Percentage != 50 {
			t.Errorf("seen as %+v", seen)
		}
	}
	if results := must(d.Results(t.Context(), d.owner, d.quiz))(t); len(results.Questions[0].Correct) == 0 {
		t.Error("no keys though the attempt is over")
	}
	if got := d.stored(attempt); got != InProgress {
		t.Errorf("reading made the attempt %s", got)
	}
}

func TestExpireAttempts(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 60)
	if err := d.submit(d.start(), 0); err != nil {
		t.Fatal(err)
	}
	timed := d.quiz
	d.newQuiz(60)
	d.start()
	d.newQuiz(0)
	untimed := d.start()
	if untimed.Deadline != nil {
		t.Fatalf("a limit of 0 gives the deadline %v", untimed.Deadline)
	}
	expire := func(after time.Duration, limit, wantTimedOut, wantAbandoned int) {
		t.Helper()
		d.clock = d.clock.Add(after)
		timedOut, abandoned, err := d.ExpireAttempts(t.Context(), limit)
		if err != nil || timedOut != wantTimedOut || abandoned != wantAbandoned {
			t.Errorf("%d timed out, %d abandoned, %v; want %d and %d", timedOut, abandoned, err, wantTimedOut, wantAbandoned)
		}
	}
	expire(59*time.Minute, 10, 0, 0)
	expire(time.Minute, 1, 1, 0)
	expire(0, 10, 1, 0)
	expire(0, 10, 0, 0)
	if got := must(d.Get(t.Context(), d.owner, timed))(t).AverageScore; got != 50 {
		t.Errorf("average of 50 is %v", got)
	}
	d.clock = untimed.Started.Add(20 * time.Hour)
	if err := d.submit(untimed, 0); err != nil {
		t.Fatal(err)
	}
	expire(23*time.Hour, 10, 0, 0) // since it was touched
	expire(time.Hour, 10, 0, 1)
	if got := d.attempt(untimed); got.Status != Abandoned || got.Finished() {
		t.Errorf("left alone: %+v", got)
	}
	if err := d.submit(untimed, 1); code(err) != "attempt_over" {
		t.Errorf("answer to an abandoned attempt: %v", err)
	}
	if _, err := d.Complete(t.Context(), d.owner, untimed.ID); code(err) != "attempt_over" {
		t.Errorf("completion of an abandoned attempt: %v", err)
	}
	if got := d.average(); got != 0 {
		t.Errorf("an abandoned attempt makes the average %v", got)
	}
	if next := d.start(); next.ID == untimed.ID || next.Number != 2 {
		t.Errorf("after the abandoned attempt %v comes %+v", untimed.ID, next)
	}
}

func TestStartingGoesOnWithWhatRuns(t *testing.T) {
	t.Parallel()
	d := newDesk(t, 30)
	timed := d.start()
	d.clock = d.clock.Add(30*time.Minute - time.Microsecond)
	if again := d.start(); again.ID != timed.ID || !again.Deadline.Equal(*timed.Deadline) {
		t.Errorf("in time, %v was begun with the deadline %v", again.ID, again.Deadline)
	}
	d.clock = d.clock.Add(time.Microsecond)
	if next := d.start(); next.ID == timed.ID || next.Number != 2 || next.Status != InProgress {
		t.Errorf("when time is up, there is %+v", next)
	}
	if got := d.attempt(timed); got.Status != TimedOut {
		t.Errorf("the first attempt is %s", got.Status)
	}

	d.newQuiz(0)
	untimed := d.start()
	d.clock = d.clock.Add(idle - time.Microsecond)
	d.start() // it isn't left alone
	d.clock = d.clock.Add(idle - time.Microsecond)
	if _, abandoned, err := d.ExpireAttempts(t.Context(), 10); abandoned != 0 || err != nil {
		t.Errorf("%d abandoned, %v", abandoned, err)
	}
	if again := d.start(); again.ID != untimed.ID {
		t.Errorf("%+v instead of %v, which runs", again, untimed.ID)
	}
}
