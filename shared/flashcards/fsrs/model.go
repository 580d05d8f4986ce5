package fsrs

import "math"

// Stabilities outside this range, in days, tell nothing about real memories.
const (
	minStability = 0.001
	maxStability = 36500
)

// memory is the model's view of a card. The zero memory was never formed.
type memory struct{ stability, difficulty float64 }

// model computes with one set of weights. Its results are rounded to 8 decimals
// wherever ts-fsrs rounds, so that long histories don't drift apart from it.
type model struct {
	w             [21]float64
	decay, factor float64 // of the forgetting curve
	modifier      float64 // interval at the wanted retention, as a multiple of stability
	shortTerm     bool    // reviews on the day of the last one have a formula of their own
}

func (p *Parameters) model() model {
	w := p.effective()
	decay := -w[20]
	factor := round8(math.Exp(math.Log(0.9)/decay) - 1)
	return model{
		w:         w,
		decay:     decay,
		factor:    factor,
		modifier:  round8((math.Pow(p.Retention, 1/decay) - 1) / factor),
		shortTerm: !p.longTerm(),
	}
}

// recall is the forgetting curve: the probability of recall after some days.
func (m *model) recall(days int, stability float64) float64 {
	return round8(math.Pow(1+m.factor*float64(days)/stability, m.decay))
}

// next returns the memory after a review, some days after the one before.
func (m *model) next(before memory, days int, r Rating) memory {
	if before == (memory{}) {
		return memory{
			stability:  max(m.w[r-Again], 0.1),
			difficulty: clamp(m.firstDifficulty(r), 1, 10),
		}
	}
	return memory{
		stability:  m.stability(before, days, r),
		difficulty: m.difficulty(before.difficulty, r),
	}
}

func (m *model) firstDifficulty(r Rating) float64 {
	return round8(m.w[4] - math.Exp(float64(r-Again)*m.w[5]) + 1)
}

// difficulty moves by the rating, less so near 10, and then a little toward
// what an easy card starts with, so that no card stays hard for ever.
func (m *model) difficulty(d float64, r Rating) float64 {
	change := -m.w[6] * float64(r-Good)
	moved := d + round8(change*(10-d)/9)
	reverted := m.w[7]*m.firstDifficulty(Easy) + (1-m.w[7])*moved
	return clamp(round8(reverted), 1, 10)
}

func (m *model) stability(before memory, days int, r Rating) float64 {
	switch {
	case days == 0 && m.shortTerm:
		return m.sameDayStability(before.stability, r)
	case r == Again:
		return m.forgottenStability(before, m.recall(days, before.stability))
	default:
		return m.recalledStability(before, m.recall(days, before.stability), r)
	}
}

func (m *model) sameDayStability(s float64, r Rating) float64 {
	growth := math.Pow(s, -m.w[19]) * math.Exp(m.w[17]*(float64(r-Good)+m.w[18]))
	if r != Again {
		growth = max(growth, 1)
	}
	return roundStability(s * growth)
}

// recalledStability grows most where recall was least likely: reviewing early
// teaches little.
func (m *model) recalledStability(before memory, recall float64, r Rating) float64 {
	d, s := before.difficulty, before.stability
	growth := math.Exp(m.w[8]) * (11 - d) * math.Pow(s, -m.w[9]) * (math.Exp((1-recall)*m.w[10]) - 1)
	switch r {
	case Hard:
		growth *= m.w[15]
	case Easy:
		growth *= m.w[16]
	}
	return roundStability(s * (1 + growth))
}

// forgottenStability never exceeds what was before.
func (m *model) forgottenStability(before memory, recall float64) float64 {
	d, s := before.difficulty, before.stability
	after := roundStability(m.w[11] * math.Pow(d, -m.w[12]) * (math.Pow(s+1, m.w[13]) - 1) * math.Exp((1-recall)*m.w[14]))
	ceiling := s
	if m.shortTerm {
		ceiling /= math.Exp(m.w[17] * m.w[18])
	}
	return clamp(round8(ceiling), minStability, after)
}

func roundStability(s float64) float64 {
	return round8(clamp(s, minStability, maxStability))
}

// clamp prefers the upper limit where the limits cross.
func clamp(x, low, high float64) float64 { return min(max(x, low), high) }

func round8(x float64) float64 { return round(x*1e8) / 1e8 }

// round is JavaScript's Math.round: halves go up, also below zero.
func round(x float64) float64 {
	floor := math.Floor(x)
	if x-floor >= 0.5 {
		return floor + 1
	}
	return floor
}
