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
