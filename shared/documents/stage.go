package documents

// Stage is what is being done with a document.
type Stage string

// The stages, in order; "" before the first and after the last. What a stage made
// is stored when it ends, with embed's batches one by one: whoever goes on with a
// document begins there.
const (
	Extract   Stage = "extract"   // its text by page, and its passages
	Embed     Stage = "embed"     // vectors of the passages; then they are what is searched
	Summarize Stage = "summarize" // what it is about
)

// Reads reports whether the stage is about getting at the text.
func (s Stage) Reads() bool { return s == "" || s == Extract }
