package simulation

import "math"

// node is a function with its instances.
type node struct {
	id string
	Function
	rate      Rate      // of one address
	perSchool []float64 // when the address is back at rest

	ready, starting int // instances
	busy            int // places
	places          fifo
	placeTimer      bool // an expiry is scheduled
	computing       int
	processors      fifo
	open, connected int // connections, and those in use
	pool            fifo
	poolTimer       bool
	asking          int // calls that wait for the database's processors
	throttled       int // calls that wait for the model's budget

	busyArea, computingArea float64 // of the last seconds, for the autoscaler
	changed                 float64
	busyMean, computingMean float64 // over a minute
	wanted                  int     // instances
	kept                    []int   // instances that were needed in the last minutes
	connections             []int   // the same for connections
	neededNow, connectedNow int     // the most in this minute

	coldStarts int
	minutes    []minute
	hours      []histogram // of waits
	coldWaits  histogram
}

// capacity is how many calls the instances can compute at once.
func (n *node) capacity() int {
	return max(n.ready, int(float64(n.ready)*n.CPU))
}

// touch keeps account of what is in use, before that changes.
func (n *node) touch(now float64) {
	passed := now - n.changed
	n.busyArea += passed * float64(n.busy)
	n.computingArea += passed * float64(n.computing)
	n.changed = now
}

// enter lets a call have a place, or wait for one.
func (p *play) enter(i int32) {
	c := &p.calls.all[i]
	n := p.nodes[c.node]
	c.since = p.now
	n.places.push(i)
	if n.busy+n.places.len() > (n.ready+n.starting)*n.Concurrency {
		p.start(c.node, 1)
	}
	c.cold = n.ready == 0
	p.admit(n)
	if n.places.len() > 0 && !n.placeTimer && !n.Background {
		n.placeTimer = true
		p.schedule(p.calls.all[n.places.first()].since+p.queueWait(n)-p.now, placeExpired, c.node)
	}
}

// queueWait is how long the platform keeps a call for the function.
func (p *play) queueWait(n *node) float64 {
	return max(p.Platform.QueueWait, 7*(p.Platform.InstanceStart+n.Cost.Start)/2).Seconds()
}

// admit gives free places to those who wait.
func (p *play) admit(n *node) {
	for n.places.len() > 0 && n.busy < n.ready*n.Concurrency {
		n.touch(p.now)
		i := n.places.pop()
		n.busy++
		n.neededNow = max(n.neededNow, (n.busy+n.Concurrency-1)/n.Concurrency)
		if c := &p.calls.all[i]; p.now > c.since {
			why := p.shortage(n, true)
			if c.cold {
				why = ColdStart
				n.coldWaits.add(p.now - c.since)
			}
			p.waited(i, why)
		}
		p.calls.all[i].since = p.now
		n.processors.push(i)
	}
	p.compute(n)
}

// free gives a place back.
func (p *play) free(n *node) {
	n.touch(p.now)
	n.busy--
	p.admit(n)
}

// waited notes that a call's wait in a queue is over.
func (p *play) waited(i int32, why Cause) {
	c := &p.calls.all[i]
	w := p.now - c.since
	c.wait += w
	if w > c.worst {
		c.worst, c.cause = w, why
	}
}

// shortage says what those wait for that wait for a place: for whatever most of
// those wait who have one. The one who was just admitted counts as one of them.
func (p *play) shortage(n *node, admitted bool) Cause {
	most := n.busy / 2
	if admitted {
		most = (n.busy - 1) / 2
	}
	switch {
	case n.throttled > most:
		return Model
	case n.pool.len()+n.asking > most && p.asksInVain(n):
		return DatabaseCPU
	case n.pool.len() > most:
		return n.short(Pool)
	case n.processors.len() > most || n.computing > most:
		return n.short(CPU)
	}
	return n.short(Places)
}

// short is the cause of what instances lack, as long as there could be more of them.
func (n *node) short(c Cause) Cause {
	if n.ready < n.MaxInstances {
		return Scaling
	}
	return c
}

// compute lets calls compute as far as there are processors.
func (p *play) compute(n *node) {
	for n.processors.len() > 0 && n.computing < n.capacity() {
		n.touch(p.now)
		i := n.processors.pop()
		if p.now > p.calls.all[i].since {
			p.waited(i, n.short(CPU))
		}
		n.computing++
		p.schedule(p.draw(n.Cost.CPU), computed, i)
	}
}

// connect lets a call that has computed have a connection, or wait for one.
func (p *play) connect(i int32) {
	c := &p.calls.all[i]
	n := p.nodes[c.node]
	n.touch(p.now)
	if n.Cost.Database == 0 {
		p.consult(i)
		return
	}
	c.since = p.now
	n.pool.push(i)
	p.lend(n)
	if n.pool.len() > 0 && !n.poolTimer {
		n.poolTimer = true
		p.schedule(p.calls.all[n.pool.first()].since+p.Platform.AcquireWait.Seconds()-p.now, poolExpired, c.node)
	}
}

// lend gives connections to those who wait, and opens more while that is allowed.
func (p *play) lend(n *node) {
	for n.pool.len() > 0 {
		if n.connected == n.open {
			if n.open >= n.ready*p.Platform.Pool || p.database.open >= p.Platform.DatabaseConnections {
				return
			}
			n.open++
			p.database.open++
		}
		i := n.pool.pop()
		if p.now > p.calls.all[i].since {
			p.waited(i, p.withoutConnection(n))
		}
		n.connected++
		n.connectedNow = max(n.connectedNow, n.connected)
		p.schedule(n.Cost.Trips*p.Platform.RoundTrip.Seconds(), atDatabase, i)
	}
}

