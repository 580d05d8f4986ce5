package assessments

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/ai"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/flashcards"
	"aksio.app/shared/id"
	"aksio.app/shared/names"
	"aksio.app/shared/patch"
	"aksio.app/shared/quizzes"
	"aksio.app/shared/usage"
)

// draft is a generation on its way: what is wanted, and what the model has made.
type draft struct {
	generator  *Generator
	owner      auth.UserID
	assessment Assessment
	req        Request
	plan       plan
	passages   []documents.Passage
	avoid      []string // questions that exist

	cards    []ai.Card
	cardsErr error
	items    []ai.Item
	itemsErr error
	spent    []ai.Usage
}

// ask has the model make the cards and the items at the same time.
func (d *draft) ask(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, modelTimeout)
	defer cancel()
	material := ai.Material{Topic: d.req.Topic, Language: languageOf(d.passages), Avoid: d.avoid}
	for _, passage := range d.passages {
		material.Sources = append(material.Sources, source(passage))
	}
	model := d.generator.model
	var calls together
	var cardsSpent, itemsSpent ai.Usage
	if d.plan.cards > 0 {
		cards := material
		cards.Count = d.plan.cards
		calls.Go(func() { d.cards, cardsSpent, d.cardsErr = model.Cards(ctx, cards) })
	}
	if d.plan.questions > 0 {
		items := material
		items.Count, items.Level = d.plan.questions, d.plan.level
		calls.Go(func() { d.items, itemsSpent, d.itemsErr = model.Questions(ctx, items) })
	}
	calls.Wait()
	d.spent = []ai.Usage{cardsSpent, itemsSpent}
	for part, err := range map[string]error{"cards": d.cardsErr, "questions": d.itemsErr} {
		if modelFails(err) { // the student is told only that it failed
			slog.WarnContext(ctx, "generation failed", "part", part, "course_id", d.assessment.Course, "error", err)
		}
	}
}

// together is a sync.WaitGroup whose Wait panics if what it waits for did: the caller can
// say what becomes of that, and outside of its goroutine nobody could.
type together struct {
	all      sync.WaitGroup
	mu       sync.Mutex
	panicked string
}

// Go begins the work.
func (t *together) Go(work func()) {
	t.all.Go(func() {
		defer func() {
			if p := recover(); p != nil {
				t.mu.Lock()
				defer t.mu.Unlock()
				t.panicked = fmt.Sprintf("%v\n%s", p, debug.Stack())
			}
		}()
		work()
	})
}

// Wait returns when all work is done.
func (t *together) Wait() {
	t.all.Wait()
	if t.panicked != "" {
		panic(t.panicked)
	}
}

// The reasons for which a part wasn't made, as the student is told.
const (
	modelFailed = "The model could not make this just now. Try again in a minute."
	nothingMade = "Nothing could be made from this material. Choose other documents or another topic, or add material."
	nothingNew  = "Nothing new could be made from this material. Choose other documents or another topic, or add material."
)

func (d *draft) problem(err error) string {
	refused, ok := errors.AsType[*fault.Fault](err)
	switch {
	case err == nil && len(d.avoid) == 0:
		return nothingMade
	case err == nil:
		return nothingNew
	case ok && refused.Kind == fault.Unsupported:
		return refused.Message
	}
	return modelFailed
}

// modelFails reports whether the error is the model's fault, so that another try may succeed.
func modelFails(err error) bool { return err != nil && fault.KindOf(err) != fault.Unsupported }

