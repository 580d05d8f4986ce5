-- +goose Up
CREATE EXTENSION IF NOT EXISTS vector;

-- Answers to requests that carried an Idempotency-Key; cleanup removes old ones.
CREATE TABLE idempotency_keys (
	user_id     uuid        NOT NULL,
	operation   text        NOT NULL,
	key         text        NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
	fingerprint bytea       NOT NULL,
	first_id    uuid        NOT NULL, -- of what the request makes: of a repetition, the same
	claim       uuid        NOT NULL, -- which try of the request holds the key: only that one may settle it
	answer      bytea,
	created_at  timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, operation, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- How often something was done lately, for limits that hold across instances.
-- Unlogged: after a crash of the database the counting starts anew.
CREATE UNLOGGED TABLE rate_limits (
	key   text        PRIMARY KEY,
	ready timestamptz NOT NULL -- the theoretical arrival time of the GCRA
);
CREATE INDEX rate_limits_ready ON rate_limits (ready);

-- +goose StatementBegin
-- Counts an event for the key of rate_limits, of which so many are allowed within the
-- time and come back one by one (GCRA), and returns 0; or returns how long to wait, and
-- counts nothing. NULL counts nothing and returns that.
CREATE FUNCTION take_turn(counted text, most int, within interval) RETURNS interval LANGUAGE plpgsql STRICT AS $$
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

-- For rows that stay, and that nothing but a rate bounds.
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
CREATE TRIGGER added_too_fast AFTER INSERT ON idempotency_keys FOR EACH ROW EXECUTE FUNCTION added_too_fast(5000, '1 day');
