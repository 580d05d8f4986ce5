package provider

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strings"
	"unicode/utf8"

	openai "github.com/sashabaranov/go-openai"
	"github.com/sashabaranov/go-openai/jsonschema"

	"aksio.app/shared/ai"
)

// OpenAI is a model behind OpenAI's API, theirs or another server's.
type OpenAI struct {
	config Config
	client *openai.Client
}

var _ ai.Model = (*OpenAI)(nil)

// NewOpenAI returns the configured model without calling it.
func NewOpenAI(config Config) *OpenAI {
	settings := openai.DefaultConfig(config.Key)
	if config.BaseURL != "" {
		settings.BaseURL = strings.TrimRight(config.BaseURL, "/")
	}
	settings.HTTPClient = &retrier{client: &http.Client{}, pause: firstPause}
	return &OpenAI{config: config, client: openai.NewClientWithConfig(settings)}
}

// Name implements Model.
func (o *OpenAI) Name() string { return o.config.Chat }

// Ping implements Model. The key must be allowed to list models.
func (o *OpenAI) Ping(ctx context.Context) error {
	if _, err := o.client.ListModels(ctx); err != nil {
		return failed(ctx, fmt.Errorf("list models: %w", err))
	}
	return nil
}

// EmbeddingModel implements Model.
func (o *OpenAI) EmbeddingModel() string { return o.config.Embedding }

// Weight implements Model.
func (o *OpenAI) Weight(model string) float64 { return o.config.weight(model) }

// InputTokens implements Model.
func (o *OpenAI) InputTokens() int { return o.config.InputTokens }

// Bounds of one request for embeddings. OpenAI takes 2048 texts of 8191 tokens
// and 300,000 in all; smaller batches fail and are repeated in smaller pieces.
const (
	batchTexts  = 96
	batchTokens = 60_000
	textTokens  = 8_000
)

// Embed implements Model.
func (o *OpenAI) Embed(ctx context.Context, texts []string) ([][]float32, ai.Usage, error) {
	usage := ai.Usage{Model: o.config.Embedding}
	if err := checkTexts(texts); err != nil {
		return nil, usage, err
	}
	vectors := make([][]float32, 0, len(texts))
	for len(texts) > 0 {
		n, err := nextBatch(texts)
		if err != nil {
			return nil, usage, err
		}
		batch, spent, err := o.embed(ctx, texts[:n])
		usage = usage.Add(spent)
		if err != nil {
			return nil, usage, failed(ctx, fmt.Errorf("embed %d texts: %w", n, err))
		}
		vectors = append(vectors, batch...)
		texts = texts[n:]
	}
	return vectors, usage, nil
}

// nextBatch returns how many of the texts, from the first, go into one request.
func nextBatch(texts []string) (int, error) {
	tokens := 0
	for i, text := range texts[:min(len(texts), batchTexts)] {
		size := estimate(text)
		if size > textTokens {
			return 0, tooLong()
		}
		if tokens += size; tokens > batchTokens {
			return i, nil
		}
	}
	return min(len(texts), batchTexts), nil
}

func (o *OpenAI) embed(ctx context.Context, texts []string) ([][]float32, ai.Usage, error) {
	ctx, cancel := context.WithTimeout(ctx, o.config.Timeout)
	defer cancel()
	resp, err := o.client.CreateEmbeddings(ctx, openai.EmbeddingRequest{
		Input: texts, Model: openai.EmbeddingModel(o.config.Embedding), Dimensions: ai.Dimensions,
		EncodingFormat: openai.EmbeddingEncodingFormatFloat,
	})
	if err != nil {
		return nil, ai.Usage{}, err
	}
	usage, ok := told(resp.Usage)
	if !ok {
		for _, text := range texts {
			usage.PromptTokens += estimate(text)
		}
	}
	vectors := make([][]float32, len(texts))
	for _, e := range resp.Data {
		if e.Index < 0 || e.Index >= len(texts) || vectors[e.Index] != nil || len(e.Embedding) != ai.Dimensions {
			return nil, usage, fmt.Errorf("%w: embedding %d has %d dimensions, want %d for each of %d texts", errUnusable, e.Index, len(e.Embedding), ai.Dimensions, len(texts))
		}
		wide := make([]float64, ai.Dimensions)
		for i, v := range e.Embedding {
			wide[i] = float64(v)
		}
		vectors[e.Index] = unit(wide)
	}
	if len(resp.Data) != len(texts) {
		return nil, usage, fmt.Errorf("%w: %d embeddings for %d texts", errUnusable, len(resp.Data), len(texts))
	}
	return vectors, usage, nil
}

