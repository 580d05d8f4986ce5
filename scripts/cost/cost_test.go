package main

import (
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// inputs are the real ones.
func inputs(t *testing.T) *Inputs {
	t.Helper()
	in, err := readInputs("../../infrastructure")
	if err != nil {
		t.Fatal(err)
	}
	in.Pool = 2
	return in
}

func compute(t *testing.T, in *Inputs, students float64) *Bill {
	t.Helper()
	b, err := Compute(in, students)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func close(got, want, tolerance float64) bool { return math.Abs(got-want) <= tolerance }

// TestPublishedFormula computes what was published for functions of 1 CPU and 256 MiB
// whose calls take 100 ms.
func TestPublishedFormula(t *testing.T) {
	t.Parallel()
	prices := inputs(t).Prices
	for _, tc := range []struct{ calls, seconds, memory, concurrent, want, tolerance float64 }{
		{0.3e6, 0.1, 0.25, 1, 0, 0},
		{30e6, 0.1, 0.25, 1, 79.9, 0.05},
		{30e6, 0.1, 0.25, 5, 21.3, 0.05},
		{300e6, 0.1, 0.25, 1, 852.7, 0.05},
		{300e6, 0.1, 0.25, 5, 261.7, 0.05},
	} {
		if got := runCost(prices, tc.calls, tc.seconds, 1, tc.memory, tc.concurrent); !close(got, tc.want, tc.tolerance) {
			t.Errorf("%.0f calls of %.1f s, %.0f at once: got %.3f USD, want %.2f", tc.calls, tc.seconds, tc.concurrent, got, tc.want)
		}
	}
}

// runCost is the published formula: what calls cost on their own.
func runCost(prices map[string]Price, calls, seconds, cpu, memoryGiB, concurrent float64) float64 {
	busy := calls * seconds / concurrent
	return prices["run.cpu"].of(busy*cpu) + prices["run.memory"].of(busy*memoryGiB) + prices["run.requests"].of(calls)
}

// TestModelAgreesWithTheFormula lets the model compute one function whose calls come
// so seldom, or so often, that the formula holds.
func TestModelAgreesWithTheFormula(t *testing.T) {
	t.Parallel()
	in := inputs(t)
	for _, tc := range []struct {
		name                             string
		calls, concurrency, fill, atOnce float64
	}{
		{"one at a time", 30e6, 1, 1, 1},
		{"five at once", 300e6, 5, 1, 5},
		{"five at once, filled to 60 %", 300e6, 5, 0.6, 3},
	} {
		one := in.with(func(in *Inputs) {
			in.Functions = map[string]Function{"f": {Access: "user", Trigger: "http", CPU: 1, MemoryMiB: 256, Concurrency: tc.concurrency, MaxInstances: 1}}
			in.Calls = map[string]Calls{"f": {Calls: 1, Seconds: 0.1}}
			in.General["fill"] = Value{Value: tc.fill}
		})
		got := compute(t, one, tc.calls).Part(functionParts...)
		if want := runCost(in.Prices, tc.calls, 0.1, 1, 0.25, tc.atOnce); !close(got, want, want/200) {
			t.Errorf("%s: the model says %.2f, the formula %.2f", tc.name, got, want)
		}
	}
}

// TestFloorAtNoStudents compares with what was published for an installation that
// nobody uses, without alerts and with the smallest disk. It counts less for images
// and secrets, so that 1 USD is allowed.
func TestFloorAtNoStudents(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		tier string
		edge string
		want float64
	}{
		{"db-f1-micro", "0", 43}, {"db-g1-small", "0", 61}, {"db-custom-1-3840", "0", 85},
		{"db-f1-micro", "1", 12}, {"db-g1-small", "1", 30}, {"db-custom-1-3840", "1", 54},
	} {
		in := inputs(t)
		for _, assignment := range []string{"tier=" + tc.tier, "edge_from=" + tc.edge, "alert_conditions=0", "staging_disk_gib=10"} {
			if err := in.set(assignment); err != nil {
				t.Fatal(err)
			}
		}
		if got := compute(t, in, 0).Total(); !close(got, tc.want, 1) {
			t.Errorf("%s with edge_from=%s: got %.2f USD, want about %.0f", tc.tier, tc.edge, got, tc.want)
		}
	}
	// Staging: nothing by the hour but the database.
	for _, line := range compute(t, inputs(t), 0).Lines {
		unit := inputs(t).Prices[line.Price].Unit
		byTheHour := strings.Contains(unit, "hour") || strings.Contains(unit, "warm instance")
		if byTheHour && line.Part != "database" && line.Part != "database storage and backups" {
			t.Errorf("staging pays %.2f USD by the hour for %s", line.USD, line.Name)
		}
	}
}

func TestPartsAddUp(t *testing.T) {
	t.Parallel()
	in := inputs(t)
	for _, students := range []float64{0, 1, 1000, 54_321, 1e6} {
		b := compute(t, in, students)
		sum := 0.0
		for _, part := range parts {
			if b.Part(part) < 0 {
				t.Errorf("%s costs %f", part, b.Part(part))
			}
			sum += b.Part(part)
		}
		if !close(sum, b.Total(), 1e-6) {
			t.Errorf("%.0f students: the parts are %f, the total %f", students, sum, b.Total())
		}
		var grouped []string
		for _, g := range groups {
			grouped = append(grouped, g.parts...)
		}
		slices.Sort(grouped)
		if !slices.Equal(grouped, slices.Sorted(slices.Values(parts))) {
			t.Fatalf("the chart shows %q", grouped)
		}
	}
}

func TestMoreStudentsNeverCostLess(t *testing.T) {
	t.Parallel()
	in := inputs(t)
	last, at := 0.0, 0.0
	for students := 0.0; students < 2e7; students = math.Ceil(max(1, students*1.2)) + 1 {
		if total := compute(t, in, students).Total(); total < last {
			t.Errorf("%.0f students cost %.2f USD, %.0f cost %.2f", students, total, at, last)
		} else {
			last, at = total, students
		}
	}
}

// TestLoad tells what is billed for one function in the cases that can be seen through.
func TestLoad(t *testing.T) {
	t.Parallel()
	m := &month{Inputs: inputs(t)}
	f := Function{Trigger: "http", CPU: 1, MemoryMiB: 256, Concurrency: 20}
	seldom := m.load("f", f, Calls{Seconds: 0.03}, 10)
	if want := 10 * (0.1 + 0.5); !close(seldom.Busy, want, 0.1) || !close(seldom.Cold, 1, 0.1) || !close(seldom.Concurrent, 1, 0.001) {
		t.Errorf("seldom: %+v; want each call to start an instance and to be billed 100 ms, %.0f s in all", seldom, want)
	}
	often := m.load("f", f, Calls{Seconds: 0.5}, 1e9)
	if !close(often.Concurrent, 12, 0.001) || !close(often.Busy, 1e9*0.5/12, 1e5) || often.Cold > 1e-9 {
		t.Errorf("often: %+v; want 60 %% of 20 at once", often)
	}
	bound := m.load("f", f, Calls{Seconds: 0.1, CPU: 50}, 1e9)
	if !close(bound.Concurrent, 1.2, 0.001) {
		t.Errorf("half of the time on the CPU: %+v; want 1.2 at once, which use 60 %% of it", bound)
	}
	busy := math.Inf(1)
	for concurrency := 1.0; concurrency <= 200; concurrency++ {
		f.Concurrency = concurrency
		load := m.load("f", f, Calls{Seconds: 0.2, CPU: 1}, 1e8)
		if load.Busy > busy+1e-6 {
			t.Errorf("%.0f at once are billed %.0f s, fewer %.0f", concurrency, load.Busy, busy)
		}
		busy = load.Busy
	}
	if none := m.load("f", f, Calls{Seconds: 1}, 0); none.Busy != 0 || none.AtPeak != 0 {
		t.Errorf("without calls: %+v", none)
	}
}

func TestScheduleFallsDue(t *testing.T) {
	t.Parallel()
	for schedule, want := range map[string]float64{"0 2 * * *": 30.4, "*/5 * * * *": 30.4 * 288, "*/10 4-17 1 * *": 84 * 12 * 30.4 / 365} {
		if got, err := timesPerMonth(schedule, 30.4); err != nil || !close(got, want, 0.01) {
			t.Errorf("%s: got %f, %v, want %f", schedule, got, err, want)
		}
	}
	if _, err := timesPerMonth("now and then", 30); err == nil {
		t.Error("an unreadable schedule is no error")
	}
}

func TestPriceSteps(t *testing.T) {
	t.Parallel()
	p := inputs(t).Prices["egress.internet"]
	for gib, want := range map[float64]float64{0: 0, 1: 0, 2: 0.12, 1025: 1024 * 0.12, 2049: 1024*0.12 + 1024*0.11, 20481: 1024*0.12 + 9216*0.11 + 10240*0.085} {
		if got := p.of(gib); !close(got, want, 1e-9) {
			t.Errorf("%.0f GiB: got %f, want %f", gib, got, want)
		}
	}
}

func TestDatabaseTier(t *testing.T) {
	t.Parallel()
	in := inputs(t)
	for want, need := range map[string]Need{
		"db-f1-micro":         {CPU: 0.1, Memory: 0.1, Connections: 5},
		"db-custom-1-3840":    {CPU: 0.6},
		"db-custom-2-7680":    {Connections: 101},
		"db-custom-4-15360":   {Memory: 8},
		"db-custom-96-638976": {Memory: 1e6},
	} {
		if got := in.choose(need).Name; got != want {
			t.Errorf("%+v: got %s, want %s", need, got, want)
		}
	}
	if lacks := in.Tiers[2].lacks(Need{CPU: 2, Memory: 30}); lacks != "memory" {
		t.Errorf("8 times the memory and twice the CPU: lacks %q", lacks)
	}
	one, _ := in.tier("db-custom-1-3840")
	if got := in.monthly(one); !close(got, 49.31, 0.005) {
		t.Errorf("db-custom-1-3840 costs %f a month, want 49.31", got)
	}
	two, _ := in.tier("db-custom-2-7680")
	if got := in.monthly(two); !close(got, 98.62, 0.01) {
		t.Errorf("db-custom-2-7680 costs %f a month, want 98.62", got)
	}
}

// settings returns a text of the infrastructure's.
func settings(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../infrastructure", file))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTheDatabaseIsTheDeployedOne compares with what the environments set.
func TestTheDatabaseIsTheDeployedOne(t *testing.T) {
	t.Parallel()
	for students, environment := range map[float64]string{0: "staging", 1000: "production"} {
		text := settings(t, "environments/"+environment+".tfvars")
		tier := regexp.MustCompile(`(?m)^ *tier += "(.*)"$`).FindStringSubmatch(text)
		if tier == nil {
			t.Fatalf("%s names no tier", environment)
		}
		ha := regexp.MustCompile(`(?m)^ *high_availability += true$`).MatchString(text)
		if b := compute(t, inputs(t), students); b.Database.Name != tier[1] || b.HA != ha {
			t.Errorf("%.0f students: got %s, high availability %v; %s has %s, %v", students, b.Database.Name, b.HA, environment, tier[1], ha)
		}
	}
	// More connections than it lets in take a larger one, whoever comes.
	more := inputs(t)
	more.Pool++
	if b, before := compute(t, more, 1000), compute(t, inputs(t), 1000); b.Database.Connections <= before.Database.Connections {
		t.Errorf("a connection more of each instance: got %s, as before", b.Database.Name)
	}
}

// TestAssumptionsAreTheInfrastructures compares those that are set there.
func TestAssumptionsAreTheInfrastructures(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, pattern string }{
		"connections_share":   {"database.tf", `connections_wanted <= floor\(([\d.]+) \*`},
		"cpu_quota":           {"variables.tf", `variable "cpu_quota" \{[^}]*\n  default += (\d+)\n`},
		"exports_deleted":     {"storage.tf", `(?s)\n    backups = \{.*?\n      soft_delete = local\.durable \? (\d+) :`},
		"exports_kept":        {"variables.tf", `\n    backups_days += optional\(number, (\d+)\)`},
		"image_generations":   {"registry.tf", `keep_count = (\d+)\n`},
		"production_disk_gib": {"environments/production.tfvars", `\n  disk_gb += (\d+)\n`},
		"staging_connections": {"environments/staging.tfvars", `\n  max_connections = (\d+)\n`},
		"staging_disk_gib":    {"variables.tf", `\n    disk_gb += optional\(number, (\d+)\)`},
		"staging_instances":   {"environments/staging.tfvars", `\n  max_instances = (\d+)\n`},
	} {
		found := regexp.MustCompile(tc.pattern).FindStringSubmatch(settings(t, tc.file))
		if got := fmt.Sprint(inputs(t).General[name].Value); found == nil || got != found[1] {
			t.Errorf("%s is %s, in %s it is %q", name, got, tc.file, found)
		}
	}
}

func TestAssumptionsCanBeOverridden(t *testing.T) {
	t.Parallel()
	before := compute(t, inputs(t), 100_000)
	for assignment, changed := range map[string][]string{
		"model=gpt-4o": {"language model"},
		"calls.chats-send-message.prompt_tokens=0": {"language model"},
		"calls.courses-get.response_kib=100":       {"egress", "load balancer and Armor"}, // its own, though others have the same
		"document_mib=8":                           {"file storage"},
		"log_kib=9":                                {"logs and metrics"},
		"image_mib=90":                             {"builds and images"},
		"tier=db-custom-96-638976":                 {"database", "database storage and backups"},
	} {
		in := inputs(t)
		if err := in.set(assignment); err != nil {
			t.Fatal(err)
		}
		after := compute(t, in, 100_000)
		for _, part := range parts {
			if got, want := !close(after.Part(part), before.Part(part), 1e-9), slices.Contains(changed, part); got != want {
				t.Errorf("%s: %s went from %.2f to %.2f USD", assignment, part, before.Part(part), after.Part(part))
			}
		}
	}
}

func TestWhatIsMissingOrUnknownIsNamed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(in *Inputs)
		want   string
	}{
		"price":                {func(in *Inputs) { delete(in.Prices, "sql.ssd") }, `no price "sql.ssd", which disk needs`},
		"model":                {func(in *Inputs) { in.Model = "gpt-9" }, `no price "model.gpt-9.input"`},
		"assumption":           {func(in *Inputs) { delete(in.General, "peak_factor") }, `general lacks "peak_factor"`},
		"function":             {func(in *Inputs) { delete(in.Calls, "http"); delete(in.Calls, "courses-get") }, "says nothing of function courses-get"},
		"tier":                 {func(in *Inputs) { in.Tier = "db-custom-3" }, `no tier "db-custom-3"`},
		"schedule":             {func(in *Inputs) { in.Functions["x"] = Function{Trigger: "scheduled", Schedule: "often"} }, `x: schedule "often"`},
		"function of the past": {func(in *Inputs) { in.Calls["gone-away"] = Calls{} }, `calls has "gone-away"`},
		"price's source":       {func(in *Inputs) { p := in.Prices["sql.ssd"]; p.Source = ""; in.Prices["sql.ssd"] = p }, "sql.ssd needs"},
	} {
		in := inputs(t)
		tc.change(in)
		_, err := Compute(in, 1000)
		if err = errors.Join(err, in.check()); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q", name, err, tc.want)
		}
	}
	for assignment, want := range map[string]string{
		"peek_factor=3": "peak_factor", "peak_factor": "name=value", "peak_factor=much": "must be a number", "peak_factor=-1": "negative",
		"peak_factor=NaN": "must be a number", "peak_factor=Inf": "must be a number", "peak_factor=1e999": "must be a number",
		"busy_hours=0": "above 0", "calls.courses-get.seconds=NaN": "must be a number",
		"calls.nobody.calls=1": "no function", "calls.courses-get.cals=1": "isn't assumed",
	} {
		if err := inputs(t).set(assignment); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", assignment, err, want)
		}
	}
	for _, args := range [][]string{{"-students", "many"}, {"-students", "-1"}, {"-students", "1.5"}, {"-set", "x"}, {"-infrastructure", "/nowhere"}, {"-nothing"}} {
		if err := run(append([]string{"-out", t.TempDir()}, args...), io.Discard); err == nil {
			t.Errorf("%q: no error", args)
		}
	}
}

