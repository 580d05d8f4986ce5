-- +goose Up
-- One student can't fill the database: a list grows up to so many items, whatever the
-- plan says. Documents have bounds of the plan; messages, its tokens.
-- +goose StatementBegin
CREATE FUNCTION most_items(list text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE list
	WHEN 'courses' THEN 2000
	WHEN 'flashcards' THEN 50000
	WHEN 'quizzes' THEN 5000
	WHEN 'quiz_attempts' THEN 20000
	WHEN 'assessments' THEN 5000
	WHEN 'chats' THEN 5000
END;

CREATE FUNCTION list_is_full() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	RAISE check_violation USING CONSTRAINT = 'list_is_full', MESSAGE = NEW.list || ' is full', COLUMN = NEW.list, DETAIL = most_items(NEW.list);
END $$;
-- +goose StatementEnd
CREATE TRIGGER list_is_full BEFORE UPDATE ON list_counts FOR EACH ROW
	WHEN (NEW.course_id = '00000000-0000-0000-0000-000000000000' AND NEW.items > OLD.items AND NEW.items > most_items(NEW.list))
	EXECUTE FUNCTION list_is_full();
