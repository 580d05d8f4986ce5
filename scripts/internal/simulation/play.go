package simulation

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"aksio.app/scripts/internal/schoolday"
)

// none is the index of nothing.
const none = -1

// play is a day under way.
type play struct {
	Config
	random  *rand.Rand
	scripts []script
	nodes   []*node
	byID    map[string]int32

	now   float64
	from  int       // the second in which the day begins
	until float64   // the end of this slice of a second
	near  heap      // events of this slice
	later [][]event // of later slices, by slice since from
	spare [][]event // emptied slices, to be filled again

	visits   slab[visit]
	calls    slab[call]
	jobs     []job
	visiting int // visits that aren't over
	working  int // background calls that aren't

	database database
	tokens   bucket
	requests bucket

	schools int
	unmade  float64 // calls
	moments []Moment
}

// script is a visit of the day with its steps in one row.
type script struct {
	schoolday.Visit
	steps []step
}

// step is a scripted step.
type step struct {
	node   int32
	causes int32 // function, or none
	times  int32
	think  float64 // seconds
	awaits bool
	opens  bool    // an activity
	chance float64 // of the activity
	first  bool    // of the visit's activities, which is the sign-in
	over   int32   // the step after the activity
	rest   float64 // calls in the activity behind this step
	beyond float64 // calls to be expected behind the activity
}

// visit is a student's, under way.
type visit struct {
	script int32
	school int32 // none at home
	step   int32
	left   int32 // calls of the step
	job    int32 // what it caused last
}

// call is one call of a function.
type call struct {
	node  int32
	visit int32   // none in the background
	job   int32   // in the background: what it does
	at    float64 // when it was made
	since float64 // when it began to wait
	wait  float64 // seconds in all queues
	worst float64 // seconds in one
	cause Cause   // of the worst
	cold  bool    // it came when there was no instance
}

// job is what a call caused.
type job struct {
	done   bool
	waiter int32 // call
}

// database is what all functions share of it.
type database struct {
	busy  int
	queue fifo
	open  int // connections
}

// bucket is a budget that comes back evenly.
type bucket struct {
	perMinute, level, at float64
}

// wait tells how long n would have to wait for the budget.
func (b *bucket) wait(now, n float64) float64 {
	b.level = min(b.perMinute, b.level+(now-b.at)*b.perMinute/60)
	b.at = now
	return max(0, (n-b.level)/b.perMinute*60)
}

func (b *bucket) take(n float64) { b.level -= n }

// Play plays the day. The same configuration gives the same result.
func Play(ctx context.Context, config Config) (*Result, error) {
	p, err := newPlay(config)
	if err != nil {
		return nil, err
	}
	begins, ends := schoolday.Span(config.Day)
	p.from = int(begins / time.Second)
	last := int(ends / time.Second)
	const longest = 24 * 3600 // that the platform gets to finish
	for second := p.from; second < last || p.visiting > 0 || p.working > 0; second++ {
		if second > last+longest {
			break // what is left is reported
		}
		if err := ctx.Err(); err != nil { // a minute of many students takes minutes
			return nil, err
		}
		p.now = float64(second)
		if second%60 == 0 {
			p.everyMinute()
			if p.Progress != nil {
				p.Progress(min(1, float64(second-p.from)/float64(last-p.from)))
			}
		}
		p.until = p.now
		p.arrive(second)
		for i := range perSecond {
			p.until = float64(second) + float64(i+1)/perSecond
			p.happen()
		}
		if p.now = p.until; second%scaleEvery == 0 {
			for i := range p.nodes {
				p.scale(int32(i))
			}
		}
	}
	return p.conclude(), nil
}

// happen lets happen what does in this slice.
func (p *play) happen() {
	if i := p.slice(p.until) - 1; i < len(p.later) && p.later[i] != nil {
		for _, e := range p.later[i] {
			p.near.push(e)
		}
		p.spare = append(p.spare, p.later[i][:0])
		p.later[i] = nil
	}
	for len(p.near) > 0 {
		e := p.near.pop()
		p.now = e.at
		p.handle(e)
	}
}

// perSecond is how finely a second is divided: only a slice's events need be in order.
const perSecond = 16 // slices

// slice is that of the time, counted from the beginning of the day.
func (p *play) slice(at float64) int { return int((at - float64(p.from)) * perSecond) }

