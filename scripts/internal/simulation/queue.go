package simulation

// event is something that happens at a time.
type event struct {
	at   float64 // seconds of the day
	kind kind
	of   int32 // index of the visit, the call or the function
}

type kind uint8

const (
	thought      kind = iota // a visit's student has thought
	computed                 // a call's computing is done
	atDatabase               // a call's statement arrives at the database
	answered                 // the database has answered a call
	told                     // the model has answered a call
	untold                   // a call gives the model up
	started                  // an instance of a function is ready
	placeExpired             // a call has waited too long for an instance
	poolExpired              // a call has waited too long for a connection
	awaitedLong              // a call has awaited something for as long as it may
)

// heap holds events, the next one first. It has four children a node, which takes
// half the depth of two.
type heap []event

func (h *heap) push(e event) {
	*h = append(*h, e)
	s := *h
	i := len(s) - 1
	for i > 0 {
		parent := (i - 1) / 4
		if s[parent].at <= e.at {
			break
		}
		s[i] = s[parent]
		i = parent
	}
	s[i] = e
}

func (h *heap) pop() event {
	s := *h
	top, last := s[0], s[len(s)-1]
	s = s[:len(s)-1]
	*h = s
	i := 0
	for {
		first := 4*i + 1
		if first >= len(s) {
			break
		}
		least := first
		for child := first + 1; child < min(first+4, len(s)); child++ {
			if s[child].at < s[least].at {
				least = child
			}
		}
		if last.at <= s[least].at {
			break
		}
		s[i] = s[least]
		i = least
	}
	if len(s) > 0 {
		s[i] = last
	}
	return top
}

// fifo is a queue of calls.
type fifo struct {
	calls []int32
	head  int
}

func (q *fifo) len() int { return len(q.calls) - q.head }

func (q *fifo) push(call int32) { q.calls = append(q.calls, call) }

func (q *fifo) first() int32 { return q.calls[q.head] }

func (q *fifo) pop() int32 {
	call := q.calls[q.head]
	if q.head++; q.head == len(q.calls) {
		q.calls, q.head = q.calls[:0], 0
	} else if q.head > 4096 && q.head > len(q.calls)/2 {
		q.calls = append(q.calls[:0], q.calls[q.head:]...)
		q.head = 0
	}
	return call
}

// slab hands out indices of values that are used again.
type slab[T any] struct {
	all  []T
	free []int32
}

func (s *slab[T]) add(value T) int32 {
	if n := len(s.free); n > 0 {
		i := s.free[n-1]
		s.free = s.free[:n-1]
		s.all[i] = value
		return i
	}
	s.all = append(s.all, value)
	return int32(len(s.all) - 1)
}

func (s *slab[T]) remove(i int32) { s.free = append(s.free, i) }
