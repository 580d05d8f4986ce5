// Package provider has the language models. OpenAI speaks to any server with
// OpenAI's API. Offline needs no key and no network: it extracts from the material,
// always the same way, and says so. Whatever either returns is checked against the
// sources: a quote that isn't there is never shown.
package provider

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"time"

	"aksio.app/shared/ai"
	"aksio.app/shared/resource"
)

// Config says which model is asked, and within which bounds. With neither Key
// nor BaseURL it is the offline one.
type Config struct {
	Key         string        `env:"OPENAI_API_KEY"`
	BaseURL     string        `env:"OPENAI_BASE_URL"` // of any server with OpenAI's API, such as http://localhost:11434/v1
	Chat        string        `env:"AI_MODEL" envDefault:"gpt-4o-mini"`
	Embedding   string        `env:"EMBEDDING_MODEL" envDefault:"text-embedding-3-small"`
	Timeout     time.Duration `env:"AI_TIMEOUT" envDefault:"60s"`        // of one call, its retries included
	MaxTokens   int           `env:"AI_MAX_TOKENS" envDefault:"1024"`    // of an answer that asks for no number
	InputTokens int           `env:"AI_INPUT_TOKENS" envDefault:"24000"` // of one prompt, estimated

	// Prices are dollars for a million tokens of input: gpt-4o=2.5,llama3.2=0. They
	// go before those known here. A model without a price counts as the dearest.
	Prices map[string]float64 `env:"AI_PRICES" envKeyValSeparator:"=" example:"gpt-5-mini=0.25,llama3.2=0"`
}

// Validate reports every setting that can't work.
func (c Config) Validate() error {
	var errs []error
	if c.BaseURL != "" {
		if u, err := url.Parse(c.BaseURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
			errs = append(errs, fmt.Errorf("OPENAI_BASE_URL is %q: write an address such as https://host/v1, or leave it out", c.BaseURL))
		}
	}
	if c.Chat == "" || c.BaseURL == "" && !ai.Allowed(c.Chat) {
		errs = append(errs, fmt.Errorf("AI_MODEL is %q: write one of %q", c.Chat, ai.Models))
	}
	if c.Embedding == "" {
		errs = append(errs, errors.New("EMBEDDING_MODEL is empty: write text-embedding-3-small"))
	}
	if c.Timeout < time.Second || c.Timeout > 10*time.Minute {
		errs = append(errs, fmt.Errorf("AI_TIMEOUT is %s: write 1s to 10m", c.Timeout))
	}
	if c.MaxTokens < 1 || c.MaxTokens > ai.MostTokens {
		errs = append(errs, fmt.Errorf("AI_MAX_TOKENS is %d: write 1 to %d", c.MaxTokens, ai.MostTokens))
	}
	if c.InputTokens < 1000 || c.InputTokens > 100_000 {
		errs = append(errs, fmt.Errorf("AI_INPUT_TOKENS is %d: write 1000 to 100000", c.InputTokens))
	}
	for _, model := range slices.Sorted(maps.Keys(c.Prices)) {
		if price := c.Prices[model]; !(0 <= price && price <= 1000) { // so written, NaN fails too
			errs = append(errs, fmt.Errorf("AI_PRICES has %s=%g: write dollars for a million tokens, 0 to 1000", model, price))
		}
	}
	return errors.Join(errs...)
}

// usual is the model in whose tokens plans count.
const usual = "gpt-4o-mini"

// outputPrice is how many times the price of input OpenAI's chat models ask for output,
// all alike.
const outputPrice = 4

// prices are OpenAI's, of June 2026, in dollars for a million tokens of input.
var prices = map[string]float64{
	usual: 0.15, "gpt-4.1-nano": 0.1, "gpt-4.1-mini": 0.4, "gpt-4.1": 2, "gpt-4o": 2.5,
	"text-embedding-3-small": 0.02, "text-embedding-3-large": 0.13,
	offlineName: 0,
}

// weight returns what a token of the model costs beside one of the usual model.
func (c Config) weight(model string) float64 {
	known := maps.Clone(prices)
	maps.Copy(known, c.Prices)
	price, ok := known[model]
	if !ok {
		price = slices.Max(slices.Collect(maps.Values(known)))
	}
	return price / prices[usual]
}

// Open returns the process's model.
func Open(env *resource.Env) (ai.Model, error) {
	return resource.Open(env, ai.Resource, func() (ai.Model, error) {
		config, err := resource.Settings[Config](env)
		if err != nil {
			return nil, err
		}
		return New(config), nil
	})
}

// New returns the configured model without calling it.
func New(config Config) ai.Model {
	if config.Key == "" && config.BaseURL == "" {
		return Offline{config.Prices}
	}
	return logged{NewOpenAI(config)}
}
