-- +goose Up
-- The id of what the request makes: of a repetition, the same. NULL of requests that
-- began before there was one.
ALTER TABLE idempotency_keys ADD COLUMN first_id uuid;