// TestNothingAtAll sets each assumption to 0: that is refused, or computed with.
func TestNothingAtAll(t *testing.T) {
	t.Parallel()
	for name := range inputs(t).General {
		in := inputs(t)
		if err := in.set(name + "=0"); err != nil {
			if !slices.Contains(divisors, name) {
				t.Error(err)
			}
			continue
		}
		for _, students := range []float64{0, 1000} {
			b := compute(t, in, students)
			for _, figure := range []float64{b.Total(), b.Need.CPU, b.Need.Memory, b.Need.Connections, b.Need.Data} {
				if math.IsNaN(figure) || math.IsInf(figure, 0) {
					t.Errorf("%s=0, %.0f students: %.2f USD, the database needs %+v", name, students, b.Total(), b.Need)
				}
			}
		}
	}
}

func TestSmallSharesAreWritten(t *testing.T) {
	t.Parallel()
	for share, want := range map[float64]string{0: "0 %", 1.4e-7: "< 0.01 %", 0.0001: "0.01 %", 0.012: "1.2 %", 0.97: "97 %", 1: "100 %"} {
		if got := percent(share); got != want {
			t.Errorf("%g: got %s, want %s", share, got, want)
		}
	}
}

// TestUnknownFieldsAreRefused keeps a slip of the pen from being ignored.
func TestUnknownFieldsAreRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	copyFile := func(name string, change func(string) string) {
		content, err := os.ReadFile(filepath.Join("../../infrastructure", name))
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(change(string(content))), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	same := func(s string) string { return s }
	for _, name := range []string{"functions.json", "cost/prices.json", "cost/tiers.json"} {
		copyFile(name, same)
	}
	copyFile("cost/assumptions.json", func(s string) string { return strings.Replace(s, `"cpu_ms"`, `"cpu_msec"`, 1) })
	if _, err := readInputs(folder); err == nil || !strings.Contains(err.Error(), "cpu_msec") || !strings.Contains(err.Error(), "assumptions.json") {
		t.Errorf("got %v", err)
	}
}

