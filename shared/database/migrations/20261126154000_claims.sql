-- +goose Up
-- Which try of a request holds the key: only that one may settle it. NULL of tries that
-- began before there was one.
ALTER TABLE idempotency_keys ADD COLUMN claim uuid;
