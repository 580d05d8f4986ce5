package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/robfig/cron/v3"
)

const (
	hoursPerMonth = 730
	mib           = 1.0 / 1024        // of a GiB
	kib           = 1.0 / 1024 / 1024 // of a GiB
)

// The parts of a bill, as they are shown.
var parts = []string{
	"functions: CPU", "functions: memory", "functions: requests", "database", "database storage and backups", "file storage",
	"Firestore", "load balancer and Armor", "egress", "logs and metrics", "language model", "builds and images", "secrets, schedules, DNS",
}

// Line is one item of a bill.
type Line struct {
	Part     string
	Name     string
	Quantity float64 // of the price's unit, free ones included
	Price    string
	USD      float64 // a month
}

// Load is what one function does in a month.
type Load struct {
	ID         string
	Calls      float64
	Concurrent float64 // calls that a busy instance serves at once, on average
	Busy       float64 // seconds in which an instance serves something: these are billed
	Cold       float64 // share of the calls that start an instance
	AtPeak     float64 // instances that serve
}

// Bill is what a month costs.
type Bill struct {
	Students float64
	Lines    []Line
	Loads    []Load // by id

	Database Tier
	Need     Need
	HA       bool
}

// Total returns USD a month.
func (b *Bill) Total() (sum float64) {
	for _, line := range b.Lines {
		sum += line.USD
	}
	return sum
}

// Part returns USD a month of one part.
func (b *Bill) Part(names ...string) (sum float64) {
	for _, line := range b.Lines {
		if slices.Contains(names, line.Part) {
			sum += line.USD
		}
	}
	return sum
}

// month computes one bill.
type month struct {
	*Inputs
	bill Bill
	errs []error
}

// Compute returns what the number of students costs in a month.
func Compute(in *Inputs, students float64) (*Bill, error) {
	m := &month{Inputs: in, bill: Bill{Students: students}}
	usage := m.functions()
	m.database(usage)
	m.storage(usage)
	m.edge(usage)
	m.operations(usage)
	m.languageModel(usage)
	return &m.bill, errors.Join(m.errs...)
}

// charge adds a line. A price that isn't there is an error.
func (m *month) charge(part, name, price string, quantity float64) {
	p, ok := m.Prices[price]
	if !ok {
		m.errs = append(m.errs, fmt.Errorf("prices.json has no price %q, which %s needs", price, name))
		return
	}
	if !slices.Contains(parts, part) {
		panic("no part " + part)
	}
	m.bill.Lines = append(m.bill.Lines, Line{part, name, quantity, price, p.of(quantity)})
}

// general returns an assumption. One that isn't there is an error.
func (m *month) general(name string) float64 {
	value, ok := m.General[name]
	if !ok {
		m.errs = append(m.errs, fmt.Errorf("assumptions.json: general lacks %q", name))
	}
	return value.Value
}

// usage adds up what all functions use of other things.
type usage struct {
	calls       float64 // of people, through the load balancer
	logged      float64 // of everything
	database    float64 // CPU seconds
	connections float64 // that functions may open
	response    float64 // GiB
	download    float64 // GiB

	storageWrites, storageReads, firestoreWrites, firestoreReads float64
	prompt, answer, embedding                                    float64 // tokens
}

