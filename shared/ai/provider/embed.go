package provider

import (
	"context"
	"hash/fnv"
	"math"
	"strings"
	"unicode/utf8"

	"aksio.app/shared/ai"
	"aksio.app/shared/fault"
)

// Weights of the kinds of features beside the words' own.
const (
	pairWeight   = 0.35 // two words in a row
	prefixWeight = 0.45 // the start of a word: compounds and derived words meet
	prefixLength = 5
	stopWeight   = 0.05 // a text of nothing but stop words must have a direction, too
)

// Embed implements Model: words are hashed into Dimensions buckets with a sign,
// weighted by how often they occur and how rare they are likely to be.
func (o Offline) Embed(ctx context.Context, texts []string) ([][]float32, ai.Usage, error) {
	if err := checkTexts(texts); err != nil {
		return nil, ai.Usage{}, err
	}
	vectors := make([][]float32, len(texts))
	for i, text := range texts {
		if err := ctx.Err(); err != nil {
			return nil, o.usage(), err
		}
		vectors[i] = hashedFeatures(text)
	}
	return vectors, o.usage(), nil
}

// checkTexts refuses what no model can embed.
func checkTexts(texts []string) error {
	for i, text := range texts {
		if strings.TrimSpace(text) == "" {
			return fault.New(fault.Invalid, "text %d of %d is empty: there is nothing to search by", i+1, len(texts))
		}
	}
	return nil
}

func hashedFeatures(text string) []float32 {
	counts := map[string]float64{}
	weights := map[string]float64{}
	add := func(feature string, weight float64) {
		counts[feature]++
		weights[feature] = weight
	}
	previous := ""
	for _, w := range splitWords(text) {
		key := stem(w.text)
		if stopped(w.text) {
			add(key, stopWeight)
			continue
		}
		weight := rarity([]string{key})
		add(key, weight)
		if utf8.RuneCountInString(key) > prefixLength {
			add("^"+string([]rune(key)[:prefixLength]), prefixWeight*weight)
		}
		if previous != "" {
			add(previous+" "+key, pairWeight*weight)
		}
		previous = key
	}
	if len(counts) == 0 { // signs alone
		add(Fold(text), 1)
	}
	var sum [ai.Dimensions]float64
	for feature, n := range counts {
		at, sign := bucket(feature)
		sum[at] += sign * weights[feature] * (1 + math.Log(n))
	}
	rotate(sum[:])
	return unit(sum[:])
}

// rotate turns the vectors in space, which keeps their distances: each number becomes a
// sum of all, some of them negated (a Walsh-Hadamard transform). Few of them were other
// than zero before, and their signs would say little.
func rotate(v []float64) {
	for half := 1; half < len(v); half *= 2 {
		for i := 0; i < len(v); i += 2 * half {
			for j := i; j < i+half; j++ {
				v[j], v[j+half] = v[j]+v[j+half], v[j]-v[j+half]
			}
		}
	}
}

func bucket(feature string) (at int, sign float64) {
	h := fnv.New64a()
	h.Write([]byte(feature))
	v := h.Sum64()
	v ^= v >> 32 // FNV's high bits are the better mixed ones
	return int(v % ai.Dimensions), 1 - 2*float64(v>>20&1)
}

// unit returns the vector scaled to length one.
func unit(sum []float64) []float32 {
	length := 0.0
	for _, v := range sum {
		length += v * v
	}
	length = math.Sqrt(length)
	out := make([]float32, len(sum))
	if length == 0 { // features that cancel each other
		out[0] = 1
		return out
	}
	for i, v := range sum {
		out[i] = float32(v / length)
	}
	return out
}
