package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"os"
	"slices"
	"time"

	"aksio.app/scripts/internal/coldstart"
	"aksio.app/scripts/internal/quantile"
	"aksio.app/scripts/internal/schoolday"
	"aksio.app/shared/auth"
)

// profilePath is where the profile is, from the top of the repository.
const profilePath = "scripts/load/profile.json"

//go:embed profile.json
var committedProfile []byte

// profile is what calls took in one run: what the simulation knows of the code.
type profile struct {
	Date       string                   `json:"date"`
	Machine    string                   `json:"machine"`
	Run        string                   `json:"run"`
	Operations map[string]operationCost `json:"operations"` // by function
}

// operationCost is a typical call, while little else happens: medians.
type operationCost struct {
	Calls      int     `json:"calls"`       // that it is typical of
	CPUMS      float64 `json:"cpu_ms"`      // outside the database: all of it is taken for computing
	DatabaseMS float64 `json:"database_ms"` // of all round trips: all of it is taken for the database's computing
	Trips      float64 `json:"round_trips"` // to the database
	StartMS    float64 `json:"start_ms"`    // from the process to its first answer
}

func readProfile(content []byte) (profile, error) {
	var p profile
	if err := json.Unmarshal(content, &p); err != nil {
		return p, fmt.Errorf("%s: %w", profilePath, err)
	}
	return p, nil
}

// profile is what the functions said of the calls that went well.
func (m *measured) profile() (profile, error) {
	p := profile{
		Date: time.Now().Format(time.DateOnly), Machine: m.machine,
		Run:        fmt.Sprintf("%d students in %s, uploading %s", m.config.schedule.students, m.config.schedule.duration, m.config.file),
		Operations: map[string]operationCost{},
	}
	good := func(calls []servedCall, id string) (list []servedCall) {
		for _, s := range calls {
			if s.operation == id && s.status < http.StatusBadRequest {
				list = append(list, s)
			}
		}
		return list
	}
	for _, v := range m.config.schedule.day {
		for _, a := range v.Activities {
			for _, s := range a.Steps {
				calls := good(m.served, s.Operation)
				if s.Awaits { // most of it is waiting: those who come late show what the rest takes
					calls = good(m.replays, s.Operation)
				}
				if len(calls) == 0 {
					return p, fmt.Errorf("profile: %s was never served well; take more students", s.Operation)
				}
				p.Operations[s.Operation] = typical(calls)
				if s.Causes != "" { // some of those calls find the work done or in other hands
					p.Operations[s.Causes] = typical(thorough(good(m.served, s.Causes)))
				}
			}
		}
	}
	return p, nil
}

// typical is the median of each figure: a call that another program interrupted
// doesn't count.
func typical(calls []servedCall) operationCost {
	median := func(of func(servedCall) float64) float64 {
		var values []float64
		for _, s := range calls {
			values = append(values, of(s))
		}
		return round(quantile.Of(values, 0.5))
	}
	return operationCost{
		Calls:      len(calls),
		CPUMS:      median(func(s servedCall) float64 { return s.ms - s.databaseMS }),
		DatabaseMS: median(func(s servedCall) float64 { return s.databaseMS }),
		Trips:      median(func(s servedCall) float64 { return float64(s.trips) }),
	}
}

// thorough leaves out the calls that did less than half of what others did.
func thorough(calls []servedCall) []servedCall {
	most := 0
	for _, s := range calls {
		most = max(most, s.trips)
	}
	return slices.DeleteFunc(slices.Clone(calls), func(s servedCall) bool { return 2*s.trips < most })
}

func round(x float64) float64 { return math.Round(x*100) / 100 }

// writeProfile measures how long the functions take to start, too, and writes the
// profile that the simulation reads.
func (m *measured) writeProfile(ctx context.Context) error {
	p, err := m.profile()
	if err != nil {
		return err
	}
	fmt.Fprintln(m.config.out, "measuring how long the functions take to start …")
	if err := p.measureStarts(ctx, m.config.schedule.day); err != nil {
		return err
	}
	content, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	fmt.Fprintln(m.config.out, "profile:", profilePath)
	return os.WriteFile(profilePath, append(content, '\n'), 0o644)
}

// measuringStarts is how long building a function and starting it may take.
const measuringStarts = 3 * time.Minute

func (p *profile) measureStarts(ctx context.Context, day []schoolday.Visit) error {
	folder, err := os.MkdirTemp("", "aksio-load")
	if err != nil {
		return err
	}
	defer os.RemoveAll(folder)
	key, err := auth.GenerateKey()
	if err != nil {
		return err
	}
	signer, err := auth.NewSigner(key)
	if err != nil {
		return err
	}
	programs := coldstart.New(folder, map[string]string{
		"DATABASE_URL": "postgres://nobody@127.0.0.1/nothing", "TOKEN_KEYS": string(signer.PublicKeys()), "TOKEN_SIGNING_KEY": string(key),
	})
	operations := schoolday.Operations(day)
	ctx, cancel := context.WithTimeout(ctx, time.Duration(len(operations))*measuringStarts)
	defer cancel()
	for _, id := range operations {
		program, err := programs.Function(ctx, id)
		if err != nil {
			return err
		}
		var times []float64
		for range 7 {
			ms, err := program.First(ctx)
			if err != nil {
				return err
			}
			times = append(times, ms)
		}
		slices.Sort(times)
		cost := p.Operations[id]
		cost.StartMS = round(quantile.OfSorted(times, 0.5))
		p.Operations[id] = cost
	}
	return nil
}
