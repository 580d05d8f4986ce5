-- +goose Up
-- What a student's models were asked for, a row a day, purpose and model.
CREATE TABLE model_usage (
	user_id           uuid   NOT NULL REFERENCES users ON DELETE CASCADE,
	day               date   NOT NULL,
	purpose           text   NOT NULL,
	model             text   NOT NULL,
	calls             int    NOT NULL,
	prompt_tokens     bigint NOT NULL,
	completion_tokens bigint NOT NULL,
	PRIMARY KEY (user_id, day, purpose, model)
);

-- What asks a student's models just now, and what of the month's tokens that may use.
-- Unlogged: after a crash of the database none of it goes on for long.
CREATE UNLOGGED TABLE model_calls (
	user_id uuid        NOT NULL REFERENCES users ON DELETE CASCADE,
	id      uuid        NOT NULL, -- of what is made
	tokens  float8      NOT NULL,
	until   timestamptz NOT NULL, -- when whoever calls is dead
	PRIMARY KEY (user_id, id)
);
