package provider

import (
	"context"

	"aksio.app/shared/ai"
	"aksio.app/shared/fault"
)

// Offline is the model for places without a provider: it takes sentences out of
// the material instead of writing any, needs no network, costs no tokens, and
// gives the same for the same.
type Offline struct{ prices map[string]float64 }

var _ ai.Model = Offline{}

const offlineName = "offline"

// Name implements Model.
func (Offline) Name() string { return offlineName }

// Ping implements Model.
func (Offline) Ping(context.Context) error { return nil }

// EmbeddingModel implements Model.
func (Offline) EmbeddingModel() string { return ai.OfflineVectors }

// Weight implements Model: what other models were asked before still counts.
func (o Offline) Weight(model string) float64 { return Config{Prices: o.prices}.weight(model) }

// InputTokens implements Model: it asks nobody, so that no call holds tokens.
func (Offline) InputTokens() int { return 0 }

// nothing says why the model made nothing of material in a script without capitals, by
// which it finds sentences and names; nil if the material is to blame.
func (o Offline) nothing(m ai.Material) error {
	if upper, lower, others := cases(m.Sources); upper+lower >= others {
		return nil
	}
	return fault.New(fault.Unsupported, "No language model is connected, and the built-in one can't make cards or questions of texts in this script. "+
		"Choose documents in another script, or have a language model connected.").Coded("ai_unsupported")
}

// usage of the offline model is always nothing.
func (Offline) usage() ai.Usage { return ai.Usage{Model: offlineName} }
