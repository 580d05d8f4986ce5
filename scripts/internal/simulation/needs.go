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

// Needed computes the needs of a day.
func Needed(config Config) Needs {
	const minutes = 25 * 60 // visits of the evening end after midnight at the latest
	perMinute, atSchool := map[string][]float64{}, map[string][]float64{}
	for _, id := range schoolday.Operations(config.Day) {
		perMinute[id], atSchool[id] = make([]float64, minutes), make([]float64, minutes)
	}
	add := func(id string, v *schoolday.Visit, chance float64, after time.Duration) {
		for i := range minutes {
			from := time.Duration(i)*time.Minute - after
			calls := float64(config.Students) * v.Share * chance * (v.Begins.Before(from+time.Minute) - v.Begins.Before(from))
			perMinute[id][i] += calls
			if v.AtSchool {
				atSchool[id][i] += calls
			}
		}
	}
	for i := range config.Day {
		v := &config.Day[i]
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
	awaited := map[string]time.Duration{}
	for _, v := range config.Day {
		for _, a := range v.Activities {
			var caused time.Duration
			for _, s := range a.Steps {
				if s.Causes != "" {
					caused = config.residence(s.Causes)
				}
				if s.Awaits {
					awaited[s.Operation] = max(awaited[s.Operation], caused)
				}
			}
		}
	}

	needs := Needs{Functions: map[string]Need{}}
	u := config.Platform.Utilization
	for _, id := range schoolday.Operations(config.Day) {
		f, calls := config.Functions[id], perMinute[id]
		peak, at := largest(calls)
		need := Need{PerSecond: peak / 60, At: at}
		peak, _ = largest(atSchool[id])
		need.AtSchool = peak / 60
		hold := (config.residence(id) + awaited[id]).Seconds()
		connected := f.Cost.Database.Seconds() + f.Cost.Trips*config.Platform.RoundTrip.Seconds()
		instances := 0.0
		for _, limit := range []struct {
			cause Cause
			busy  float64 // of one instance's, by a call a second
		}{
			{CPU, f.Cost.CPU.Seconds() / max(1, math.Floor(f.CPU))},
			{Places, hold / float64(f.Concurrency)},
			{Pool, connected / float64(config.Platform.Pool)},
		} {
			if n := need.PerSecond * limit.busy / u; n > instances {
				instances, need.Because = n, limit.cause
			}
		}
		need.Instances = max(1, int(math.Ceil(instances-1e-6))) // sums of floats are off by less
		needs.Functions[id] = need
		if f.Cost.Database > 0 {
			needs.Connections += need.Instances * config.Platform.Pool
		}
	}

	var database, tokens, requests, all [minutes]float64
	for _, id := range schoolday.Operations(config.Day) { // in order: sums of floats depend on it
		cost := config.Functions[id].Cost
		for i, n := range perMinute[id] {
			all[i] += n
			database[i] += n / 60 * cost.Database.Seconds()
			tokens[i] += n * cost.Tokens
			requests[i] += n * cost.ModelCalls
			needs.CallsAStudent += n / float64(config.Students)
			needs.TokensAStudent += n * cost.Tokens / float64(config.Students)
		}
	}
	peak, at := largest(database[:])
	needs.DatabaseCores, needs.DatabaseAt = peak/u, at
	needs.Tokens, needs.TokensAt = largest(tokens[:])
	needs.Requests, _ = largest(requests[:])
	peak, at = largest(all[:])
	needs.CallsPerSecond, needs.CallsAt, needs.Calls = peak/60, at, all[:]
	return needs
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