// store keeps what was made. What was paid for isn't lost because the student
// left or the time ran out.
func (d *draft) store(ctx context.Context) (Result, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()
	result := Result{
		Assessment: d.assessment, Model: d.generator.model.Name(), Passages: d.passages,
		ModelFailed: modelFails(d.cardsErr) || modelFails(d.itemsErr),
	}
	questions := d.questions(ctx)
	if len(questions) == 0 && len(d.cards) == 0 {
		result.Cards, result.Quiz = d.cardsMade(nil), d.quizMade(nil)
		result.Status = Failed
		return result, d.record(ctx, d.generator.db)
	}
	err := pgx.BeginFunc(ctx, d.generator.db, func(tx pgx.Tx) error {
		if d.assessment.ID.IsZero() {
			made, err := insert(ctx, tx, d.owner, id.New[Assessment](), d.assessment.change())
			if err != nil {
				return err
			}
			result.Assessment = made
		}
		cards, err := d.storeCards(ctx, tx, result.Assessment.ID)
		if err != nil {
			return err
		}
		quiz, err := d.storeQuiz(ctx, tx, result.Assessment.ID, questions)
		if err != nil {
			return err
		}
		result.Cards, result.Quiz = d.cardsMade(cards), d.quizMade(quiz)
		return d.record(ctx, tx)
	})
	if err != nil && fault.KindOf(err) != fault.Unavailable { // else it may have been stored
		// There is no room, or the course is gone: nothing is kept, but it was paid for.
		return result, errors.Join(err, d.record(ctx, d.generator.db))
	}
	result.Status = Partial
	if len(d.cards) == d.plan.cards && len(questions) == d.plan.questions {
		result.Status = Complete
	}
	return result, err
}

// change is a planned assessment as one to be made.
func (a Assessment) change() Change {
	return Change{
		Course: patch.To(a.Course), Title: patch.To(a.Title), Type: patch.To(a.Type),
		IncludeFlashcards: patch.To(a.IncludeFlashcards), IncludeQuizzes: patch.To(a.IncludeQuizzes),
		FlashcardCount: patch.To(a.FlashcardCount), QuizCount: patch.To(a.QuizCount),
	}
}

// record notes what the calls cost.
func (d *draft) record(ctx context.Context, tx usage.Execer) error {
	for _, spent := range d.spent {
		if spent.Model == "" {
			continue
		}
		if err := usage.Record(ctx, tx, d.owner, usage.Generating, spent); err != nil {
			return err
		}
	}
	return nil
}

// questions returns the items as questions of a quiz, without those that couldn't
// be graded, together with their sources in d.items.
func (d *draft) questions(ctx context.Context) []quizzes.Question {
	var questions []quizzes.Question
	var items []ai.Item
	for _, item := range d.items {
		question := quizzes.Question{
			Text: item.Text, Type: item.Type, Level: item.Level, Points: 1,
			Options: nonNil(item.Options), Tags: visible(item.Tags),
			Explanation: optional(item.Explanation), Hint: optional(item.Hint), SourceContent: &item.Quote,
			Citation: cite(d.passages[item.Source], item.Start, item.End, item.Quote),
		}
		for _, key := range item.Correct {
			question.Correct = append(question.Correct, key)
		}
		if err := question.Tidy(); err != nil {
			slog.WarnContext(ctx, "generated question dropped", "type", item.Type, "error", err)
			continue
		}
		questions, items = append(questions, question), append(items, item)
	}
	d.items = items
	return questions
}

// cite returns where the words stand; nil if their text was sent along.
func cite(passage documents.Passage, start, end int, quote string) *documents.Citation {
	if passage.ID.IsZero() {
		return nil
	}
	citation := passage.Cite(start, end, quote)
	return &citation
}

func nonNil(texts []string) []string {
	if texts == nil {
		return []string{}
	}
	return texts
}

// visible are the tags without what misleads: headings have soft hyphens. One of which
// nothing is left goes, for there is nobody to tell of it.
func visible(tags []string) []string {
	cleaned := []string{}
	for _, tag := range tags {
		if tag = strings.TrimSpace(names.Clean(tag)); tag != "" {
			cleaned = append(cleaned, tag)
		}
	}
	return cleaned
}

