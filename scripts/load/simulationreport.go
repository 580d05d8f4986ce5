package main

import (
	"fmt"
	"time"

	"aksio.app/scripts/internal/plot"
	"aksio.app/scripts/internal/report"
	"aksio.app/scripts/internal/schoolday"
	"aksio.app/scripts/internal/simulation"
	"aksio.app/shared/usage"
)

// schoolDaysAMonth is how often a month a student spends such a day.
const schoolDaysAMonth = 20

// simulationReport describes the simulated days.
func simulationReport(known profile, cases []*simulated) *report.Document {
	d := &report.Document{Title: "The same school day at many students: what breaks first"}
	d.Say("What calls take is from the load run of %s (%s; %s). The limits are those of infrastructure/functions.json, and these, which "+
		"can't be measured here: a database of %d processors that grants functions %d connections, a model that takes %s tokens and %s requests a "+
		"minute, %s until an instance's process begins, %s for a round trip to the database. %s",
		known.Date, known.Run, known.Machine, production.DatabaseCores, production.DatabaseConnections, report.Thousands(production.TokensPerMinute),
		report.Thousands(production.RequestsPerMinute), plot.Duration(production.InstanceStart), plot.Duration(production.RoundTrip),
		"The model's answers take what scripts/load/assumed.go says.")
	for _, s := range cases {
		d.Heading(students(s.config.Students))
		s.describe(d)
	}
	d.Heading("How to read it")
	d.Say("A limit breaks in the first minute in which more than 1 %% of its calls are refused for it, or wait for it and in queues for more than %s "+
		"altogether (%s for background work). Cold starts don't count as broken limits: they pass by themselves. Needed is what keeps processors, places "+
		"and connections at most %.0f %% busy in the busiest minute.", simulation.Patience, simulation.BackgroundPatience, 100*production.Utilization)
	d.Say("`make cost` has other instances and connections at the same number of students. It spreads a month's calls over its days, and takes for the peak " +
		"a multiple of the mean of a day's busy hours; what calls take, and how many a student makes, is assumed there (infrastructure/cost/assumptions.json). Here it is one " +
		"school day, on which lessons begin at the full hour, and its busiest minute counts; what calls take was measured. And cost counts the connections that " +
		"all functions may open with the instances that they declare; needed is here what the day's functions may open with the instances that they need. Take limits from here, and the bill from there.")
	d.Say("Every call is simulated. Approximated are: times of service (exponential around the median that was measured on one machine, of which a skewed call takes more on the average; its processor is taken for " +
		"the cloud's), instances (a function's share each of its queues, as if perfectly balanced), the order within a call (it computes, asks the database once for all " +
		"round trips, then asks the model), the budget of the model (it comes back evenly, a minute's worth is saved), students (who is refused leaves the activity, or " +
		"the visit if it was the sign-in, and doesn't try again; where those who were refused would try again, it gets worse). Not simulated: Firestore, " +
		"Cloud Storage, the load balancer, the quota of a region's processors, other functions than the day's.")
	return d
}

// describe tells about one number of students.
func (s *simulated) describe(d *report.Document) {
	r := s.asIs
	d.Say("%s", s.verdict())
	d.Say("%s calls are made, %s a second at %s; %s (%.1f %%) are refused and %s more are never made because of that. %s cold starts let %s calls wait, 95 %% of "+
		"them for less than %.1f s. Of the uploads, %s are still unread a day later.",
		report.Thousands(float64(r.Calls)), report.Thousands(s.needs.CallsPerSecond), timeOfDay(s.needs.CallsAt), report.Thousands(float64(r.Refused)),
		100*float64(r.Refused)/float64(r.Calls), report.Thousands(r.Unmade), report.Thousands(float64(r.ColdStarts)), report.Thousands(float64(r.ColdCalls)), r.ColdWait95,
		report.Thousands(float64(r.Unfinished)))
	s.describeBreaks(d)
	d.Plot(fmt.Sprintf("day-%d.svg", s.config.Students), s.plotDay())
	s.describeFunctions(d)
	s.describeShared(d)
	d.Say("A student takes %.1f calls a day on the average and %s tokens, which is %.0f %% of a plan's %s a month if the month has %d such days.",
		s.needs.CallsAStudent, report.Thousands(s.needs.TokensAStudent), 100*s.needs.TokensAStudent*schoolDaysAMonth/float64(usage.Free.TokensPerMonth),
		report.Thousands(float64(usage.Free.TokensPerMonth)), schoolDaysAMonth)
	d.Say("Played again with what is needed, without limits of addresses: %s of %s calls are refused, %s are slow; at most %s instances run at once.",
		report.Thousands(float64(s.whenRaised.Refused)), report.Thousands(float64(s.whenRaised.Calls)), report.Thousands(float64(slow(s.whenRaised))), report.Thousands(float64(mostInstances(s.whenRaised))))
}

