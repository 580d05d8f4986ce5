package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Argument is what the model says about one choice.
type Argument struct {
	Title string
	Text  string
	Rows  [][]string // a table below the text; may be empty
}

// most is up to how many students break-evens are looked for.
const most = 10_000_000

// arguer computes variants and remembers what failed.
type arguer struct {
	in    *Inputs
	bills []*Bill
	errs  []error
}

// argue returns what the bills argue for.
func argue(in *Inputs, bills []*Bill) ([]Argument, error) {
	a := &arguer{in: in, bills: bills}
	all := []Argument{
		a.whatCosts(), a.concurrency(), a.partOfACPU(), a.models(), a.tiers(), a.pooling(), a.redis(), a.highAvailability(), a.warm(), a.router(), a.maxInstances(),
	}
	return all, errors.Join(a.errs...)
}

// at computes the bill of a variant for some students.
func (a *arguer) at(students float64, change func(*Inputs)) *Bill {
	in := a.in
	if change != nil {
		in = in.with(change)
	}
	bill, err := Compute(in, students)
	if err != nil {
		a.errs = append(a.errs, err)
	}
	return bill
}

// header is the first row of a table with a column for each number of students.
func (a *arguer) header(name string) [][]string {
	row := []string{name}
	for _, b := range a.bills {
		row = append(row, grouped(b.Students))
	}
	return [][]string{row}
}

// row computes a cell for each number of students.
func (a *arguer) row(name string, cell func(b *Bill) string) []string {
	row := []string{name}
	for _, b := range a.bills {
		row = append(row, cell(b))
	}
	return row
}

