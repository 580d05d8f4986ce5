package assessments

import (
	"context"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"aksio.app/shared/ai"
	"aksio.app/shared/auth"
	"aksio.app/shared/courses"
	"aksio.app/shared/database"
	"aksio.app/shared/documents"
	"aksio.app/shared/fault"
	"aksio.app/shared/flashcards"
	"aksio.app/shared/id"
	"aksio.app/shared/limits"
	"aksio.app/shared/quizzes"
	"aksio.app/shared/retrieval"
	"aksio.app/shared/usage"
)

// Timeout is how long a generation may take; the models have less, so that what
// they made can be stored.
const (
	Timeout      = 120 * time.Second
	modelTimeout = 105 * time.Second
	storeTimeout = 10 * time.Second

	releaseTimeout = 3 * time.Second
)

// Generator has a model make cards and quizzes from the material of courses.
type Generator struct {
	db      *database.DB
	model   ai.Model
	limiter limits.Limiter
	search  *retrieval.Store
	quizzes *quizzes.Store
	cards   *flashcards.Store
}

// NewGenerator returns a generator that stores what it makes in the database.
func NewGenerator(db *database.DB, model ai.Model, limiter limits.Limiter) *Generator {
	return &Generator{db: db, model: model, limiter: limiter, search: retrieval.NewStore(db, model), quizzes: quizzes.NewStore(db), cards: flashcards.NewStore(db)}
}

// Request says what is to be made. Zero values are good.
type Request struct {
	Topic     string         // "" for all of the material
	Content   string         // text to learn besides the documents, or instead of those of the course
	Documents []documents.ID // of the course; all of it when empty
	Adaptive  bool           // fit the quiz to the student's results
	Questions int            // of the quiz; as the assessment says when 0
	Publish   bool           // the quiz, so that it can be taken at once
}

// Status says how much of what was asked for was made.
type Status string

// The statuses.
const (
	Complete Status = "completed" // all of it
	Partial  Status = "partial"   // less, but something
	Failed   Status = "failed"    // nothing; nothing was stored
)

// Result is what was made. A part that wasn't asked for is nil.
type Result struct {
	Assessment  Assessment // without an id when it was to be made for this and nothing came of it
	Status      Status
	ModelFailed bool // in a part at least
	Model       string
	Cards       *CardsMade
	Quiz        *QuizMade
	Passages    []documents.Passage // that were read
}

// CardsMade are the cards of a generation.
type CardsMade struct {
	Asked      int
	Cards      []flashcards.Card
	Confidence float64 // 0 to 1: the model's own, on the average
	Problem    string  // why there is none, for the student
}

// QuizMade is the quiz of a generation.
type QuizMade struct {
	Asked   int
	Quiz    *quizzes.Quiz
	Adapted *Adapted
	Problem string // why there is none, for the student
}

// Adapted tells how a quiz was fitted to the student.
type Adapted struct {
	Level       string
	Performance float64  // percent; 0 if unknown
	Topics      []string // of the quiz, the most frequent first: what to look at next
}

// Generate makes what the assessment plans and the request asks for, and stores it
// in one transaction together with what it cost. That a model fails or finds less
// than was asked for is part of the result; an error means that nothing could be
// tried or stored. It is a Conflict while another generation of the course runs: both
// would make the same, and if there is no room for what is planned.
func (g *Generator) Generate(ctx context.Context, owner auth.UserID, assessment Assessment, req Request) (Result, error) {
	if err := g.requireDocuments(ctx, owner, assessment.Course, req.Documents); err != nil {
		return Result{}, err
	}
	performance, known, err := g.quizzes.Performance(ctx, owner, assessment.Course)
	if err != nil {
		return Result{}, err
	}
	plan := assessment.planned(req, performance, known)
	if plan.cards == 0 && plan.questions == 0 {
		return Result{}, fault.New(fault.Invalid, "Neither cards nor questions are wanted: ask for some.").Coded("nothing_wanted")
	}
	call := usage.Call{ID: id.New[usage.Call](), Tokens: plan.tokens(g.model)}
	if err := usage.Allow(ctx, g.limiter, g.db, g.model, owner, call); err != nil {
		return Result{}, err
	}
	release, err := g.claim(ctx, owner, assessment.Course, call.ID)
	if err != nil {
		usage.Settle(ctx, g.db, owner, call.ID)
		return Result{}, err
	}
	defer release()
	avoid, err := g.before(ctx, owner, assessment, plan)
	if err != nil {
		return Result{}, err
	}
	passages, err := g.material(ctx, owner, assessment.Course, req, len(avoid))
	if err != nil {
		return Result{}, err
	}
	d := &draft{
		generator: g, owner: owner, assessment: assessment, req: req,
		plan: plan, passages: passages, avoid: avoid,
	}
	d.ask(ctx)
	return d.store(ctx)
}

// claim keeps other generations off the course until the release, or until the time of
// this one is up. The release settles the call, too.
func (g *Generator) claim(ctx context.Context, owner auth.UserID, course courses.ID, call usage.CallID) (release func(), err error) {
	var wait *time.Duration // until the other's time is up; nil: the course is ours
	err = g.db.QueryRow(ctx, `
		WITH before AS (
			SELECT id, generating_until FROM courses WHERE `+courses.Owned("$1", "$2")+` FOR NO KEY UPDATE
		), claimed AS (
			UPDATE courses SET generation = $3, generating_until = now() + $4::interval FROM before
			WHERE courses.id = before.id AND (before.generating_until IS NULL OR before.generating_until < now())
			RETURNING courses.id
		)
		SELECT CASE WHEN NOT EXISTS (SELECT FROM claimed) THEN generating_until - now() END FROM before`,
		course, owner, call, Timeout+storeTimeout).Scan(&wait)
	if err != nil {
		return nil, database.Fault(err, "course")
	}
	if wait != nil {
		return nil, fault.New(fault.Conflict, "Cards or questions of this course are being made already. Try again when that is done, in %d seconds at the latest.", int(wait.Seconds())+1).
			Coded("generation_running").RetryAfter(min(*wait, 10*time.Second))
	}
	return func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTimeout)
		defer cancel()
		var batch pgx.Batch
		batch.Queue(`UPDATE courses SET generation = NULL, generating_until = NULL WHERE id = $1 AND generation = $2`, course, call)
		usage.QueueSettle(&batch, owner, call)
		if err := g.db.SendBatch(ctx, &batch).Close(); err != nil {
			slog.WarnContext(ctx, "a generation's claim lasts until its time is up", "course_id", course, "error", err)
		}
	}, nil
}

// ForDocument makes cards and a published quiz from one document, for which it
// plans an assessment of its own. Published, since who asks for a quiz of a document
// means to take it now; an assessment's is a draft because it is somebody's plan.
func (g *Generator) ForDocument(ctx context.Context, owner auth.UserID, document documents.Document, cards, questions int) (Result, error) {
	return g.Generate(ctx, owner, Assessment{
		Course: document.Course, Title: shorten(document.Name), Type: selfAssessment,
		IncludeFlashcards: cards > 0, IncludeQuizzes: questions > 0, FlashcardCount: cards, QuizCount: questions,
	}, Request{Documents: []documents.ID{document.ID}, Questions: questions, Publish: true})
}
