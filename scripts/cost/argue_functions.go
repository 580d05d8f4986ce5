package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"aksio.app/scripts/internal/report"
)

var functionParts = []string{"functions: CPU", "functions: memory", "functions: requests"}

func (a *arguer) whatCosts() Argument {
	b := a.biggest()
	shares := slices.SortedFunc(slices.Values(parts), func(x, y string) int { return cmp.Compare(b.Part(y), b.Part(x)) })
	text := fmt.Sprintf("The bill for %s students: %s %.0f %%, %s %.0f %%, %s %.0f %%.", report.Thousands(b.Students),
		shares[0], 100*b.Part(shares[0])/b.Total(), shares[1], 100*b.Part(shares[1])/b.Total(), shares[2], 100*b.Part(shares[2])/b.Total())
	if n := len(a.bills); n > 1 && b.Students > a.bills[n-2].Students {
		before := a.bills[n-2]
		text += fmt.Sprintf(" One more student costs %.4f USD a month (from %s to %s).",
			(b.Total()-before.Total())/(b.Students-before.Students), report.Thousands(before.Students), report.Thousands(b.Students))
	}
	text += " The functions that are billed for the most time, and how much of it they use the CPU; the rest they wait, mostly for the language model:"
	rows := a.header("vCPU-hours a month")
	cpu := func(b *Bill, id string) float64 {
		for _, l := range b.Loads {
			if l.ID == id {
				return l.Busy * a.in.Functions[id].CPU / 3600
			}
		}
		return 0
	}
	loads := slices.Clone(b.Loads)
	slices.SortFunc(loads, func(x, y Load) int { return cmp.Compare(cpu(b, y.ID), cpu(b, x.ID)) })
	for _, l := range loads[:min(4, len(loads))] {
		name := l.ID
		if billed := cpu(b, l.ID); billed > 0 {
			c, _ := a.in.callsOf(l.ID)
			name += fmt.Sprintf(" (uses %.0f %%)", 100*l.Calls*c.CPU/1000/3600/billed)
		}
		rows = append(rows, a.row(name, func(b *Bill) string { return dollars(cpu(b, l.ID)) }))
	}
	return Argument{"Where the money goes", text, rows}
}

// shared are functions that may serve several calls at once.
func shared(f Function) bool { return f.Trigger == "http" && f.CPU >= 1 }

func (a *arguer) concurrency() Argument {
	with := func(c float64) func(*Inputs) {
		return func(in *Inputs) {
			for id, f := range in.Functions {
				if shared(f) && f.Concurrency > 1 {
					f.Concurrency = c
					in.Functions[id] = f
				}
			}
		}
	}
	rows := a.header("USD a month for functions, calls at once")
	for _, c := range []float64{1, 20, 80} {
		rows = append(rows, a.row(fmt.Sprintf("%.0f", c), func(b *Bill) string { return dollars(a.at(b.Students, with(c)).Part(functionParts...)) }))
	}
	rows = append(rows, a.row("as declared", func(b *Bill) string { return dollars(b.Part(functionParts...)) }))
	rows = append(rows, a.row("calls that a busy instance really serves", func(b *Bill) string {
		var calls, busy float64
		for _, l := range b.Loads {
			if c, _ := a.in.callsOf(l.ID); shared(a.in.Functions[l.ID]) {
				calls += l.Calls * c.Seconds
				busy += l.Busy
			}
		}
		if busy == 0 {
			return "–"
		}
		return fmt.Sprintf("%.1f", calls/busy)
	}))
	b := a.biggest()
	functions := func(atOnce float64) float64 { return a.at(b.Students, with(atOnce)).Part(functionParts...) }
	one, twenty, eighty := functions(1), functions(20), functions(80)
	return Argument{"Calls that one instance serves at once",
		fmt.Sprintf("With %s students, one at a time costs %s USD a month more for functions than 20 at once; 80 save %s more. Each function has instances of its own, so that calls overlap little until a function is busy, and then the CPU is used up first.",
			report.Thousands(b.Students), dollars(one-twenty), cmp.Or(strings.TrimPrefix(dollars(twenty-eighty), "–"), "nothing")), rows}
}