// from returns the least number of students at which something holds that goes on to
// hold, and whether there is one.
func (a *arguer) from(holds func(students float64) bool) (float64, bool) {
	if !holds(most) {
		return 0, false
	}
	low, high := 0.0, float64(most)
	for high-low > max(1, low/1000) {
		middle := math.Round((low + high) / 2)
		if low > 0 && high/low > 4 {
			middle = math.Round(math.Sqrt(low * high))
		}
		if holds(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return high, true
}

// about rounds a number of students to two digits: the rest is not known.
func about(students float64) string {
	if students < 10 {
		return grouped(students)
	}
	unit := math.Pow(10, math.Floor(math.Log10(students))-1)
	return grouped(math.Round(students/unit) * unit)
}

// biggest is the bill with the most students.
func (a *arguer) biggest() *Bill { return a.bills[len(a.bills)-1] }

var functionParts = []string{"functions: CPU", "functions: memory", "functions: requests"}

func (a *arguer) whatCosts() Argument {
	b := a.biggest()
	shares := slices.SortedFunc(slices.Values(parts), func(x, y string) int { return cmp.Compare(b.Part(y), b.Part(x)) })
	text := fmt.Sprintf("The bill for %s students: %s %.0f %%, %s %.0f %%, %s %.0f %%.", grouped(b.Students),
		shares[0], 100*b.Part(shares[0])/b.Total(), shares[1], 100*b.Part(shares[1])/b.Total(), shares[2], 100*b.Part(shares[2])/b.Total())
	if n := len(a.bills); n > 1 && b.Students > a.bills[n-2].Students {
		before := a.bills[n-2]
		text += fmt.Sprintf(" One more student costs %.4f USD a month (from %s to %s).",
			(b.Total()-before.Total())/(b.Students-before.Students), grouped(before.Students), grouped(b.Students))
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
	one, twenty, eighty := a.at(b.Students, with(1)), a.at(b.Students, with(20)), a.at(b.Students, with(80))
	return Argument{"Calls that one instance serves at once",
		fmt.Sprintf("With %s students, one at a time costs %s USD a month more than 20 at once; 80 save %s more. Each function has instances of its own, so that calls overlap little until a function is busy, and then the CPU is used up first.",
			grouped(b.Students), dollars(one.Total()-twenty.Total()), cmp.Or(strings.TrimPrefix(dollars(twenty.Total()-eighty.Total()), "–"), "nothing")), rows}
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
		dollars(b.Total()-shorter.Total()), grouped(b.Students))
	return Argument{"Which language model", text, rows}
}

func (a *arguer) tiers() Argument {
	rows := [][]string{{"tier", "USD a month", "with HA", "connections", "carries about … students", "then lacks"}}
	for _, t := range a.in.Tiers {
		upTo, lacks := "more than "+grouped(most), ""
		if n, ok := a.from(func(n float64) bool { return t.lacks(a.at(n, nil).Need) != "" }); ok {
			upTo, lacks = about(n), t.lacks(a.at(n, nil).Need)
		}
		usd := a.in.monthly(t)
		rows = append(rows, []string{t.Name, dollars(usd), dollars(2 * usd), grouped(t.Connections), upTo, lacks})
	}
	return Argument{"Which database tier", "The smallest tier is chosen that has the CPU for the peak, the memory for what is read often, and the connections.", rows}
}

func (a *arguer) pooling() Argument {
	in := a.in
	spared := func(b *Bill) float64 { // by a database that has connections enough
		need := b.Need
		need.Connections = 0
		return (in.monthly(in.choose(b.Need)) - in.monthly(in.choose(need))) * b.copies()
	}
	rows := a.header("at … students")
	rows = append(rows,
		a.row("connections at peak, with their reserve", func(b *Bill) string { return grouped(math.Ceil(b.Need.Connections)) }),
		a.row("the tier's", func(b *Bill) string { return grouped(b.Database.Connections) }),
		a.row("USD a month that a pooler would spare", func(b *Bill) string { return dollars(spared(b)) }),
		a.row("USD a month of Enterprise Plus instead, which has one", func(b *Bill) string {
			plus := (b.Database.CPU*in.Prices["sql.plus_vcpu"].USD + 8*b.Database.CPU*in.Prices["sql.plus_memory"].USD) * hoursPerMonth * b.copies()
			return dollars(max(0, plus-in.monthly(b.Database)*b.copies()))
		}))
	rows = append(rows, a.row("connections at peak with one an instance instead", func(b *Bill) string {
		return grouped(math.Ceil(a.at(b.Students, func(in *Inputs) { in.Pool = 1 }).Need.Connections))
	}))
	price := in.Prices["pooler.vm"].USD
	text := fmt.Sprintf("A pooler of one's own costs %s USD a month, and its upkeep.", dollars(price))
	if where := a.where(func(n float64) bool { return spared(a.at(n, nil)) > price }); where != "" {
		text += fmt.Sprintf(" It spares more than that, because connections alone ask for a larger tier, with %s students. Raising max_connections costs memory only, and one connection an instance nothing: they are tried first.", where)
	} else {
		text += fmt.Sprintf(" Up to %s students something else asks for a larger tier before the connections do: it doesn't pay.", grouped(most))
	}
	return Argument{"When pooling pays", text, rows}
}

// copies is how many instances the database has.
func (b *Bill) copies() float64 {
	if b.HA {
		return 2
	}
	return 1
}

// where returns the ranges of students in which something holds, in words, "" if nowhere.
func (a *arguer) where(holds func(students float64) bool) string {
	var ranges []string
	begin, last := 0.0, 0.0
	end := func() {
		if begin > 0 {
			ranges = append(ranges, "about "+about(begin)+" to "+about(last))
		}
		begin = 0
	}
	for n := 100.0; n <= most; n *= math.Pow(10, 1.0/16) {
		if !holds(math.Round(n)) {
			end()
			continue
		}
		if begin == 0 {
			begin = n
		}
		last = n
	}
	end()
	return strings.Join(ranges, ", ")
}

func (a *arguer) redis() Argument {
	in := a.in
	price := in.Prices["redis.basic"].USD*in.General["redis_gib"].Value*hoursPerMonth + in.Prices["vpc.connector"].USD
	share := in.General["redis_database_share"].Value
	spared := func(b *Bill) float64 {
		need := b.Need
		need.CPU *= 1 - share
		return (in.monthly(in.choose(b.Need)) - in.monthly(in.choose(need))) * b.copies()
	}
	// What a vCPU with its memory costs, if one could buy just the part that is spared.
	worth := func(b *Bill) float64 {
		return b.Need.CPU * share * (in.Prices["sql.vcpu"].USD + 3.75*in.Prices["sql.memory"].USD) * hoursPerMonth * b.copies()
	}
	rows := a.header("at … students")
	rows = append(rows,
		a.row("USD a month of database CPU that it would do the work of", func(b *Bill) string { return dollars(worth(b)) }),
		a.row("USD a month that a smaller tier would spare", func(b *Bill) string { return dollars(spared(b)) }),
		a.row("what decides the tier", func(b *Bill) string { return in.decides(b.Need) }))
	text := fmt.Sprintf("Redis of %.0f GiB with the connector that it needs costs %s USD a month.", in.General["redis_gib"].Value, dollars(price))
	if n, ok := a.from(func(n float64) bool { return worth(a.at(n, nil)) > price }); ok {
		text += fmt.Sprintf(" The database's CPU that it spares (%.0f %% of its work) is worth that from about %s students on.", 100*share, about(n))
	} else {
		text += fmt.Sprintf(" The database's CPU that it spares isn't worth that up to %s students.", grouped(most))
	}
	if where := a.where(func(n float64) bool { return spared(a.at(n, nil)) > price }); where != "" {
		text += fmt.Sprintf(" It lets the database be a tier smaller with %s.", where)
	} else {
		text += " But it never lets the database be a tier smaller, because CPU isn't what decides the tier: then it buys speed, not money."
	}
	return Argument{"When Redis pays", text, rows}
}

// decides returns what the tier that is chosen is chosen for.
func (in *Inputs) decides(n Need) string {
	chosen := slices.IndexFunc(in.Tiers, func(t Tier) bool { return t.Name == in.choose(n).Name })
	if chosen == 0 {
		return "–"
	}
	return in.Tiers[chosen-1].lacks(n)
}

func (a *arguer) highAvailability() Argument {
	rows := a.header("USD a month")
	cost := func(students, from float64) float64 {
		b := a.at(students, func(in *Inputs) { in.General["high_availability_from"] = Value{Value: from} })
		return b.Part("database", "database storage and backups")
	}
	rows = append(rows,
		a.row("database in one zone", func(b *Bill) string { return dollars(cost(b.Students, math.Inf(1))) }),
		a.row("with high availability", func(b *Bill) string { return dollars(cost(b.Students, 0)) }),
		a.row("more, a student", func(b *Bill) string {
			if b.Students == 0 {
				return "–"
			}
			return fmt.Sprintf("%.4f", (cost(b.Students, 0)-cost(b.Students, math.Inf(1)))/b.Students)
		}))
	return Argument{"What high availability costs", fmt.Sprintf("It is assumed from %s students on.", grouped(a.in.General["high_availability_from"].Value)), rows}
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
		return fmt.Sprintf("%.2g %%", 100*cold/calls)
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

// router is the function that passes calls on.
const router = "edge-router"

func (a *arguer) router() Argument {
	rows := a.header("USD a month")
	declared, ok := a.in.Functions[router]
	if !ok {
		declared = Function{Access: "public", Trigger: "http", CPU: 1, MemoryMiB: 512, Concurrency: 80}
	}
	rows = append(rows, a.row("all calls through the router", func(b *Bill) string {
		var calls, seconds float64
		for _, l := range b.Loads {
			c, _ := a.in.callsOf(l.ID)
			if a.in.Functions[l.ID].Access != "private" && l.ID != router {
				calls += l.Calls
				seconds += l.Calls * (c.Seconds + a.in.General["router_seconds"].Value)
			}
		}
		if calls == 0 {
			return "–"
		}
		with := a.at(b.Students, func(in *Inputs) {
			in.Functions[router] = declared
			in.Calls[router] = Calls{Monthly: calls, Seconds: seconds / calls, CPU: 1}
		})
		without := a.at(b.Students, func(in *Inputs) {
			in.Functions[router] = declared
			in.Calls[router] = Calls{}
		})
		return dollars(with.Part(functionParts...) - without.Part(functionParts...))
	}), a.row("its warm instances, if nobody calls it", func(b *Bill) string {
		without := a.at(b.Students, func(in *Inputs) { delete(in.Functions, router) })
		return dollars(b.Part(functionParts...) - without.Part(functionParts...))
	}))
	return Argument{"What the one base address costs", "The router is billed for as long as the functions behind it take, streams included. The load balancer leads to each function's own address for nothing; the router is for clients that know only one.", rows}
}

func (a *arguer) maxInstances() Argument {
	rows := [][]string{{"function", "declared", "at peak", "students"}}
	for _, b := range a.bills {
		for _, l := range b.Loads {
			if f := a.in.Functions[l.ID]; l.AtPeak > f.MaxInstances && f.Schedule == "" {
				rows = append(rows, []string{l.ID, grouped(f.MaxInstances), grouped(math.Ceil(l.AtPeak)), grouped(b.Students)})
			}
		}
	}
	if len(rows) == 1 {
		return Argument{"Instances that are declared", "They are enough at peak for all these numbers of students.", nil}
	}
	return Argument{"Instances that are declared", "These functions need more instances at peak than they declare, and the database connections for them:", rows}
}

// terminal writes the arguments for reading in a terminal.
func terminal(all []Argument) string {
	var out strings.Builder
	out.WriteString("What this argues for\n")
	for _, a := range all {
		out.WriteString("\n" + a.Title + "\n" + wrap(a.Text, 100))
		if len(a.Rows) > 0 {
			out.WriteString(indent(aligned(a.Rows)))
		}
	}
	return out.String()
}

// section writes the arguments in Markdown.
func section(all []Argument) string {
	var out strings.Builder
	out.WriteString("## What this argues for\n")
	for _, a := range all {
		out.WriteString("\n### " + a.Title + "\n\n" + a.Text + "\n")
		if len(a.Rows) > 0 {
			out.WriteString("\n" + grid(a.Rows))
		}
	}
	return out.String()
}