// Answer implements Model.
func (o *OpenAI) Answer(ctx context.Context, q ai.Question, emit func(ai.Part) error) (ai.Answer, error) {
	if err := checkQuestion(q, o.config.Chat); err != nil {
		return ai.Answer{}, err
	}
	p, err := fitQuestion(q, o.config.InputTokens)
	if err != nil {
		return ai.Answer{}, err
	}
	model := cmp.Or(q.Model, o.config.Chat)
	request := o.request(model, cmp.Or(q.MaxTokens, o.config.MaxTokens), q.Temperature, p.messages())
	request.Stream, request.StreamOptions = true, &openai.StreamOptions{IncludeUsage: true}
	filter := newCiter(q.Sources[:p.used], emit)
	usage, err := o.stream(ctx, request, filter)
	usage.Model = model
	return ai.Answer{Text: filter.text.String(), Citations: filter.cited, Usage: usage}, err
}

func (p prompt) messages() []openai.ChatCompletionMessage {
	messages := []openai.ChatCompletionMessage{{Role: openai.ChatMessageRoleSystem, Content: p.system}}
	sources := p.sources
	if sources == "" {
		sources = "There are no sources for this question."
	}
	messages = append(messages, openai.ChatCompletionMessage{Role: openai.ChatMessageRoleUser, Content: sources})
	for _, turn := range p.turns {
		role := openai.ChatMessageRoleUser
		if turn.Role == ai.RoleAssistant {
			role = openai.ChatMessageRoleAssistant
		}
		messages = append(messages, openai.ChatCompletionMessage{Role: role, Content: turn.Text})
	}
	return messages
}

// request returns a request for a completion. Only OpenAI's own server surely
// knows max_completion_tokens.
func (o *OpenAI) request(model string, tokens int, temperature float64, messages []openai.ChatCompletionMessage) openai.ChatCompletionRequest {
	request := openai.ChatCompletionRequest{Model: model, Messages: messages, Temperature: float32(temperature)}
	if temperature == 0 {
		request.Temperature = math.SmallestNonzeroFloat32 // the library leaves a zero out, and the default is 1
	}
	if o.config.BaseURL == "" {
		request.MaxCompletionTokens = tokens
	} else {
		request.MaxTokens = tokens //lint:ignore SA1019 compatible servers may know no other
	}
	return request
}

// stream runs the completion through the filter. When emit fails, its error is returned as it is.
func (o *OpenAI) stream(ctx context.Context, request openai.ChatCompletionRequest, filter *citer) (ai.Usage, error) {
	limited, cancel := context.WithTimeout(ctx, o.config.Timeout)
	defer cancel()
	stream, err := o.client.CreateChatCompletionStream(limited, request)
	if err != nil {
		return ai.Usage{}, failed(ctx, fmt.Errorf("answer: %w", timely(limited, err)))
	}
	defer stream.Close()
	usage := ai.Usage{}
	received, finished := 0, false
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return o.spent(usage, request, received), failed(ctx, fmt.Errorf("answer: %w: %w", cmp.Or(limited.Err(), errCut), err))
		}
		if chunk.Usage != nil {
			usage, _ = told(*chunk.Usage)
		}
		for _, choice := range chunk.Choices {
			received += estimate(choice.Delta.Content)
			finished = finished || choice.FinishReason != ""
			if err := filter.write(clean(choice.Delta.Content)); err != nil {
				return o.spent(usage, request, received), err
			}
			if filter.text.Len() > longestText {
				return o.spent(usage, request, received), failed(ctx, fmt.Errorf("answer: %w: endless", errUnusable))
			}
			if choice.FinishReason == openai.FinishReasonContentFilter {
				return o.spent(usage, request, received), failed(ctx, fmt.Errorf("answer: %w: content filter", errUnusable))
			}
		}
	}
	usage = o.spent(usage, request, received)
	switch {
	case !finished:
		return usage, failed(ctx, fmt.Errorf("answer: %w", errCut))
	case filter.text.Len() == 0 && filter.held == "":
		return usage, failed(ctx, fmt.Errorf("answer: %w: empty", errUnusable))
	}
	return usage, filter.close()
}

