package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"aksio.app/scripts/internal/client"
)

// generate has cards and a quiz made from the document.
func (d *day) generate(ctx context.Context) (string, error) {
	var made struct {
		Content struct {
			Cards struct {
				Count int    `json:"count"`
				Error string `json:"error"`
			} `json:"flashcards"`
			Quiz struct {
				ID    string `json:"quiz_id"`
				Title string `json:"title"`
				Count int    `json:"question_count"`
				Error string `json:"error"`
			} `json:"quiz"`
		} `json:"generated_content"`
	}
	err := d.Post(ctx, "/api/v1/courses/"+d.course+"/documents/"+d.document+"/generate/", nil, &made)
	if p, ok := errors.AsType[*client.Problem](err); ok && p.Status == http.StatusUnprocessableEntity {
		return "", nothing("the document gives neither cards nor questions: " + p.Detail)
	}
	if err != nil {
		return "", err
	}
	cards, quiz := made.Content.Cards, made.Content.Quiz
	d.quiz = quiz.ID
	if cards.Count == 0 {
		return fmt.Sprintf("the quiz %q of %s, no cards: %s", quiz.Title, count(quiz.Count, "question"), cards.Error), nil
	}
	d.summary.cards = fmt.Sprintf("%d made from the document", cards.Count)
	if quiz.Count == 0 {
		return fmt.Sprintf("%s, no quiz: %s", count(cards.Count, "card"), quiz.Error), nil
	}
	return fmt.Sprintf("%s, and the quiz %q of %s", count(cards.Count, "card"), quiz.Title, count(quiz.Count, "question")), nil
}

// dueCard is a card that wants to be studied.
type dueCard struct {
	ID         string  `json:"id"`
	Question   string  `json:"question"`
	Answer     string  `json:"answer"`
	Confidence float64 `json:"generation_confidence"` // the model's own
}

// listDue asks which cards want to be studied now, and shows the best.
func (d *day) listDue(ctx context.Context) (string, error) {
	if d.summary.cards == "" {
		return "", nothing("there are no cards")
	}
	var due []dueCard
	if err := d.Get(ctx, "/api/v1/assessments/flashcards/due/?"+url.Values{"course": {d.course}}.Encode(), &due); err != nil {
		return "", err
	}
	if len(due) == 0 {
		return "", errors.New("no card is due, though new ones should be")
	}
	best := slices.SortedStableFunc(slices.Values(due), func(a, b dueCard) int { return cmp.Compare(b.Confidence, a.Confidence) })
	for _, card := range best[:min(3, len(best))] {
		d.detail("Q  %s", aroundGap(card.Question, 110))
		d.detail("A  %s", shorten(card.Answer, 110))
	}
	d.card = best[0].ID
	return fmt.Sprintf("%d to be studied now", len(due)), nil
}

// review grades the recall of the best card.
func (d *day) review(ctx context.Context) (string, error) {
	if d.card == "" {
		return "", nothing("there is no card")
	}
	var review struct {
		Due       time.Time `json:"next_review_date"`
		Scheduler string    `json:"scheduler"`
	}
	if err := d.Post(ctx, "/api/v1/assessments/flashcards/"+d.card+"/review/", map[string]any{"rating": 3}, &review); err != nil {
		return "", err
	}
	d.summary.cards += ", one reviewed"
	return fmt.Sprintf("rated good; %s brings it back on %s", review.Scheduler, review.Due.Local().Format("Mon 2 January, 15:04")), nil
}

// attempt is one try at a quiz; the figures are there when it is complete.
type attempt struct {
	ID         string  `json:"id"`
	Score      float64 `json:"score"`
	Max        float64 `json:"max_score"`
	Percentage float64 `json:"percentage_score"`
	Responses  []struct {
		Question string `json:"question"`
		Right    *bool  `json:"is_correct"`
	} `json:"responses"`
}

// takeQuiz answers each question with the first option, or a topic where there is
// none: the score is that of a student who guesses.
func (d *day) takeQuiz(ctx context.Context) (string, error) {
	if d.quiz == "" {
		return "", nothing("there is no quiz")
	}
	path := "/api/v1/assessments/quizzes/" + d.quiz + "/"
	var begun, finished attempt
	if err := d.Post(ctx, path+"start_attempt/", nil, &begun); err != nil {
		return "", err
	}
	var quiz struct {
		Questions []question `json:"questions"`
	}
	if err := d.Get(ctx, path+"take/", &quiz); err != nil {
		return "", err
	}
	if len(quiz.Questions) == 0 {
		return "", errors.New("it has no questions")
	}
	attempts := "/api/v1/assessments/quiz-attempts/" + begun.ID + "/"
	answers, err := d.answer(ctx, attempts, quiz.Questions)
	if err != nil {
		return "", err
	}
	if err := d.Post(ctx, attempts+"complete/", nil, &finished); err != nil {
		return "", err
	}
	if err := d.showResults(ctx, path, finished, answers); err != nil {
		return "", err
	}
	d.summary.quiz = fmt.Sprintf("%g of %g (%.0f %%), by guessing: the first option, or a topic", finished.Score, finished.Max, finished.Percentage)
	return fmt.Sprintf("%s answered, score %g of %g", count(len(quiz.Questions), "question"), finished.Score, finished.Max), nil
}