// describeBreaks tells which limits break, why, and what to raise.
func (s *simulated) describeBreaks(d *report.Document) {
	breaks := s.asIs.Breaks
	if len(breaks) == 0 {
		return
	}
	d.Say("What breaks, in this order:")
	t := d.Table(1, "limit", "first at", "minutes", "refused", "slow")
	for _, b := range breaks {
		t.Row(s.explain(b).limit, timeOfDay(b.At), fmt.Sprint(b.Minutes), report.Thousands(float64(b.Refused)), report.Thousands(float64(b.Slow)))
	}
	for _, b := range breaks[1:] {
		if e := s.explain(b); e.remedy != "" {
			d.Say("%s: %s; raise %s.", e.limit, e.because, e.remedy)
		}
	}
}

// describeFunctions tells what each function had and would need.
func (s *simulated) describeFunctions(d *report.Document) {
	d.Say("Functions (waits are those in all queues, the 95th percentile):")
	t := d.Table(1, "function", "a second, at most", "instances allowed", "reached", "needed", "refused", "slow", "wait p95", "in the worst hour")
	for _, f := range s.asIs.Functions {
		need := s.needs.Functions[f.ID]
		hour := "–"
		if f.WorstWait > 0 {
			hour = fmt.Sprintf("%s at %s", seconds95(f.WorstWait), timeOfDay(f.WorstHour))
		}
		t.Row(f.ID, fmt.Sprintf("%.1f", need.PerSecond), fmt.Sprint(s.config.Functions[f.ID].MaxInstances), fmt.Sprint(f.Instances),
			fmt.Sprint(need.Instances), report.Thousands(float64(f.Refused)), report.Thousands(float64(f.Slow)), seconds95(f.Wait95), hour)
	}
}

// describeShared tells how much of what all functions share was used and would be needed.
func (s *simulated) describeShared(d *report.Document) {
	d.Say("What they share:")
	busiest, connections, tokens := 0.0, 0, 0.0
	for _, m := range s.asIs.Moments {
		busiest, connections, tokens = max(busiest, m.DatabaseBusy/60), max(connections, m.Connections), max(tokens, m.Tokens)
	}
	p := s.config.Platform
	t := d.Table(1, "limit", "allowed", "reached", "needed")
	t.Row("processors of the database", fmt.Sprint(p.DatabaseCores), fmt.Sprintf("%.1f busy", busiest), fmt.Sprintf("%d", s.raised.Platform.DatabaseCores))
	t.Row("connections of the database", fmt.Sprint(p.DatabaseConnections), fmt.Sprint(connections), fmt.Sprint(s.needs.Connections))
	t.Row("connections that all functions of the catalogue may open", fmt.Sprint(s.connections(s.config.Functions)), "–", fmt.Sprint(s.connections(s.raised.Functions)))
	t.Row("tokens of the model a minute", report.Thousands(p.TokensPerMinute), report.Thousands(tokens), report.Thousands(s.needs.Tokens))
	t.Row("requests of the model a minute", report.Thousands(p.RequestsPerMinute), "–", report.Thousands(s.needs.Requests))
	for _, id := range schoolday.Operations(s.config.Day) {
		if r, ok := p.PerAddress[id]; ok && s.needs.Functions[id].AtSchool > 0 {
			schools := float64(s.config.Students) / float64(p.School)
			t.Row(fmt.Sprintf("%s a minute from a school of %d", id, p.School), fmt.Sprintf("%.0f", float64(r.Count)/r.Per.Minutes()), "–",
				fmt.Sprintf("%.0f", s.needs.Functions[id].AtSchool*60/schools))
		}
	}
	d.Say("The connections needed are what the day's functions, and in the next row all functions, may open with the instances needed. " +
		"Reached may exceed needed, which is of averages: where calls come by chance, or queue after a minute without room, more is added for a while. " +
		"Tokens may exceed what a minute allows, too: those of a minute before it are saved up. “–” is what the simulation doesn't count.")
}

