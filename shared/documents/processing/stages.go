package processing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/pgvector/pgvector-go"

	"aksio.app/shared/ai"
	"aksio.app/shared/documents"
	"aksio.app/shared/documents/progress"
	"aksio.app/shared/fault"
	"aksio.app/shared/id"
	"aksio.app/shared/live"
	"aksio.app/shared/usage"
)

// Progress of a document when a stage begins. Embedding takes the most.
var begins = map[documents.Stage]float64{documents.Extract: 5, documents.Embed: 30, documents.Summarize: 95}

// embedded is the progress when all passages have their vectors.
const embedded = 90

// embedBatch is how many passages are embedded between two checkpoints.
const embedBatch = 64

// read carries out the stages that are still to be done.
func (r *run) read(ctx context.Context) error {
	if r.Stage == documents.Summarize {
		return r.summarize(ctx)
	}
	if r.Attempts > maxAttempts {
		return errors.New("the last attempt ended without a word: out of memory, or of time")
	}
	if r.Stage == "" {
		r.publish(ctx, live.Event{First: true, Data: progress.Event{
			Event: "document_created", Document: r.ID, Graph: &r.ID, Filename: r.Filename,
		}.Data()})
	}
	drafted, err := r.drafted(ctx)
	if err != nil {
		return err
	}
	if !drafted {
		if adopted, err := r.draft(ctx); adopted || err != nil {
			return err
		}
	}
	if err := usage.Budget(ctx, r.db, r.model, r.Owner, usage.Call{ID: usage.CallID(r.ID), Tokens: r.tokens()}); err != nil {
		return err
	}
	if err := r.embed(ctx); err != nil {
		return err
	}
	if err := r.index(ctx); err != nil {
		return err
	}
	return r.summarize(ctx)
}

// passageTokens is about how many tokens a passage has, rather too many than too few.
const passageTokens = 500

// tokens is about the most that the rest of the reading takes of the month's: for the vectors
// that aren't there yet, and for the summary.
func (r *run) tokens() float64 {
	return float64((r.passages-r.embedded)*passageTokens)*r.model.Weight(r.model.EmbeddingModel()) +
		float64(min(r.passages*passageTokens, summarized/2))*r.model.Weight(r.model.Name())
}

// drafted reports whether an earlier run has read this generation already.
func (r *run) drafted(ctx context.Context) (bool, error) {
	var there bool
	err := r.db.QueryRow(ctx, `
		SELECT EXISTS (SELECT FROM document_drafts WHERE document_id = $1 AND generation = $2), passage_count, embedded_count
		FROM documents WHERE id = $1`, r.ID, r.Generation).Scan(&there, &r.passages, &r.embedded)
	if errors.Is(err, pgx.ErrNoRows) { // deleted: the next checkpoint finds out
		return false, nil
	}
	return there, err
}

// draft does the stage extract. It reports true if the document is complete,
// because the same bytes were read before.
func (r *run) draft(ctx context.Context) (adopted bool, err error) {
	content, err := r.bucket.Reader(ctx, r.Object, r.Generation, usage.Free.DocumentBytes)
	switch {
	case err == nil:
	case fault.KindOf(err) == fault.NotFound:
		return false, fault.New(fault.Invalid, documents.MessageMissing).Coded(documents.CodeMissing)
	case fault.KindOf(err) == fault.TooLarge:
		return false, fault.New(fault.TooLarge, "The file is larger than the %s that a document may have.", usage.Megabytes(usage.Free.DocumentBytes)).Coded("file_too_large")
	default:
		return false, err
	}
	twin, passages, err := r.verify(ctx, content)
	if err != nil {
		return false, err
	}
	if !twin.IsZero() {
		if err := r.reserve(ctx, passages); err != nil {
			return false, err
		}
		if adopted, err = r.adopt(ctx, twin); adopted || err != nil {
			return adopted, err
		}
	}
	r.announce(ctx, progress.Event{Event: "extracting_text", Message: "Reading the file."})
	found, err := r.extractText(ctx, content)
	if err != nil {
		return false, err
	}
	if err := r.reserve(ctx, len(found.passages)); err != nil {
		return false, err
	}
	if err := r.storeDraft(ctx, found); err != nil {
		return false, err
	}
	r.passages, r.embedded = len(found.passages), 0 // of an earlier generation there may be some
	r.announce(ctx, progress.Event{Event: "extraction_complete", Pages: found.pageCount, Chunks: new(len(found.passages))})
	return false, nil
}

