-- +goose Up
CREATE EXTENSION IF NOT EXISTS vector;

-- Answers to requests that carried an Idempotency-Key; cleanup removes old ones.
CREATE TABLE idempotency_keys (
	user_id     uuid        NOT NULL,
	operation   text        NOT NULL,
	key         text        NOT NULL CHECK (length(key) BETWEEN 1 AND 255),
	fingerprint bytea       NOT NULL,
	answer      bytea,
	created_at  timestamptz NOT NULL DEFAULT now(),
	PRIMARY KEY (user_id, operation, key)
);
CREATE INDEX idempotency_keys_created ON idempotency_keys (created_at);

-- How often something was done lately, for limits that hold across instances.
-- Unlogged: after a crash of the database the counting starts anew.
CREATE UNLOGGED TABLE rate_limits (
	key    text        PRIMARY KEY,
	ready  timestamptz NOT NULL -- the theoretical arrival time of the GCRA
);
CREATE INDEX rate_limits_ready ON rate_limits (ready);
