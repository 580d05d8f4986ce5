package assessments

import "aksio.app/shared/ai"

// plan says what a generation is to make.
type plan struct {
	cards       int
	questions   int
	level       string  // "" for a mixture
	minutes     int     // time limit of the quiz
	performance float64 // percent, of the student in the course; 0 if unknown
}

// usual is how many questions a quiz has for which no number is asked.
const usual = 10

// planned returns what the request wants of the assessment.
func (a Assessment) planned(req Request, performance float64, known bool) plan {
	p := plan{performance: performance}
	if a.IncludeFlashcards {
		p.cards = a.FlashcardCount
	}
	if !a.IncludeQuizzes || a.QuizCount == 0 {
		return p
	}
	p.questions = a.questionCount()
	if req.Adaptive {
		p.level, p.questions = adapt(performance, known)
	}
	if req.Questions > 0 {
		p.questions = req.Questions
	}
	p.minutes = max(15, 2*p.questions)
	if req.Adaptive {
		p.minutes = 20
		if a.Duration != nil && *a.Duration > 0 {
			p.minutes = *a.Duration
		}
	}
	return p
}

// tokens is about the most that the model takes of the month's for it: each question is
// read a second time.
func (p plan) tokens(model ai.Model) float64 {
	completions := func(things int) int { return (things + ai.BatchCount - 1) / ai.BatchCount }
	return model.Weight(model.Name()) * float64((completions(p.cards)+2*completions(p.questions))*(model.InputTokens()+ai.MostTokens))
}

// questionCount reads quiz_count as clients have come to use it: its default, 1,
// means one quiz; a larger number is that of its questions.
func (a Assessment) questionCount() int {
	if a.QuizCount > 1 {
		return a.QuizCount
	}
	return usual
}

// adapt returns how hard and how long a quiz should be for whom lately got the
// percentage: harder and shorter the better.
func adapt(performance float64, known bool) (level string, questions int) {
	switch {
	case !known:
		return ai.Medium, usual
	case performance >= 90:
		return ai.Hard, 8
	case performance >= 70:
		return ai.Medium, usual
	}
	return ai.Easy, 12
}
