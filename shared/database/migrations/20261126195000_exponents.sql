-- +goose Up
-- The parser takes raised digits for none, so that 10³² was found by 10 only. In what
-- it sees they are digits, between 1C and 1B: 10^32 finds 10³², and 1032 doesn't.

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_text(original text, found boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
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

CREATE OR REPLACE FUNCTION search_snippet(snippet text) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
	-- Marks that end where the next begin.
	snippet := replace(replace(replace(snippet, E'\x03\x1F\x02', E'\x1F'), E'\x03\x1D\x02', ''), E'\x03\x1C\x02', E'\x1C');
	IF snippet ~ E'[\x1B\x1C]' THEN
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
-- +goose StatementEnd

UPDATE passages SET words_found = to_tsvector(search_config(language), search_text(heading || ' ' || text, true))
WHERE heading || ' ' || text ~ '[⁰¹²³⁴⁵⁶⁷⁸⁹]';
