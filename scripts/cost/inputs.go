package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"aksio.app/scripts/internal/catalogue"
	"aksio.app/shared/api"
)

// Price is what one unit costs.
type Price struct {
	USD     float64 `json:"usd"`
	Unit    string  `json:"unit"`
	Free    float64 `json:"free"`  // units a month
	Tiers   []Step  `json:"tiers"` // instead of USD, for the units beyond the free ones
	Region  string  `json:"region"`
	Date    string  `json:"date"`
	Source  string  `json:"source"`
	Assumed bool    `json:"assumed"` // not read off a price list
}

// Step is the price of the units up to a number of them. The last has no end.
type Step struct {
	UpTo float64 `json:"up_to"`
	USD  float64 `json:"usd"`
}

// of returns what the units cost in a month.
func (p Price) of(units float64) float64 {
	units = max(0, units-p.Free)
	if len(p.Tiers) == 0 {
		return units * p.USD
	}
	sum, begin := 0.0, 0.0
	for _, step := range p.Tiers {
		end := units
		if step.UpTo > 0 {
			end = min(units, step.UpTo)
		}
		if end > begin {
			sum += (end - begin) * step.USD
			begin = end
		}
	}
	return sum
}

// Tier is a machine of Cloud SQL.
type Tier struct {
	Name        string  `json:"name"`
	CPU         float64 `json:"vcpu"`
	Memory      float64 `json:"memory_gib"`
	Connections float64 `json:"connections"` // max_connections, if it isn't set
	Hour        string  `json:"hour"`        // name of the price of an hour; CPU and memory are priced by themselves if empty
}

// Function is what a function declares, with fractions of what is declared whole.
type Function struct {
	Access       api.Access
	Trigger      api.Trigger
	Schedule     string
	Needs        []api.Resource
	MemoryMiB    float64
	CPU          float64
	Concurrency  float64
	MinInstances float64
	MaxInstances float64
}

// Calls is what is assumed of one function, or of those that nothing else is assumed of.
type Calls struct {
	Calls           float64 `json:"calls"`        // of a student in a month
	Monthly         float64 `json:"monthly"`      // besides, whatever the number of students
	Seconds         float64 `json:"seconds"`      // that a call takes
	CPU             float64 `json:"cpu_ms"`       // of the function, for a call
	Database        float64 `json:"database_ms"`  // of the database's CPU, for a call
	Response        float64 `json:"response_kib"` // through the load balancer
	Download        float64 `json:"download_mib"` // from the bucket, by a signed address
	PromptTokens    float64 `json:"prompt_tokens"`
	AnswerTokens    float64 `json:"answer_tokens"`
	EmbeddingTokens float64 `json:"embedding_tokens"`
	StorageWrites   float64 `json:"storage_writes"` // operations
	StorageReads    float64 `json:"storage_reads"`
	FirestoreWrites float64 `json:"firestore_writes"`
	FirestoreReads  float64 `json:"firestore_reads"`
	Why             string  `json:"why"`
}

// Value is an assumption.
type Value struct {
	Value float64 `json:"value"`
	Why   string  `json:"why"`
}

// Inputs are all that the model computes from.
type Inputs struct {
	Functions map[string]Function
	Prices    map[string]Price
	Tiers     []Tier // from the smallest
	Students  []float64
	Model     string
	General   map[string]Value
	Calls     map[string]Calls

	Pool float64 // connections of an instance
	Tier string  // instead of the one that would be chosen
}

// readInputs reads functions.json of the folder and the files of its cost folder.
func readInputs(folder string) (*Inputs, error) {
	in := new(Inputs)
	var tiers struct {
		Source, Date string
		Tiers        []Tier
	}
	var assumptions struct {
		Students []float64
		Model    string
		General  map[string]Value
		Calls    map[string]Calls
	}
	declared, err := catalogue.Read(filepath.Join(folder, "functions.json"))
	err = errors.Join(
		err,
		readJSON(filepath.Join(folder, "cost", "prices.json"), &in.Prices),
		readJSON(filepath.Join(folder, "cost", "tiers.json"), &tiers),
		readJSON(filepath.Join(folder, "cost", "assumptions.json"), &assumptions),
	)
	if err != nil {
		return nil, err
	}
	in.Functions = map[string]Function{}
	for id, d := range declared {
		in.Functions[id] = Function{
			Access: d.Access, Trigger: d.Trigger, Schedule: d.Schedule, Needs: d.Needs,
			MemoryMiB: float64(d.MemoryMiB), CPU: d.CPU, Concurrency: float64(d.Concurrency),
			MinInstances: float64(d.MinInstances), MaxInstances: float64(d.MaxInstances),
		}
	}
	in.Tiers, in.Students, in.Model, in.General, in.Calls = tiers.Tiers, assumptions.Students, assumptions.Model, assumptions.General, assumptions.Calls
	return in, in.check()
}

func readJSON(file string, v any) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(content))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}

