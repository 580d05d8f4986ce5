-- +goose Up
-- PostgreSQL's parser ends a word at tone marks of Thai and other signs of its
-- neighbours, which aren't letters to it. In what it sees, letters of the script
-- Linear A, which nobody writes, stand for them.

-- +goose StatementBegin
CREATE OR REPLACE FUNCTION search_text(original text, found boolean) RETURNS text LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
	-- Thai, Lao, Myanmar, Khmer and their signs; Japanese's iteration marks, Hiragana, Katakana; Bopomofo; Han; Hangul.
	letter CONSTANT text := '[\u0E01-\u0E3A\u0E40-\u0E4E\u0E81-\u0EBD\u0EC0-\u0ECE\u1000-\u103F\u1050-\u108F\u1780-\u17D3\U00010600-\U0001061A'
		|| '\u3005-\u3007\u3041-\u3096\u309D-\u309F\u30A1-\u30FA\u30FC-\u30FF\u31F0-\u31FF\uFF66-\uFF9F'
		|| '\u3105-\u312F\u31A0-\u31BF\u3400-\u4DBF\u4E00-\u9FFF\uF900-\uFAFF\U00020000-\U0003FFFF\uAC00-\uD7A3]';
	prepared text := translate(original, '<', E'\x1E');
BEGIN
	IF prepared !~ letter THEN
		RETURN prepared;
	END IF;
	prepared := translate(prepared, E'\u0E47\u0E48\u0E49\u0E4A\u0E4B\u0E4C\u0E4E\u0EBA\u0EC8\u0EC9\u0ECA\u0ECB\u0ECC\u1037\u1039\u103A\u17C9\u17CA\u17CB\u17CC\u17CD\u17CE\u17CF\u17D0\u17D1\u17D2\u17D3',
		E'\U00010600\U00010601\U00010602\U00010603\U00010604\U00010605\U00010606\U00010607\U00010608\U00010609\U0001060A\U0001060B\U0001060C\U0001060D\U0001060E\U0001060F\U00010610\U00010611\U00010612\U00010613\U00010614\U00010615\U00010616\U00010617\U00010618\U00010619\U0001061A');
	prepared := regexp_replace(prepared, '(' || letter || '+)', E'\x1D\\1\x1D', 'g');
	RETURN regexp_replace(prepared, '(?<=' || letter || ')(' || letter || ')' || CASE WHEN found THEN '' ELSE '(?=' || letter || ')' END,
		E'\\1\x1F\\1', 'g');
END $$;
-- +goose StatementEnd

UPDATE passages SET words_found = to_tsvector(search_config(language), search_text(heading || ' ' || text, true))
WHERE heading || ' ' || text ~ E'[\u0E47\u0E48\u0E49\u0E4A\u0E4B\u0E4C\u0E4E\u0EBA\u0EC8\u0EC9\u0ECA\u0ECB\u0ECC\u1037\u1039\u103A\u17C9\u17CA\u17CB\u17CC\u17CD\u17CE\u17CF\u17D0\u17D1\u17D2\u17D3]';
