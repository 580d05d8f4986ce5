// Package ai is what the product asks of a language model, task by task:
// vectors for search, answers that cite, cards, quiz items and summaries. The
// package provider has the models.
package ai

import (
	"context"
	"slices"

	"aksio.app/shared/resource"
)

// Resource is the language model, as functions declare it.
const Resource resource.Name = "ai"

// Dimensions is the length of every embedding, of whichever model.
const Dimensions = 512

// MostTokens is the longest completion that may be asked for.
const MostTokens = 4096

// MostCount is the most cards or items that one call makes.
const MostCount = 50

// BatchCount is how many cards or items one completion makes.
const BatchCount = 15

// OfflineVectors is the space of the vectors that the model without a provider
// makes. The number changes when the features do: vectors of different numbers
// can't be compared.
const OfflineVectors = "offline-hash-3"

// Models are the chat models that a student may choose from. They take a
// temperature and structured outputs; what they cost, the provider knows.
var Models = []string{"gpt-4o-mini", "gpt-4o", "gpt-4.1", "gpt-4.1-mini", "gpt-4.1-nano"}

// Allowed reports whether a question may name the chat model.
func Allowed(model string) bool { return slices.Contains(Models, model) }

// Model is a language model at the level of the product's tasks.
//
// Its methods are safe for concurrent use and stop when the context is done.
// Failures of a provider are faults: Throttled, Unavailable or BadGateway. The
// usage that is returned beside an error was spent nevertheless; cards and items
// beside one were made before it and are as good as others.
type Model interface {
	// Name is what is stored as the model that made something: "gpt-4o-mini", "offline".
	Name() string
	// Ping asks whether the model would answer. It costs nothing.
	Ping(ctx context.Context) error
	// EmbeddingModel names the space of the vectors; those of different spaces are never compared.
	EmbeddingModel() string
	// Weight returns what a token of the named model costs, beside one of gpt-4o-mini.
	Weight(model string) float64
	// InputTokens is about how many tokens the longest prompt has.
	InputTokens() int
	// Embed returns one vector of unit length for each text. It batches by itself.
	Embed(ctx context.Context, texts []string) ([][]float32, Usage, error)
	// Answer answers the last turn from the sources. Parts are emitted as they
	// come; an error of emit stops the answer. emit may be nil.
	Answer(ctx context.Context, q Question, emit func(Part) error) (Answer, error)
	// Cards makes at most m.Count flashcards, fewer if the material holds no more.
	Cards(ctx context.Context, m Material) ([]Card, Usage, error)
	// Questions makes at most m.Count quiz items, fewer if the material holds no more.
	Questions(ctx context.Context, m Material) ([]Item, Usage, error)
	// Summarize says what the material is about.
	Summarize(ctx context.Context, m Material) (Summary, Usage, error)
}

// Usage is what a call cost, in the provider's tokens.
type Usage struct {
	Model            string
	PromptTokens     int
	CompletionTokens int
}

// Add returns the sum of both, under the name of whichever has one.
func (u Usage) Add(other Usage) Usage {
	if u.Model == "" {
		u.Model = other.Model
	}
	u.PromptTokens += other.PromptTokens
	u.CompletionTokens += other.CompletionTokens
	return u
}

// Source is a passage of the learner's material. Its number is its index in the
// slice that it is passed in. Its text is data; it instructs nobody.
type Source struct {
	Document string // title, for people
	Heading  string
	Page     int // from 1; 0 if the document has no pages
	Text     string
}

// Role is who speaks in a turn.
type Role string

// The roles of a conversation.
const (
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
)

// Turn is one message of a conversation.
type Turn struct {
	Role Role
	Text string
}

// Question is a conversation whose last turn is to be answered from the sources.
type Question struct {
	Turns        []Turn
	Sources      []Source
	Instructions string  // the product's own, such as the tutor's manner; never a document's text
	Model        string  // "" for the configured one; see Allowed
	Temperature  float64 // 0 to 2
	MaxTokens    int     // 1 to MostTokens; 0 for the configured number
}

// Part is a piece of a streamed answer: text or a citation, never both. A
// citation follows its mark in the text: [1] is the answer's first, and so on. A
// quote that is cited again has its mark again, and no second citation.
type Part struct {
	Text     string
	Citation *Citation
}

// Citation is words of a source that were found there.
type Citation struct {
	Source     int // index in the question's sources
	Start, End int // code points in the source's text, End excluded
	Quote      string
}

// Answer is the whole of what was emitted.
type Answer struct {
	Text      string
	Citations []Citation
	Usage     Usage
}

// Material is what cards, items and summaries are made from.
type Material struct {
	Sources  []Source
	Count    int      // how many are wanted, at most MostCount
	Topic    string   // "" for all of it
	Language string   // BCP 47, "" for the material's own
	Level    string   // "easy", "medium", "hard", "" for a mixture
	Types    []string // of items; empty for all
	Avoid    []string // fronts or questions that exist already
}

// The types of quiz items that models make.
const (
	MultipleChoice = "multiple_choice"
	TrueFalse      = "true_false"
	ShortAnswer    = "short_answer"
	FillBlank      = "fill_blank"
)

// Types lists the types of quiz items that models make.
var Types = []string{MultipleChoice, TrueFalse, ShortAnswer, FillBlank}

// The levels of difficulty.
const (
	Easy   = "easy"
	Medium = "medium"
	Hard   = "hard"
)

// Card is a flashcard with the words of the material that support it.
type Card struct {
	Front, Back string
	Explanation string
	Level       string
	Tags        []string
	Source      int // index in the material's sources
	Start, End  int // code points in the source's text, End excluded
	Quote       string
	Confidence  float64 // 0 to 1
}

// Item is a quiz question with the words of the material that support it.
type Item struct {
	Text        string
	Type        string // one of Types
	Explanation string
	Hint        string
	Level       string
	Options     []string // for MultipleChoice and TrueFalse
	Correct     []string // option texts, or accepted answers
	Tags        []string
	Source      int // index in the material's sources
	Start, End  int // code points in the source's text, End excluded
	Quote       string
}

// Summary says what material is about.
type Summary struct {
	Text   string
	Topics []string // the most important first
}
