package provider

import (
	"context"

	"aksio.app/shared/ai"
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

// usage of the offline model is always nothing.
func (Offline) usage() ai.Usage { return ai.Usage{Model: offlineName} }
