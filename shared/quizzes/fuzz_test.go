package quizzes

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"aksio.app/shared/id"
)

// FuzzGrade makes a question and answers it with any JSON. What can be asked can be
// graded: its own key is right, in every reading of it; nothing else earns points but
// what is graded right.
func FuzzGrade(f *testing.F) {
	for _, seed := range [][4]string{
		{MultipleChoice, `["2","3","1"]`, `[1]`, `1`}, {MultipleChoice, `["a","b"]`, `["a"]`, `["a","a",0]`}, {MultipleChoice, `["a","b"]`, `[0,0]`, `[[0]]`},
		{MultipleChoice, `["a  b","a\u0301","\u00e1x"]`, `["á"]`, `"a\u0301"`}, {MultipleChoice, `["a","b"]`, `[0,"a"]`, `1e300`}, {MultipleChoice, `["a","b"]`, `[1]`, `-0.0`},
		{TrueFalse, `["false","true"]`, `[0]`, `1`}, {TrueFalse, `[]`, `[true]`, `"TRUE "`}, {TrueFalse, `["0","true"]`, `["false"]`, `0`}, {TrueFalse, `null`, `null`, `null`},
		{ShortAnswer, `[]`, `["É"," x "]`, `"e\u0301"`}, {ShortAnswer, `[]`, `[1.50]`, `1.5`}, {FillBlank, `[]`, `[1e308]`, `{"a":1}`}, {ShortAnswer, `[]`, `["\u200b"]`, `""`},
		{ShortAnswer, `[]`, `["İ"]`, `"i̇"`}, {Essay, `[]`, `[]`, `"text"`}, {Essay, `[]`, `[{}]`, `[]`}, {"other", `[]`, `["a"]`, `"a"`},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	f.Fuzz(func(t *testing.T, kind, options, key, given string) {
		question := Question{ID: id.New[Question](), Text: "What?", Type: kind, Points: 7}
		var answer any
		if json.Unmarshal([]byte(options), &question.Options) != nil || json.Unmarshal([]byte(key), &question.Correct) != nil || json.Unmarshal([]byte(given), &answer) != nil {
			return
		}
		if question.Tidy() != nil {
			return
		}
		again := question.copied(t)
		if err := again.Tidy(); err != nil || !reflect.DeepEqual(again.Options, question.Options) || len(question.Correct) > 0 && !reflect.DeepEqual(again.Correct, question.Correct) {
			t.Errorf("%+v becomes %+v: %v", question, again, err)
		}
		right := func(answer any) bool {
			correct, err := question.grade(answer)
			if points := question.points(correct); err == nil && points != 0 && (correct == nil || !*correct || points != question.Points) {
				t.Errorf("%v earns %d", correct, points)
			}
			return err == nil && correct != nil && *correct
		}
		switch question.Type {
		case MultipleChoice:
			if !right(question.Correct) && len(question.Correct) <= len(question.Options) {
				t.Errorf("%q: the key %v is wrong", question.Options, question.Correct)
			}
		case Essay:
			if right(answer) {
				t.Errorf("the essay %v is graded", answer)
			}
		default:
			for _, accepted := range question.Correct {
				if !right(accepted) {
					t.Errorf("%s of %q: the key %v is wrong", question.Type, question.Options, accepted)
				}
			}
		}
		if right(answer) {
			text, err := json.Marshal(answer)
			if err != nil || len(text) > largestAnswer || !utf8.Valid(text) {
				t.Errorf("an answer of %d bytes is right: %v", len(text), err)
			}
		}
	})
}

// copied is the question as the database gives it back.
func (q Question) copied(t *testing.T) (again Question) {
	t.Helper()
	text, err := json.Marshal(q)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	return again
}