func (a *arguer) partOfACPU() Argument {
	const part = 1.0 / 6 // what 256 MiB come with
	sixth := func(in *Inputs) {
		for id, f := range in.Functions {
			if !shared(f) || f.CPU != 1 || f.MemoryMiB > 256 {
				continue
			}
			calls, _ := in.callsOf(id)
			calls.Seconds += calls.CPU / 1000 * (1/part - 1)
			in.Calls[id] = calls
			f.CPU, f.Concurrency = part, 1
			in.Functions[id] = f
		}
	}
	rows := a.header("USD a month for functions")
	rows = append(rows, a.row("a whole CPU, as declared", func(b *Bill) string { return dollars(b.Part(functionParts...)) }),
		a.row("a sixth of a CPU, one call at a time", func(b *Bill) string { return dollars(a.at(b.Students, sixth).Part(functionParts...)) }))
	text := "A sixth of a CPU is never dearer in this range, but a call takes longer by five times its CPU time, a start likewise."
	if n, ok := a.from(func(n float64) bool {
		return a.at(n, sixth).Part(functionParts...) > a.at(n, nil).Part(functionParts...)
	}); ok {
		text = fmt.Sprintf("Small functions with a sixth of a CPU would be cheaper up to about %s students, at the price of calls and starts that take up to six times as long; from there on a whole one that serves several calls is.", about(n))
	}
	return Argument{"A whole CPU or a part of one", text, rows}
}

func (a *arguer) models() Argument {
	rows := a.header("USD a month for the language model")
	for _, model := range a.in.models() {
		name := model
		if model == a.in.Model {
			name += " (used)"
		}
		rows = append(rows, a.row(name, func(b *Bill) string {
			return dollars(a.at(b.Students, func(in *Inputs) { in.Model = model }).Part("language model"))
		}))
	}
	rows = append(rows, a.row("share of the bill, as used", func(b *Bill) string { return fmt.Sprintf("%.0f %%", 100*b.Part("language model")/b.Total()) }))
	b := a.biggest()
	shorter := a.at(b.Students, func(in *Inputs) {
		for id, calls := range in.Calls {
			calls.PromptTokens *= 0.9
			in.Calls[id] = calls
		}
	})
	text := fmt.Sprintf("Prompts that are a tenth shorter save %s USD a month with %s students; that is what choosing sources well is worth, beside better answers.",
		dollars(b.Total()-shorter.Total()), report.Thousands(b.Students))
	return Argument{"Which language model", text, rows}
}

func (a *arguer) warm() Argument {
	one := hoursPerMonth * 3600 * (a.in.Prices["run.idle_cpu"].USD + 0.25*a.in.Prices["run.idle_memory"].USD)
	rows := a.header("at … students")
	n := int(a.in.General["warm_functions"].Value)
	rows = append(rows, a.row("calls that start an instance", func(b *Bill) string {
		var calls, cold float64
		for _, l := range b.Loads {
			if a.in.Functions[l.ID].Access != "private" {
				calls += l.Calls
				cold += l.Calls * l.Cold
			}
		}
		if b.Students == 0 || calls == 0 {
			return "–"
		}
		return percent(cold / calls)
	}))
	rows = append(rows, a.row(fmt.Sprintf("USD a month more with the %d busiest kept warm", n), func(b *Bill) string {
		busiest := b.busiest()
		warm := a.at(b.Students, func(in *Inputs) {
			for _, l := range busiest[:min(n, len(busiest))] {
				f := in.Functions[l.ID]
				f.MinInstances = max(1, f.MinInstances)
				in.Functions[l.ID] = f
			}
		})
		return dollars(warm.Total() - b.Total())
	}))
	return Argument{"What warm instances cost", fmt.Sprintf("One instance of 1 CPU and 256 MiB that is kept costs up to %s USD a month.", dollars(one)), rows}
}

func (a *arguer) maxInstances() Argument {
	rows := [][]string{{"function", "declared", "at peak", "students"}}
	for _, b := range a.bills {
		for _, l := range b.Loads {
			if f := a.in.Functions[l.ID]; l.AtPeak > f.MaxInstances && f.Schedule == "" {
				rows = append(rows, []string{l.ID, report.Thousands(f.MaxInstances), report.Thousands(math.Ceil(l.AtPeak)), report.Thousands(b.Students)})
			}
		}
	}
	if len(rows) == 1 {
		return Argument{"Instances that are declared", "They are enough at peak for all these numbers of students.", nil}
	}
	return Argument{"Instances that are declared", "These functions need more instances at peak than they declare, and the database connections for them:", rows}
}
