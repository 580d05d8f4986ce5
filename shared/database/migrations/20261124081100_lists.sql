-- +goose Up
-- How many items each list of a student has, in all and in each course: lists tell
-- their length, and counting it anew reads every row. Triggers keep the counts in
-- the transaction that changes the rows, so they are exact. A course that is
-- deleted takes what belongs to it from every list, and its rows here are gone.
CREATE TABLE list_counts (
	user_id   uuid   NOT NULL REFERENCES users ON DELETE CASCADE,
	list      text   NOT NULL,
	course_id uuid   NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000', -- zero: the whole list
	items     bigint NOT NULL CHECK (items >= 0),
	PRIMARY KEY (user_id, list, course_id)
);

-- +goose StatementBegin
CREATE FUNCTION list_grows(owner uuid, name text, course uuid, n bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF course IS NOT NULL THEN
		-- Locked: a deletion of the course at the same time would miss these items.
		PERFORM FROM courses WHERE id = course AND deleted_at IS NULL FOR SHARE;
		IF NOT FOUND THEN
			RETURN;
		END IF;
		INSERT INTO list_counts AS c (user_id, list, course_id, items) VALUES (owner, name, course, n)
		ON CONFLICT (user_id, list, course_id) DO UPDATE SET items = c.items + excluded.items;
	END IF;
	INSERT INTO list_counts AS c (user_id, list, items) VALUES (owner, name, n)
	ON CONFLICT (user_id, list, course_id) DO UPDATE SET items = c.items + excluded.items;
END $$;

CREATE FUNCTION list_shrinks(owner uuid, name text, course uuid, n bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	IF course IS NOT NULL THEN
		UPDATE list_counts SET items = items - n WHERE user_id = owner AND list = name AND course_id = course;
		IF NOT FOUND THEN
			RETURN; -- the course took its items along
		END IF;
	END IF;
	UPDATE list_counts SET items = items - n
	WHERE user_id = owner AND list = name AND course_id = '00000000-0000-0000-0000-000000000000';
END $$;

CREATE FUNCTION lists_lose_course() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	lost record;
BEGIN
	FOR lost IN SELECT list FROM list_counts WHERE user_id = OLD.user_id AND course_id = OLD.id ORDER BY list LOOP
		WITH gone AS (
			DELETE FROM list_counts WHERE user_id = OLD.user_id AND list = lost.list AND course_id = OLD.id RETURNING items
		)
		UPDATE list_counts c SET items = c.items - gone.items FROM gone
		WHERE c.user_id = OLD.user_id AND c.list = lost.list AND c.course_id = '00000000-0000-0000-0000-000000000000';
	END LOOP;
	RETURN NULL;
END $$;
CREATE TRIGGER lists_lose_deleted_course AFTER UPDATE OF deleted_at ON courses FOR EACH ROW
	WHEN (OLD.deleted_at IS NULL AND NEW.deleted_at IS NOT NULL) EXECUTE FUNCTION lists_lose_course();
CREATE TRIGGER lists_lose_removed_course AFTER DELETE ON courses FOR EACH ROW EXECUTE FUNCTION lists_lose_course();

-- A list is the rows of a table for which something holds. Rows that come and go
-- are counted once a statement; a row that changes, if that matters.
DO $do$
DECLARE
	l record;
	listed_before text;
	listed_after text;
	course_before text;
	course_after text;
BEGIN
	FOR l IN SELECT * FROM (VALUES
		('courses',         'courses',     'NULL::uuid',  'r.deleted_at IS NULL'),
		('documents',       'documents',   'r.course_id', 'r.deleted_at IS NULL'),
		('documents_shown', 'documents',   'r.course_id', 'r.deleted_at IS NULL AND NOT r.is_archived'),
		('flashcards',      'flashcards',  'r.course_id', 'true'),
		('quizzes',         'quizzes',     'r.course_id', 'true'),
		('assessments',     'assessments', 'r.course_id', 'true'),
		('chats',           'chats',       'r.course_id', 'r.status <> ''deleted''')
	) AS lists (name, of, course, listed) LOOP
		listed_before := replace(l.listed, 'r.', 'OLD.');
		listed_after := replace(l.listed, 'r.', 'NEW.');
		course_before := replace(l.course, 'r.', 'OLD.');
		course_after := replace(l.course, 'r.', 'NEW.');

		EXECUTE format($f$
			CREATE FUNCTION %1$s_added() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				PERFORM list_grows(user_id, %2$L, course, n)
				FROM (SELECT user_id, %3$s AS course, count(*) AS n FROM added r WHERE %4$s GROUP BY 1, 2 ORDER BY 1, 2) a;
				RETURN NULL;
			END $$;
			CREATE FUNCTION %1$s_removed() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				PERFORM list_shrinks(user_id, %2$L, course, n)
				FROM (SELECT user_id, %3$s AS course, count(*) AS n FROM removed r WHERE %4$s GROUP BY 1, 2 ORDER BY 1, 2) a;
				RETURN NULL;
			END $$;
			CREATE FUNCTION %1$s_changed() RETURNS trigger LANGUAGE plpgsql AS $$
			BEGIN
				IF %5$s THEN
					PERFORM list_shrinks(OLD.user_id, %2$L, %6$s, 1);
				END IF;
				IF %7$s THEN
					PERFORM list_grows(NEW.user_id, %2$L, %8$s, 1);
				END IF;
				RETURN NULL;
			END $$;
		$f$, 'list_' || l.name, l.name, l.course, l.listed, listed_before, course_before, listed_after, course_after);
		EXECUTE format($f$
			CREATE TRIGGER %1$s_added AFTER INSERT ON %2$I REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION %1$s_added();
			CREATE TRIGGER %1$s_removed AFTER DELETE ON %2$I REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION %1$s_removed();
			CREATE TRIGGER %1$s_changed AFTER UPDATE ON %2$I FOR EACH ROW
				WHEN ((%3$s) <> (%4$s) OR (%5$s) IS DISTINCT FROM (%6$s)) EXECUTE FUNCTION %1$s_changed();
		$f$, 'list_' || l.name, l.of, listed_before, listed_after, course_before, course_after);
	END LOOP;
END $do$;

-- Attempts belong to the course of their quiz, which is locked: it may be moved or
-- deleted at the same time.
CREATE FUNCTION list_quiz_attempts_added() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM list_grows(user_id, 'quiz_attempts', course_id, count(*))
	FROM (SELECT a.user_id, q.course_id FROM added a JOIN quizzes q ON q.id = a.quiz_id FOR SHARE OF q) a
	GROUP BY user_id, course_id;
	RETURN NULL;
END $$;
CREATE TRIGGER list_quiz_attempts_added AFTER INSERT ON quiz_attempts REFERENCING NEW TABLE AS added
	FOR EACH STATEMENT EXECUTE FUNCTION list_quiz_attempts_added();

CREATE FUNCTION list_quiz_attempts_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	-- Those of a deleted quiz are counted by its trigger.
	PERFORM list_shrinks(user_id, 'quiz_attempts', course_id, count(*))
	FROM (SELECT a.user_id, q.course_id FROM removed a JOIN quizzes q ON q.id = a.quiz_id FOR SHARE OF q) a
	GROUP BY user_id, course_id;
	RETURN NULL;
END $$;
CREATE TRIGGER list_quiz_attempts_removed AFTER DELETE ON quiz_attempts REFERENCING OLD TABLE AS removed
	FOR EACH STATEMENT EXECUTE FUNCTION list_quiz_attempts_removed();

CREATE FUNCTION list_quiz_attempts_with_quiz() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
	attempts bigint := (SELECT count(*) FROM quiz_attempts WHERE quiz_id = OLD.id);
BEGIN
	PERFORM list_shrinks(OLD.user_id, 'quiz_attempts', OLD.course_id, attempts);
	IF TG_OP = 'DELETE' THEN
		RETURN OLD;
	END IF;
	PERFORM list_grows(NEW.user_id, 'quiz_attempts', NEW.course_id, attempts);
	RETURN NULL;
END $$;
CREATE TRIGGER list_quiz_attempts_deleted BEFORE DELETE ON quizzes FOR EACH ROW EXECUTE FUNCTION list_quiz_attempts_with_quiz();
CREATE TRIGGER list_quiz_attempts_moved AFTER UPDATE OF course_id ON quizzes FOR EACH ROW
	WHEN (OLD.course_id <> NEW.course_id) EXECUTE FUNCTION list_quiz_attempts_with_quiz();
-- +goose StatementEnd

-- One student can't fill the database: a list grows up to so many items, whatever the
-- plan says. Documents have bounds of the plan: their number, their bytes and the passages
-- of their text; messages, its tokens.
-- +goose StatementBegin
CREATE FUNCTION most_items(list text) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN CASE list
	WHEN 'courses' THEN 2000
	WHEN 'flashcards' THEN 50000
	WHEN 'quizzes' THEN 5000
	WHEN 'quiz_attempts' THEN 2000 -- of up to 512 KiB: the questions as they were, and the answers
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