// question is one of a quiz.
type question struct {
	ID      string   `json:"id"`
	Text    string   `json:"question_text"`
	Type    string   `json:"question_type"`
	Options []string `json:"answer_options"`
}

// answer answers the questions of the attempt, and returns what it answered by their ids.
func (d *day) answer(ctx context.Context, attempts string, questions []question) (map[string]string, error) {
	answers := map[string]string{}
	for _, q := range questions {
		answers[q.ID] = d.topics[0]
		if len(q.Options) > 0 {
			answers[q.ID] = q.Options[0]
		}
		err := d.Post(ctx, attempts+"submit_response/", map[string]any{"question": q.ID, "user_answer": answers[q.ID]}, nil)
		if err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// showResults tells which answers of the finished attempt were right, and why not.
func (d *day) showResults(ctx context.Context, path string, finished attempt, answers map[string]string) error {
	var results struct {
		Questions []struct {
			question
			Correct     []any  `json:"correct_answers"`
			Explanation string `json:"explanation"`
		} `json:"questions"`
	}
	if err := d.Get(ctx, path+"results/", &results); err != nil {
		return err
	}
	right := map[string]bool{}
	for _, r := range finished.Responses {
		right[r.Question] = r.Right != nil && *r.Right
	}
	for _, q := range results.Questions {
		if right[q.ID] {
			d.detail("✓  %s", aroundGap(q.Text, 110))
			d.detail("   %s", shorten(answers[q.ID], 110))
			continue
		}
		d.detail("✗  %s", aroundGap(q.Text, 110))
		d.detail("   %s; right is %s", shorten(answers[q.ID], 60), shorten(key(q.Type, q.Correct, q.Options), 60))
		if q.Explanation != "" {
			d.detail("   because  %s", shorten(q.Explanation, 160))
		}
	}
	return nil
}

// key words the right answers: texts, indices of options, or "true" or "false", for which
// the two options of a statement are.
func key(kind string, correct []any, options []string) string {
	var words []string
	for _, c := range correct {
		if i := slices.Index([]any{"true", "false"}, c); i >= 0 && kind == "true_false" && i < len(options) {
			c = options[i]
		} else if i, ok := c.(float64); ok && int(i) < len(options) {
			c = options[int(i)]
		}
		words = append(words, fmt.Sprint(c))
	}
	return strings.Join(words, " or ")
}

// citation is a place in a document that an answer rests on.
type citation struct {
	Number int `json:"number"` // its mark in the text
	place
	Quote string `json:"quote"`
}

// ask asks the tutor about the document's topics until an answer cites something;
// the first one nearly always does.
func (d *day) ask(ctx context.Context) (string, error) {
	var chat struct {
		ID string `json:"id"`
	}
	err := d.Post(ctx, "/api/v1/chat/chats/", map[string]any{"title": "Demo", "chat_type": "course_specific", "course": d.course}, &chat)
	if err != nil {
		return "", err
	}
	for _, topic := range d.topics[:min(3, len(d.topics))] {
		a, err := d.send(ctx, chat.ID, "What is "+topic+"?")
		if err != nil {
			return "", err
		}
		if len(a.citations) == 0 {
			continue
		}
		first := a.citations[0]
		d.summary.answer = fmt.Sprintf("“%s” (%s), %s in all", shorten(first.Quote, 120), first.place, count(len(a.citations), "citation"))
		return fmt.Sprintf("an answer of %s, %s", count(utf8.RuneCountInString(a.text.String()), "character"), count(len(a.citations), "citation")), nil
	}
	return "", nothing("no answer cites the document")
}

// send puts a question, and prints the answer as it comes and what it rests on.
func (d *day) send(ctx context.Context, chat, question string) (*answer, error) {
	d.detail("%s", question)
	a := &answer{day: d}
	for e, err := range d.Stream(ctx, http.MethodPost, "/api/v1/chat/chats/"+chat+"/send_message/",
		map[string]any{"role": "user", "content": question}) {
		if err == nil {
			err = a.take(e)
		}
		if err != nil {
			return nil, err
		}
	}
	fmt.Fprintln(d.out)
	for _, c := range a.citations {
		d.detail("[%d] %s: “%s”", c.Number, c.place, shorten(c.Quote, 120))
	}
	return a, nil
}

// answer is put together from events.
type answer struct {
	*day
	text      strings.Builder
	escaping  bool // the last character printed would have been a backslash
	citations []citation
}

// print prints a piece of the answer as Markdown shows it: a backslash before a sign is none.
func (a *answer) print(text string) {
	for _, r := range text {
		switch {
		case r == '\\' && !a.escaping:
			a.escaping = true
			continue
		case a.escaping && !unicode.IsPunct(r) && !unicode.IsSymbol(r):
			fmt.Fprint(a.out, `\`)
		}
		a.escaping = false
		fmt.Fprint(a.out, string(r))
		if r == '\n' {
			fmt.Fprint(a.out, "    ")
		}
	}
}

func (a *answer) take(e client.Event) error {
	var said struct {
		Text     string   `json:"text"`
		Citation citation `json:"citation"`
	}
	if err := e.Into(&said); err != nil {
		return err
	}
	switch e.Name {
	case "delta":
		if a.text.Len() == 0 {
			fmt.Fprint(a.out, "    ")
		}
		a.text.WriteString(said.Text)
		a.print(said.Text)
	case "citation":
		a.citations = append(a.citations, said.Citation)
	}
	return nil
}
