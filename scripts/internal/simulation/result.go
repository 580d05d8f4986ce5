package simulation

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// Result is what became of a day.
type Result struct {
	Calls      int     // that were made, background work included
	Refused    int     // of them
	Unmade     float64 // calls that were not made because one before them failed
	Unfinished int     // calls and background work that the platform hadn't got through a day later
	ColdStarts int
	ColdCalls  int     // that waited for an instance to start
	ColdWait95 float64 // seconds

	Functions []FunctionResult // in the order of the script
	Breaks    []Break          // the first one first
	Begins    time.Duration    // of the day, when the first of the moments is
	Moments   []Moment         // one a minute
}

// FunctionResult is what became of a function's calls.
type FunctionResult struct {
	ID        string
	Calls     int
	Refused   int
	Slow      int           // served, after a wait that was too long
	Wait95    float64       // seconds in queues
	WorstHour time.Duration // of the day: the hour of the longest waits
	WorstWait float64       // their 95th percentile in that hour
	Instances int           // at most

	waits histogram
}

// Break is a limit that was reached: more than one call in a hundred of a minute was
// refused for it or waited for longer than Patience.
type Break struct {
	Cause    Cause
	Function string        // whose limit it is; of what is shared, the one that it hit hardest
	At       time.Duration // of the day, when it first happened
	Minutes  int           // in which it happened
	Refused  int           // calls, all day long
	Slow     int           // the same
}

// Moment is a minute of the whole platform.
type Moment struct {
	Calls, Refused int
	Instances      int     // ready when the minute began
	Connections    int     // to the database, open then
	DatabaseBusy   float64 // seconds of its processors
	Tokens         float64
}

// minute is a minute of one function.
type minute struct {
	calls     int32
	instances int
	refused   [causes]int32
	bad       [causes]int32 // refused or slow
}

const (
	tolerated = 0.01 // share of a minute's calls that may be refused or slow
	fewest    = 3    // less is chance
)

func (p *play) minuteOf(at float64) int { return int(at/60) - p.from/60 }

func (n *node) minute(i int) *minute {
	for len(n.minutes) <= i {
		n.minutes = append(n.minutes, minute{})
	}
	return &n.minutes[i]
}

// moment is the present minute.
func (p *play) moment() *Moment {
	i := p.minuteOf(p.now)
	for len(p.moments) <= i {
		p.moments = append(p.moments, Moment{})
	}
	return &p.moments[i]
}

// account notes what a call waited.
func (p *play) account(n *node, c *call, refused bool) {
	patience := Patience
	if n.Background {
		patience = BackgroundPatience
	}
	if !refused && c.wait > patience.Seconds() {
		n.minute(p.minuteOf(c.at)).bad[c.cause]++
	}
	hour := int(c.at / 3600)
	for len(n.hours) <= hour {
		n.hours = append(n.hours, histogram{})
	}
	n.hours[hour].add(c.wait)
}

// conclude sums up.
func (p *play) conclude() *Result {
	r := &Result{
		Unmade: p.unmade, Unfinished: p.visiting + p.working,
		Begins: time.Duration(p.from/60) * time.Minute, Moments: p.moments,
	}
	var cold histogram
	for _, n := range p.nodes {
		f := FunctionResult{ID: n.id}
		for i, m := range n.minutes {
			f.Calls += int(m.calls)
			f.Instances = max(f.Instances, m.instances)
			for len(r.Moments) <= i {
				r.Moments = append(r.Moments, Moment{})
			}
			r.Moments[i].Calls += int(m.calls)
			for cause := range causes {
				f.Refused += int(m.refused[cause])
				f.Slow += int(m.bad[cause] - m.refused[cause])
				r.Moments[i].Refused += int(m.refused[cause])
			}
		}
		for hour := range n.hours {
			f.waits.merge(&n.hours[hour])
			if worst := n.hours[hour].quantile(0.95); worst > f.WorstWait {
				f.WorstWait, f.WorstHour = worst, time.Duration(hour)*time.Hour
			}
		}
		f.Wait95 = f.waits.quantile(0.95)
		r.Functions = append(r.Functions, f)
		r.Calls += f.Calls
		r.Refused += f.Refused
		r.ColdStarts += n.coldStarts
		r.ColdCalls += n.coldWaits.count
		cold.merge(&n.coldWaits)
	}
	r.ColdWait95 = cold.quantile(0.95)
	r.Breaks = p.breaks()
	return r
}

// breaks finds the limits that were reached, in the order in which they were.
func (p *play) breaks() []Break {
	var all []Break
	for cause := range causes {
		if cause == ColdStart { // nothing is used up: it passes by itself
			continue
		}
		if cause.Shared() {
			all = p.broken(all, cause, p.nodes)
			continue
		}
		for i := range p.nodes {
			all = p.broken(all, cause, p.nodes[i:i+1])
		}
	}
	slices.SortStableFunc(all, func(a, b Break) int {
		return cmp.Or(cmp.Compare(a.At, b.At), -cmp.Compare(a.Refused+a.Slow, b.Refused+b.Slow))
	})
	return all
}

// broken adds the limit to the list if these functions, taken together, reached it.
func (p *play) broken(list []Break, cause Cause, nodes []*node) []Break {
	b := Break{Cause: cause}
	hardest := 0
	length := 0
	for _, n := range nodes {
		length = max(length, len(n.minutes))
		hit := 0
		for _, m := range n.minutes {
			b.Refused += int(m.refused[cause])
			b.Slow += int(m.bad[cause] - m.refused[cause])
			hit += int(m.bad[cause])
		}
		if hit > hardest {
			hardest, b.Function = hit, n.id
		}
	}
	for i := range length {
		calls, bad := 0, 0
		for _, n := range nodes {
			if i < len(n.minutes) && n.minutes[i].bad[cause] > 0 {
				calls += int(n.minutes[i].calls)
				bad += int(n.minutes[i].bad[cause])
			}
		}
		if bad >= fewest && float64(bad) > tolerated*float64(calls) {
			if b.Minutes == 0 {
				b.At = time.Duration(p.from/60+i) * time.Minute
			}
			b.Minutes++
		}
	}
	if b.Minutes == 0 {
		return list
	}
	return append(list, b)
}

// histogram counts waits by their logarithm: 5 % a step, from a millisecond to a day.
type histogram struct {
	count   int
	waiting int // those above 0
	steps   []int32
}

const (
	shortest = 0.001
	growth   = 1.05
)

func (h *histogram) add(seconds float64) {
	h.count++
	if seconds <= 0 {
		return
	}
	h.waiting++
	i := max(0, int(math.Log(seconds/shortest)/math.Log(growth)))
	for len(h.steps) <= i {
		h.steps = append(h.steps, 0)
	}
	h.steps[i]++
}

func (h *histogram) merge(other *histogram) {
	h.count += other.count
	h.waiting += other.waiting
	for i, n := range other.steps {
		for len(h.steps) <= i {
			h.steps = append(h.steps, 0)
		}
		h.steps[i] += n
	}
}

// quantile is in seconds, to 5 %; 0 where that share didn't wait.
func (h *histogram) quantile(q float64) float64 {
	rank := int(math.Ceil(q * float64(h.count)))
	passed := h.count - h.waiting
	if rank <= passed {
		return 0
	}
	for i, n := range h.steps {
		if passed += int(n); passed >= rank {
			return shortest * math.Pow(growth, float64(i)+0.5)
		}
	}
	return 0
}
