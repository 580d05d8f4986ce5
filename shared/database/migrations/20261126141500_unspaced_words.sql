-- +goose Up
-- Chinese, Japanese, Thai and their neighbours put no white space between words, so
-- the parser takes a whole clause for one. Their texts are searched by pairs of
-- neighbouring characters instead. And the parser takes what stands between < and >
-- for markup, which it leaves out; in a lecture it's as likely a < b or <div>.
--
-- From words_found becoming an ordinary column, what is written is found so at once;
-- the next migration sees to what is there. Code of before searches it as before.

-- +goose StatementBegin
-- The text as the parser is to see it. A run of unspaced letters abcd becomes
-- ab bc cd d: the last letter alone, so that each letter begins a word and a search
-- for one letter is a search for a beginning. In a question (found is false) it
-- becomes ab bc cd. What is put in are control characters, which no document's text
-- has and the parser passes over, so that a snippet can be turned back: 1D around a
-- run, 1F between its pairs, 1E for <.
CREATE FUNCTION search_text(original text, found boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	-- Thai, Lao, Myanmar, Khmer; Japanese's iteration marks, Hiragana, Katakana; Bopomofo; Han; Hangul.
	letter CONSTANT text := '[\u0E01-\u0E3A\u0E40-\u0E4E\u0E81-\u0EBD\u0EC0-\u0ECE\u1000-\u103F\u1050-\u108F\u1780-\u17D3'
		|| '\u3005-\u3007\u3041-\u3096\u309D-\u309F\u30A1-\u30FA\u30FC-\u30FF\u31F0-\u31FF\uFF66-\uFF9F'
		|| '\u3105-\u312F\u31A0-\u31BF\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\U00020000-\U0003FFFF\uAC00-\uD7A3]';
	prepared text := translate(original, '<', E'\x1E');
BEGIN
	IF prepared !~ letter THEN
		RETURN prepared;
	END IF;
	prepared := regexp_replace(prepared, '(' || letter || '+)', E'\x1D\\1\x1D', 'g');
	RETURN regexp_replace(prepared, '(?<=' || letter || ')(' || letter || ')' || CASE WHEN found THEN '' ELSE '(?=' || letter || ')' END,
		E'\\1\x1F\\1', 'g');
END $$;

CREATE FUNCTION passages_words_found() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.words_found := to_tsvector(search_config(NEW.language), search_text(NEW.heading || ' ' || NEW.text, true));
	RETURN NEW;
END $$;
-- +goose StatementEnd

ALTER TABLE passages ALTER COLUMN words_found DROP EXPRESSION;
CREATE TRIGGER passages_words_found BEFORE INSERT OR UPDATE OF heading, text, language ON passages
	FOR EACH ROW EXECUTE FUNCTION passages_words_found();