// check reports everything that can't be right.
func (in *Inputs) check() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(in.Prices)) {
		p := in.Prices[name]
		if p.USD <= 0 || p.Unit == "" || p.Region == "" || p.Date == "" || p.Source == "" {
			errs = append(errs, fmt.Errorf("prices.json: %s needs usd, unit, region, date and source", name))
		}
	}
	for _, key := range slices.Sorted(maps.Keys(in.Calls)) {
		area, isArea := strings.CutSuffix(key, "-*")
		known := key == "http" || key == "scheduled" || key == "finalized"
		for id := range in.Functions {
			known = known || id == key || isArea && strings.HasPrefix(id, area+"-")
		}
		if !known {
			errs = append(errs, fmt.Errorf("assumptions.json: calls has %q, which no function is called any more: rename or remove it", key))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(in.Functions)) {
		if _, ok := in.callsOf(id); !ok {
			errs = append(errs, fmt.Errorf("assumptions.json: calls says nothing of function %s: add it, or %q", id, in.Functions[id].Trigger))
		}
	}
	if len(in.Students) == 0 || len(in.Tiers) == 0 {
		errs = append(errs, errors.New("there are no students or no database tiers to compute with"))
	}
	return errors.Join(errs...)
}

// callsOf returns what is assumed of the function: by its id, its area or what makes it run.
func (in *Inputs) callsOf(id string) (Calls, bool) {
	keys := []string{id}
	for i := len(id) - 1; i > 0; i-- {
		if id[i] == '-' {
			keys = append(keys, id[:i]+"-*")
		}
	}
	for _, key := range append(keys, string(in.Functions[id].Trigger)) {
		if calls, ok := in.Calls[key]; ok {
			return calls, true
		}
	}
	return Calls{}, false
}

// divisors are the assumptions by which others are divided.
var divisors = []string{"busy_hours", "connections_share", "database_cpu_share", "days_per_month", "memory_share"}

// set overrides an assumption: name=value, or calls.<function>.<field>=value.
func (in *Inputs) set(assignment string) error {
	name, text, ok := strings.Cut(assignment, "=")
	if !ok {
		return fmt.Errorf("-set %s: write name=value", assignment)
	}
	switch name {
	case "model":
		in.Model = text
		return nil
	case "tier":
		in.Tier = text
		return nil
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || !(value >= 0) || math.IsInf(value, 1) {
		return fmt.Errorf("-set %s: the value must be a number that isn't negative", assignment)
	}
	if value == 0 && slices.Contains(divisors, name) {
		return fmt.Errorf("-set %s: the value must be above 0", assignment)
	}
	if key, ok := strings.CutPrefix(name, "calls."); ok {
		return in.setCalls(key, value)
	}
	general, ok := in.General[name]
	if !ok {
		return fmt.Errorf("-set %s: there is no such assumption; there are model, tier, calls.<function>.<field>, %s",
			assignment, strings.Join(slices.Sorted(maps.Keys(in.General)), ", "))
	}
	general.Value = value
	in.General[name] = general
	return nil
}

func (in *Inputs) setCalls(name string, value float64) error {
	key, field := cutLast(name, ".")
	calls, ok := in.Calls[key]
	if !ok {
		if _, ok = in.Functions[key]; !ok {
			return fmt.Errorf("-set calls.%s: there is no function %q", name, key)
		}
		calls, _ = in.callsOf(key)
	}
	// By way of JSON: its names are those of the file.
	patch, err := json.Marshal(map[string]float64{field: value})
	if err != nil {
		return err
	}
	decoder := json.NewDecoder(bytes.NewReader(patch))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&calls); err != nil {
		return fmt.Errorf("-set calls.%s: %q isn't assumed of functions", name, field)
	}
	in.Calls[key] = calls
	return nil
}

func cutLast(s, sep string) (before, after string) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+len(sep):]
}

// with returns a copy with changes.
func (in *Inputs) with(change func(*Inputs)) *Inputs {
	other := *in
	other.Functions, other.Prices = maps.Clone(in.Functions), maps.Clone(in.Prices)
	other.General, other.Calls = maps.Clone(in.General), maps.Clone(in.Calls)
	change(&other)
	return &other
}

// tier returns the tier of the name.
func (in *Inputs) tier(name string) (Tier, error) {
	i := slices.IndexFunc(in.Tiers, func(t Tier) bool { return t.Name == name })
	if i < 0 {
		return Tier{}, fmt.Errorf("tiers.json has no tier %q", name)
	}
	return in.Tiers[i], nil
}

// models returns the models that have prices.
func (in *Inputs) models() (names []string) {
	for price := range in.Prices {
		if name, ok := strings.CutPrefix(price, "model."); ok {
			if name, ok = strings.CutSuffix(name, ".input"); ok {
				names = append(names, name)
			}
		}
	}
	slices.SortFunc(names, func(a, b string) int {
		return cmp.Or(cmp.Compare(in.Prices["model."+a+".input"].USD, in.Prices["model."+b+".input"].USD), cmp.Compare(a, b))
	})
	return names
}
