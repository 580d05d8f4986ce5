package simulation

import (
	"context"
	"errors"
	"math"
	"reflect"
	"testing"
	"time"

	"aksio.app/scripts/internal/schoolday"
)

const ms = time.Millisecond

// day has one visit of one call of f by so many students, evenly over the hours
// from 8, each hour's share by its weight.
func day(hours ...float64) []schoolday.Visit {
	weights := map[int]float64{}
	for i, weight := range hours {
		weights[8+i] = weight
	}
	even := 1.0 / 12 // of an hour's beginnings in its first width
	return []schoolday.Visit{{Share: 1, Begins: schoolday.NewCurve(even, weights), Activities: []schoolday.Activity{
		{Chance: 1, Steps: []schoolday.Step{{Operation: "f"}}},
	}}}
}

// unlimited is a platform on which nothing is short.
func unlimited() Platform {
	return Platform{
		DatabaseCores: 1 << 20, DatabaseConnections: 1 << 20, Pool: 1 << 20, AcquireWait: 5 * time.Second,
		TokensPerMinute: 1e12, RequestsPerMinute: 1e12, ModelWait: time.Minute,
		IdleInstance: 15 * time.Minute, IdleClose: 5 * time.Minute, QueueWait: 10 * time.Second, Utilization: 0.6,
	}
}

// run plays a day of one hour's arrivals, so many a second.
func run(t *testing.T, f Function, platform Platform, perSecond float64) *Result {
	t.Helper()
	return mustPlay(t, Config{
		Day: day(1), Students: int(perSecond * 3600), Functions: map[string]Function{"f": f}, Platform: platform, Seed: 1,
	})
}

