package quizzes

import (
	"context"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/id"
)

// New is a quiz that was generated, whole.
type New struct {
	Course    courses.ID
	Title     string // 1 to 255 characters
	Type      string
	Status    string
	TimeLimit int // minutes
	Model     string
	Prompt    string     // what it was asked to be about
	Questions []Question // that Tidy has nothing against; they get their ids and their order here
}

// Insert adds the quiz with its questions in the transaction that stores what
// else was generated. It is NotFound when the course isn't there any more, and Invalid
// when its questions are too long. One round trip.
func (s *Store) Insert(ctx context.Context, tx pgx.Tx, owner auth.UserID, n New) (Quiz, error) {
	quiz := id.New[Quiz]()
	var batch pgx.Batch
	batch.Queue(`
		INSERT INTO quizzes (id, user_id, course_id, title, quiz_type, status, time_limit_minutes, ai_model_used, generation_prompt, total_questions, question_bytes, generated_by_ai)
		SELECT $1, $2, id, $4, $5, $6, $7, $8, $9, $10, $11, true FROM courses WHERE `+courses.Owned("$3", "$2"),
		quiz, owner, n.Course, n.Title, n.Type, n.Status, n.TimeLimit, n.Model, n.Prompt, len(n.Questions), size(n.Questions...))
	for i, question := range n.Questions {
		question.ID, question.Order = id.New[Question](), i
		batch.Queue(insertQuestion+`
			SELECT $1, id, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13 FROM quizzes WHERE id = $14`,
			append(questionArgs(question), quiz)...)
	}
	var stored Quiz
	batch.Queue(`SELECT `+columns+` FROM quizzes q WHERE q.id = $1`, quiz).Query(func(rows pgx.Rows) (err error) {
		stored, err = one(rows)
		return err
	})
	err := tx.SendBatch(ctx, &batch).Close()
	if database.Violates(err, "quizzes_bytes") {
		return stored, tooMuchText()
	}
	return stored, database.Fault(err, "generated quiz")
}

// Performance returns the mean percentage of the last graded attempts in the
// course, at most ten; false without any.
func (s *Store) Performance(ctx context.Context, owner auth.UserID, course courses.ID) (percent float64, known bool, err error) {
	var mean *float64
	err = s.db.QueryRow(ctx, `
		SELECT avg(percentage) FROM (
			SELECT a.percentage FROM quiz_attempts a JOIN quizzes q ON q.id = a.quiz_id
			WHERE q.course_id = $1 AND q.user_id = $2 AND a.status IN ('completed', 'timed_out') AND a.percentage IS NOT NULL
			ORDER BY a.completed_at DESC, a.id DESC LIMIT 10
		) last`, course, owner).Scan(&mean)
	if mean == nil {
		return 0, false, err
	}
	return *mean, true, err
}
