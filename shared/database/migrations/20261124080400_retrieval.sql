-- +goose Up
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- +goose StatementBegin
-- The dictionary that a text of the language is searched with. A
-- regconfig column would stand in the way of upgrades of the server.
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

-- Chinese, Japanese, Thai and their neighbours put no white space between words, so
-- the parser takes a whole clause for one. Their texts are searched by pairs of
-- neighbouring characters instead. The parser takes what stands between < and > for
-- markup, which it leaves out; in a lecture it's as likely a < b or <div>. And it takes
-- raised digits for none, so that 10³² would be found by 10 only.

-- +goose StatementBegin
-- Tone marks of Thai and other signs of its neighbours end a word for the parser, which
-- takes them for no letters. In what it sees, letters of the script Linear A, which
-- nobody writes, stand for them.
CREATE FUNCTION search_signs() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
	E'\u0E47\u0E48\u0E49\u0E4A\u0E4B\u0E4C\u0E4E\u0EBA\u0EC8\u0EC9\u0ECA\u0ECB\u0ECC\u1037\u1039\u103A\u17C9\u17CA\u17CB\u17CC\u17CD\u17CE\u17CF\u17D0\u17D1\u17D2\u17D3';

CREATE FUNCTION search_letters() RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
	E'\U00010600\U00010601\U00010602\U00010603\U00010604\U00010605\U00010606\U00010607\U00010608\U00010609\U0001060A\U0001060B\U0001060C\U0001060D\U0001060E\U0001060F\U00010610\U00010611\U00010612\U00010613\U00010614\U00010615\U00010616\U00010617\U00010618\U00010619\U0001061A';

-- The text as the parser is to see it. A run of unspaced letters abcd becomes
-- ab bc cd d: the last letter alone, so that each letter begins a word and a search
-- for one letter is a search for a beginning. In a question (found is false) it
-- becomes ab bc cd. What is put in are control characters, which no document's text
-- has and the parser passes over, so that a snippet can be turned back: 1D around a
-- run, 1F between its pairs, 1E for <. Raised digits become digits between 1C and 1B:
-- 10^32 finds 10³², and 1032 doesn't.
CREATE FUNCTION search_text(original text, found boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	-- Thai, Lao, Myanmar, Khmer and their signs; Japanese's iteration marks, Hiragana, Katakana; Bopomofo; Han; Hangul.
	letter CONSTANT text := '[\u0E01-\u0E3A\u0E40-\u0E4E\u0E81-\u0EBD\u0EC0-\u0ECE\u1000-\u103F\u1050-\u108F\u1780-\u17D3\U00010600-\U0001061A'
		|| '\u3005-\u3007\u3041-\u3096\u309D-\u309F\u30A1-\u30FA\u30FC-\u30FF\u31F0-\u31FF\uFF66-\uFF9F'
		|| '\u3105-\u312F\u31A0-\u31BF\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\U00020000-\U0003FFFF\uAC00-\uD7A3]';
	raised CONSTANT text := '[⁺⁻]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+';
	prepared text := translate(original, '<', E'\x1E');
BEGIN
	IF prepared ~ raised THEN
		prepared := translate(regexp_replace(prepared, raised, E'\x1C\\&\x1B', 'g'), '⁰¹²³⁴⁵⁶⁷⁸⁹⁻', '0123456789-');
	END IF;
	IF prepared !~ letter THEN
		RETURN prepared;
	END IF;
	prepared := translate(prepared, search_signs(), search_letters());
	prepared := regexp_replace(prepared, '(' || letter || '+)', E'\x1D\\1\x1D', 'g');
	RETURN regexp_replace(prepared, '(?<=' || letter || ')(' || letter || ')' || CASE WHEN found THEN '' ELSE '(?=' || letter || ')' END,
		E'\\1\x1F\\1', 'g');
END $$;

-- A snippet of what search_text made, with what was found between 02 and 03, as a part of
-- the text with that between **. A letter that two pairs share stays once, marked if
-- one of them is.
CREATE FUNCTION search_snippet(snippet text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	-- Marks that end where the next begin.
	snippet := replace(replace(replace(snippet, E'\x03\x1F\x02', E'\x1F'), E'\x03\x1D\x02', ''), E'\x03\x1C\x02', E'\x1C');
	IF snippet ~ E'[\x1B\x1C]' THEN
		snippet := regexp_replace(snippet, E'^[^\x1B\x1C]*\x1B', E'\x1C\\&'); -- it begins inside raised digits
		SELECT string_agg(CASE WHEN nth = 1 THEN part
			ELSE translate(split_part(part, E'\x1B', 1), '0123456789-', '⁰¹²³⁴⁵⁶⁷⁸⁹⁻') || substr(part, length(split_part(part, E'\x1B', 1)) + 1) END, '' ORDER BY nth)
		INTO snippet FROM string_to_table(replace(snippet, E'\x1C\x02', E'\x02\x1C'), E'\x1C') WITH ORDINALITY parts (part, nth);
		snippet := replace(snippet, E'\x1B', '');
	END IF;
	-- Before a marked pair, what begins it; after a pair that isn't, what ended it.
	snippet := regexp_replace(regexp_replace(snippet, E'.\x1F\x02', E'\x02', 'g'), E'\x1F.', '', 'g');
	snippet := translate(replace(snippet, E'\x03\x02', ''), E'\x1E' || search_letters() || E'\x1D', '<' || search_signs());
	RETURN replace(replace(snippet, E'\x02', '**'), E'\x03', '**');
END $$;

CREATE FUNCTION passages_words_found() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.words_found := to_tsvector(search_config(NEW.language), search_text(NEW.heading || ' ' || NEW.text, true));
	RETURN NEW;
END $$;
-- +goose StatementEnd

CREATE TRIGGER passages_words_found BEFORE INSERT OR UPDATE OF heading, text, language ON passages
	FOR EACH ROW EXECUTE FUNCTION passages_words_found();
CREATE INDEX passages_words ON passages USING gin (course_id, words_found) WITH (fastupdate = off);
-- With all that tells where the near ones are: a search of a large course reads a sixth of what its vectors take.
CREATE INDEX passages_course ON passages (course_id, document_id, position) INCLUDE (id, embedding_model, signs);
-- The index alone tells only of what was vacuumed: a new large course doesn't wait until the table has grown by a fifth.
ALTER TABLE passages SET (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 20000);
