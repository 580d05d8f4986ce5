package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"aksio.app/scripts/internal/lockfile"
	"aksio.app/scripts/internal/plot"
	"aksio.app/scripts/internal/quantile"
	"aksio.app/scripts/internal/report"
	"aksio.app/scripts/internal/schoolday"
)

// runAndReport plays the day and tells how it was.
func runAndReport(ctx context.Context, c runConfig) error {
	release, err := lockfile.Lock(c.dir)
	if err != nil {
		return err
	}
	defer release()
	m, err := run(ctx, c)
	if err != nil {
		return err
	}
	d := m.report()
	if err := errors.Join(save(d, c.dir), os.Rename(c.unfinished(), filepath.Join(c.dir, "warnings.log"))); err != nil {
		return err
	}
	d.Plain(c.out)
	fmt.Fprintf(c.out, "report: %s/report.html, %s/report.md; what functions warned of: %s/warnings.log\n", c.dir, c.dir, c.dir)
	if c.profile {
		return m.writeProfile(ctx)
	}
	return nil
}

// save writes the report into the folder, as report.md and report.html.
func save(d *report.Document, dir string) error {
	return errors.Join(d.Save(filepath.Join(dir, "report.md")), d.SavePage(filepath.Join(dir, "report.html")))
}

// summary is what the calls of one operation took.
type summary struct {
	operation     string
	calls, failed int
	seen          []float64 // milliseconds that students waited, in ascending order
	took          []float64 // the same from the request to the answer
}

// summarize sorts samples by operation: those that the script lacks by name, then its own in its order.
func summarize(day []schoolday.Visit, samples []sample) []summary {
	order := schoolday.Operations(day)
	by := map[string]*summary{}
	for _, s := range samples {
		of := by[s.operation]
		if of == nil {
			of = &summary{operation: s.operation}
			by[s.operation] = of
		}
		of.calls++
		if s.failure != "" {
			of.failed++
			continue
		}
		of.seen = append(of.seen, inMS(s.seen()))
		of.took = append(of.took, inMS(s.took))
	}
	var all []summary
	for _, of := range by {
		slices.Sort(of.seen)
		slices.Sort(of.took)
		all = append(all, *of)
	}
	slices.SortFunc(all, func(a, b summary) int {
		return cmp.Or(slices.Index(order, a.operation)-slices.Index(order, b.operation), cmp.Compare(a.operation, b.operation))
	})
	return all
}

