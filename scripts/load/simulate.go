package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"aksio.app/scripts/internal/catalogue"
	"aksio.app/scripts/internal/plot"
	"aksio.app/scripts/internal/report"
	"aksio.app/scripts/internal/schoolday"
	"aksio.app/scripts/internal/simulation"
)

type simulateConfig struct {
	students  []int // of each simulation
	catalogue string
	dir       string // of the report
	seed      uint64
}

// simulate plays the day for each number of students: with the limits as they are,
// and with those that it would take.
func simulate(ctx context.Context, out io.Writer, c simulateConfig) error {
	known, err := readProfile(committedProfile)
	if err != nil {
		return err
	}
	declared, err := catalogue.Read(c.catalogue)
	if err != nil {
		return err
	}
	functions, err := functionsOf(schoolday.Day, declared, known)
	if err != nil {
		return err
	}
	began := time.Now()
	cases := make([]*simulated, len(c.students))
	progress := &progress{told: began}
	group, ctx := errgroup.WithContext(ctx)
	for i, students := range c.students {
		s := &simulated{declared: declared, config: simulation.Config{
			Day: schoolday.Day, Students: students, Functions: functions, Platform: production, Seed: c.seed,
		}}
		s.needs = simulation.Needed(s.config)
		s.raised = s.raise()
		cases[i] = s
		s.config.Progress, s.raised.Progress = progress.of(students), progress.of(students)
		group.Go(func() (err error) {
			s.asIs, err = simulation.Play(ctx, s.config)
			return err
		})
		group.Go(func() (err error) {
			s.whenRaised, err = simulation.Play(ctx, s.raised)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	d := simulationReport(known, cases)
	if err := save(d, c.dir); err != nil {
		return err
	}
	d.Plain(out)
	fmt.Fprintf(out, "simulated in %s; report: %s/report.html, %s/report.md\n", time.Since(began).Round(100*time.Millisecond), c.dir, c.dir)
	return nil
}

// progress tells every 10 seconds how much of all days was played.
type progress struct {
	mu          sync.Mutex
	all, played float64 // days of students
	told        time.Time
}

// of returns what is to be told how much of one day of so many students was played.
func (p *progress) of(students int) func(share float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.all += float64(students)
	before := 0.0
	return func(share float64) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.played += (share - before) * float64(students)
		before = share
		if time.Since(p.told) >= 10*time.Second {
			p.told = time.Now()
			fmt.Fprintf(os.Stderr, "simulated %.0f %%\n", 100*p.played/p.all)
		}
	}
}

// simulated is the day with one number of students.
type simulated struct {
	declared   map[string]catalogue.Function
	config     simulation.Config
	needs      simulation.Needs
	asIs       *simulation.Result
	raised     simulation.Config // with what is needed
	whenRaised *simulation.Result
}

// functionsOf puts together what is declared, measured and assumed of the day's functions.
func functionsOf(day []schoolday.Visit, declared map[string]catalogue.Function, known profile) (map[string]simulation.Function, error) {
	functions := map[string]simulation.Function{}
	for _, id := range schoolday.Operations(day) {
		d, ok := declared[id]
		if !ok {
			return nil, fmt.Errorf("the catalogue has no function %s", id)
		}
		cost, ok := known.Operations[id]
		if !ok {
			return nil, fmt.Errorf("%s has no %s: make load LOADFLAGS=-profile measures it", profilePath, id)
		}
		ms := func(x float64) time.Duration { return time.Duration(x * float64(time.Millisecond)) }
		if c, ok := corrections[id]; ok {
			cost.CPUMS, cost.DatabaseMS = cost.CPUMS*c.work, cost.DatabaseMS*c.work
			cost.StartMS += float64(c.start.Milliseconds())
		}
		model := askings[id]
		functions[id] = simulation.Function{
			CPU: d.CPU, Concurrency: d.Concurrency, MinInstances: d.MinInstances, MaxInstances: d.MaxInstances,
			Timeout: time.Duration(d.Timeout) * time.Second, Background: d.Trigger != "http",
			Cost: simulation.Cost{
				CPU: ms(cost.CPUMS), Database: ms(cost.DatabaseMS), Trips: cost.Trips, Start: ms(cost.StartMS),
				Model: model.took, ModelCalls: model.calls, Tokens: model.tokens,
			},
		}
	}
	return functions, nil
}

// raise returns the day with limits that serve everybody: what is needed, where it
// is more than there is.
func (s *simulated) raise() simulation.Config {
	c := s.config
	c.Functions = map[string]simulation.Function{}
	for id, f := range s.config.Functions {
		f.MaxInstances = max(f.MaxInstances, s.needs.Functions[id].Instances)
		c.Functions[id] = f
	}
	c.Platform.DatabaseCores = max(c.Platform.DatabaseCores, tier(s.needs.DatabaseCores))
	c.Platform.DatabaseConnections = max(c.Platform.DatabaseConnections, s.connections(c.Functions))
	c.Platform.TokensPerMinute = max(c.Platform.TokensPerMinute, s.needs.Tokens)
	c.Platform.RequestsPerMinute = max(c.Platform.RequestsPerMinute, s.needs.Requests)
	c.Platform.PerAddress = nil
	return c
}

// tier is the smallest number of processors that a database can have and that is enough.
func tier(cores float64) int {
	for _, n := range tiers {
		if float64(n) >= cores {
			return n
		}
	}
	return int(cores + 1) // there is none so large
}

// connections is how many all functions of the catalogue may open, with these in
// the place of those that the day uses.
func (s *simulated) connections(functions map[string]simulation.Function) int {
	sum := 0
	for id, d := range s.declared {
		if !slices.Contains(d.Needs, "database") {
			continue
		}
		instances := d.MaxInstances
		if f, ok := functions[id]; ok {
			instances = f.MaxInstances
		}
		sum += instances * s.config.Platform.Pool
	}
	return sum
}

// explanation is a limit that was reached, in words.
type explanation struct {
	limit   string // which it is
	because string // why it was reached
	remedy  string // what to raise; "" if what is short suffices as soon as other limits are raised
}

func (s *simulated) explain(b simulation.Break) explanation {
	f, need, platform := s.config.Functions[b.Function], s.needs.Functions[b.Function], s.config.Platform
	instances := counted(f.MaxInstances, "instance")
	peak := fmt.Sprintf("%s come at %s", rate(need.PerSecond), timeOfDay(need.At))
	// atMost tells how many calls so many servers get done, each of which takes so long.
	atMost := func(servers int, each time.Duration) string {
		most := float64(servers) / each.Seconds()
		text := fmt.Sprintf("%s at most (%s each), and %s", rate(most), plot.Duration(each), peak)
		if share := need.PerSecond / most; share < 1 {
			text += fmt.Sprintf(", %.0f %% of that, where chance makes long queues", 100*share)
		}
		return text
	}
	connected := f.Cost.Database + time.Duration(f.Cost.Trips*float64(platform.RoundTrip))
	more := ""
	if need.Instances > f.MaxInstances {
		more = fmt.Sprintf("max_instances of %s to %d", b.Function, need.Instances)
	}
	switch b.Cause {
	case simulation.Scaling:
		return explanation{
			limit:   b.Function + ", whose instances are added too late",
			because: fmt.Sprintf("the platform adds one when processors or places are %.0f %% busy over a minute, and %s", 100*platform.Utilization, peak),
			remedy:  fmt.Sprintf("min_instances of %s to %d", b.Function, min(need.Instances, f.MaxInstances)),
		}
	case simulation.CPU:
		return explanation{
			limit:   b.Function + ", the processors of its " + instances,
			because: fmt.Sprintf("its %s compute %s", instances, atMost(f.MaxInstances*max(1, int(f.CPU)), f.Cost.CPU)),
			remedy:  more,
		}
	case simulation.Places:
		places := f.MaxInstances * f.Concurrency
		each := atMost(places, f.Cost.CPU+connected+f.Cost.Model)
		if awaits(s.config.Day, b.Function) {
			each = "which last until a document is read, and " + peak
		}
		return explanation{
			limit:   b.Function + ", the places of its " + instances,
			because: fmt.Sprintf("its %s serve %s at once, %s", instances, counted(places, "call"), each),
			remedy:  more,
		}
	case simulation.Pool:
		connections := f.MaxInstances * platform.Pool
		return explanation{
			limit:   b.Function + ", the connections of its " + instances,
			because: fmt.Sprintf("its %s have %d connections to the database, which serve %s", instances, connections, atMost(connections, connected)),
			remedy:  more,
		}
	case simulation.DatabaseCPU:
		return explanation{
			limit: "the processors of the database",
			because: fmt.Sprintf("there are %d and %.1f would be busy at %s",
				platform.DatabaseCores, s.needs.DatabaseCores*platform.Utilization, timeOfDay(s.needs.DatabaseAt)),
			remedy: fmt.Sprintf("the database to %d processors", s.raised.Platform.DatabaseCores),
		}
	case simulation.DatabaseConnection:
		return explanation{
			limit:   "the connections of the database",
			because: fmt.Sprintf("functions get %d", platform.DatabaseConnections),
			remedy:  fmt.Sprintf("its connections to %d", s.raised.Platform.DatabaseConnections),
		}
	case simulation.Model:
		return explanation{
			limit: "the budget of the model",
			because: fmt.Sprintf("it is %s tokens and %s requests a minute; %s and %s are wanted at %s", report.Thousands(platform.TokensPerMinute),
				report.Thousands(platform.RequestsPerMinute), report.Thousands(s.needs.Tokens), report.Thousands(s.needs.Requests), timeOfDay(s.needs.TokensAt)),
			remedy: fmt.Sprintf("it to %s tokens and %s requests a minute", report.Thousands(s.raised.Platform.TokensPerMinute), report.Thousands(s.raised.Platform.RequestsPerMinute)),
		}
	case simulation.Address:
		r := platform.PerAddress[b.Function]
		return explanation{
			limit:   b.Function + ", the limit of one address",
			because: fmt.Sprintf("it is %d calls within %s, and %d students of a school have one address", r.Count, r.Per, platform.School),
			remedy:  "what one address may, or let schools have limits of their own",
		}
	}
	panic("a cause without words: " + b.Cause.String())
}

func awaits(day []schoolday.Visit, id string) bool {
	for _, v := range day {
		for _, a := range v.Activities {
			for _, s := range a.Steps {
				if s.Operation == id && s.Awaits {
					return true
				}
			}
		}
	}
	return false
}

// verdict is the sentence that everything else explains.
func (s *simulated) verdict() string {
	if len(s.asIs.Breaks) == 0 {
		return fmt.Sprintf("At %s nothing breaks: all calls are served without long waits.", students(s.config.Students))
	}
	first := s.asIs.Breaks[0]
	e := s.explain(first)
	return fmt.Sprintf("At %s the first thing to break is %s, at %s, because %s; to serve them raise %s.",
		students(s.config.Students), e.limit, timeOfDay(first.At), e.because, cmp.Or(e.remedy, "what it waits for"))
}

func counted(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

func students(n int) string {
	if n == 1 {
		return "1 student"
	}
	return report.Thousands(float64(n)) + " students"
}

func rate(perSecond float64) string {
	if perSecond < 10 {
		return fmt.Sprintf("%.1f a second", perSecond)
	}
	return fmt.Sprintf("%.0f a second", perSecond)
}

func timeOfDay(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d", int(d.Hours())%24, int(d.Minutes())%60)
}
