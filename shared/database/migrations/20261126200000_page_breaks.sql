-- +goose Up
-- Where in a passage each page after its first begins: words that are cited stand on one
-- page, a passage on some. Of what was read before only the passage's pages are known.
ALTER TABLE passages ADD COLUMN page_breaks int[] NOT NULL DEFAULT '{}';
ALTER TABLE draft_passages ADD COLUMN page_breaks int[] NOT NULL DEFAULT '{}';
