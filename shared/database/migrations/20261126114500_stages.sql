-- +goose Up
COMMENT ON COLUMN documents.stage IS 'of processing: extract, embed, summarize; empty before and after';
