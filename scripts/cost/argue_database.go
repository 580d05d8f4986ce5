package main

import (
	"fmt"
	"math"
	"slices"

	"aksio.app/scripts/internal/report"
)

func (a *arguer) tiers() Argument {
	rows := [][]string{{"tier", "USD a month", "with HA", "connections", "carries about … students", "then lacks"}}
	for _, t := range a.in.Tiers {
		lacks := func(n float64) string { return t.lacks(a.at(n, nil).Need) }
		upTo, then := "more than "+report.Thousands(most), ""
		switch n, ok := a.from(func(n float64) bool { return lacks(n) != "" }); {
		case lacks(0) != "":
			upTo, then = "not even 0", lacks(0)
		case ok && n == 1: // staging is another environment
			upTo, then = "0", lacks(1)
		case ok:
			upTo, then = about(n), lacks(n)
		}
		usd := a.in.monthly(t)
		rows = append(rows, []string{t.Name, dollars(usd), dollars(2 * usd), report.Thousands(t.Connections), upTo, then})
	}
	return Argument{"Which database tier", "The smallest tier is chosen that has the CPU for the peak, the memory for what is read often and for connections, and the connections that functions may open with all their instances, without which Terraform plans nothing. 0 students are those of staging, which raises max_connections.", rows}
}

func (a *arguer) pooling() Argument {
	in := a.in
	spared := func(b *Bill, need Need) float64 { // by a database that needs that instead
		return (in.monthly(in.choose(b.Need)) - in.monthly(in.choose(need))) * b.copies()
	}
	pooled := func(n Need) Need {
		n.Connections = 0
		return n
	}
	raised := func(n Need) Need {
		n.Raised = math.Inf(1)
		return n
	}
	single := func(b *Bill) Need { return a.at(b.Students, func(in *Inputs) { in.Pool = min(1, in.Pool) }).Need }
	rows := a.header("at … students")
	rows = append(rows,
		a.row("connections that functions may open, with their reserve", func(b *Bill) string { return report.Thousands(math.Ceil(b.Need.Connections)) }),
		a.row("the database's", func(b *Bill) string { return report.Thousands(b.Database.letsIn(b.Need)) }),
		a.row("USD a month that a pooler would spare", func(b *Bill) string { return dollars(spared(b, pooled(b.Need))) }),
		a.row("USD a month that max_connections would spare, raised as far as memory goes", func(b *Bill) string { return dollars(spared(b, raised(b.Need))) }),
		a.row("USD a month that one connection an instance would spare", func(b *Bill) string { return dollars(spared(b, single(b))) }),
		a.row("USD a month of both", func(b *Bill) string { return dollars(spared(b, raised(single(b)))) }),
		a.row("USD a month of Enterprise Plus instead, which has one", func(b *Bill) string {
			plus := (b.Database.CPU*in.Prices["sql.plus_vcpu"].USD + 8*b.Database.CPU*in.Prices["sql.plus_memory"].USD) * hoursPerMonth * b.copies()
			return dollars(max(0, plus-in.monthly(b.Database)*b.copies()))
		}))
	price := in.Prices["pooler.vm"].USD
	text := fmt.Sprintf("A pooler of one's own costs %s USD a month, and its upkeep. Functions then connect to it, so that what they may open is no floor of the database any more.", dollars(price))
	if where := a.where(func(n float64) bool {
		b := a.at(n, nil)
		return spared(b, pooled(b.Need)) > price
	}); where != "" {
		text += fmt.Sprintf(" It spares more than that, because connections alone ask for a larger tier, with %s students. Raising max_connections costs memory only, and one connection an instance nothing: they are tried first.", where)
		if beyond := a.where(func(n float64) bool {
			b := a.at(n, nil)
			return spared(b, pooled(b.Need))-spared(b, raised(single(b))) > price
		}); beyond != "" {
			text += fmt.Sprintf(" Beside both it spares more than it costs with %s students.", beyond)
		} else {
			text += " Beside both it never spares what it costs."
		}
	} else {
		text += fmt.Sprintf(" Up to %s students something else asks for a larger tier before the connections do: it doesn't pay.", report.Thousands(most))
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

func (a *arguer) redis() Argument {
	in := a.in
	price := in.Prices["redis.basic"].USD * in.General["redis_gib"].Value * hoursPerMonth
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
	text := fmt.Sprintf("Redis of %.0f GiB costs %s USD a month.", in.General["redis_gib"].Value, dollars(price))
	if n, ok := a.from(func(n float64) bool { return worth(a.at(n, nil)) > price }); ok {
		text += fmt.Sprintf(" The database's CPU that it spares (%.0f %% of its work) is worth that from about %s students on.", 100*share, about(n))
	} else {
		text += fmt.Sprintf(" The database's CPU that it spares isn't worth that up to %s students.", report.Thousands(most))
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
	return Argument{"What high availability costs", fmt.Sprintf("Staging has none, production has it: high_availability_from is %s.", report.Thousands(a.in.General["high_availability_from"].Value)), rows}
}
