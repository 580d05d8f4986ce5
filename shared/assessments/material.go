package assessments

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/ai"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/language"
	"aksio.app/shared/retrieval"
)

// mostPassages is how many passages one generation reads: of 200 words each,
// about as much as a model attends to.
const mostPassages = 40

// source is the passage as a model reads it.
func source(p documents.Passage) ai.Source {
	return ai.Source{Document: p.DocumentName, Heading: p.Heading, Page: p.PageStart, Text: p.Text}
}

// languageOf returns the language of the passages whose language is known; "" if
// they have none or several, which a model then follows.
func languageOf(passages []documents.Passage) string {
	common := ""
	for _, p := range passages {
		switch {
		case p.Language == "" || p.Language == common:
		case common == "":
			common = p.Language
		default:
			return ""
		}
	}
	return common
}

// material returns what is to be learned: the content that was sent along, and
// passages of the documents, else of the course. Those about the topic if there is
// one, else some spread over all; turn moves which, so that the next generation
// reads others. What was sent along has no id. It is Invalid if there is nothing, and
// says so if there is nothing only about the topic.
// The documents were checked.
func (g *Generator) material(ctx context.Context, owner auth.UserID, course courses.ID, req Request, turn int) ([]documents.Passage, error) {
	passages := split(req.Content)
	if len(passages) > 0 && len(req.Documents) == 0 {
		return passages, nil
	}
	room := max(mostPassages-len(passages), mostPassages/4)
	var found []documents.Passage
	var err error
	topic := strings.TrimSpace(req.Topic)
	if topic != "" {
		found, err = g.about(ctx, owner, course, req.Documents, topic, room)
	} else {
		found, err = g.spread(ctx, owner, course, req.Documents, room, turn)
	}
	if err != nil {
		return nil, err
	}
	if passages = append(passages, found...); len(passages) > 0 {
		return passages, nil
	}
	if topic != "" {
		there, err := g.spread(ctx, owner, course, req.Documents, 1, 0)
		if err != nil {
			return nil, err
		}
		if len(there) > 0 {
			return nil, fault.New(fault.Invalid, "Nothing about this topic was found in the material. Name it as the material does, or leave it out.").
				Coded("topic_not_found")
		}
	}
	return nil, fault.New(fault.Invalid, "There is nothing to make cards or questions from: add a document to the course and wait until it has been read.").
		Coded("no_material")
}

// requireDocuments refuses documents that aren't the student's or of the course,
// and those that give nothing yet.
func (g *Generator) requireDocuments(ctx context.Context, owner auth.UserID, course courses.ID, wanted []documents.ID) error {
	if len(wanted) == 0 {
		return nil
	}
	wanted = slices.Clone(wanted)
	slices.SortFunc(wanted, func(a, b documents.ID) int { return strings.Compare(a.String(), b.String()) })
	wanted = slices.Compact(wanted)
	var found, read int
	var hopeful documents.Document // the one that may be read soonest
	err := g.db.QueryRow(ctx, `
		SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM passages p WHERE p.document_id = d.id)),
			coalesce((array_agg(d.state ORDER BY d.state = 'failed', d.state = 'awaiting_upload', d.id))[1], ''),
			coalesce((array_agg(d.error_message ORDER BY d.state = 'failed', d.state = 'awaiting_upload', d.id))[1], '')
		FROM documents d
		WHERE d.id = ANY ($1) AND d.user_id = $2 AND d.course_id = $3 AND d.deleted_at IS NULL`, wanted, owner, course).
		Scan(&found, &read, &hopeful.State, &hopeful.ErrorMessage)
	switch {
	case err != nil:
		return database.Fault(err, "document")
	case found < len(wanted):
		return fault.Field("document_ids", "There is no such document in this course.")
	case read == 0 && (hopeful.State == documents.Failed || hopeful.State == documents.AwaitingUpload): // waiting wouldn't help
		return documents.NotReady(hopeful)
	case read == 0:
		return fault.New(fault.Invalid, "Nothing of this has been read yet: wait until its processing is completed.").Coded("no_material")
	}
	return nil
}

// about returns passages about the topic, in the order of their documents.
func (g *Generator) about(ctx context.Context, owner auth.UserID, course courses.ID, of []documents.ID, topic string, limit int) ([]documents.Passage, error) {
	if utf8.RuneCountInString(topic) > retrieval.MaxQuery {
		return nil, fault.Field("topic", "A topic may have %d characters.", retrieval.MaxQuery)
	}
	results, err := g.search.Search(ctx, owner, retrieval.Query{Course: course, Documents: of, Text: topic, Limit: min(limit, retrieval.MaxLimit)})
	if err != nil {
		return nil, err
	}
	passages := make([]documents.Passage, len(results.Hits))
	for i, hit := range results.Hits {
		passages[i] = hit.Passage
	}
	return passages, nil
}

// spread returns passages from all over the material.
func (g *Generator) spread(ctx context.Context, owner auth.UserID, course courses.ID, of []documents.ID, limit, turn int) ([]documents.Passage, error) {
	rows, _ := g.db.Query(ctx, spread, course, owner, of, limit, turn)
	return pgx.CollectRows(rows, pgx.RowToStructByName[documents.Passage])
}

