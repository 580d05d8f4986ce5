-- +goose Up
-- Passages of before are found by the new words, too. Only those are written that
-- search_text changes, and nobody who reads waits.
UPDATE passages SET words_found = to_tsvector(search_config(language), search_text(heading || ' ' || text, true))
WHERE search_text(heading || ' ' || text, true) <> heading || ' ' || text;