func mustPlay(t *testing.T, config Config) *Result {
	t.Helper()
	result, err := Play(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// warm is a function with so many instances that are always there.
func warm(instances, concurrency int, cost Cost) Function {
	return Function{CPU: 1, Concurrency: concurrency, MinInstances: instances, MaxInstances: instances, Timeout: time.Minute, Cost: cost}
}

// erlangC is the probability that a customer of an M/M/c queue waits, where a is
// the arrival rate times the mean time of service.
func erlangC(c int, a float64) float64 {
	sum, term := 0.0, 1.0
	for k := range c {
		sum += term
		term *= a / float64(k+1)
	}
	last := term / (1 - a/float64(c))
	return last / (sum + last)
}

// TestWaitsOfMMc compares waits with Erlang's formula, whichever resource is the
// one that is short.
func TestWaitsOfMMc(t *testing.T) {
	t.Parallel()
	const service = 100 * ms
	for _, tc := range []struct {
		name    string
		servers int
		load    float64 // share of the servers that are busy
		f       func(servers int) Function
		limit   func(*Platform, int)
	}{
		{"one server", 1, 0.7, func(c int) Function { return warm(c, 1, Cost{CPU: service}) }, nil},
		{"places", 4, 0.8, func(c int) Function { return warm(c, 1, Cost{CPU: service}) }, nil},
		{"processors", 4, 0.8, func(c int) Function { return warm(c, 1000, Cost{CPU: service}) }, nil},
		{"many processors", 20, 0.9, func(c int) Function { return warm(c, 1000, Cost{CPU: service}) }, nil},
		{"the database's processors", 4, 0.8, func(int) Function { return warm(1, 1000, Cost{Database: service}) },
			func(p *Platform, c int) { p.DatabaseCores = c }},
		{"connections of the pool", 2, 0.7, func(int) Function { return warm(1, 1000, Cost{Database: service}) },
			func(p *Platform, c int) { p.Pool = c }},
		{"connections of the database", 2, 0.7, func(int) Function { return warm(1, 1000, Cost{Database: service}) },
			func(p *Platform, c int) { p.DatabaseConnections = c }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			platform := unlimited()
			platform.QueueWait, platform.AcquireWait = time.Hour, time.Hour
			if tc.limit != nil {
				tc.limit(&platform, tc.servers)
			}
			a := tc.load * float64(tc.servers)
			got := run(t, tc.f(tc.servers), platform, a/service.Seconds())
			if got.Refused > 0 {
				t.Fatalf("%d calls were refused", got.Refused)
			}
			// The waits of an M/M/c queue are exponential where there are any.
			waits := erlangC(tc.servers, a)
			mean := waits * service.Seconds() / (float64(tc.servers) - a)
			p95 := math.Log(waits/0.05) * service.Seconds() / (float64(tc.servers) - a)
			f := got.Functions[0]
			if !within(f.waits.share(), waits, 0.05) || !within(f.waits.mean(), mean, 0.1) || !within(f.Wait95, p95, 0.1) {
				t.Errorf("%d calls: %.3f waited, %.4f s on the average, 95 %% less than %.4f s; Erlang says %.3f, %.4f s and %.4f s",
					f.Calls, f.waits.share(), f.waits.mean(), f.Wait95, waits, mean, p95)
			}
		})
	}
}

// share is that of the calls that waited.
func (h *histogram) share() float64 { return float64(h.waiting) / float64(h.count) }

// mean is in seconds, of all calls.
func (h *histogram) mean() float64 {
	sum := 0.0
	for i, n := range h.steps {
		sum += float64(n) * shortest * math.Pow(growth, float64(i)+0.5)
	}
	return sum / float64(h.count)
}

func within(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance*want }

// TestWhatBreaks has one limit at a time, whose capacity is 10 calls a second: 3
// pass for two hours, then 12 come and one in six is refused.
func TestWhatBreaks(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		cause Cause
		f     Function
		limit func(*Platform)
	}{
		{Places, warm(1, 1, Cost{CPU: 100 * ms}), nil},
		{CPU, warm(1, 80, Cost{CPU: 100 * ms}), nil},
		{Places, warm(2, 20, Cost{ModelCalls: 1, Model: 4 * time.Second}), nil},
		{Pool, warm(1, 80, Cost{Database: 200 * ms}), func(p *Platform) { p.Pool = 2 }},
		{Pool, warm(1, 80, Cost{Database: time.Microsecond, Trips: 2}), func(p *Platform) { p.Pool, p.RoundTrip = 2, 100*ms }},
		{DatabaseCPU, warm(3, 80, Cost{Database: 200 * ms}), func(p *Platform) { p.DatabaseCores = 2 }},
		{DatabaseConnection, warm(3, 80, Cost{Database: 200 * ms}), func(p *Platform) { p.DatabaseConnections = 2 }},
		{Model, warm(50, 80, Cost{ModelCalls: 1, Tokens: 1000}), func(p *Platform) { p.TokensPerMinute = 600_000 }},
		{Model, warm(50, 80, Cost{ModelCalls: 2, Tokens: 1}), func(p *Platform) { p.RequestsPerMinute = 1200 }},
	} {
		t.Run(tc.cause.String(), func(t *testing.T) {
			t.Parallel()
			platform := unlimited()
			if tc.limit != nil {
				tc.limit(&platform)
			}
			got := mustPlay(t, Config{
				Day: day(3, 3, 12), Students: 18 * 3600, Functions: map[string]Function{"f": tc.f}, Platform: platform, Seed: 1,
			})
			if len(got.Breaks) == 0 {
				t.Fatalf("nothing broke: %d of %d calls were refused", got.Refused, got.Calls)
			}
			first := got.Breaks[0]
			if first.Cause != tc.cause || first.Function != "f" {
				t.Errorf("got %v of %s first, want %v of f", first.Cause, first.Function, tc.cause)
			}
			// A budget that was saved up is used up first.
			if at := first.At; at < 10*time.Hour || at > 10*time.Hour+6*time.Minute {
				t.Errorf("it broke at %v, want soon after 10h", at)
			}
			if share := float64(got.Refused) / (12 * 3600); !within(share, 1.0/6, 0.15) {
				t.Errorf("%.3f of the last hour's calls were refused, want a sixth", share)
			}
			if got.Unfinished > 0 {
				t.Errorf("%d calls never ended", got.Unfinished)
			}
		})
	}
}

