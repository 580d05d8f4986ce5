-- +goose NO TRANSACTION
-- +goose Up
-- Lists show things whole, so each has a bound in bytes: a quiz with its questions,
-- an attempt with its answers, a card. Questions and answers count as JSON. Quizzes
-- and attempts that are larger already stay usable, but can't grow: the updates make
-- the new constraints true, so nothing is left to validate. Each step may be repeated.
ALTER TABLE quizzes ADD COLUMN IF NOT EXISTS question_bytes int NOT NULL DEFAULT 0;
UPDATE quizzes q SET question_bytes = greatest(0, least(
	262144 - coalesce(octet_length(description), 0) - coalesce(octet_length(generation_prompt), 0) - coalesce(octet_length(source_content), 0),
	(SELECT sum(octet_length(to_jsonb(o)::text)) FROM quiz_questions o WHERE o.quiz_id = q.id)))
WHERE total_questions > 0;
ALTER TABLE quizzes DROP CONSTRAINT IF EXISTS quizzes_bytes, ADD CONSTRAINT quizzes_bytes CHECK (
	question_bytes + coalesce(octet_length(description), 0) + coalesce(octet_length(generation_prompt), 0) + coalesce(octet_length(source_content), 0) <= 262144) NOT VALID;

ALTER TABLE quiz_attempts ADD COLUMN IF NOT EXISTS answer_bytes int NOT NULL DEFAULT 0;
UPDATE quiz_attempts a SET answer_bytes = least(262144,
	(SELECT coalesce(sum(octet_length(user_answer::text)), 0) FROM quiz_responses r WHERE r.attempt_id = a.id))
WHERE status = 'in_progress';
ALTER TABLE quiz_attempts DROP CONSTRAINT IF EXISTS quiz_attempts_bytes,
	ADD CONSTRAINT quiz_attempts_bytes CHECK (answer_bytes <= 262144) NOT VALID;

ALTER TABLE flashcards DROP CONSTRAINT IF EXISTS flashcards_bytes, ADD CONSTRAINT flashcards_bytes CHECK (
	octet_length(question) + octet_length(answer) + coalesce(octet_length(explanation), 0) + coalesce(octet_length(source_content), 0)
	+ octet_length(array_to_string(tags, '')) <= 65536) NOT VALID;
