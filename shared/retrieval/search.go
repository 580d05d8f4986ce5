// Package retrieval finds the passages of a student's material that answer a
// question: by words and by meaning.
package retrieval

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"aksio.app/shared/ai"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/limits"
	"aksio.app/shared/usage"
)

// Bounds of a search.
const (
	MaxLimit  = 50   // hits of one page
	MaxOffset = 150  // hits before it
	MaxQuery  = 1000 // characters
)

// Query asks for passages of one course.
type Query struct {
	Course    courses.ID
	Documents []documents.ID // only of these; of all when empty
	Text      string
	Limit     int // 1 to MaxLimit
	Offset    int // 0 to MaxOffset
}

// Hit is a passage that was found.
type Hit struct {
	documents.Passage
	Snippet string  `db:"snippet"` // the part that holds most of the question's words, marked by **
	Score   float64 `db:"score"`   // 0 to 1, comparable within one answer only
}

// Results is a page of hits, the best first.
type Results struct {
	Hits []Hit
	// WordsOnly tells that meaning could not be searched because the model was
	// out of reach.
	WordsOnly bool
}

// Store searches the passages in the database.
type Store struct {
	db    *database.DB
	model ai.Model
}

// NewStore returns the passages of the database, whose vectors the model made.
func NewStore(db *database.DB, model ai.Model) *Store { return &Store{db: db, model: model} }

// searchRate is how often a student may search.
var searchRate = limits.Rate{Count: 600, Per: time.Hour}

// Lookup is Search by a student's own hand: Throttled after too many within an hour.
// Counting is a round trip of its own: within the search's transaction it would make
// all of a student's searches wait for each other.
func (s *Store) Lookup(ctx context.Context, limiter limits.Limiter, owner auth.UserID, q Query) (Results, error) {
	if err := limiter.Take(ctx, "search:"+owner.String(), searchRate); err != nil {
		return Results{}, err
	}
	return s.Search(ctx, owner, q)
}

// Search finds passages by the words of the question (BM25) and by its meaning
// (vectors of the model), and merges both orders (reciprocal rank fusion). A
// course of somebody else is NotFound. One round trip beside the model's.
func (s *Store) Search(ctx context.Context, owner auth.UserID, q Query) (Results, error) {
	q.Text = strings.TrimSpace(q.Text)
	switch {
	case q.Text == "":
		return Results{}, fault.New(fault.Invalid, "Say what to look for.")
	case utf8.RuneCountInString(q.Text) > MaxQuery:
		return Results{}, fault.New(fault.Invalid, "A query may have %d characters; use the most telling words.", MaxQuery)
	}
	q.Limit, q.Offset = min(max(q.Limit, 1), MaxLimit), min(max(q.Offset, 0), MaxOffset)

	var results Results
	var vector *pgvector.Vector
	vectors, spent, err := s.model.Embed(ctx, []string{q.Text})
	switch {
	case err == nil:
		v := pgvector.NewVector(vectors[0])
		vector = &v
	case ctx.Err() != nil:
		return Results{}, err
	default:
		results.WordsOnly = true // words alone are better than no answer
		slog.WarnContext(ctx, "search by words only", "course_id", q.Course, "kind", fault.KindOf(err).String(), "error", err)
	}

	weight, distance := s.meaning()
	var batch pgx.Batch
	courses.QueueRequire(&batch, owner, q.Course)
	// A generic plan would read a large course's vectors without parallel workers, in twice the time.
	batch.Queue(`SELECT set_config('plan_cache_mode', 'force_custom_plan', true)`)
	batch.Queue(search, q.Course, owner, q.Documents, q.Text, vector, s.model.EmbeddingModel(), weight, distance, q.Limit, q.Offset).
		Query(func(rows pgx.Rows) (err error) {
			results.Hits, err = pgx.CollectRows(rows, pgx.RowToStructByName[Hit])
			return err
		})
	if spent.PromptTokens > 0 {
		usage.Queue(&batch, owner, usage.Embedding, spent)
	}
	if err := s.db.SendBatch(ctx, &batch).Close(); err != nil {
		return Results{}, fmt.Errorf("search course %s: %w", q.Course, err)
	}
	return results, nil
}