// verify notes what the bytes are and returns a completed document of the owner's
// with the same ones, those of this course first, and how many passages it has.
func (r *run) verify(ctx context.Context, content *bytes.Reader) (twin documents.ID, passages int, err error) {
	if content.Len() == 0 {
		return twin, 0, fault.New(fault.Invalid, "The file is empty. Upload one with content.").Coded("empty_file")
	}
	hash := sha256.New()
	if _, err := content.WriteTo(hash); err != nil {
		return twin, 0, err
	}
	var stored int64
	err = r.transact(ctx, documents.Extract, begins[documents.Extract], r.Attempts, func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, `
			WITH noted AS (UPDATE documents SET sha256 = $2, file_size_bytes = $3 WHERE id = $1)
			SELECT used.bytes, twin.id, coalesce(twin.passage_count, 0)
			FROM (
				SELECT coalesce(sum(`+documents.Reserved+`), 0)::bigint + $3 AS bytes FROM documents d JOIN courses c ON c.id = d.course_id
				WHERE d.user_id = $4 AND d.deleted_at IS NULL AND c.deleted_at IS NULL AND d.id <> $1
			) used LEFT JOIN (
				SELECT d.id, d.passage_count FROM documents d JOIN courses c ON c.id = d.course_id
				WHERE d.user_id = $4 AND d.sha256 = $2 AND d.state = 'completed' AND d.deleted_at IS NULL AND c.deleted_at IS NULL AND d.id <> $1
					AND NOT EXISTS (SELECT FROM passages p WHERE p.document_id = d.id AND p.embedding_model <> $6)
				ORDER BY d.course_id <> $5, d.id
				LIMIT 1
			) twin ON true`, r.ID, hash.Sum(nil), content.Size(), r.Owner, r.Course, r.model.EmbeddingModel()).Scan(&stored, &twin, &passages)
	})
	if err == nil && stored > usage.Free.StorageBytes {
		err = fault.New(fault.Exhausted, "With this file your documents have more than the %s of your plan. Remove some, then process it again.",
			usage.Megabytes(usage.Free.StorageBytes)).Coded("storage_limit")
	}
	if r.Before { // whoever asks for a second reading wants no copy of the first
		twin = documents.ID{}
	}
	return twin, passages, err
}

// held is how many passages a document takes of its student's plan: those that are stored,
// which a second reading keeps until its end, or that a reading is about to store. A deleted
// course has its own until cleanup.
const held = `greatest(
	CASE WHEN d.state = 'failed' OR d.deleted_at IS NOT NULL THEN 0 ELSE d.passage_count END,
	(SELECT max(position) + 1 FROM passages WHERE document_id = d.id))`

// reserve takes the passages, which aren't stored yet, of the student's plan.
func (r *run) reserve(ctx context.Context, passages int) error {
	var total int
	var batch pgx.Batch // one transaction
	// One at a time for a student: of many at once, all would take the last of the plan. The
	// lock ends with this batch and not when the passages are stored, since uploads wait for it, too.
	batch.Queue(`SELECT FROM users WHERE id = $1 FOR NO KEY UPDATE`, r.Owner)
	batch.Queue(`
		WITH used AS (
			SELECT $3::int + coalesce(sum(`+held+`), 0) AS passages FROM documents d WHERE d.user_id = $4 AND d.id <> $1
		), reserved AS (
			UPDATE documents d SET passage_count = $3, embedded_count = 0 FROM used WHERE `+mine+` AND used.passages <= $5
		)
		SELECT passages FROM used`, r.ID, r.Lease, passages, r.Owner, usage.Free.Passages).
		QueryRow(func(row pgx.Row) error { return row.Scan(&total) })
	if err := r.db.SendBatch(ctx, &batch).Close(); err != nil {
		return err
	}
	if total > usage.Free.Passages {
		return fault.New(fault.Exhausted, "With this file your documents have more text than the %d thousand passages, of half a page each, that your plan keeps. Remove some, then process it again. Those of a course that you deleted count until the next night.",
			usage.Free.Passages/1000).Coded("storage_limit")
	}
	return nil
}

