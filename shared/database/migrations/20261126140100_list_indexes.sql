-- +goose Up
-- What is due is found without reading past all suspended cards, and the quizzes
-- of a course without reading past those of others.
CREATE INDEX flashcards_due_anywhere ON flashcards (user_id, next_review_date, id) WHERE is_active;
CREATE INDEX quizzes_list_of_course ON quizzes (course_id, user_id, created_at DESC, id DESC);
DROP INDEX quizzes_by_course;
CREATE INDEX assessments_list_of_course ON assessments (course_id, user_id, created_at DESC, id DESC);
DROP INDEX assessments_by_course;