// TestColdStarts: the first call waits for an instance, so does the first after a
// pause that is longer than instances are kept.
func TestColdStarts(t *testing.T) {
	t.Parallel()
	platform := unlimited()
	platform.InstanceStart = 900 * ms
	f := Function{CPU: 1, Concurrency: 1000, MaxInstances: 2, Timeout: time.Minute, Cost: Cost{CPU: ms, Start: 100 * ms}}
	for _, tc := range []struct {
		name  string
		hours []float64
		kept  int // instances
		want  int // starts
	}{
		{"one busy hour", []float64{1}, 0, 1},
		{"two with a pause between", []float64{1, 0, 1}, 0, 2},
		{"two with a pause between, an instance kept", []float64{1, 0, 1}, 1, 0},
	} {
		f.MinInstances = tc.kept
		got := mustPlay(t, Config{Day: day(tc.hours...), Students: 36_000, Functions: map[string]Function{"f": f}, Platform: platform, Seed: 1})
		if got.ColdStarts != tc.want || (got.ColdCalls > 0) != (tc.want > 0) {
			t.Errorf("%s: got %d starts, for which %d calls waited; want %d", tc.name, got.ColdStarts, got.ColdCalls, tc.want)
		}
		if tc.want > 0 && (got.ColdWait95 < 0.9 || got.ColdWait95 > 1.1) {
			t.Errorf("%s: they waited %.2f s, want at most the second that a start takes", tc.name, got.ColdWait95)
		}
		if len(got.Breaks) > 0 {
			t.Errorf("%s: %+v broke, though starts pass by themselves", tc.name, got.Breaks[0])
		}
	}
}

// TestInstancesFollowTheLoad: the autoscaler keeps processors 60 % busy.
func TestInstancesFollowTheLoad(t *testing.T) {
	t.Parallel()
	f := Function{CPU: 1, Concurrency: 80, MaxInstances: 100, Timeout: time.Minute, Cost: Cost{CPU: 100 * ms}}
	got := run(t, f, unlimited(), 60) // 6 processors' work
	if n := got.Functions[0].Instances; n < 9 || n > 13 {
		t.Errorf("got %d instances, want about 10", n)
	}
}

// TestAFailedCallEndsItsActivity, and a failed sign-in the visit.
func TestAFailedCallEndsItsActivity(t *testing.T) {
	t.Parallel()
	visits := day(1)
	visits[0].AtSchool = true
	visits[0].Activities = []schoolday.Activity{
		{Name: "sign in", Chance: 1, Steps: []schoolday.Step{{Operation: "sign-in"}}},
		{Name: "work", Chance: 1, Steps: []schoolday.Step{{Operation: "a", Times: 2}, {Operation: "b"}}},
		{Name: "rest", Chance: 0.5, Steps: []schoolday.Step{{Operation: "c"}}},
	}
	free := warm(1, 1000, Cost{})
	platform := unlimited()
	platform.School = 3600
	for _, tc := range []struct {
		name    string
		refused string // the function that takes only one call an hour
		want    map[string]int
		unmade  int
	}{
		{"sign-in", "sign-in", map[string]int{"sign-in": 3600, "a": 2, "b": 1}, 3599 * 35 / 10},
		{"first of two", "a", map[string]int{"sign-in": 3600, "a": 3601, "c": 1800}, 3599 * 2},
		{"last of an activity", "b", map[string]int{"a": 7200, "b": 3600, "c": 1800}, 0},
	} {
		platform.PerAddress = map[string]Rate{tc.refused: {Count: 1, Per: 2 * time.Hour}}
		got := mustPlay(t, Config{
			Day: visits, Students: 3600, Platform: platform, Seed: 1,
			Functions: map[string]Function{"sign-in": free, "a": free, "b": free, "c": free},
		})
		for _, f := range got.Functions {
			if want, ok := tc.want[f.ID]; ok && !within(float64(f.Calls), float64(want), 0.1) {
				t.Errorf("%s: got %d calls of %s, want about %d", tc.name, f.Calls, f.ID, want)
			}
		}
		if !within(got.Unmade, float64(tc.unmade), 0.1) {
			t.Errorf("%s: %.0f calls weren't made, want about %d", tc.name, got.Unmade, tc.unmade)
		}
		if len(got.Breaks) != 1 || got.Breaks[0].Cause != Address || got.Breaks[0].Function != tc.refused {
			t.Errorf("%s: got %+v, want the limit of an address alone", tc.name, got.Breaks)
		}
	}
}

