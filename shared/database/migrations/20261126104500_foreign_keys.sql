-- +goose Up
-- Who deletes a student, a course or what hangs on them finds the rows without
-- reading whole tables: the existing indexes leave out what is marked as deleted,
-- so a foreign key can't use them.
CREATE INDEX documents_course ON documents (course_id);
CREATE INDEX documents_owner ON documents (user_id);
CREATE INDEX courses_owner ON courses (user_id);
CREATE INDEX chats_owner ON chats (user_id);

-- A passage goes with its document, and that with its owner. A key and an index
-- of its own would cost each of a book's thousands of passages.
ALTER TABLE passages DROP CONSTRAINT passages_user_id_fkey;
