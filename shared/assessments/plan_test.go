package assessments

import (
	"strings"
	"testing"
)

func TestPlanned(t *testing.T) {
	t.Parallel()
	all := Assessment{IncludeFlashcards: true, IncludeQuizzes: true, FlashcardCount: 10, QuizCount: 1}
	with := func(change func(*Assessment)) Assessment {
		a := all
		change(&a)
		return a
	}
	for _, tc := range []struct {
		name       string
		assessment Assessment
		req        Request
		percent    float64
		known      bool
		want       plan
	}{
		{"defaults", all, Request{}, 0, false, plan{cards: 10, questions: 10, minutes: 20}},
		{"so many questions", with(func(a *Assessment) { a.QuizCount = 30 }), Request{}, 0, false, plan{cards: 10, questions: 30, minutes: 60}},
		{"a few", with(func(a *Assessment) { a.QuizCount = 3 }), Request{}, 0, false, plan{cards: 10, questions: 3, minutes: 15}},
		{"asked for", all, Request{Questions: 1}, 0, false, plan{cards: 10, questions: 1, minutes: 15}},
		{"no cards", with(func(a *Assessment) { a.IncludeFlashcards = false }), Request{}, 0, false, plan{questions: 10, minutes: 20}},
		{"no quiz", with(func(a *Assessment) { a.IncludeQuizzes = false }), Request{Questions: 5}, 0, false, plan{cards: 10}},
		{"no quizzes", with(func(a *Assessment) { a.QuizCount = 0 }), Request{}, 0, false, plan{cards: 10}},
		{"adaptive, unknown", all, Request{Adaptive: true}, 0, false, plan{cards: 10, questions: 10, level: "medium", minutes: 20}},
		{"adaptive, excellent", all, Request{Adaptive: true}, 90, true, plan{cards: 10, questions: 8, level: "hard", minutes: 20, performance: 90}},
		{"adaptive, good", all, Request{Adaptive: true}, 89.9, true, plan{cards: 10, questions: 10, level: "medium", minutes: 20, performance: 89.9}},
		{"adaptive, weak", all, Request{Adaptive: true}, 69.9, true, plan{cards: 10, questions: 12, level: "easy", minutes: 20, performance: 69.9}},
		{"adaptive, so many", all, Request{Adaptive: true, Questions: 4}, 0, true, plan{cards: 10, questions: 4, level: "easy", minutes: 20}},
	} {
		if got := tc.assessment.planned(tc.req, tc.percent, tc.known); got != tc.want {
			t.Errorf("%s: %+v, want %+v", tc.name, got, tc.want)
		}
	}
}

func TestSplitKeepsEveryWord(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]string{
		"empty":    " \n ",
		"short":    "One sentence.",
		"lines":    strings.Repeat("Ein Absatz über Zellen.\n", 300),
		"one line": strings.Repeat("word ", 3000),
		"one word": strings.Repeat("x", 4_999),
	} {
		var joined []string
		for _, passage := range split(content) {
			if n := len([]rune(passage.Text)); n == 0 || n > pieceLength {
				t.Errorf("%s: a passage of %d characters", name, n)
			}
			joined = append(joined, strings.Fields(passage.Text)...)
		}
		if got, want := strings.Join(joined, " "), strings.Join(strings.Fields(content), " "); got != want {
			t.Errorf("%s: %d characters of %d are left", name, len(got), len(want))
		}
	}
}