// functions charges what functions run for.
func (m *month) functions() (u usage) {
	var cpu, memory, requests, idleCPU, idleMemory float64
	for _, id := range slices.Sorted(maps.Keys(m.Functions)) {
		f := m.Functions[id]
		assumed, ok := m.callsOf(id)
		if !ok {
			m.errs = append(m.errs, fmt.Errorf("assumptions.json: calls says nothing of function %s", id))
			continue
		}
		calls := assumed.Calls*m.bill.Students + assumed.Monthly
		if f.Schedule != "" {
			times, err := timesPerMonth(f.Schedule, m.general("days_per_month"))
			if err != nil {
				m.errs = append(m.errs, fmt.Errorf("functions.json: %s: %w", id, err))
			}
			calls += times
		}
		load := m.load(id, f, assumed, calls)
		m.bill.Loads = append(m.bill.Loads, load)
		cpu += load.Busy * f.CPU
		memory += load.Busy * f.MemoryMiB * mib
		requests += calls
		idle := max(0, m.warm(f)*hoursPerMonth*3600-load.Busy)
		idleCPU += idle * f.CPU
		idleMemory += idle * f.MemoryMiB * mib

		u.logged += calls
		if f.Access != "private" {
			u.calls += calls
			u.response += calls * assumed.Response * kib
		}
		u.download += calls * assumed.Download * mib
		u.database += calls * assumed.Database / 1000
		if slices.Contains(f.Needs, "database") {
			u.connections += m.mayRun(f, load.AtPeak) * m.Pool
		}
		u.storageWrites += calls * assumed.StorageWrites
		u.storageReads += calls * assumed.StorageReads
		u.firestoreWrites += calls * assumed.FirestoreWrites
		u.firestoreReads += calls * assumed.FirestoreReads
		u.prompt += calls * assumed.PromptTokens
		u.answer += calls * assumed.AnswerTokens
		u.embedding += calls * assumed.EmbeddingTokens
	}
	m.charge("functions: CPU", "CPU while calls are served", "run.cpu", cpu)
	m.charge("functions: memory", "memory while calls are served", "run.memory", memory)
	m.charge("functions: requests", "calls", "run.requests", requests)
	if idleCPU > 0 {
		m.charge("functions: CPU", "CPU of warm instances", "run.idle_cpu", idleCPU)
		m.charge("functions: memory", "memory of warm instances", "run.idle_memory", idleMemory)
	}
	return u
}

// warm returns how many instances of the function are kept.
func (m *month) warm(f Function) float64 {
	if m.bill.Students < m.general("warm_from") {
		return 0
	}
	return f.MinInstances
}

// load says how the function's calls fall on instances.
//
// Calls of a busy hour come at random. As long as one instance bears them, it is
// busy while at least one is served: of calls that come a at a time on average,
// 1 − e^−a of the time, so that a busy instance serves a / (1 − e^−a). More
// instances are added when the concurrency or the CPU that one bears is used to
// the share at which the platform adds one.
func (m *month) load(id string, f Function, c Calls, calls float64) Load {
	load := Load{ID: id, Calls: calls}
	if calls == 0 || c.Seconds == 0 {
		return load
	}
	rate := calls * m.general("busy_share") / (m.general("days_per_month") * m.general("busy_hours") * 3600) // a second
	if f.Schedule != "" {
		rate = calls / (hoursPerMonth * 3600) // at any hour
	}
	bears := f.Concurrency
	if bears > 1 {
		bears *= m.general("fill")
	}
	if c.CPU > 0 {
		bears = min(bears, f.CPU*m.general("fill")*c.Seconds/(c.CPU/1000))
	}
	bears = max(1, bears)
	at := rate * c.Seconds
	load.Concurrent = min(concurrent(at), bears)
	load.Cold = math.Exp(-rate * m.general("idle_seconds"))
	periods := calls // in which an instance serves something
	if bears > 1 {
		periods = max(1, calls*math.Exp(-at)) // those that end before the next call comes
	}
	busy := calls * c.Seconds / load.Concurrent
	load.Busy = periods*roundUp(busy/periods) + calls*load.Cold*m.general("startup_seconds")
	load.AtPeak = at * m.general("peak_factor") / bears
	return load
}

// concurrent returns how many calls an instance serves while it serves any, of calls
// that come so many at a time on average.
func concurrent(at float64) float64 {
	if at < 1e-9 {
		return 1
	}
	return at / -math.Expm1(-at)
}

// roundUp rounds seconds up to 100 ms, as they are billed.
func roundUp(seconds float64) float64 { return math.Ceil(seconds*10-1e-9) / 10 }

