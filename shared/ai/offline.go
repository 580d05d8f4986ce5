package ai

// Offline is the model for places without a provider: it takes sentences out of
// the material instead of writing any, needs no network, costs no tokens, and
// gives the same for the same.
type Offline struct{}

var _ Model = Offline{}

const offlineName = "offline"

// Name implements Model.
func (Offline) Name() string { return offlineName }

// EmbeddingModel implements Model. The number changes when the features do:
// vectors of different numbers can't be compared.
func (Offline) EmbeddingModel() string { return "offline-hash-1" }

// usage of the offline model is always nothing.
func (Offline) usage() Usage { return Usage{Model: offlineName} }
