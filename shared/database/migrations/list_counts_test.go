package migrations_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"aksio.app/shared/database/dbtest"
)

// changes are what happens to what is listed, each to rows of the student $1 that
// the number $2 chooses.
var changes = []string{
	`INSERT INTO courses (id, user_id, name) VALUES (gen_random_uuid(), $1, 'Course ' || gen_random_uuid() || $2::float8)`,
	`INSERT INTO flashcards (id, user_id, course_id, question, answer)
		SELECT gen_random_uuid(), user_id, id, 'q', 'a' FROM ` + aCourse + `, generate_series(1, 1 + (10 * $2::float8)::int)`,
	`INSERT INTO documents (id, user_id, course_id, name, is_archived) SELECT gen_random_uuid(), user_id, id, 'd', $2 < 0.5 FROM ` + aCourse,
	`INSERT INTO quizzes (id, user_id, course_id, title) SELECT gen_random_uuid(), user_id, id, 'q' FROM ` + aCourse,
	`INSERT INTO assessments (id, user_id, course_id, title, assessment_type) SELECT gen_random_uuid(), user_id, id, 'a', 'formative' FROM ` + aCourse,
	`INSERT INTO chats (id, user_id, course_id, title) SELECT gen_random_uuid(), user_id, CASE WHEN $2 < 0.5 THEN id END, 'c' FROM ` + aCourse,
	`INSERT INTO quiz_attempts (id, quiz_id, user_id, number, questions, questions_order, possible, passing_score, started_at, touched_at)
		SELECT gen_random_uuid(), id, user_id, (2000000000 * random())::int, '[]', '{}', 1, 70, now(), now() FROM ` + one("quizzes"),
	`UPDATE flashcards SET course_id = c.id FROM ` + aCourse + ` WHERE flashcards.id IN (SELECT id FROM ` + one("flashcards") + `)`,
	`UPDATE quizzes SET course_id = c.id FROM ` + aCourse + ` WHERE quizzes.id IN (SELECT id FROM ` + one("quizzes") + `)`,
	`UPDATE documents SET is_archived = NOT is_archived WHERE id IN (SELECT id FROM ` + one("documents") + `)`,
	`UPDATE documents SET deleted_at = now() WHERE id IN (SELECT id FROM ` + one("documents") + `)`,
	`UPDATE chats SET status = CASE WHEN $2 < 0.5 THEN 'deleted' ELSE 'archived' END WHERE id IN (SELECT id FROM ` + one("chats") + `)`,
	`DELETE FROM flashcards WHERE user_id = $1 AND random() < $2::float8 / 20`,
	`DELETE FROM documents WHERE id IN (SELECT id FROM ` + one("documents") + `)`,
	`DELETE FROM quizzes WHERE id IN (SELECT id FROM ` + one("quizzes") + `)`,
	`DELETE FROM quiz_attempts WHERE id IN (SELECT id FROM ` + one("quiz_attempts") + `)`,
	`DELETE FROM chats WHERE id IN (SELECT id FROM ` + one("chats") + `)`,
	`UPDATE courses SET deleted_at = now() WHERE deleted_at IS NULL AND $2 < 0.4 AND id IN (SELECT id FROM ` + one("courses") + `)`,
	`DELETE FROM courses WHERE $2 < 0.2 AND id IN (SELECT id FROM ` + one("courses") + `)`,
}

// aCourse is one of the student's courses that aren't deleted.
const aCourse = `(SELECT id, user_id FROM courses WHERE user_id = $1 AND deleted_at IS NULL ORDER BY hashtext(id::text || $2::float8) LIMIT 1) c`

func one(table string) string {
	return `(SELECT * FROM ` + table + ` WHERE user_id = $1 ORDER BY hashtext(id::text || $2::float8) LIMIT 1) r`
}

// truth counts the lists by their rows.
const truth = `
	SELECT r.user_id::text, list, coalesce(r.course_id, '00000000-0000-0000-0000-000000000000')::text, count(*) AS items FROM (
		SELECT user_id, 'courses' AS list, NULL::uuid AS course_id FROM courses WHERE deleted_at IS NULL
		UNION ALL SELECT user_id, 'documents', course_id FROM documents WHERE deleted_at IS NULL
		UNION ALL SELECT user_id, 'documents_shown', course_id FROM documents WHERE deleted_at IS NULL AND NOT is_archived
		UNION ALL SELECT user_id, 'flashcards', course_id FROM flashcards
		UNION ALL SELECT user_id, 'quizzes', course_id FROM quizzes
		UNION ALL SELECT user_id, 'assessments', course_id FROM assessments
		UNION ALL SELECT user_id, 'chats', course_id FROM chats WHERE status <> 'deleted'
		UNION ALL SELECT a.user_id, 'quiz_attempts', q.course_id FROM quiz_attempts a JOIN quizzes q ON q.id = a.quiz_id
	) r LEFT JOIN courses c ON c.id = r.course_id
	WHERE c.deleted_at IS NULL
	GROUP BY r.user_id, list, GROUPING SETS ((r.course_id), ())
	HAVING GROUPING(r.course_id) = 1 OR r.course_id IS NOT NULL`

// TestListCountsAreExact lets many change a student's things at the same time.
func TestListCountsAreExact(t *testing.T) {
	t.Parallel()
	db := dbtest.New(t)
	students := []string{"00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"}
	for _, student := range students {
		if _, err := db.Exec(t.Context(), `INSERT INTO users (id, username, email, password) VALUES ($1::text::uuid, $1, $1, '')`, student); err != nil {
			t.Fatal(err)
		}
	}
	var workers sync.WaitGroup
	for worker := range 4 {
		workers.Go(func() {
			r := rand.New(rand.NewPCG(1, uint64(worker)))
			for range 300 {
				// Some changes are of one transaction.
				sql, n := changes[r.IntN(len(changes))], r.Float64()
				err := pgx.BeginFunc(t.Context(), db, func(tx pgx.Tx) error {
					student := students[r.IntN(len(students))]
					if _, err := tx.Exec(t.Context(), sql, student, n); err != nil || n < 0.7 {
						return err
					}
					_, err := tx.Exec(t.Context(), changes[r.IntN(6)], student, r.Float64())
					return err
				})
				var refused *pgconn.PgError
				if errors.As(err, &refused) && (refused.Code == "23503" || refused.Code == "40P01") {
					continue // the course is gone meanwhile; changes in two orders, which functions don't make
				}
				if err != nil {
					t.Errorf("%s: %v", sql, err)
				}
			}
		})
	}
	workers.Wait()
	type count struct {
		User, List, Course string
		Items              int
	}
	read := func(sql string) map[count]bool {
		rows, _ := db.Query(context.Background(), sql)
		counts, err := pgx.CollectRows(rows, pgx.RowToStructByPos[count])
		if err != nil {
			t.Fatal(err)
		}
		all := map[count]bool{}
		for _, c := range counts {
			all[c] = true
		}
		return all
	}
	kept, counted := read(`SELECT user_id::text, list, course_id::text, items FROM list_counts WHERE items <> 0`), read(truth)
	for c := range counted {
		if !kept[c] {
			t.Errorf("counted %+v, kept isn't that", c)
		}
	}
	for c := range kept {
		if !counted[c] {
			t.Errorf("kept %+v, counted isn't that", c)
		}
	}
	if len(counted) < 20 {
		t.Errorf("%d counts are too few to tell anything", len(counted))
	}
}
