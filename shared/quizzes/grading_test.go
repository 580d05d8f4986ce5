package quizzes

import (
	"encoding/json"
	"testing"

	"aksio.app/shared/fault"
)

func TestGrade(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		question string // JSON
		answer   string // JSON
		want     string // right, wrong, open, or invalid
	}{
		{"index", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `1`, "right"},
		{"other index", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `0`, "wrong"},
		{"index behind the last", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `2`, "invalid"},
		{"index before the first", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `-1`, "invalid"},
		{"index between two", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `0.5`, "invalid"},
		{"text for an index key", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `" b "`, "right"},
		{"index for a text key", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":["b"]}`, `1`, "right"},
		{"text that is no option", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":["b"]}`, `"c"`, "invalid"},
		{"case tells options apart", `{"question_type":"multiple_choice","answer_options":["Aa","aa"],"correct_answers":["Aa"]}`, `"aa"`, "wrong"},
		{"label isn't text", `{"question_type":"multiple_choice","answer_options":["2","3","1"],"correct_answers":["1"]}`, `1`, "wrong"},
		{"label of the text", `{"question_type":"multiple_choice","answer_options":["2","3","1"],"correct_answers":["1"]}`, `2`, "right"},
		{"text isn't label", `{"question_type":"multiple_choice","answer_options":["2","3","1"],"correct_answers":[1]}`, `"1"`, "wrong"},
		{"text of the label", `{"question_type":"multiple_choice","answer_options":["2","3","1"],"correct_answers":[1]}`, `"3"`, "right"},
		{"digits of an index", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `"1"`, "right"},
		{"digits of no index", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `"2"`, "invalid"},
		{"digits for a statement", `{"question_type":"true_false","answer_options":["True","False"],"correct_answers":["false"]}`, `"1"`, "right"},
		{"decimal index", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `1.0`, "right"},
		{"true is no index", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `true`, "invalid"},
		{"list of one", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `["b"]`, "right"},
		{"empty list", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `[]`, "wrong"},
		{"all of several", `{"question_type":"multiple_choice","answer_options":["a","b","c"],"correct_answers":[0,2]}`, `["c",0]`, "right"},
		{"one of several", `{"question_type":"multiple_choice","answer_options":["a","b","c"],"correct_answers":[0,2]}`, `0`, "wrong"},
		{"too many", `{"question_type":"multiple_choice","answer_options":["a","b","c"],"correct_answers":[0,2]}`, `[0,1,2]`, "wrong"},
		{"more than there are", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[0]}`, `[0,0,0]`, "invalid"},
		{"one of them isn't there", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[0]}`, `[0,"c"]`, "invalid"},
		{"one twice", `{"question_type":"multiple_choice","answer_options":["a","b","c"],"correct_answers":[0,2]}`, `[0,0]`, "wrong"},
		{"one by both names", `{"question_type":"multiple_choice","answer_options":["a","b","c"],"correct_answers":[0]}`, `[0,"a"]`, "right"},
		{"object", `{"question_type":"multiple_choice","answer_options":["a","b"],"correct_answers":[1]}`, `{"b":1}`, "invalid"},

		{"true", `{"question_type":"true_false","correct_answers":["true"]}`, `true`, "right"},
		{"True", `{"question_type":"true_false","correct_answers":["true"]}`, `" TRUE"`, "right"},
		{"false", `{"question_type":"true_false","correct_answers":["true"]}`, `false`, "wrong"},
		{"false is right", `{"question_type":"true_false","correct_answers":["false"]}`, `"False"`, "right"},
		{"option of a statement", `{"question_type":"true_false","answer_options":["True","False"],"correct_answers":["false"]}`, `1`, "right"},
		{"option in German", `{"question_type":"true_false","answer_options":["Wahr","Falsch"],"correct_answers":["false"]}`, `"Falsch"`, "right"},
		{"index in German", `{"question_type":"true_false","answer_options":["Wahr","Falsch"],"correct_answers":["false"]}`, `0`, "wrong"},
		{"number without options", `{"question_type":"true_false","correct_answers":["true"]}`, `1`, "invalid"},
		{"yes", `{"question_type":"true_false","correct_answers":["true"]}`, `"yes"`, "invalid"},

		{"spaces and case", `{"question_type":"short_answer","correct_answers":["Krebs cycle"]}`, `"  krebs  CYCLE\n"`, "right"},
		{"last sigma", `{"question_type":"short_answer","correct_answers":["ΟΔΟΣ"]}`, `"οδος"`, "right"},
		{"sharp s in capitals", `{"question_type":"short_answer","correct_answers":["straße"]}`, `"STRASSE"`, "right"},
		{"second accepted", `{"question_type":"fill_blank","correct_answers":["x","y"]}`, `"y"`, "right"},
		{"composed otherwise", `{"question_type":"short_answer","correct_answers":["é"]}`, `"e\u0301"`, "right"},
		{"a number", `{"question_type":"fill_blank","correct_answers":["206"]}`, `206`, "right"},
		{"superscript isn't a digit", `{"question_type":"short_answer","correct_answers":["x2"]}`, `"x²"`, "wrong"},
		{"part of it", `{"question_type":"short_answer","correct_answers":["Krebs cycle"]}`, `"Krebs"`, "wrong"},
		{"empty", `{"question_type":"short_answer","correct_answers":["Krebs cycle"]}`, `""`, "wrong"},
		{"list", `{"question_type":"short_answer","correct_answers":["a"]}`, `["a"]`, "invalid"},
		{"essay", `{"question_type":"essay","correct_answers":["a"]}`, `"a"`, "open"},
		{"null", `{"question_type":"essay"}`, `null`, "invalid"},
	} {
		var question Question
		var answer any
		if err := json.Unmarshal([]byte(tc.question), &question); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal([]byte(tc.answer), &answer); err != nil {
			t.Fatal(err)
		}
		correct, err := question.grade(answer)
		got := "open"
		switch {
		case err != nil && fault.KindOf(err) == fault.Invalid:
			got = "invalid"
		case err != nil:
			t.Errorf("%s: %v", tc.name, err)
		case correct != nil && *correct:
			got = "right"
		case correct != nil:
			got = "wrong"
		}
		if got != tc.want {
			t.Errorf("%s: %s to %s is %s, want %s", tc.name, tc.answer, tc.question, got, tc.want)
		}
	}
}
