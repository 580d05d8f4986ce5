package quizzes

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"aksio.app/shared/fault"
)

// grade says whether the answer, a decoded JSON value, is right: nil for an
// essay, which nobody can tell. An answer of a kind that can't answer the
// question is Invalid, as is one that isn't there to choose.
//
// Whether a number or a text is meant is said by its JSON type: of the options
// ["2", "3", "1"], 1 is "3" and "1" is "1". Only of options none of which is "1" does
// "1" mean the second: forms know texts alone.
func (q Question) grade(answer any) (correct *bool, err error) {
	right := false
	switch q.Type {
	case Essay:
		_, err := scalarText(answer)
		return nil, err
	case MultipleChoice:
		right, err = q.gradeChoice(answer)
	case TrueFalse:
		var said bool
		if said, err = q.truth(answer); err == nil {
			right = len(q.Correct) > 0 && fmt.Sprint(q.Correct[0]) == strconv.FormatBool(said)
		}
	default:
		var text string
		if text, err = scalarText(answer); err == nil {
			right = slices.ContainsFunc(q.Correct, func(key any) bool {
				accepted, err := scalarText(key)
				return err == nil && tidyAnswer(accepted) == tidyAnswer(text)
			})
		}
	}
	if err != nil {
		return nil, err
	}
	return &right, nil
}

// points returns what the graded answer earns.
func (q Question) points(correct *bool) int {
	if correct != nil && *correct {
		return q.Points
	}
	return 0
}

// gradeChoice compares the set of chosen options to the set of right ones. A
// single value is a set of one.
func (q Question) gradeChoice(answer any) (bool, error) {
	chosen, many := answer.([]any)
	if !many {
		chosen = []any{answer}
	}
	given, known := q.optionsOf(chosen)
	if !known || len(chosen) > len(q.Options) {
		last := len(q.Options) - 1
		return false, fault.Field("user_answer", "Answer with the number of an option, 0 to %d, its text, or a list of at most %d of those.", last, last+1)
	}
	right, _ := q.optionsOf(q.Correct)
	return maps.Equal(given, right), nil
}

// optionsOf returns the indices of the options that the values mean, and whether each
// means one.
func (q Question) optionsOf(values []any) (indices map[int]bool, known bool) {
	indices = map[int]bool{}
	for _, value := range values {
		index, known := q.option(value)
		if !known {
			return nil, false
		}
		indices[index] = true
	}
	return indices, true
}

// option returns the index of the option that the value means, if it means one: a
// number is an index, a text an option's text or else the digits of an index.
func (q Question) option(value any) (index int, known bool) {
	switch v := value.(type) {
	case float64:
		return int(v), v == math.Trunc(v) && v >= 0 && v < float64(len(q.Options))
	case string:
		if index = slices.Index(q.Options, tidyOption(v)); index >= 0 {
			return index, true
		}
		index, err := strconv.Atoi(strings.TrimSpace(v))
		return index, err == nil && index >= 0 && index < len(q.Options)
	}
	return 0, false
}

// truth returns what the value says. A number is the index of one of the options,
// if there are any. Of options in another language the first says true.
func (q Question) truth(value any) (bool, error) {
	switch v := value.(type) {
	case bool:
		return v, nil
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "true":
			return true, nil
		case "false":
			return false, nil
		}
		if index, known := q.option(v); known {
			return index == 0, nil
		}
	case float64:
		if index, known := q.option(v); known {
			return q.truth(q.Options[index])
		}
	}
	return false, fault.Field("user_answer", "Answer with true or false.")
}

// scalarText returns a text, number or truth value as a text.
func scalarText(value any) (string, error) {
	switch v := value.(type) {
	case string:
		if utf8.RuneCountInString(v) > longestAnswer {
			return "", fault.Field("user_answer", "An answer may have %d characters.", longestAnswer)
		}
		return v, nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	}
	return "", fault.Field("user_answer", "Answer with a text.")
}

// tidyOption makes texts the same that look the same. Case stays: it may be what
// tells two options apart.
func tidyOption(text string) string { return strings.Join(strings.Fields(norm.NFC.String(text)), " ") }

// tidyAnswer is tidyOption for what somebody typed, in whatever case: a word's last sigma is
// one, and ß is what stands for it in capitals.
func tidyAnswer(text string) string { return tidyOption(cases.Fold().String(text)) }

// tidyKey checks that the question has a key that answers can be graded by.
func (q *Question) tidyKey() error {
	switch q.Type {
	case MultipleChoice:
		return q.tidyChoiceKey()
	case TrueFalse:
		if len(q.Correct) == 1 {
			if key, err := q.truth(q.Correct[0]); err == nil {
				q.Correct[0] = strconv.FormatBool(key)
				if len(q.Options) == 0 { // clients show what there is to choose, as of statements that models make
					q.Options = []string{"True", "False"}
				}
				return nil
			}
		}
		return fault.Field("correct_answers", `Write exactly one of ["true"] and ["false"].`)
	}
	for i, key := range q.Correct {
		text, err := scalarText(key)
		if err != nil || tidyOption(text) == "" {
			return fault.Field("correct_answers", "Accepted answers are texts of 1 to %d characters.", longestAnswer)
		}
		q.Correct[i] = strings.TrimSpace(text)
	}
	if q.Type != Essay && len(q.Correct) == 0 {
		return fault.Field("correct_answers", "Write at least one accepted answer.")
	}
	return nil
}

func (q *Question) tidyChoiceKey() error {
	if len(q.Options) < 2 || len(q.Options) > 10 {
		return fault.Field("answer_options", "A choice has 2 to 10 options.")
	}
	if len(q.Correct) == 0 {
		return fault.Field("correct_answers", "Say which option is right.")
	}
	_, texts := q.Correct[0].(string)
	for i, key := range q.Correct {
		if _, known := q.option(key); !known {
			return fault.Field("correct_answers", "Each must be the number of an option, counted from 0, or its text.")
		}
		if text, isText := key.(string); isText != texts {
			return fault.Field("correct_answers", "Write either numbers or texts, not both.")
		} else if isText {
			q.Correct[i] = tidyOption(text)
		}
	}
	return nil
}