// withoutConnection says why a call has none.
func (p *play) withoutConnection(n *node) Cause {
	switch {
	case n.open < n.ready*p.Platform.Pool && p.database.open >= p.Platform.DatabaseConnections:
		return DatabaseConnection
	case p.asksInVain(n):
		return DatabaseCPU
	}
	return n.short(Pool)
}

// asksInVain reports whether the function's connections are in use because the
// database's processors are.
func (p *play) asksInVain(n *node) bool {
	return n.asking > 0 && p.database.queue.len() > p.Platform.DatabaseCores
}

// ask lets statements run as far as the database has processors.
func (p *play) ask() {
	d := &p.database
	for d.queue.len() > 0 && d.busy < p.Platform.DatabaseCores {
		i := d.queue.pop()
		c := &p.calls.all[i]
		n := p.nodes[c.node]
		n.asking--
		if p.now > c.since {
			p.waited(i, DatabaseCPU)
		}
		d.busy++
		took := p.draw(n.Cost.Database)
		p.moment().DatabaseBusy += took
		p.schedule(took, answered, i)
	}
}

// consult lets a call have the model's answer, if it needs one.
func (p *play) consult(i int32) {
	c := &p.calls.all[i]
	n := p.nodes[c.node]
	if n.Cost.ModelCalls == 0 { // nothing that a budget counts
		if n.Cost.Model == 0 {
			p.finish(i)
		} else {
			p.schedule(p.draw(n.Cost.Model), told, i)
		}
		return
	}
	wait := max(p.tokens.wait(p.now, n.Cost.Tokens), p.requests.wait(p.now, n.Cost.ModelCalls))
	c.since = p.now
	if wait > p.Platform.ModelWait.Seconds() {
		n.throttled++
		p.schedule(p.Platform.ModelWait.Seconds(), untold, i)
		return
	}
	p.tokens.take(n.Cost.Tokens)
	p.requests.take(n.Cost.ModelCalls)
	p.moment().Tokens += n.Cost.Tokens
	if wait > 0 {
		c.wait += wait
		if wait > c.worst {
			c.worst, c.cause = wait, Model
		}
	}
	p.schedule(wait+p.draw(n.Cost.Model), told, i)
}

// expirePlaces refuses those who have waited too long for a place.
func (p *play) expirePlaces(function int32) {
	n := p.nodes[function]
	limit := p.queueWait(n)
	n.placeTimer = false
	for n.places.len() > 0 && p.calls.all[n.places.first()].since+limit <= p.now+1e-9 {
		i := n.places.pop()
		why := p.shortage(n, false)
		p.waited(i, why)
		p.refuse(i, why)
	}
	if n.places.len() > 0 {
		n.placeTimer = true
		p.schedule(p.calls.all[n.places.first()].since+limit-p.now, placeExpired, function)
	}
}

// expirePool refuses those who have waited too long for a connection.
func (p *play) expirePool(function int32) {
	n := p.nodes[function]
	limit := p.Platform.AcquireWait.Seconds()
	n.poolTimer = false
	for n.pool.len() > 0 && p.calls.all[n.pool.first()].since+limit <= p.now+1e-9 {
		i := n.pool.pop()
		why := p.withoutConnection(n)
		p.waited(i, why)
		p.leave(i, why)
	}
	if n.pool.len() > 0 {
		n.poolTimer = true
		p.schedule(p.calls.all[n.pool.first()].since+limit-p.now, poolExpired, function)
	}
}

// start adds instances, as far as the function may have them.
func (p *play) start(function int32, count int) {
	n := p.nodes[function]
	for range min(count, n.MaxInstances-n.ready-n.starting) {
		n.starting++
		n.coldStarts++
		p.schedule((p.Platform.InstanceStart + n.Cost.Start).Seconds(), started, function)
	}
}

// scaleEvery is how often the autoscaler looks, in seconds.
const scaleEvery = 5

// scale adds the instances that keep places and processors below the utilization,
// on the average of a minute.
func (p *play) scale(function int32) {
	n := p.nodes[function]
	n.touch(p.now)
	const weight = scaleEvery / 60.0
	n.busyMean += (n.busyArea/scaleEvery - n.busyMean) * weight
	n.computingMean += (n.computingArea/scaleEvery - n.computingMean) * weight
	n.busyArea, n.computingArea = 0, 0
	u := p.Platform.Utilization
	n.wanted = int(math.Ceil(max(n.busyMean/(u*float64(n.Concurrency)), n.computingMean/(u*max(1, n.CPU))) - 0.01))
	n.neededNow = max(n.neededNow, n.wanted)
	if missing := n.wanted - n.ready - n.starting; missing > 0 {
		p.start(function, missing)
	}
}

// everyMinute lets go what hasn't been used for long, and keeps the minute's figures.
func (p *play) everyMinute() {
	m := p.moment()
	for _, n := range p.nodes {
		n.kept = lately(n.kept, n.neededNow, int(p.Platform.IdleInstance.Minutes()))
		n.connections = lately(n.connections, n.connectedNow, int(p.Platform.IdleClose.Minutes()))
		n.neededNow, n.connectedNow = (n.busy+n.Concurrency-1)/n.Concurrency, n.connected
		n.ready = min(n.ready, max(n.MinInstances, most(n.kept), n.neededNow))
		for n.open > n.connected && n.open > min(most(n.connections), n.ready*p.Platform.Pool) {
			n.open--
			p.database.open--
		}
		own := n.minute(p.minuteOf(p.now))
		own.instances = n.ready
		m.Instances += n.ready
	}
	m.Connections = p.database.open
}

// lately keeps the last few of the values.
func lately(values []int, value, count int) []int {
	values = append(values, value)
	return values[max(0, len(values)-max(1, count)):]
}

func most(values []int) int {
	m := 0
	for _, v := range values {
		m = max(m, v)
	}
	return m
}
