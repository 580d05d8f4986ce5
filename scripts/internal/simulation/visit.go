package simulation

// think lets the visit's student take a while for the next call, or ends it.
func (p *play) think(i int32) {
	v := &p.visits.all[i]
	steps := p.scripts[v.script].steps
	for v.left == 0 {
		if int(v.step) == len(steps) {
			p.end(i)
			return
		}
		next := &steps[v.step]
		if next.opens && p.random.Float64() >= next.chance {
			v.step = next.over
			continue
		}
		v.left = next.times
	}
	p.schedule(steps[v.step].think*(0.5+p.random.Float64()), thought, i)
}

func (p *play) end(i int32) {
	p.visits.remove(i)
	p.visiting--
}

// call makes the visit's next call.
func (p *play) call(i int32) {
	v := &p.visits.all[i]
	next := &p.scripts[v.script].steps[v.step]
	n := p.nodes[next.node]
	c := p.calls.add(call{node: next.node, visit: i, job: none, at: p.now})
	n.minute(p.minuteOf(p.now)).calls++
	if v.school != none && n.perSchool != nil && !n.allows(v.school, p.now) {
		p.refuse(c, Address)
		return
	}
	p.enter(c)
}

// allows counts a call from the school's address, unless it is one too many (GCRA).
func (n *node) allows(school int32, now float64) bool {
	per := n.rate.Per.Seconds()
	next := max(n.perSchool[school], now) + per/float64(n.rate.Count)
	if next > now+per {
		return false
	}
	n.perSchool[school] = next
	return true
}

// cause lets a background function run because of a call.
func (p *play) cause(function int32) int32 {
	p.jobs = append(p.jobs, job{waiter: none})
	i := int32(len(p.jobs) - 1)
	p.working++
	p.nodes[function].minute(p.minuteOf(p.now)).calls++
	p.enter(p.calls.add(call{node: function, visit: none, job: i, at: p.now}))
	return i
}

// finish ends a call that went well.
func (p *play) finish(i int32) {
	c := p.calls.all[i]
	n := p.nodes[c.node]
	if c.visit != none {
		v := &p.visits.all[c.visit]
		if p.scripts[v.script].steps[v.step].awaits && v.job != none && !p.jobs[v.job].done {
			p.jobs[v.job].waiter = i
			p.schedule(n.Timeout.Seconds(), awaitedLong, v.job)
			return
		}
	}
	p.account(n, &c, false)
	p.free(n)
	p.calls.remove(i)
	if c.visit == none {
		p.done(c.job)
		return
	}
	v := &p.visits.all[c.visit]
	if causes := p.scripts[v.script].steps[v.step].causes; causes != none {
		job := p.cause(causes)
		v = &p.visits.all[c.visit]
		v.job = job
	}
	if v.left--; v.left == 0 {
		v.step++
	}
	p.think(c.visit)
}

// done ends what a call caused, and the call that awaits it.
func (p *play) done(i int32) {
	p.working--
	j := &p.jobs[i]
	j.done = true
	if w := j.waiter; w != none {
		j.waiter = none
		p.finish(w)
	}
}

// leave ends a call that had a place and failed.
func (p *play) leave(i int32, why Cause) {
	p.free(p.nodes[p.calls.all[i].node])
	p.refuse(i, why)
}

// refuse ends a call that failed. Its student leaves the activity, or the visit
// if it was to sign in.
func (p *play) refuse(i int32, why Cause) {
	c := p.calls.all[i]
	n := p.nodes[c.node]
	m := n.minute(p.minuteOf(c.at))
	m.bad[why]++
	m.refused[why]++
	p.account(n, &c, true)
	p.calls.remove(i)
	if c.visit == none {
		p.done(c.job) // as far as students notice
		return
	}
	v := &p.visits.all[c.visit]
	at := &p.scripts[v.script].steps[v.step]
	p.unmade += float64(v.left-1) + at.rest
	v.left, v.step = 0, at.over
	if at.first {
		p.unmade += at.beyond
		p.end(c.visit)
		return
	}
	p.think(c.visit)
}
