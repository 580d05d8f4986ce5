package provider

import "aksio.app/shared/ai"

// Offline is the model for places without a provider: it takes sentences out of
// the material instead of writing any, needs no network, costs no tokens, and
// gives the same for the same.
type Offline struct{}

var _ ai.Model = Offline{}

const offlineName = "offline"

// Name implements Model.
func (Offline) Name() string { return offlineName }

// EmbeddingModel implements Model.
func (Offline) EmbeddingModel() string { return ai.OfflineVectors }

// usage of the offline model is always nothing.
func (Offline) usage() ai.Usage { return ai.Usage{Model: offlineName} }