func slow(r *simulation.Result) (n int) {
	for _, f := range r.Functions {
		n += f.Slow
	}
	return n
}

func mostInstances(r *simulation.Result) (n int) {
	for _, m := range r.Moments {
		n = max(n, m.Instances)
	}
	return n
}

// seconds95 writes a wait; those below a millisecond aren't told apart.
func seconds95(s float64) string {
	switch {
	case s == 0:
		return "0"
	case s < 0.0011:
		return "1 ms"
	}
	return figure(s * 1000)
}

// plotDay draws calls, and below them how much of the shared limits is in use.
func (s *simulated) plotDay() *plot.Canvas {
	says := fmt.Sprintf("The day of %s: calls a second, and the share of what is shared that is in use", students(s.config.Students))
	from, to := schoolday.Span(s.config.Day)
	to += time.Hour
	limits := s.config.Platform
	var wanted, calls, refused, database, connections, tokens []plot.Point
	most, share := 1.0, 100.0
	for i, n := range s.needs.Calls {
		if at := time.Duration(i) * time.Minute; at >= from && at < to {
			wanted = append(wanted, plot.Point{X: at.Seconds() + 30, Y: n / 60})
			most = max(most, n/60)
		}
	}
	for i, m := range s.asIs.Moments {
		at := s.asIs.Begins + time.Duration(i)*time.Minute
		if at >= to {
			break
		}
		point := func(y float64) plot.Point { return plot.Point{X: at.Seconds() + 30, Y: y} }
		calls, refused = append(calls, point(float64(m.Calls)/60)), append(refused, point(float64(m.Refused)/60))
		database = append(database, point(100*m.DatabaseBusy/60/float64(limits.DatabaseCores)))
		connections = append(connections, point(100*float64(m.Connections)/float64(limits.DatabaseConnections)))
		tokens = append(tokens, point(100*m.Tokens/limits.TokensPerMinute))
		most, share = max(most, calls[i].Y), max(share, database[i].Y, tokens[i].Y)
	}
	top := &plot.Panel{X: plot.Clock(from, to), Y: plot.Linear(0, most*1.25)}
	top.Area(calls, plot.Sky)
	top.Line(wanted, plot.Black, 0.7)
	top.Line(refused, plot.Red, 1.2)
	for i, b := range s.asIs.Breaks[:min(3, len(s.asIs.Breaks))] {
		top.Upright(b.At.Seconds(), fmt.Sprintf("%d. %s", i+1, s.explain(b).limit), i)
	}
	bottom := &plot.Panel{X: top.X, Y: plot.Linear(0, share*1.05)}
	bottom.Line(database, plot.Blue, 1.2)
	bottom.Line(connections, plot.Orange, 1.2)
	bottom.Line(tokens, plot.Green, 1.2)

	c := plot.New(wide, 450, says)
	c.Text(40, 15, 13, "Calls a second at "+students(s.config.Students))
	keys := []plot.Key{{Name: "if all were served", Colour: plot.Black, Mark: plot.Stroke}, {Name: "made", Colour: plot.Sky, Mark: plot.Field},
		{Name: "refused", Colour: plot.Red, Mark: plot.Stroke}}
	switch n := len(s.asIs.Breaks); {
	case n > 3:
		keys = append(keys, plot.Key{Name: "dashed: the first three limits that break"})
	case n > 0:
		keys = append(keys, plot.Key{Name: "dashed: what breaks"})
	}
	c.Legend(40, 34, keys...)
	c.Draw(top, 0, 0, wide, 225, timeMargins)
	c.Text(40, 240, 13, "Share of the limit in use, %")
	c.Legend(40, 259, plot.Key{Name: "processors of the database", Colour: plot.Blue, Mark: plot.Stroke},
		plot.Key{Name: "its connections", Colour: plot.Orange, Mark: plot.Stroke}, plot.Key{Name: "tokens of the model", Colour: plot.Green, Mark: plot.Stroke})
	c.Draw(bottom, 0, 225, wide, 225, timeMargins)
	return c
}