// spread takes a course, its owner, documents, how many passages, and the turn. It
// chooses as many of each document, at even distances; of more documents than
// passages are wanted, some, others at another turn.
const spread = `
WITH material AS MATERIALIZED (
	SELECT id, name, created_at FROM (
		SELECT id, name, created_at, row_number() OVER (ORDER BY created_at, id) - 1 AS at, count(*) OVER () AS documents FROM (
			SELECT DISTINCT ON (coalesce(sha256, uuid_send(id))) id, name, created_at FROM documents -- a file that is there twice is read once
			WHERE course_id = $1 AND user_id = $2 AND deleted_at IS NULL AND EXISTS (SELECT FROM passages p WHERE p.document_id = documents.id)
			  AND CASE WHEN coalesce(cardinality($3::uuid[]), 0) = 0 THEN NOT is_archived ELSE id = ANY ($3) END
			ORDER BY coalesce(sha256, uuid_send(id)), id
		) files
	) d WHERE (at + $5::int) % documents < $4::int
), ranked AS (
	SELECT p.id, p.document_id,
		row_number() OVER (PARTITION BY p.document_id ORDER BY p.position) - 1 AS n,
		count(*) OVER (PARTITION BY p.document_id) AS passages
	FROM passages p WHERE p.course_id = $1 AND p.document_id IN (SELECT id FROM material)
), share AS (
	SELECT greatest(1, $4::int / greatest(1, count(DISTINCT document_id))) AS passages FROM ranked
)
SELECT p.id, p.document_id, m.name AS document_name, p.heading, p.text, p.language, p.page_start, p.page_end, p.page_breaks, p.char_start, p.char_end
FROM ranked r CROSS JOIN share s JOIN passages p ON p.id = r.id JOIN material m ON m.id = r.document_id
WHERE r.passages <= s.passages OR (r.n + $5::int) * s.passages % r.passages < s.passages
ORDER BY m.created_at, m.id, p.position
LIMIT $4`

// mostAvoided is how many cards, and how many questions, are not made again: the
// newest ones.
const mostAvoided = 300

// before returns the questions that the course's cards and quizzes ask already. It is
// a Conflict if the student's lists have no room for what is planned: the database
// would refuse that only after it was paid for.
func (g *Generator) before(ctx context.Context, owner auth.UserID, assessment Assessment, plan plan) (asked []string, err error) {
	wanted := map[string]int{"flashcards": plan.cards, "quizzes": min(plan.questions, 1), "assessments": 0}
	if assessment.ID.IsZero() {
		wanted["assessments"] = 1
	}
	var batch pgx.Batch
	batch.Queue(`
		SELECT list, most_items(list)::text FROM list_counts c JOIN jsonb_each_text($2) w (list, items) USING (list)
		WHERE user_id = $1 AND course_id = '00000000-0000-0000-0000-000000000000'
			AND w.items::int > 0 AND c.items + w.items::int > most_items(list)
		ORDER BY list LIMIT 1`, owner, wanted).
		Query(func(rows pgx.Rows) error {
			var list, most string
			_, err := pgx.ForEachRow(rows, []any{&list, &most}, func() error { return database.TooMany(list, most) })
			return err
		})
	batch.Queue(`
		(SELECT o.question_text FROM quiz_questions o JOIN quizzes q ON q.id = o.quiz_id
		WHERE q.course_id = $1 AND q.user_id = $2
		ORDER BY o.created_at DESC, o.id DESC LIMIT $3)
		UNION ALL
		(SELECT question FROM flashcards WHERE course_id = $1 AND user_id = $2
		ORDER BY created_at DESC, id DESC LIMIT $3)`, assessment.Course, owner, mostAvoided).
		Query(func(rows pgx.Rows) (err error) {
			asked, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
	return asked, g.db.SendBatch(ctx, &batch).Close()
}

// pieceLength is how many code points of the content are one source, at most.
const pieceLength = 5_000

// split cuts content that was sent along into passages, at ends of lines where
// that is possible.
func split(content string) []documents.Passage {
	var passages []documents.Passage
	spoken := language.Of(content)
	for rest := []rune(strings.TrimSpace(content)); len(rest) > 0; {
		end := min(len(rest), pieceLength)
		if end < len(rest) {
			if cut := lastBreak(rest[:end]); cut > pieceLength/2 {
				end = cut
			}
		}
		if text := strings.TrimSpace(string(rest[:end])); text != "" {
			passages = append(passages, documents.Passage{Text: text, Language: spoken})
		}
		rest = rest[end:]
	}
	return passages
}

// lastBreak returns where the last line or, without one, the last word ends.
func lastBreak(text []rune) int {
	for _, ends := range []rune{'\n', ' '} {
		for i := len(text) - 1; i > 0; i-- {
			if text[i] == ends {
				return i + 1
			}
		}
	}
	return len(text)
}