// adopt makes what was read of the twin this document's, without asking a model.
// It reports false if the twin is gone meanwhile.
func (r *run) adopt(ctx context.Context, twin documents.ID) (bool, error) {
	adopted := false
	err := r.checkpoint(ctx, documents.Summarize, begins[documents.Summarize], func(tx pgx.Tx) error {
		var passages int
		err := tx.QueryRow(ctx, `SELECT passage_count FROM documents WHERE id = $1 AND state = 'completed' AND deleted_at IS NULL FOR SHARE`, twin).Scan(&passages)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		if err != nil {
			return err
		}
		ids := make([]documents.PassageID, passages)
		for i := range ids {
			ids[i] = id.New[documents.Passage]()
		}
		var batch pgx.Batch
		batch.Queue(minutes)
		batch.Queue(`DELETE FROM passages WHERE document_id = $1`, r.ID)
		batch.Queue(`DELETE FROM document_pages WHERE document_id = $1`, r.ID)
		batch.Queue(`INSERT INTO document_pages (document_id, number, text) SELECT $1, number, text FROM document_pages WHERE document_id = $2`, r.ID, twin)
		batch.Queue(`
			INSERT INTO passages (id, document_id, course_id, user_id, position, heading, text, page_start, page_end, page_breaks, char_start, char_end, words, embedding, embedding_model, language)
			SELECT n.id, $1, $3, p.user_id, p.position, p.heading, p.text, p.page_start, p.page_end, p.page_breaks, p.char_start, p.char_end, p.words, p.embedding, p.embedding_model, p.language
			FROM passages p JOIN unnest($4::uuid[]) WITH ORDINALITY n (id, number) ON n.number = p.position + 1
			WHERE p.document_id = $2`, r.ID, twin, r.Course, ids)
		batch.Queue(`
			UPDATE documents d SET state = 'completed', stage = '', progress = 100, lease_until = NULL, processed_at = now(), duplicate_of = t.id,
				content_type = t.content_type, document_type = t.document_type, page_count = t.page_count, word_count = t.word_count, language = t.language, outline = t.outline,
				summary = t.summary, topics = t.topics, passage_count = t.passage_count, embedded_count = t.embedded_count
			FROM documents t WHERE d.id = $1 AND t.id = $2`, r.ID, twin)
		adopted = true
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err == nil && adopted {
		r.announce(ctx, progress.Event{Event: "duplicate_detected", DuplicateOf: &twin, Message: "You have this file already; its reading was taken over."})
		r.complete(ctx)
	}
	return err == nil && adopted, err
}

// minutes lets a transaction store what a long book has: tens of thousands of passages.
const minutes = `SET LOCAL statement_timeout = '5min'`

// storeDraft keeps the pages and passages until they are indexed.
func (r *run) storeDraft(ctx context.Context, found reading) error {
	return r.checkpoint(ctx, documents.Embed, begins[documents.Embed], func(tx pgx.Tx) error {
		var batch pgx.Batch
		batch.Queue(`DELETE FROM document_drafts WHERE document_id = $1`, r.ID)
		batch.Queue(`INSERT INTO document_drafts (document_id, generation, pages, outline, language, word_count) VALUES ($1, $2, $3, $4, $5, $6)`,
			r.ID, r.Generation, found.pages, found.outline, found.language, found.words)
		batch.Queue(`UPDATE documents SET content_type = $2, document_type = $3, page_count = $4 WHERE id = $1`,
			r.ID, found.contentType, documents.TypeOf(found.contentType), found.pageCount)
		if err := tx.SendBatch(ctx, &batch).Close(); err != nil {
			return err
		}
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"draft_passages"},
			[]string{"id", "document_id", "position", "heading", "text", "page_start", "page_end", "page_breaks", "char_start", "char_end", "words"},
			pgx.CopyFromSlice(len(found.passages), func(i int) ([]any, error) {
				p := found.passages[i]
				return []any{id.New[documents.Passage](), r.ID, i, p.Heading, p.Text, p.PageStart, p.PageEnd, p.Breaks, p.Start, p.End, p.Words}, nil
			}))
		return err
	})
}