// TestAwaitedWork: a call that awaits background work lasts as long as that, or
// as it may.
func TestAwaitedWork(t *testing.T) {
	t.Parallel()
	visits := day(1)
	visits[0].Activities = []schoolday.Activity{{Chance: 1, Steps: []schoolday.Step{
		{Operation: "upload", Causes: "read"}, {Operation: "watch", Awaits: true}, {Operation: "look"},
	}}}
	read := warm(4, 1, Cost{CPU: 2 * time.Second}) // two a second
	read.Background = true
	functions := map[string]Function{"upload": warm(1, 100, Cost{}), "watch": warm(1, 10_000, Cost{}), "look": warm(1, 100, Cost{}), "read": read}
	for _, tc := range []struct {
		name      string
		perSecond int
		looks     float64 // share of the students who saw the end of it
		broken    bool
	}{
		{"enough readers", 1, 1, false},
		{"too few readers", 4, 1.0 / 60, true}, // who comes in the t-th second waits for t seconds, and watchers leave after 60
	} {
		students := tc.perSecond * 3600
		got := mustPlay(t, Config{Day: visits, Students: students, Functions: functions, Platform: unlimited(), Seed: 1})
		calls := map[string]int{}
		for _, f := range got.Functions {
			calls[f.ID] = f.Calls
		}
		if calls["read"] != calls["upload"] || calls["watch"] != calls["upload"] {
			t.Errorf("%s: got %v, want as many read and watched as uploaded", tc.name, calls)
		}
		if share := float64(calls["look"]) / float64(calls["upload"]); !within(share, tc.looks, 0.3) {
			t.Errorf("%s: %.3f saw the end, want %.2f", tc.name, share, tc.looks)
		}
		if got.Unfinished > 0 {
			t.Errorf("%s: %d are unfinished, though there is a night to catch up", tc.name, got.Unfinished)
		}
		if broken := len(got.Breaks) > 0; broken != tc.broken {
			t.Errorf("%s: got %+v", tc.name, got.Breaks)
		}
	}
}

func TestTheSameSeedGivesTheSameDay(t *testing.T) {
	t.Parallel()
	config := Config{
		Day: day(1, 2), Students: 50_000, Functions: map[string]Function{"f": warm(1, 20, Cost{CPU: 100 * ms})}, Platform: unlimited(), Seed: 7,
	}
	first, second := mustPlay(t, config), mustPlay(t, config)
	if !reflect.DeepEqual(first, second) {
		t.Error("two days of one seed differ")
	}
	config.Seed = 8
	if third := mustPlay(t, config); reflect.DeepEqual(first, third) {
		t.Error("days of two seeds are the same")
	}
}

// lateStop is a context that is cancelled when it is looked at the third time.
type lateStop struct {
	context.Context
	looks int
}

func (c *lateStop) Err() error {
	if c.looks++; c.looks >= 3 {
		return context.Canceled
	}
	return nil
}

// TestADayIsStoppedWithinAMinute: one of many students takes long to play.
func TestADayIsStoppedWithinAMinute(t *testing.T) {
	t.Parallel()
	begun := 0
	ctx := &lateStop{Context: t.Context()}
	_, err := Play(ctx, Config{
		Day: day(1), Students: 1, Functions: map[string]Function{"f": warm(1, 1, Cost{})}, Platform: unlimited(),
		Progress: func(float64) { begun++ },
	})
	if !errors.Is(err, context.Canceled) || begun != 1 || ctx.looks != 3 {
		t.Errorf("got %v after %d minutes had begun and %d looks, want that it is stopped in the first minute, at the third", err, begun, ctx.looks)
	}
}

func TestAnUnknownFunctionIsNamed(t *testing.T) {
	t.Parallel()
	_, err := Play(t.Context(), Config{Day: day(1), Students: 1, Platform: unlimited()})
	if err == nil || err.Error() != "simulation: nothing is known of the function f" {
		t.Errorf("got %v", err)
	}
}

