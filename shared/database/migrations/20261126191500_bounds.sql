-- +goose Up
-- One student can't fill the database: a list grows up to so many items, whatever the
-- plan says. Documents have bounds of the plan; messages, its tokens. Reviews, which stay
-- as long as their card, and the answers that an Idempotency-Key keeps for a day are
-- added at a rate.
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

-- +goose StatementBegin
CREATE FUNCTION added_too_fast() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	wait CONSTANT interval := take_turn(TG_TABLE_NAME || ':' || NEW.user_id, TG_ARGV[0]::int, TG_ARGV[1]::interval);
BEGIN
	IF wait > '0' THEN
		RAISE check_violation USING CONSTRAINT = 'added_too_fast', MESSAGE = TG_TABLE_NAME || ' are added too fast', DETAIL = ceil(extract(epoch FROM wait));
	END IF;
	RETURN NULL;
END $$;
-- +goose StatementEnd
-- After the insertion: the student's other calls wait for a row of rate_limits that is locked.
CREATE TRIGGER added_too_fast AFTER INSERT ON flashcard_reviews FOR EACH ROW EXECUTE FUNCTION added_too_fast(20000, '1 week');
CREATE TRIGGER added_too_fast AFTER INSERT ON idempotency_keys FOR EACH ROW EXECUTE FUNCTION added_too_fast(5000, '1 day');