// timely returns the context's error in the place of one that follows from it.
func timely(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%w: %w", ctx.Err(), err)
	}
	return err
}

// spent returns the usage, or an estimate where the provider told none: an answer
// that was cut off was paid for all the same.
func (o *OpenAI) spent(usage ai.Usage, request openai.ChatCompletionRequest, received int) ai.Usage {
	if usage.PromptTokens > 0 {
		return usage
	}
	for _, m := range request.Messages {
		usage.PromptTokens += estimate(m.Content)
	}
	usage.CompletionTokens = received
	return usage
}

// fill asks for a value of T's shape: the schema is made from the type, and the
// provider keeps to it.
func fill[T any](ctx context.Context, o *OpenAI, task, system, user string, tokens int) (T, ai.Usage, error) {
	var out T
	usage := ai.Usage{Model: o.config.Chat}
	schema, err := jsonschema.GenerateSchemaForType(out)
	if err != nil {
		return out, usage, fmt.Errorf("schema of %T: %w", out, err)
	}
	request := o.request(o.config.Chat, min(tokens, ai.MostTokens), 0.2, []openai.ChatCompletionMessage{
		{Role: openai.ChatMessageRoleSystem, Content: system},
		{Role: openai.ChatMessageRoleUser, Content: user},
	})
	request.ResponseFormat = &openai.ChatCompletionResponseFormat{
		Type:       openai.ChatCompletionResponseFormatTypeJSONSchema,
		JSONSchema: &openai.ChatCompletionResponseFormatJSONSchema{Name: task, Schema: schema, Strict: true},
	}
	limited, cancel := context.WithTimeout(ctx, o.config.Timeout)
	defer cancel()
	resp, err := o.client.CreateChatCompletion(limited, request)
	if err != nil {
		return out, usage, failed(ctx, fmt.Errorf("%s: %w", task, timely(limited, err)))
	}
	spent, ok := told(resp.Usage)
	if !ok {
		spent = ai.Usage{PromptTokens: estimate(system) + estimate(user)}
		for _, choice := range resp.Choices {
			spent.CompletionTokens += estimate(choice.Message.Content)
		}
	}
	usage = usage.Add(spent)
	if len(resp.Choices) == 0 {
		return out, usage, failed(ctx, fmt.Errorf("%s: %w: no choice", task, errUnusable))
	}
	choice := resp.Choices[0]
	if err := json.Unmarshal([]byte(choice.Message.Content), &out); err != nil {
		return out, usage, failed(ctx, fmt.Errorf("%s: %w: finished by %q, refusal %.200q: %w", task, errUnusable, choice.FinishReason, choice.Message.Refusal, err))
	}
	return out, usage, nil
}

// told returns the usage that the provider tells, and whether it can be: it is
// billed and stored, so that neither less than nothing nor more than any model
// takes may count.
func told(u openai.Usage) (ai.Usage, bool) {
	const most = 2_000_000
	if u.PromptTokens < 1 || u.PromptTokens > most || u.CompletionTokens < 0 || u.CompletionTokens > most {
		return ai.Usage{}, false
	}
	return ai.Usage{PromptTokens: u.PromptTokens, CompletionTokens: u.CompletionTokens}, true
}

// longestText is the most bytes that one text of a model may have: some four times
// what the longest completion has.
const longestText = 64 << 10

// clean takes out of a model's text what can't be stored. Decoded JSON is UTF-8
// always; a NUL character it may hold.
func clean(text string) string { return strings.ReplaceAll(text, "\x00", "") }

func cleanAll(texts []string) []string {
	for i, text := range texts {
		texts[i] = clean(text)
	}
	return texts
}

// cut returns the text, shortened to so many bytes.
func cut(text string, bytes int) string {
	if len(text) <= bytes {
		return text
	}
	for !utf8.RuneStart(text[bytes]) {
		bytes--
	}
	return text[:bytes]
}

// Bounds of a model's tags.
const (
	mostTags   = 8
	longestTag = 100 // bytes
)

// tags returns a model's tags or topics as they are stored.
func tags(texts []string) (kept []string) {
	for _, text := range texts {
		if text = strings.TrimSpace(cut(clean(text), longestTag)); text != "" && len(kept) < mostTags {
			kept = append(kept, text)
		}
	}
	return kept
}
