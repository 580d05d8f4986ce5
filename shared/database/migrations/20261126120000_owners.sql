-- +goose NO TRANSACTION
-- +goose Up
-- What hangs from a course is its owner's, whatever a statement forgets. Rows are
-- checked after the constraint holds for new ones, so that nobody waits for that;
-- each step may be repeated.
ALTER TABLE flashcards DROP CONSTRAINT IF EXISTS flashcards_course_id_fkey, DROP CONSTRAINT IF EXISTS flashcards_own_course,
	ADD CONSTRAINT flashcards_own_course FOREIGN KEY (course_id, user_id) REFERENCES courses (id, user_id) ON DELETE CASCADE NOT VALID;
ALTER TABLE flashcards VALIDATE CONSTRAINT flashcards_own_course;
ALTER TABLE documents DROP CONSTRAINT IF EXISTS documents_course_id_fkey, DROP CONSTRAINT IF EXISTS documents_own_course,
	ADD CONSTRAINT documents_own_course FOREIGN KEY (course_id, user_id) REFERENCES courses (id, user_id) ON DELETE CASCADE NOT VALID;
ALTER TABLE documents VALIDATE CONSTRAINT documents_own_course;
ALTER TABLE chats DROP CONSTRAINT IF EXISTS chats_course_id_fkey, DROP CONSTRAINT IF EXISTS chats_own_course,
	ADD CONSTRAINT chats_own_course FOREIGN KEY (course_id, user_id) REFERENCES courses (id, user_id) ON DELETE CASCADE NOT VALID;
ALTER TABLE chats VALIDATE CONSTRAINT chats_own_course;
