package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"aksio.app/scripts/internal/client"
)

// sample is one call as a student saw it.
type sample struct {
	operation string        // or what was measured beside the calls
	at        time.Duration // when it was to be made, since the run began
	late      time.Duration // by how much it was made later: an answer before it was awaited
	took      time.Duration // from the request to the end of the answer
	failure   string        // "" if it went well, else its status and code
}

// seen is how long the student waited, counted from when the call was to be made.
func (s sample) seen() time.Duration { return s.late + s.took }

// record is what a run has measured.
type record struct {
	mu      sync.Mutex
	began   time.Time
	samples []sample
	extras  []sample // measured beside the calls
	skipped map[string]int
}

func (r *record) add(s sample) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.samples = append(r.samples, s)
}

// extra measures something that isn't a call, from its beginning until now.
func (r *record) extra(what string, began time.Time, err error) {
	s := sample{operation: what, at: began.Sub(r.began), took: time.Since(began), failure: failureOf(err)}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.extras = append(r.extras, s)
}

// skip counts calls that weren't made, and why.
func (r *record) skip(why string, calls int) {
	if calls == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.skipped[why] += calls
}

// Why calls aren't made.
const (
	afterFailure = "a call before it in the same activity failed"
	signedOut    = "the sign-in failed"
	nothingDue   = "no card was due"
	outOfTime    = "the time was over"
)

// play makes the calls of all visits at their times, each by itself: what
// keeps one waiting doesn't keep others. It returns when all are over, or with the
// context.
func play(ctx context.Context, students []*student, visits []plannedVisit) *record {
	r := &record{began: time.Now(), skipped: map[string]int{}}
	var group sync.WaitGroup
	for _, planned := range visits {
		group.Go(func() { r.follow(ctx, students[planned.student], planned) })
	}
	group.Wait()
	return r
}

// follow plays one visit.
func (r *record) follow(ctx context.Context, s *student, planned plannedVisit) {
	v := s.begin(r.extra)
	why := ""
	var delay time.Duration // by what was awaited
	for i, a := range planned.activities {
		for j, c := range a {
			c.at += delay
			if why == "" && !r.until(ctx, c.at) {
				why = outOfTime
			}
			if why != "" {
				r.skip(why, len(a)-j)
				break
			}
			err := r.call(ctx, v, c)
			if errors.Is(err, errNothing) {
				r.skip(nothingDue, 1)
				continue
			}
			if c.awaits {
				delay += time.Since(r.began) - c.at
			}
			if err != nil {
				if i == 0 {
					r.skip(signedOut, len(a)-j-1)
					why = signedOut
				} else {
					r.skip(afterFailure, len(a)-j-1)
				}
				break
			}
		}
	}
}

// until waits until the time since the run began, and reports whether there is any left.
func (r *record) until(ctx context.Context, at time.Duration) bool {
	timer := time.NewTimer(time.Until(r.began.Add(at)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return ctx.Err() == nil
	case <-ctx.Done():
		return false
	}
}

// call makes one call and measures it.
func (r *record) call(ctx context.Context, v *visit, c scheduled) error {
	v.answered = time.Time{}
	began := time.Now()
	err := actions[c.operation](v, ctx)
	if errors.Is(err, errNothing) {
		return err
	}
	ended := v.answered
	if ended.IsZero() {
		ended = time.Now()
	}
	s := sample{operation: c.operation, at: c.at, late: began.Sub(r.began) - c.at, took: ended.Sub(began)}
	if v.answered.IsZero() { // else the call itself went well
		s.failure = failureOf(err)
	}
	r.add(s)
	return err
}

// failureOf names a failure by its status and code, "" if there is none.
func failureOf(err error) string {
	var problem *client.Problem
	switch {
	case err == nil:
		return ""
	case errors.As(err, &problem) && problem.Code != "":
		return fmt.Sprintf("%d %s", problem.Status, problem.Code)
	case errors.As(err, &problem):
		return fmt.Sprint(problem.Status)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return "unfinished when the time was over"
	}
	return "no answer: " + err.Error()
}