// TestArguments looks at break-evens that move when what decides them does.
func TestArguments(t *testing.T) {
	t.Parallel()
	find := func(in *Inputs, title string) Argument {
		bills, err := computeAll(in)
		if err != nil {
			t.Fatal(err)
		}
		all, err := argue(in, bills)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range all {
			for _, row := range append(a.Rows, []string{a.Text}) {
				if text := strings.Join(row, " "); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") || strings.Contains(text, "%!") {
					t.Errorf("%s: %s", a.Title, text)
				}
			}
			if a.Title == title {
				return a
			}
		}
		t.Fatalf("nothing about %q", title)
		return Argument{}
	}
	in := inputs(t)
	number := func(text, pattern string) float64 {
		found := regexp.MustCompile(pattern).FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("%q isn't in %q", pattern, text)
		}
		n, err := strconv.ParseFloat(strings.ReplaceAll(found[1], ",", ""), 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	const pays = `from about ([\d,]+) students on`
	redis := number(find(in, "When Redis pays").Text, pays)
	half := in.with(func(in *Inputs) {
		p := in.Prices["redis.basic"]
		p.USD /= 2
		in.Prices["redis.basic"] = p
	})
	if cheaper := number(find(half, "When Redis pays").Text, pays); !close(cheaper, redis/2, redis/10) {
		t.Errorf("Redis at half its price pays from %.0f students on, at all of it from %.0f", cheaper, redis)
	}
	// A database that CPU decides can be smaller with Redis.
	busy := in.with(func(in *Inputs) {
		in.General["hot_share"], in.General["redis_database_share"], in.Pool = Value{Value: 0.0001}, Value{Value: 0.15}, 0.1
	})
	if text := find(busy, "When Redis pays").Text; !strings.Contains(text, "lets the database be a tier smaller with about") {
		t.Errorf("CPU decides: %s", text)
	}
	if text := find(in.with(func(in *Inputs) { in.Pool = 0 }), "When pooling pays").Text; !strings.Contains(text, "doesn't pay") {
		t.Errorf("no connections: %s", text)
	}
	if text := find(in.with(func(in *Inputs) { in.Pool = 10 }), "When pooling pays").Text; !strings.Contains(text, "It spares more than that") {
		t.Errorf("ten connections an instance: %s", text)
	}
	enough := in.with(func(in *Inputs) {
		for id, f := range in.Functions {
			f.MaxInstances = 1e6
			in.Functions[id] = f
		}
	})
	if a := find(enough, "Instances that are declared"); a.Rows != nil {
		t.Errorf("a million instances aren't enough: %v", a.Rows)
	}
	// What one at a time costs more is what the table below says.
	functions := find(in, "Calls that one instance serves at once")
	last := len(functions.Rows[0]) - 1
	cell := func(row int) float64 { return number(functions.Rows[row][last], `([\d,]+)`) }
	if got, want := number(functions.Text, `costs ([\d,]+) USD`), cell(1)-cell(2); !close(got, want, 1) {
		t.Errorf("one at a time costs %.0f USD more than 20 at once, by the table %.0f", got, want)
	}
	// Each tier carries more students than the one below it.
	carried := 0.0
	for _, row := range find(in, "Which database tier").Rows[1:] {
		carries, err := strconv.ParseFloat(strings.NewReplacer("more than ", "", "not even ", "-", ",", "").Replace(row[4]), 64)
		if err != nil || carries < carried {
			t.Errorf("%s carries %s students, a smaller one %.0f", row[0], row[4], carried)
		}
		carried = carries
	}
}

