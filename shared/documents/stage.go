package documents

// Stage is what is being done with a document.
type Stage string

// The stages, in order.
const (
	Verify    Stage = "verify"    // its size, and whether it is known
	Extract   Stage = "extract"   // its text by page, and its passages
	Embed     Stage = "embed"     // vectors of the passages
	Index     Stage = "index"     // make them what is searched
	Summarize Stage = "summarize" // what it is about
)

// Reads reports whether the stage is about getting at the text.
func (s Stage) Reads() bool { return s == "" || s == Verify || s == Extract }
