-- +goose NO TRANSACTION
-- +goose Up
-- Cards and questions keep whole where their words stand, as messages do: that
-- outlives the passage, which a document that is read anew replaces. passage_id is
-- no longer written; a later release drops it. Each step may be repeated.
ALTER TABLE flashcards ADD COLUMN IF NOT EXISTS citation jsonb;
ALTER TABLE quiz_questions ADD COLUMN IF NOT EXISTS citation jsonb;

-- The words are looked for in their passage; where they aren't, all of it is meant.
UPDATE flashcards f SET citation = jsonb_build_object(
	'passage_id', p.id, 'document_id', p.document_id, 'title', d.name, 'heading', p.heading, 'page_start', p.page_start, 'page_end', p.page_end,
	'char_start', p.char_start + greatest(position(f.source_content IN p.text), 1) - 1,
	'char_end', CASE WHEN position(f.source_content IN p.text) > 0 THEN p.char_start + position(f.source_content IN p.text) - 1 + length(f.source_content) ELSE p.char_end END,
	'quote', coalesce(f.source_content, ''))
FROM passages p JOIN documents d ON d.id = p.document_id
WHERE p.id = f.passage_id AND f.citation IS NULL;

UPDATE quiz_questions o SET citation = jsonb_build_object(
	'passage_id', p.id, 'document_id', p.document_id, 'title', d.name, 'heading', p.heading, 'page_start', p.page_start, 'page_end', p.page_end,
	'char_start', p.char_start + greatest(position(o.source_content IN p.text), 1) - 1,
	'char_end', CASE WHEN position(o.source_content IN p.text) > 0 THEN p.char_start + position(o.source_content IN p.text) - 1 + length(o.source_content) ELSE p.char_end END,
	'quote', coalesce(o.source_content, ''))
FROM passages p JOIN documents d ON d.id = p.document_id
WHERE p.id = o.passage_id AND o.citation IS NULL;
