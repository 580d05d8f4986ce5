package simulation

// think lets the session's student take a while for the next call, or ends the visit.
func (p *play) think(i int32) {
	s := &p.sessions.all[i]
	steps := p.visits[s.visit].steps
	for s.left == 0 {
		if int(s.step) == len(steps) {
			p.end(i)
			return
		}
		next := &steps[s.step]
		if next.opens && p.random.Float64() >= next.chance {
			s.step = next.over
			continue
		}
		s.left = next.times
	}
	p.schedule(steps[s.step].think*(0.5+p.random.Float64()), thought, i)
}

func (p *play) end(i int32) {
	p.sessions.remove(i)
	p.visiting--
}

// call makes the session's next call.
func (p *play) call(i int32) {
	s := &p.sessions.all[i]
	next := &p.visits[s.visit].steps[s.step]
	n := p.nodes[next.node]
	c := p.calls.add(call{node: next.node, session: i, job: none, at: p.now})
	n.minute(p.minuteOf(p.now)).calls++
	if s.school != none && n.perSchool != nil && !n.allows(s.school, p.now) {
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
	p.enter(p.calls.add(call{node: function, session: none, job: i, at: p.now}))
	return i
}

// finish ends a call that went well.
func (p *play) finish(i int32) {
	c := p.calls.all[i]
	n := p.nodes[c.node]
	if c.session != none {
		s := &p.sessions.all[c.session]
		if p.visits[s.visit].steps[s.step].awaits && s.job != none && !p.jobs[s.job].done {
			p.jobs[s.job].waiter = i
			p.schedule(n.Timeout.Seconds(), awaitedLong, s.job)
			return
		}
	}
	p.account(n, &c, false)
	p.free(n)
	p.calls.remove(i)
	if c.session == none {
		p.done(c.job)
		return
	}
	s := &p.sessions.all[c.session]
	if causes := p.visits[s.visit].steps[s.step].causes; causes != none {
		job := p.cause(causes)
		s = &p.sessions.all[c.session]
		s.job = job
	}
	if s.left--; s.left == 0 {
		s.step++
	}
	p.think(c.session)
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
	if c.session == none {
		p.done(c.job) // as far as students notice
		return
	}
	s := &p.sessions.all[c.session]
	at := &p.visits[s.visit].steps[s.step]
	p.unmade += float64(s.left-1) + at.rest
	s.left, s.step = 0, at.over
	if at.first {
		p.unmade += at.beyond
		p.end(c.session)
		return
	}
	p.think(c.session)
}