// embed gives the passages that have none their vectors, batch by batch.
func (r *run) embed(ctx context.Context) error {
	for {
		positions, texts, err := r.unembedded(ctx)
		if err != nil || len(positions) == 0 {
			return err
		}
		vectors, spent, err := r.model.Embed(ctx, texts)
		if err != nil {
			if permanent(fault.KindOf(err)) {
				err = fmt.Errorf("embed: %v", err) // the model's words aren't for the student
			}
			return errors.Join(err, usage.RecordLost(ctx, r.db, r.Owner, usage.Embedding, spent))
		}
		written := make([]string, len(vectors))
		for i, vector := range vectors {
			written[i] = pgvector.NewVector(vector).String()
		}
		var total, done int
		var percent float64
		err = r.checkpoint(ctx, documents.Embed, begins[documents.Embed], func(tx pgx.Tx) error {
			var batch pgx.Batch
			batch.Queue(`
				UPDATE draft_passages p SET embedding = n.embedding::halfvec, embedding_model = $2
				FROM unnest($3::int[], $4::text[]) n (position, embedding)
				WHERE p.document_id = $1 AND p.position = n.position`, r.ID, r.model.EmbeddingModel(), positions, written)
			usage.Queue(&batch, r.Owner, usage.Embedding, spent)
			batch.Queue(`
				UPDATE documents SET embedded_count = least(embedded_count + $2::int, passage_count),
					progress = round($3::float8 + ($4::float8 - $3::float8) * least(embedded_count + $2::int, passage_count)::float8 / greatest(passage_count, 1))
				WHERE id = $1
				RETURNING passage_count, embedded_count, progress`, r.ID, len(positions), begins[documents.Embed], float64(embedded)).
				QueryRow(func(row pgx.Row) error { return row.Scan(&total, &done, &percent) })
			return tx.SendBatch(ctx, &batch).Close()
		})
		if err != nil {
			return err
		}
		r.announce(ctx, progress.Event{Event: "embedding_progress", Done: &done, Chunks: &total, Progress: percent})
	}
}

// unembedded returns the next passages without a vector of today's model.
func (r *run) unembedded(ctx context.Context) (positions []int, texts []string, err error) {
	rows, _ := r.db.Query(ctx, `
		SELECT position, CASE WHEN heading = '' THEN text ELSE heading || E'\n' || text END
		FROM draft_passages
		WHERE document_id = $1 AND embedding_model <> $2
		ORDER BY position
		LIMIT $3`, r.ID, r.model.EmbeddingModel(), embedBatch)
	var position int
	var text string
	_, err = pgx.ForEachRow(rows, []any{&position, &text}, func() error {
		positions, texts = append(positions, position), append(texts, text)
		return nil
	})
	return positions, texts, err
}

