-- +goose Up
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- +goose StatementBegin
-- The dictionary that a text of the language is searched with. Immutable, so that
-- a generated column may use it; a regconfig column would stand in the way of
-- upgrades of the server.
CREATE FUNCTION search_config(language text) RETURNS regconfig
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE language
		WHEN 'en' THEN 'english'::regconfig
		WHEN 'no' THEN 'norwegian'::regconfig
		WHEN 'sv' THEN 'swedish'::regconfig
		WHEN 'da' THEN 'danish'::regconfig
		WHEN 'de' THEN 'german'::regconfig
		WHEN 'nl' THEN 'dutch'::regconfig
		WHEN 'fr' THEN 'french'::regconfig
		WHEN 'es' THEN 'spanish'::regconfig
		WHEN 'it' THEN 'italian'::regconfig
		WHEN 'pt' THEN 'portuguese'::regconfig
		WHEN 'fi' THEN 'finnish'::regconfig
		ELSE 'simple'::regconfig
	END;
-- +goose StatementEnd

ALTER TABLE passages
	ADD COLUMN language text NOT NULL DEFAULT '',
	ADD COLUMN words_found tsvector GENERATED ALWAYS AS (to_tsvector(search_config(language), heading || ' ' || text)) STORED;
CREATE INDEX passages_words ON passages USING gin (course_id, words_found) WITH (fastupdate = off);
CREATE INDEX passages_course ON passages (course_id, document_id, position);
