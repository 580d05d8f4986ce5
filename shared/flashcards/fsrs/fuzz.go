package fsrs

import (
	"math"
	"strconv"
	"unicode/utf16"
)

// unfuzzed stands for no fuzz.
const unfuzzed = -1

// fuzz draws from 0 up to 1 for a card's nth review. Seed and n together are
// the seed of ts-fsrs with GenSeedStrategyWithCardId. The time is no part of
// it, so a preview promises what the review will keep.
func (p *Parameters) fuzz(n int) float64 {
	if p.FuzzSeed == "" {
		return unfuzzed
	}
	return alea(p.FuzzSeed + strconv.Itoa(n))
}

// fuzzed moves an interval of days within the range that its length allows.
func (v *visit) fuzzed(days float64) int {
	if v.fuzz == unfuzzed || days < 2.5 {
		return int(days)
	}
	low, high := v.fuzzRange(days)
	return int(math.Floor(v.fuzz*(high-low+1) + low))
}

// fuzzRange allows 15 % of the days from 2.5 to 7, 10 % of those to 20, 5 % of
// the rest, and one more day to either side. An interval that grew still does.
func (v *visit) fuzzRange(days float64) (low, high float64) {
	delta := 1 +
		0.15*max(min(days, 7)-2.5, 0) +
		0.10*max(min(days, 20)-7, 0) +
		0.05*max(days-20, 0)
	low = round(days - delta)
	high = min(round(days+delta), float64(v.MaximumInterval))
	if elapsed := float64(v.days); days > elapsed {
		low = max(low, elapsed+1)
	}
	return low, high
}

// alea returns the first number that Johannes Baagøe's generator Alea, the one
// of ts-fsrs, draws from a seed. Products are converted to float64 on purpose:
// that keeps a compiler from fusing them with the sum and changing the result.
func alea(seed string) float64 {
	var m mash = 4022871197
	s0 := m.add(" ")
	m.add(" ")
	m.add(" ")
	s0 -= m.add(seed)
	if s0 < 0 {
		s0++
	}
	t := float64(2091639*s0) + inverse32
	return t - math.Trunc(t)
}

const inverse32 = 2.3283064365386963e-10 // 2^-32

// mash is the hash that spreads a seed for Alea.
type mash float64

func (m *mash) add(text string) float64 {
	n := float64(*m)
	for _, unit := range utf16.Encode([]rune(text)) {
		n += float64(unit)
		h := float64(0.02519603282416938 * n)
		n = math.Trunc(h)
		h = float64((h - n) * n)
		n = math.Trunc(h)
		n += float64((h - n) * (1 << 32))
	}
	*m = mash(n)
	return float64(uint32(uint64(n))) * inverse32
}