// TestChart measures the drawn bars.
func TestChart(t *testing.T) {
	t.Parallel()
	in := inputs(t)
	bills, err := computeAll(in)
	if err != nil {
		t.Fatal(err)
	}
	widths := map[string]float64{} // by the height at which a bar lies
	decoder := xml.NewDecoder(strings.NewReader(chart(bills).SVG()))
	for {
		token, err := decoder.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		element, ok := token.(xml.StartElement)
		if !ok || element.Name.Local != "rect" {
			continue
		}
		attributes := map[string]string{}
		for _, a := range element.Attr {
			attributes[a.Name.Local] = a.Value
		}
		if attributes["height"] == fmt.Sprintf("%.1f", float64(barHeight)) {
			width, err := strconv.ParseFloat(attributes["width"], 64)
			if err != nil {
				t.Fatal(err)
			}
			widths[attributes["y"]] += width
		}
	}
	if len(widths) != 2*len(bills)-1 { // no cents a student without students
		t.Fatalf("%d bars are drawn for %d bills", len(widths), len(bills))
	}
	full := 0
	for _, width := range slices.Collect(maps.Values(widths)) {
		if close(width, barWidth, 1) {
			full++
		} else if width > barWidth {
			t.Errorf("a bar is %.0f wide", width)
		}
	}
	if full != len(bills)+1 { // each bill's shares, and the dearest student
		t.Errorf("%d bars have the full width", full)
	}
}

func TestCommandWritesTheReport(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	var out strings.Builder
	if err := run([]string{"-infrastructure", "../../infrastructure", "-out", folder, "-students", "500, 0,20000", "-set", "peak_factor=4"}, &out); err != nil {
		t.Fatal(err)
	}
	if file := filepath.Join(folder, "cost.md"); !strings.Contains(out.String(), "report: "+file) {
		t.Errorf("it doesn't say that it wrote %s", file)
	}
	report, err := os.ReadFile(filepath.Join(folder, "cost.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| USD a month at … students | 0 | 500 | 20,000 |", "`peak_factor=4`", "## What this argues for", "| sql.ssd | 0.17 |", "**assumed**", "cost.svg"} {
		if !strings.Contains(string(report), want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	if _, err := os.Stat(filepath.Join(folder, "cost.svg")); err != nil {
		t.Error(err)
	}
}
