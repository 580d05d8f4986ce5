package main

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"time"

	"aksio.app/scripts/internal/schoolday"
)

// scheduleConfig says which day is played, and how.
type scheduleConfig struct {
	day      []schoolday.Visit
	students int
	duration time.Duration // what the day is compressed to
	seed     uint64
}

// scheduleOf reads how many students play the school day, and how long.
func scheduleOf(students, duration string, seed uint64) (scheduleConfig, error) {
	c := scheduleConfig{day: schoolday.Day, seed: seed}
	var studentsErr, durationErr error
	if c.students, studentsErr = strconv.Atoi(students); studentsErr != nil || c.students < 1 || c.students > mostStudents {
		studentsErr = fmt.Errorf("STUDENTS is %q: write 1 to %d", students, mostStudents)
	}
	if c.duration, durationErr = time.ParseDuration(duration); durationErr != nil || c.duration < time.Second || c.duration > 12*time.Hour {
		durationErr = fmt.Errorf("DURATION is %q: write 1s to 12h", duration)
	}
	return c, errors.Join(studentsErr, durationErr)
}

// plannedVisit is a student's visit with the time of every call. The times are fixed
// before the run: they don't wait for answers, so that a slow platform can't slow
// down what is asked of it.
type plannedVisit struct {
	student    int
	activities []activity
}

// activity is what a student does at a stretch: after a failure the rest is left out.
type activity []scheduled

// scheduled is a call and when it is to be made, since the run began.
type scheduled struct {
	operation string
	at        time.Duration
	awaits    bool // what follows counts from its end
}

// visiting is the share of the run that a visit may take. Visits are compressed
// less than the day, or students wouldn't take the time to read an answer.
const visiting = 0.25

// schedule compresses the day. Beginnings follow the day's curves, also where there
// are few students: they are drawn from equal shares of the curve.
func schedule(c scheduleConfig) []plannedVisit {
	random := rand.New(rand.NewPCG(c.seed, uint64(c.students)))
	from, to := schoolday.Span(c.day)
	day := float64(c.duration) * (1 - visiting) / float64(to-from)
	pace := float64(c.duration) * visiting / (1.5 * float64(schoolday.Longest(c.day)))
	var all []plannedVisit
	for i := range c.day {
		v := &c.day[i]
		visitors := random.Perm(c.students)
		visitors = visitors[:max(1, int(v.Share*float64(c.students)+0.5))]
		chosen := make([]func(int) bool, len(v.Activities))
		for j, a := range v.Activities {
			chosen[j] = evenly(a.Chance, random.Float64())
		}
		for k, student := range visitors {
			q := (float64(k) + random.Float64()) / float64(len(visitors))
			at := time.Duration(float64(v.Begins.At(q)-from) * day)
			visit := plannedVisit{student: student}
			for j, a := range v.Activities {
				if !chosen[j](k) {
					continue
				}
				var planned activity
				for _, s := range a.Steps {
					for range s.Calls() {
						at += time.Duration(float64(s.Think) * (0.5 + random.Float64()) * pace)
						planned = append(planned, scheduled{s.Operation, at, s.Awaits})
					}
				}
				visit.activities = append(visit.activities, planned)
			}
			all = append(all, visit)
		}
	}
	slices.SortStableFunc(all, func(a, b plannedVisit) int { return cmp.Compare(a.activities[0][0].at, b.activities[0][0].at) })
	return all
}

// evenly chooses a share of the numbers 0, 1, 2, …: of n in a row, within one, n × share.
func evenly(share, offset float64) func(int) bool {
	return func(k int) bool {
		return int(float64(k+1)*share+offset) > int(float64(k)*share+offset)
	}
}
