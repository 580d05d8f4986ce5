-- +goose Up
-- Who makes cards and questions for the course just now, and until when that may take:
-- two at once would make the same.
ALTER TABLE courses ADD COLUMN generation uuid, ADD COLUMN generating_until timestamptz;
