package simulation

import (
	"math"
	"time"

	"aksio.app/scripts/internal/schoolday"
)

// Needs is what it takes to serve everybody, in the minutes in which the most is
// wanted, without queues: processors, places and connections are busy up to the
// platform's utilization. It is arithmetic on averages; Play shows whether it
// suffices.
type Needs struct {
	Functions      map[string]Need
	Calls          []float64 // of each minute of the day, on the average
	CallsPerSecond float64   // in the busiest minute
	CallsAt        time.Duration
	DatabaseCores  float64
	DatabaseAt     time.Duration
	Connections    int     // of the instances of the script's functions
	Tokens         float64 // of the model, a minute
	TokensAt       time.Duration
	Requests       float64 // of the model, a minute

	CallsAStudent  float64 // on the day, of all students on the average
	TokensAStudent float64
}

// Need is what one function needs.
type Need struct {
	Instances int
	PerSecond float64       // calls in the busiest minute
	AtSchool  float64       // the same of calls that come from schools
	At        time.Duration // when that is
	Because   Cause         // what the instances are short of first
}

// minutes of a day, and of an hour after midnight: a visit of the evening may end then.
const minutes = 25 * 60

// Needed computes the needs of a day.
func Needed(config Config) Needs {
	perMinute, atSchool := config.callsPerMinute()
	awaited := config.awaited()
	needs := Needs{Functions: map[string]Need{}}
	for _, id := range schoolday.Operations(config.Day) {
		need := config.needOf(id, perMinute[id], atSchool[id], awaited[id])
		needs.Functions[id] = need
		if config.Functions[id].Cost.Database > 0 {
			needs.Connections += need.Instances * config.Platform.Pool
		}
	}
	config.share(&needs, perMinute)
	return needs
}

// callsPerMinute returns the calls of each function in each minute, and those of them
// that come from schools.
func (c Config) callsPerMinute() (all, atSchool map[string][]float64) {
	all, atSchool = map[string][]float64{}, map[string][]float64{}
	for _, id := range schoolday.Operations(c.Day) {
		all[id], atSchool[id] = make([]float64, minutes), make([]float64, minutes)
	}
	add := func(id string, v *schoolday.Visit, chance float64, after time.Duration) {
		for i := range minutes {
			from := time.Duration(i)*time.Minute - after
			calls := float64(c.Students) * v.Share * chance * (v.Begins.Before(from+time.Minute) - v.Begins.Before(from))
			all[id][i] += calls
			if v.AtSchool {
				atSchool[id][i] += calls
			}
		}
	}
	for i := range c.Day {
		v := &c.Day[i]
		var after time.Duration
		for _, a := range v.Activities {
			for _, s := range a.Steps {
				for range s.Calls() {
					after += s.Think
					add(s.Operation, v, a.Chance, after)
					if s.Causes != "" {
						add(s.Causes, v, a.Chance, after)
					}
				}
			}
		}
	}
	return all, atSchool
}

// awaited returns how long calls wait for the work that another call caused.
func (c Config) awaited() map[string]time.Duration {
	awaited := map[string]time.Duration{}
	for _, v := range c.Day {
		for _, a := range v.Activities {
			var caused time.Duration
			for _, s := range a.Steps {
				if s.Causes != "" {
					caused = c.residence(s.Causes)
				}
				if s.Awaits {
					awaited[s.Operation] = max(awaited[s.Operation], caused)
				}
			}
		}
	}

	return awaited
}

// needOf computes what one function needs that has these calls in each minute.
func (c Config) needOf(id string, perMinute, atSchool []float64, awaited time.Duration) Need {
	f := c.Functions[id]
	peak, at := largest(perMinute)
	need := Need{PerSecond: peak / 60, At: at}
	peak, _ = largest(atSchool)
	need.AtSchool = peak / 60
	hold := (c.residence(id) + awaited).Seconds()
	connected := f.Cost.Database.Seconds() + f.Cost.Trips*c.Platform.RoundTrip.Seconds()
	instances := 0.0
	for _, limit := range []struct {
		cause Cause
		busy  float64 // of one instance's, by a call a second
	}{
		{CPU, f.Cost.CPU.Seconds() / max(1, math.Floor(f.CPU))},
		{Places, hold / float64(f.Concurrency)},
		{Pool, connected / float64(c.Platform.Pool)},
	} {
		if n := need.PerSecond * limit.busy / c.Platform.Utilization; n > instances {
			instances, need.Because = n, limit.cause
		}
	}
	need.Instances = max(1, int(math.Ceil(instances-1e-6))) // sums of floats are off by less
	return need
}

// share adds what all functions share: the database and the model, and all calls.
func (c Config) share(needs *Needs, perMinute map[string][]float64) {
	var database, tokens, requests, all [minutes]float64
	for _, id := range schoolday.Operations(c.Day) { // in order: sums of floats depend on it
		cost := c.Functions[id].Cost
		for i, n := range perMinute[id] {
			all[i] += n
			database[i] += n / 60 * cost.Database.Seconds()
			tokens[i] += n * cost.Tokens
			requests[i] += n * cost.ModelCalls
			needs.CallsAStudent += n / float64(c.Students)
			needs.TokensAStudent += n * cost.Tokens / float64(c.Students)
		}
	}
	peak, at := largest(database[:])
	needs.DatabaseCores, needs.DatabaseAt = peak/c.Platform.Utilization, at
	needs.Tokens, needs.TokensAt = largest(tokens[:])
	needs.Requests, _ = largest(requests[:])
	peak, at = largest(all[:])
	needs.CallsPerSecond, needs.CallsAt, needs.Calls = peak/60, at, all[:]
}

// residence is how long a call takes that waits for nothing.
func (c Config) residence(id string) time.Duration {
	cost := c.Functions[id].Cost
	return cost.CPU + cost.Database + time.Duration(cost.Trips*float64(c.Platform.RoundTrip)) + cost.Model
}

// largest returns the largest value and the time of day of its minute.
func largest(perMinute []float64) (float64, time.Duration) {
	at := 0
	for i, v := range perMinute {
		if v > perMinute[at] {
			at = i
		}
	}
	return perMinute[at], time.Duration(at) * time.Minute
}