// index puts the draft in the place of what was read before: from now on it is
// searched and shown.
func (r *run) index(ctx context.Context) error {
	return r.checkpoint(ctx, documents.Summarize, begins[documents.Summarize], func(tx pgx.Tx) error {
		var batch pgx.Batch
		batch.Queue(minutes)
		batch.Queue(`DELETE FROM passages WHERE document_id = $1`, r.ID)
		batch.Queue(`DELETE FROM document_pages WHERE document_id = $1`, r.ID)
		batch.Queue(`
			INSERT INTO document_pages (document_id, number, text)
			SELECT document_id, number, text FROM document_drafts, unnest(pages) WITH ORDINALITY p (text, number) WHERE document_id = $1`, r.ID)
		batch.Queue(`
			INSERT INTO passages (id, document_id, course_id, user_id, position, heading, text, page_start, page_end, page_breaks, char_start, char_end, words, embedding, embedding_model, language)
			SELECT p.id, d.id, d.course_id, d.user_id, p.position, p.heading, p.text, p.page_start, p.page_end, p.page_breaks, p.char_start, p.char_end, p.words, p.embedding, p.embedding_model, draft.language
			FROM draft_passages p JOIN document_drafts draft USING (document_id) JOIN documents d ON d.id = document_id
			WHERE document_id = $1`, r.ID)
		batch.Queue(`
			UPDATE documents d SET word_count = draft.word_count, language = draft.language, outline = draft.outline
			FROM document_drafts draft WHERE d.id = $1 AND draft.document_id = $1`, r.ID)
		batch.Queue(`DELETE FROM document_drafts WHERE document_id = $1`, r.ID)
		return tx.SendBatch(ctx, &batch).Close()
	})
}

// summarize says what the document is about and completes it. It can be searched
// already, so a model that makes nothing of it only costs the summary.
func (r *run) summarize(ctx context.Context) error {
	material, err := r.material(ctx)
	if err != nil {
		return err
	}
	var summary ai.Summary
	var spent ai.Usage
	if r.Attempts <= maxAttempts {
		summary, spent, err = r.model.Summarize(ctx, material)
	}
	if err != nil {
		if ctx.Err() != nil || transient(err) && time.Since(r.Started) < patience {
			return errors.Join(err, usage.RecordLost(ctx, r.db, r.Owner, usage.Summary, spent))
		}
		slog.WarnContext(ctx, "document has no summary", "document_id", r.ID, "error", err)
	}
	if summary.Topics == nil {
		summary.Topics = []string{}
	}
	err = r.checkpoint(ctx, "", 100, func(tx pgx.Tx) error {
		var batch pgx.Batch
		batch.Queue(`
			UPDATE documents SET state = 'completed', summary = $2, topics = $3, processed_at = now(), lease_until = NULL, duplicate_of = NULL
			WHERE id = $1`, r.ID, summary.Text, summary.Topics)
		if spent != (ai.Usage{}) { // else nobody was asked
			usage.Queue(&batch, r.Owner, usage.Summary, spent)
		}
		usage.QueueSettle(&batch, r.Owner, usage.CallID(r.ID))
		return tx.SendBatch(ctx, &batch).Close()
	})
	if err != nil {
		return fmt.Errorf("complete: %w", err)
	}
	r.complete(ctx)
	return nil
}

// summarized is how many characters of a document are read for its summary: some
// 200 pages. Of longer ones it is passages from all over.
const summarized = 400_000

// material returns the passages that the summary is made from.
func (r *run) material(ctx context.Context) (ai.Material, error) {
	rows, _ := r.db.Query(ctx, `
		SELECT heading, page_start, text, language FROM (
			SELECT *, sum(length(text)) OVER (PARTITION BY document_id) AS total FROM passages WHERE document_id = $1
		) p
		WHERE position % ceil(total::float8 / $2)::int = 0
		ORDER BY position`, r.ID, summarized)
	var material ai.Material
	var err error
	material.Sources, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (ai.Source, error) {
		source := ai.Source{Document: r.Name}
		return source, row.Scan(&source.Heading, &source.Page, &source.Text, &material.Language)
	})
	return material, err
}

// complete tells who watches that all is done.
func (r *run) complete(ctx context.Context) {
	slog.InfoContext(ctx, "document completed", "document_id", r.ID, "seconds", int(time.Since(r.Started).Seconds()))
	r.publish(ctx, live.Event{Last: true, Data: progress.Completed(r.ID, r.Lease).Data()})
}
