package all_test

import (
	"bytes"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/url"
	"sync"
	"testing"
	"time"
)

// proxy stands between the functions and a service, and breaks when it is told to.
type proxy struct {
	address, service string

	mu     sync.Mutex
	broken mode
	times  int // that it refuses, before it passes; 0: always
	conns  map[net.Conn]bool
	asked  int               // for a connection
	deaf   map[net.Conn]int  // clients that hear so many answers and then nothing any more
	lost   chan struct{}     // closed when such a client hears nothing for the first time; nil: it is cut then
	cut    bool              // since cutAnswers or loseAnswers
	silent map[net.Conn]bool // clients that hear nothing any more
	chance *rand.Rand        // of being late and of being cut; nil: neither
	hold   *hold             // nil: nothing is held
}

// hold keeps back the first thing that is said to the service and has the text.
type hold struct {
	text []byte
	held chan struct{} // closed when it is
	free chan struct{} // closed by who lets it go
}

// mode is how a proxy treats a connection.
type mode int

const (
	passes  mode = iota
	refuses      // closes it: the service is down
	ignores      // never answers: the network is
)

// newProxy stands before the service at host:port.
func newProxy(t testing.TB, service string) *proxy {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: listener.Addr().String(), service: service, conns: map[net.Conn]bool{}, deaf: map[net.Conn]int{}, silent: map[net.Conn]bool{}}
	t.Cleanup(func() { listener.Close(); p.set(refuses) })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			go p.serve(client)
		}
	}()
	return p
}

// connections returns how many were asked for.
func (p *proxy) connections() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// before returns the address with the proxy in the place of its host.
func (p *proxy) before(t testing.TB, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.Host = p.address
	return u.String()
}

// set changes how the proxy treats connections; those that are open are cut.
func (p *proxy) set(m mode) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken, p.times = m, 0
	for conn := range p.conns {
		conn.Close()
	}
	clear(p.conns)
}

// refuse cuts the connections that are open, and refuses so many before it passes others.
func (p *proxy) refuse(times int) {
	p.set(refuses)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.times = times
}

// cutAnswers cuts the connections that are open, each when the service next answers
// after so many answers: what it was asked for is done, and nobody learns of it.
func (p *proxy) cutAnswers(after int) { p.deafen(after, nil) }

// loseAnswers is cutAnswers without a word: a connection goes silent where that would cut
// it. The returned channel is closed when the first does.
func (p *proxy) loseAnswers(after int) (lost <-chan struct{}) {
	c := make(chan struct{})
	p.deafen(after, c)
	return c
}

func (p *proxy) deafen(after int, lost chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.cut, p.lost = false, lost
	for conn := range p.conns {
		p.deaf[conn] = after
	}
}

// silence keeps from the connections that are open what the service says, and that it
// closes them: on the way, they are forgotten. New ones pass.
func (p *proxy) silence() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.silent = maps.Clone(p.conns)
}

// silenced reports whether the client hears nothing any more.
func (p *proxy) silenced(client net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.silent[client]
}

// spared reports whether the service hasn't answered so often that something was cut
// since cutAnswers, and leaves it so.
func (p *proxy) spared() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(p.deaf)
	return !p.cut
}

// gamble makes the proxy late or cut a connection by chance, each time that one side
// says something; nil ends that.
func (p *proxy) gamble(chance *rand.Rand) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.chance = chance
}

// lets reports whether what is said is passed on, after a while.
func (p *proxy) lets() bool {
	p.mu.Lock()
	chance := p.chance
	var late time.Duration
	cut := false
	if chance != nil {
		late, cut = time.Duration(chance.IntN(3))*time.Millisecond, chance.IntN(20) == 0
	}
	p.mu.Unlock()
	time.Sleep(late)
	return !cut
}

// Write passes on to the client what the service says.
func (c toClient) Write(b []byte) (int, error) {
	if c.proxy.silenced(c.Conn) {
		return len(b), nil
	}
	c.proxy.mu.Lock()
	answers, counted := c.proxy.deaf[c.Conn]
	if counted {
		c.proxy.deaf[c.Conn]--
	}
	over := counted && answers == 0
	lost := over && c.proxy.lost != nil
	if lost {
		c.proxy.silent[c.Conn] = true
		if !c.proxy.cut {
			close(c.proxy.lost)
		}
	}
	c.proxy.cut = c.proxy.cut || over
	c.proxy.mu.Unlock()
	if lost {
		return len(b), nil
	}
	if over || !c.proxy.lets() {
		return 0, io.ErrClosedPipe
	}
	return c.Conn.Write(b)
}

// holdBack keeps what has the text from the service until the channel free is closed.
func (p *proxy) holdBack(text string) *hold {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hold = &hold{[]byte(text), make(chan struct{}), make(chan struct{})}
	return p.hold
}

// wait returns when what is said isn't held back any more.
func (p *proxy) wait(said []byte) {
	p.mu.Lock()
	h := p.hold
	if h == nil || !bytes.Contains(said, h.text) {
		p.mu.Unlock()
		return
	}
	p.hold = nil
	p.mu.Unlock()
	close(h.held)
	<-h.free
}

// Write passes on to the service what the client says.
func (s toService) Write(b []byte) (int, error) {
	s.proxy.wait(b)
	if !s.proxy.lets() {
		return 0, io.ErrClosedPipe
	}
	return s.Conn.Write(b)
}

type toService toClient

type toClient struct {
	net.Conn
	proxy *proxy
}

// keep takes a connection into those to be cut, and says how to treat it.
func (p *proxy) keep(conn net.Conn) mode {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken != refuses {
		p.conns[conn] = true
		return p.broken
	}
	conn.Close()
	if p.times--; p.times == 0 {
		p.broken = passes
	}
	return refuses
}

func (p *proxy) serve(client net.Conn) {
	defer client.Close()
	p.mu.Lock()
	p.asked++
	p.mu.Unlock()
	switch p.keep(client) {
	case refuses:
		return
	case ignores:
		io.Copy(io.Discard, client)
		return
	}
	service, err := net.Dial("tcp", p.service)
	if err != nil {
		return
	}
	defer service.Close()
	p.keep(service)
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		io.Copy(struct{ io.Writer }{toService{service, p}}, struct{ io.Reader }{client})
		service.Close()
	}()
	io.Copy(struct{ io.Writer }{toClient{client, p}}, struct{ io.Reader }{service}) // read by Write, not spliced
	if p.silenced(client) {
		<-gone
	}
}