func inMS(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// figure writes milliseconds, a dash if there are none.
func figure(ms float64) string {
	if math.IsNaN(ms) {
		return "–"
	}
	return plot.Duration(time.Duration(ms * float64(time.Millisecond)))
}

// report describes a run.
func (m *measured) report() *report.Document {
	c := m.config.schedule
	failed := 0
	for _, s := range m.samples {
		if s.failure != "" {
			failed++
		}
	}
	unmade := 0
	for _, n := range m.skipped {
		unmade += n
	}
	d := &report.Document{Title: fmt.Sprintf("A school day of %s in %s", counted(c.students, "student"), c.duration)}
	d.Say("%s. %s.", time.Now().Format("2 January 2006"), m.machine)
	d.Say("%d calls were planned, %d were made, %d of them failed; %d weren't made. That is %.1f calls a second. "+
		"Registering the students and giving each a course, a document and cards took %s before that and isn't counted.",
		m.calls, len(m.samples), failed, unmade, float64(len(m.samples))/m.took.Seconds(), m.enrol.Round(100*time.Millisecond))
	d.Say("The load, all functions in one process, and PostgreSQL share this machine: these are figures of the code and of this "+
		"machine, not of the cloud. The model is the offline one. No limit is switched off: students have addresses of their own (X-Forwarded-For "+
		"behind one trusted proxy, as behind the load balancer), and the limits saw %d register from %d. "+
		"The document that they upload is %s.", c.students, m.callers, m.config.file)

	d.Heading("What students waited")
	d.Say("Every call has its time before the run begins, and students don't wait for each other: a platform that is slow isn't asked less. " +
		"Waits count from that time, so a call that had to wait for the answer before it counts this, too (no coordinated omission). " +
		"“Alone” is from the request to the end of the answer.")
	m.operations(d)
	m.plots(d)

	d.Heading("What failed")
	m.failures(d)

	d.Heading("What the functions say")
	d.Say("From each function's own log of the calls that it served. Database is the time of all round trips of a call, waiting for the answer included.")
	m.functions(d)
	most, sum := 0, 0
	for _, at := range m.connections {
		most = max(most, at.open)
		sum += at.active
	}
	d.Say("PostgreSQL had at most %d connections open, of %s that the process may open; on the average %.1f ran a statement (pg_stat_activity, %d looks).",
		most, m.pool, float64(sum)/float64(max(1, len(m.connections))), len(m.connections))
	return d
}

func (m *measured) operations(d *report.Document) {
	t := d.Table(1, "operation", "calls", "failed", "a second", "p50", "p95", "p99", "longest", "p95 alone")
	for _, list := range [][]sample{m.samples, m.extras} {
		for _, s := range summarize(m.config.schedule.day, list) {
			longest := quantile.OfSorted(s.seen, 1)
			t.Row(s.operation, fmt.Sprint(s.calls), fmt.Sprint(s.failed), fmt.Sprintf("%.1f", float64(s.calls)/m.took.Seconds()),
				figure(quantile.OfSorted(s.seen, 0.50)), figure(quantile.OfSorted(s.seen, 0.95)), figure(quantile.OfSorted(s.seen, 0.99)),
				figure(longest), figure(quantile.OfSorted(s.took, 0.95)))
		}
	}
}

func (m *measured) failures(d *report.Document) {
	type failure struct{ operation, what string }
	count := map[failure]int{}
	for _, list := range [][]sample{m.samples, m.extras} {
		for _, s := range list {
			if s.failure != "" {
				count[failure{s.operation, s.failure}]++
			}
		}
	}
	if len(count) == 0 {
		d.Say("Nothing.")
	} else {
		t := d.Table(2, "operation", "status and code", "calls")
		for _, f := range slices.SortedFunc(maps.Keys(count), func(a, b failure) int {
			return cmp.Or(count[b]-count[a], cmp.Compare(a.operation, b.operation), cmp.Compare(a.what, b.what))
		}) {
			t.Row(f.operation, f.what, fmt.Sprint(count[f]))
		}
	}
	for _, why := range slices.Sorted(maps.Keys(m.skipped)) {
		d.Say("%d calls weren't made: %s.", m.skipped[why], why)
	}
}

func (m *measured) functions(d *report.Document) {
	t := d.Table(1, "function", "served", "mean", "round trips", "database, mean", "database, p95", "share of the database's time")
	total := 0.0
	for _, s := range m.served {
		total += s.databaseMS
	}
	by := map[string][]servedCall{}
	for _, s := range m.served {
		by[s.operation] = append(by[s.operation], s)
	}
	sum := func(calls []servedCall, of func(servedCall) float64) (sum float64) {
		for _, s := range calls {
			sum += of(s)
		}
		return sum
	}
	database := func(s servedCall) float64 { return s.databaseMS }
	for _, id := range slices.SortedFunc(maps.Keys(by), func(a, b string) int {
		return cmp.Or(cmp.Compare(sum(by[b], database), sum(by[a], database)), cmp.Compare(a, b))
	}) {
		calls := by[id]
		n := float64(len(calls))
		times := make([]float64, len(calls))
		for i, s := range calls {
			times[i] = s.databaseMS
		}
		t.Row(id, fmt.Sprint(len(calls)), figure(sum(calls, func(s servedCall) float64 { return s.ms })/n),
			fmt.Sprintf("%.1f", sum(calls, func(s servedCall) float64 { return float64(s.trips) })/n),
			figure(sum(calls, database)/n), figure(quantile.Of(times, 0.95)), fmt.Sprintf("%.0f %%", 100*sum(calls, database)/max(total, 1e-9)))
	}
}