// timesPerMonth returns how often a schedule falls due.
func timesPerMonth(schedule string, days float64) (float64, error) {
	if times, ok := perYear.Load(schedule); ok {
		return times.(float64) / 365 * days, nil
	}
	s, err := cron.ParseStandard(schedule)
	if err != nil {
		return 0, fmt.Errorf("schedule %q: %w", schedule, err)
	}
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	times := 0.0
	for at := s.Next(begin.Add(-time.Second)); !at.IsZero() && at.Before(begin.AddDate(1, 0, 0)); at = s.Next(at) {
		times++
	}
	perYear.Store(schedule, times)
	return times / 365 * days, nil
}

// perYear remembers how often a schedule falls due in a year: it is counted out.
var perYear sync.Map

// storage charges files and Firestore.
func (m *month) storage(u usage) {
	files := m.bill.Students * m.general("documents_stored") * m.general("document_mib") * mib * m.general("soft_delete_factor")
	m.charge("file storage", "uploaded files", "storage.standard", files)
	m.charge("file storage", "writes", "storage.writes", u.storageWrites)
	m.charge("file storage", "reads", "storage.reads", u.storageReads)
	m.charge("Firestore", "reads", "firestore.reads", u.firestoreReads)
	m.charge("Firestore", "writes", "firestore.writes", u.firestoreWrites)
	m.charge("Firestore", "deletes by time to live", "firestore.deletes", u.firestoreWrites)
	m.charge("Firestore", "documents", "firestore.storage", u.firestoreWrites*kib) // 1 KiB each, for less than a month
}

// edge charges what stands between people and functions.
func (m *month) edge(u usage) {
	out := u.response + u.download
	m.charge("egress", "to the internet", "egress.internet", out)
	if m.bill.Students < m.general("edge_from") {
		return
	}
	const part = "load balancer and Armor"
	m.charge(part, "forwarding rules", "edge.rules", hoursPerMonth)
	m.charge(part, "data, in and out", "edge.data", u.response+u.calls*m.general("request_kib")*kib)
	m.charge(part, "Armor policy", "edge.armor_policy", 1)
	m.charge(part, "Armor rules", "edge.armor_rule", m.general("armor_rules"))
	m.charge(part, "Armor requests", "edge.armor_requests", u.calls)
}

// operations charges logs, builds and small things.
func (m *month) operations(u usage) {
	m.charge("logs and metrics", "logs", "logging.ingest", m.general("idle_log_gib")+u.logged*m.general("log_kib")*kib)
	m.charge("logs and metrics", "metrics", "monitoring.metrics", m.general("metrics_mib"))
	m.charge("logs and metrics", "alert conditions", "monitoring.conditions", m.general("alert_conditions"))

	functions := float64(len(m.Functions))
	m.charge("builds and images", "builds", "build.minutes", m.general("deploys")*m.general("changed_share")*functions*m.general("build_minutes"))
	m.charge("builds and images", "images", "registry.storage", functions*m.general("image_generations")*m.general("image_mib")*mib)

	schedules := 0.0
	for _, f := range m.Functions {
		if f.Schedule != "" {
			schedules++
		}
	}
	const part = "secrets, schedules, DNS"
	m.charge(part, "secret versions", "secrets.versions", m.general("secret_versions"))
	m.charge(part, "schedules", "scheduler.jobs", schedules)
	m.charge(part, "DNS zone", "dns.zones", 1)
}

// languageModel charges tokens.
func (m *month) languageModel(u usage) {
	m.charge("language model", "prompts", "model."+m.Model+".input", u.prompt)
	m.charge("language model", "answers", "model."+m.Model+".output", u.answer)
	m.charge("language model", "embeddings", "model.embedding", u.embedding)
}

// busiest returns the loads by their calls, the most first.
func (b *Bill) busiest() []Load {
	return slices.SortedFunc(slices.Values(b.Loads), func(a, b Load) int {
		return cmp.Or(cmp.Compare(b.Calls, a.Calls), cmp.Compare(a.ID, b.ID))
	})
}