func optional(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

// storeCards adds the cards and ties them to their assessment.
func (d *draft) storeCards(ctx context.Context, tx pgx.Tx, assessment ID) ([]flashcards.Card, error) {
	if len(d.cards) == 0 {
		return nil, nil
	}
	made := make([]flashcards.New, len(d.cards))
	for i, card := range d.cards {
		made[i] = flashcards.New{
			Question: card.Front, Answer: card.Back, Explanation: card.Explanation, Level: card.Level, Tags: visible(card.Tags),
			SourceContent: card.Quote, Citation: cite(d.passages[card.Source], card.Start, card.End, card.Quote),
			Model: d.generator.model.Name(), Confidence: card.Confidence,
		}
	}
	cards, err := d.generator.cards.Add(ctx, tx, d.owner, d.assessment.Course, made)
	if err != nil {
		return nil, err
	}
	if len(cards) < len(made) { // the course was deleted meanwhile
		return nil, database.Fault(pgx.ErrNoRows, "course")
	}
	ids := make([]flashcards.ID, len(cards))
	for i, card := range cards {
		ids[i] = card.ID
	}
	_, err = tx.Exec(ctx, `INSERT INTO assessment_cards (assessment_id, flashcard_id) SELECT id, unnest($2::uuid[]) FROM assessments WHERE id = $1`, assessment, ids)
	return cards, err
}

// storeQuiz adds the quiz and ties it to its assessment; nil without questions.
func (d *draft) storeQuiz(ctx context.Context, tx pgx.Tx, assessment ID, questions []quizzes.Question) (*quizzes.Quiz, error) {
	if len(questions) == 0 {
		return nil, nil
	}
	subject := cmp.Or(d.req.Topic, d.assessment.Title)
	quiz, err := d.generator.quizzes.Insert(ctx, tx, d.owner, quizzes.New{
		Course: d.assessment.Course, Title: shorten("Quiz for " + subject), Type: "assessment", Status: d.status(),
		TimeLimit: d.plan.minutes, Model: d.generator.model.Name(), Prompt: subject, Questions: questions,
	})
	if err != nil {
		return nil, err
	}
	// The assessment may have been deleted meanwhile; the quiz stays.
	_, err = tx.Exec(ctx, `INSERT INTO assessment_quizzes (assessment_id, quiz_id) SELECT id, $2 FROM assessments WHERE id = $1`, assessment, quiz.ID)
	return &quiz, err
}

func (d *draft) status() string {
	if d.req.Publish {
		return quizzes.Published
	}
	return quizzes.Draft
}

// longestTitle is what a title may have in characters.
const longestTitle = 255

// shorten makes a text a title: one line, and no longer than that.
func shorten(text string) string {
	text = names.Clean(strings.Join(strings.Fields(text), " "))
	runes := []rune(text)
	if len(runes) <= longestTitle {
		return text
	}
	return string(runes[:longestTitle-1]) + "…"
}

// quizMade describes the part of the result; nil if none was asked for.
func (d *draft) quizMade(quiz *quizzes.Quiz) *QuizMade {
	if d.plan.questions == 0 {
		return nil
	}
	made := &QuizMade{Asked: d.plan.questions, Quiz: quiz}
	if quiz == nil {
		made.Problem = d.problem(d.itemsErr)
		return made
	}
	var topics []string
	for _, item := range d.items {
		topics = append(topics, item.Tags...)
	}
	if d.req.Adaptive {
		made.Adapted = &Adapted{Level: d.plan.level, Performance: d.plan.performance, Topics: mostFrequent(topics, 2)}
	}
	return made
}

// cardsMade describes the part of the result; nil if none was asked for.
func (d *draft) cardsMade(cards []flashcards.Card) *CardsMade {
	if d.plan.cards == 0 {
		return nil
	}
	made := &CardsMade{Asked: d.plan.cards, Cards: cards}
	if len(cards) == 0 {
		made.Problem = d.problem(d.cardsErr)
		return made
	}
	for _, card := range d.cards {
		made.Confidence += card.Confidence / float64(len(d.cards))
	}
	return made
}

// mostFrequent returns at most n of the texts, the most frequent first.
func mostFrequent(texts []string, n int) []string {
	counts := map[string]int{}
	for _, text := range texts {
		counts[text]++
	}
	sorted := slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	})
	return sorted[:min(n, len(sorted))]
}