// meaning says how much the order by meaning counts against the order by words, and
// at which distance a passage without any word of the question is no answer: texts that
// have nothing to do with each other come nearer only by chance. The offline model's
// vectors are made of words, too, only less exactly: words that share a bucket come near
// each other.
func (s *Store) meaning() (weight, distance float64) {
	if s.model.EmbeddingModel() == ai.OfflineVectors {
		return 0.1, 0.65
	}
	return 1, 0.8
}

// search takes the course, its owner, documents, the question, its vector or NULL,
// the vector's model, weight and greatest distance, limit and offset. Of a file that
// the course has several times, one is searched.
//
// Words: each language of the course's documents contributes the question's
// stems in that language; in scripts without spaces, pairs of characters, where a
// single character matches as a prefix (see the function search_text). Passages are scored by
// BM25 (k1 1.2, b 0.75), their length relative to the 180 words that passages aim at,
// by the 16 rarest of the 40 longest stems. The rarest one finds passages, and so do the next, as
// many stems as stand in 1,000 passages together, but none that stands in more than a
// third of many. A commoner one tells little and would cost a look at each of its
// passages: it scores those that others found. Of more than 3,000 passages that were
// found, so many are ranked, spread over the material by the chance in their ids. In a
// course of more than 5,000 passages a sample of some 300, spread over the material,
// tells how common a stem is, because counting would read as much as the search by
// meaning does; what finds passages is counted by finding them.
// How often a stem stands in a passage is read off ts_rank, which for one word is
// the sum of 1/j² for its n occurrences over π²/6: turning that around is some ten
// times faster than unpacking the vector.
//
// Meaning: of the course's vectors, which the database's workers share by the array, the
// thousand whose numbers agree with the question's in the most signs, by an index of
// these; and of them the nearest by all numbers. A course has some hundred to some
// thousand passages; an index over everybody's vectors would be slower and miss more.
const search = `
WITH material AS MATERIALIZED (
	SELECT DISTINCT ON (coalesce(sha256, uuid_send(id))) id, name, language, passage_count FROM documents
	WHERE course_id = $1 AND user_id = $2 AND deleted_at IS NULL
	  AND (cardinality($3::uuid[]) IS NULL OR cardinality($3) = 0 OR id = ANY ($3))
	ORDER BY coalesce(sha256, uuid_send(id)), state <> 'completed', processed_at IS NULL, id
), stems AS (
	SELECT stem
	FROM (SELECT DISTINCT language FROM material) l, unnest(tsvector_to_array(to_tsvector(search_config(l.language), search_text($4, false)))) stem
	GROUP BY stem
	ORDER BY length(stem) DESC, stem
	LIMIT 40
), sized AS MATERIALIZED (
	SELECT greatest(sum(passage_count), 1)::real AS passages FROM material
), sample AS MATERIALIZED (
	SELECT p.words_found || '' AS words_found -- unpacked once, as below
	FROM (
		SELECT id, passage_count, passages, ceil(passages / 300)::bigint AS step,
			sum(passage_count) OVER (ORDER BY id) - passage_count AS before
		FROM material, sized
	) m, generate_series((step - before % step) % step, passage_count - 1, step) at, LATERAL (
		SELECT words_found FROM passages WHERE document_id = m.id AND position = at AND course_id = $1
		LIMIT 1 -- each by its place: the planner would read all passages of a document
	) p
	WHERE m.passages > 5000
), estimated AS MATERIALIZED (
	SELECT word, passages, coalesce(passages * (SELECT avg((words_found @@ word)::int) FROM sample), 0) AS about
	FROM sized, (
		SELECT ('''' || replace(replace(stem, '\', '\\'), '''', '''''') || '''' ||
			CASE WHEN length(stem) = 1 AND search_text(stem, false) <> stem THEN ':*' ELSE '' END)::tsquery AS word
		FROM stems
	) w
), counted AS MATERIALIZED (
	SELECT word, CASE WHEN about > 0 THEN about ELSE (
		SELECT count(*) FROM (
			SELECT FROM passages p
			WHERE p.course_id = $1 AND p.words_found @@ word AND coalesce(p.document_id IN (SELECT id FROM material), false) -- as below
			LIMIT 5001
		) found
	) END::real AS frequency
	FROM estimated
), terms AS MATERIALIZED (
	SELECT word, frequency, frequency <= greatest(passages / 3, 500) AND sum(frequency) OVER (ORDER BY frequency, word) <= 1000
		OR frequency = min(frequency) OVER () AS telling
	FROM counted, sized WHERE frequency > 0
	ORDER BY frequency, word LIMIT 16
), ranked AS MATERIALIZED (
	SELECT id, words, rest, CASE WHEN telling AND frequency <= 3000 THEN count(*) OVER (PARTITION BY word) ELSE frequency END AS frequency
	FROM (
		SELECT id, words, words_found || '' AS words_found
		FROM (
			SELECT id, words, words_found FROM passages
			WHERE course_id = $1 AND words_found @@ (SELECT string_agg(word::text, ' | ')::tsquery FROM terms WHERE telling)
				AND coalesce(document_id IN (SELECT id FROM material), false) -- no join, which the planner would begin with
			ORDER BY substr(uuid_send(id), 11) LIMIT 3000 -- by what is random in it
		) spread
		OFFSET 0
	) p, LATERAL (
		SELECT word, telling, frequency, greatest(1.6449341 * (1 - ts_rank('{1,1,1,1}', words_found, word)), 0.004) AS rest
		FROM terms WHERE words_found @@ word
		OFFSET 0
	) found
), worded AS MATERIALIZED (
	SELECT id, row_number() OVER (ORDER BY bm25 DESC, id) AS rank
	FROM (
		SELECT id, sum(idf * 2.2 * tf / (tf + 1.2 * (0.25 + 0.75 * words / 180.0))) AS bm25
		FROM ranked, sized, LATERAL (SELECT ln(1 + (greatest(passages, frequency) - frequency + 0.5) / (frequency + 0.5)) AS idf,
			CASE WHEN rest > 0.5 THEN 1 ELSE (1 + sqrt(1 - 2 * rest)) / (2 * rest) END AS tf) f
		GROUP BY id
		ORDER BY bm25 DESC, id
		LIMIT 200
	) scored
), meant AS MATERIALIZED (
	SELECT id, distance, row_number() OVER (ORDER BY distance, id) AS rank
	FROM (
		SELECT id, embedding <=> $5::halfvec AS distance
		FROM passages JOIN (
			SELECT id FROM passages
			WHERE $5::halfvec IS NOT NULL AND course_id = $1 AND document_id = ANY (ARRAY(SELECT id FROM material)) AND embedding_model = $6
			ORDER BY signs <~> binary_quantize($5::halfvec)::bit(512), id
			LIMIT 1000
		) near USING (id)
		ORDER BY distance, id
		LIMIT 200
	) nearest
), merged AS (
	SELECT coalesce(w.id, m.id) AS id,
		(coalesce(1.0 / (60 + w.rank), 0) + coalesce($7::float8 / (60 + m.rank), 0)) * 61 / (1 + $7::float8) AS score
	FROM worded w FULL JOIN meant m ON w.id = m.id
	WHERE w.id IS NOT NULL OR distance < $8
	ORDER BY score DESC, id
	LIMIT $9 OFFSET $10
)
SELECT p.id, p.document_id, d.name AS document_name, p.heading, p.text, p.language, p.page_start, p.page_end, p.page_breaks, p.char_start, p.char_end, score,
	search_snippet(ts_headline(search_config(p.language), prepared,
		(SELECT coalesce(string_agg(word::text, ' | '), '')::tsquery FROM terms),
		E'StartSel=\x02, StopSel=\x03, MaxFragments=1, ' ||
			CASE WHEN prepared ~ E'\x1F' THEN 'MaxWords=100, MinWords=50' ELSE 'MaxWords=40, MinWords=20' END)) AS snippet
FROM merged JOIN passages p USING (id) JOIN material d ON d.id = p.document_id, search_text(p.text, true) prepared
ORDER BY score DESC, p.id`