func newPlay(config Config) (*play, error) {
	p := &play{
		Config: config, random: rand.New(rand.NewPCG(config.Seed, uint64(config.Students))), byID: map[string]int32{},
		tokens:   bucket{perMinute: config.Platform.TokensPerMinute, level: config.Platform.TokensPerMinute},
		requests: bucket{perMinute: config.Platform.RequestsPerMinute, level: config.Platform.RequestsPerMinute},
		schools:  max(1, config.Students/max(1, config.Platform.School)),
	}
	for _, id := range schoolday.Operations(config.Day) {
		f, ok := config.Functions[id]
		if !ok {
			return nil, fmt.Errorf("simulation: nothing is known of the function %s", id)
		}
		n := &node{id: id, Function: f}
		if rate, ok := config.Platform.PerAddress[id]; ok {
			n.rate = rate
			n.perSchool = make([]float64, p.schools)
		}
		n.ready = f.MinInstances
		p.byID[id] = int32(len(p.nodes))
		p.nodes = append(p.nodes, n)
	}
	for _, v := range config.Day {
		p.scripts = append(p.scripts, p.flatten(v))
	}
	return p, nil
}

// flatten puts a visit's steps in one row.
func (p *play) flatten(v schoolday.Visit) script {
	flat := script{Visit: v}
	beyond := 0.0
	for _, a := range slices.Backward(v.Activities) {
		rest := 0.0
		var steps []step
		for _, s := range slices.Backward(a.Steps) {
			causes := int32(none)
			if s.Causes != "" {
				causes = p.byID[s.Causes]
			}
			steps = append(steps, step{
				node: p.byID[s.Operation], causes: causes, times: int32(s.Calls()), think: s.Think.Seconds(), awaits: s.Awaits,
				chance: a.Chance, rest: rest, beyond: beyond,
			})
			rest += float64(s.Calls())
		}
		beyond += a.Chance * rest
		flat.steps = append(flat.steps, steps...)
	}
	slices.Reverse(flat.steps)
	i := 0
	for number, a := range v.Activities {
		flat.steps[i].opens = true
		over := i + len(a.Steps)
		for ; i < over; i++ {
			flat.steps[i].over, flat.steps[i].first = int32(over), number == 0
		}
	}
	return flat
}

// arrive begins the visits of this second.
func (p *play) arrive(second int) {
	at := time.Duration(second) * time.Second
	for i := range p.scripts {
		s := &p.scripts[i]
		share := s.Begins.Before(at+time.Second) - s.Begins.Before(at)
		for range p.poisson(float64(p.Students) * s.Share * share) {
			p.now = float64(second) + p.random.Float64()
			v := visit{script: int32(i), school: none, job: none}
			if s.AtSchool {
				v.school = int32(p.random.IntN(p.schools))
			}
			p.visiting++
			p.think(p.visits.add(v))
		}
	}
}

// poisson draws how many of rare things happen.
func (p *play) poisson(mean float64) int {
	n := 0
	for ; mean > 30; mean -= 30 { // e⁻³⁰ is still far from the least number
		n += p.poisson(30)
	}
	limit, product := math.Exp(-mean), p.random.Float64()
	for product > limit {
		n++
		product *= p.random.Float64()
	}
	return n
}

// schedule lets something happen after so many seconds.
func (p *play) schedule(after float64, k kind, of int32) {
	e := event{p.now + after, k, of}
	if e.at < p.until {
		p.near.push(e)
		return
	}
	i := p.slice(e.at)
	for len(p.later) <= i {
		p.later = append(p.later, nil)
	}
	if n := len(p.spare); p.later[i] == nil && n > 0 {
		p.later[i], p.spare = p.spare[n-1], p.spare[:n-1]
	}
	p.later[i] = append(p.later[i], e)
}

// draw is a time of service.
func (p *play) draw(mean time.Duration) float64 {
	return mean.Seconds() * p.random.ExpFloat64()
}

func (p *play) handle(e event) {
	switch e.kind {
	case thought:
		p.call(e.of)
	case computed:
		n := p.nodes[p.calls.all[e.of].node]
		n.touch(p.now)
		n.computing--
		p.compute(n)
		p.connect(e.of)
	case atDatabase:
		c := &p.calls.all[e.of]
		c.since = p.now
		p.nodes[c.node].asking++
		p.database.queue.push(e.of)
		p.ask()
	case answered:
		p.database.busy--
		p.ask()
		n := p.nodes[p.calls.all[e.of].node]
		n.connected--
		p.lend(n)
		p.consult(e.of)
	case told:
		p.finish(e.of)
	case untold:
		n := p.nodes[p.calls.all[e.of].node]
		n.throttled--
		p.waited(e.of, Model)
		p.leave(e.of, Model)
	case started:
		n := p.nodes[e.of]
		n.starting--
		n.ready++
		p.admit(n)
		p.compute(n)
		p.lend(n)
	case placeExpired:
		p.expirePlaces(e.of)
	case poolExpired:
		p.expirePool(e.of)
	case awaitedLong:
		if w := p.jobs[e.of].waiter; w != none {
			p.jobs[e.of].waiter = none
			p.leave(w, Places)
		}
	}
}