// TestNeeded compares with arithmetic: ten calls a second, evenly for an hour.
func TestNeeded(t *testing.T) {
	t.Parallel()
	platform := unlimited()
	platform.Pool, platform.RoundTrip, platform.Utilization = 2, 10*ms, 0.5
	for _, tc := range []struct {
		name string
		f    Function
		want Need
	}{
		{"processors", Function{CPU: 1, Concurrency: 20, Cost: Cost{CPU: 200 * ms}}, Need{Instances: 4, Because: CPU}},
		{"two processors an instance", Function{CPU: 2, Concurrency: 20, Cost: Cost{CPU: 200 * ms}}, Need{Instances: 2, Because: CPU}},
		{"places", Function{CPU: 1, Concurrency: 4, Cost: Cost{ModelCalls: 2, Model: 2 * time.Second, Tokens: 500}}, Need{Instances: 10, Because: Places}},
		{"connections", Function{CPU: 1, Concurrency: 20, Cost: Cost{Database: 280 * ms, Trips: 2}}, Need{Instances: 3, Because: Pool}},
		{"nothing much", Function{CPU: 1, Concurrency: 20, Cost: Cost{CPU: ms}}, Need{Instances: 1, Because: CPU}},
	} {
		got := Needed(Config{Day: day(1), Students: 36_000, Functions: map[string]Function{"f": tc.f}, Platform: platform})
		need := got.Functions["f"]
		if need.Instances != tc.want.Instances || need.Because != tc.want.Because {
			t.Errorf("%s: got %d instances for the %v, want %d for the %v", tc.name, need.Instances, need.Because, tc.want.Instances, tc.want.Because)
		}
		if !within(need.PerSecond, 10, 1e-6) || !within(got.CallsAStudent, 1, 1e-6) {
			t.Errorf("%s: got %g calls a second and %g a student, want 10 and 1", tc.name, need.PerSecond, got.CallsAStudent)
		}
		if want := 10 * tc.f.Cost.Database.Seconds() / 0.5; math.Abs(got.DatabaseCores-want) > 1e-6 {
			t.Errorf("%s: got %g of the database's processors, want %g", tc.name, got.DatabaseCores, want)
		}
		if want := 600 * tc.f.Cost.Tokens; math.Abs(got.Tokens-want) > 1e-6*want || math.Abs(got.Requests-600*tc.f.Cost.ModelCalls) > 1e-3 {
			t.Errorf("%s: got %g tokens and %g requests a minute, want %g and %g", tc.name, got.Tokens, got.Requests, want, 600*tc.f.Cost.ModelCalls)
		}
	}
}

// TestWhatIsNeededSuffices plays a day again with the instances that it needs.
func TestWhatIsNeededSuffices(t *testing.T) {
	t.Parallel()
	platform := unlimited()
	config := Config{
		Day: day(1, 3), Students: 100_000, Platform: platform, Seed: 1,
		Functions: map[string]Function{"f": {CPU: 1, Concurrency: 20, MinInstances: 1, MaxInstances: 1, Timeout: time.Minute, Cost: Cost{CPU: 200 * ms}}},
	}
	if got := mustPlay(t, config); got.Refused == 0 || len(got.Breaks) == 0 || got.Breaks[0].Function != "f" || got.Breaks[0].Cause != CPU {
		t.Errorf("one instance for what keeps four busy refuses %d calls, and %+v breaks; want f, for its processor", got.Refused, got.Breaks)
	}
	f := config.Functions["f"]
	f.MaxInstances = Needed(config).Functions["f"].Instances
	f.MinInstances = f.MaxInstances // there is no wait for those that are added
	config.Functions["f"] = f
	if got := mustPlay(t, config); got.Refused > 0 || got.Functions[0].Slow > got.Calls/1000 {
		t.Errorf("with %d instances %d of %d calls are refused, %d are slow", f.MaxInstances, got.Refused, got.Calls, got.Functions[0].Slow)
	}
}
