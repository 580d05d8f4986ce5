-- +goose Up
-- +goose StatementBegin
-- Counts an event for the key of rate_limits, of which so many are allowed within the
-- time and come back one by one (GCRA), and returns 0; or returns how long to wait, and
-- counts nothing.
CREATE FUNCTION take_turn(counted text, most int, within interval) RETURNS interval LANGUAGE plpgsql AS $$
DECLARE
	every CONSTANT interval := within / most; -- after which one event comes back
BEGIN
	INSERT INTO rate_limits AS l (key, ready) VALUES (counted, now() + every)
	ON CONFLICT (key) DO UPDATE SET ready = greatest(l.ready, now()) + every
	WHERE greatest(l.ready, now()) + every <= now() + within;
	IF FOUND THEN
		RETURN interval '0';
	END IF;
	RETURN greatest(interval '1 second', coalesce((SELECT ready FROM rate_limits WHERE key = counted), now() + within) + every - now() - within);
END $$;
-- +goose StatementEnd
