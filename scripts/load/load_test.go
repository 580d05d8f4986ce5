package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"aksio.app/scripts/internal/lockfile"
	"aksio.app/scripts/internal/schoolday"
	"aksio.app/shared/database/dbtest"
)

// TestThreeStudents plays the whole day in two seconds. Every step of the script
// has to go well: what it calls, and what the report says of it. It has the process's
// log for itself, so that it isn't parallel.
func TestThreeStudents(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	c := runConfig{
		schedule: scheduleConfig{day: always(schoolday.Day), students: 3, duration: 2 * time.Second, seed: 1},
		database: dbtest.URL(t), file: "../local/testdata/photosynthesis.md", dir: dir, out: &out,
	}
	m, err := run(t.Context(), c)
	if err != nil {
		t.Fatalf("%v\n%s", err, &out)
	}
	for _, s := range append(m.samples, m.extras...) {
		if s.failure != "" {
			t.Errorf("%s: %s", s.operation, s.failure)
		}
	}
	if len(m.skipped) > 0 || len(m.samples) != m.calls {
		t.Errorf("%d of %d calls were made, not %v", len(m.samples), m.calls, m.skipped)
	}
	if m.callers != 3 {
		t.Errorf("the limits saw students register from %d addresses, want 3", m.callers)
	}
	last := map[string]servedCall{}
	for _, s := range m.served {
		last[s.operation] = s
	}
	called := map[string]int{}
	for _, s := range m.samples {
		called[s.operation]++
	}
	for _, id := range schoolday.Operations(schoolday.Day) {
		s, ok := last[id]
		if !ok || s.trips == 0 || s.databaseMS <= 0 || s.ms < s.databaseMS {
			t.Errorf("%s says of a call that it was served with %+v", id, s)
		}
		if id != "process-document" && called[id] == 0 {
			t.Errorf("%s wasn't called", id)
		}
	}
	if most := slices.MaxFunc(m.connections, func(a, b connections) int { return a.open - b.open }); most.open == 0 {
		t.Errorf("no connection was seen in %d looks", len(m.connections))
	}

	d := m.report()
	if err := save(d, dir); err != nil {
		t.Fatal(err)
	}
	checkReport(t, dir, "flashcards-review", "distribution.svg", "latency.svg", "throughput.svg", "connections.svg")
}

// TestReport compares the report's figures with those of samples, computed by hand.
func TestReport(t *testing.T) {
	t.Parallel()
	m := &measured{
		config: runConfig{schedule: scheduleConfig{day: schoolday.Day, students: 5, duration: 9 * time.Second}},
		took:   10 * time.Second, calls: 104, callers: 5, pool: "20",
		record: &record{
			samples: []sample{{operation: "flashcards-review", at: time.Second, took: time.Millisecond, failure: "429 throttled"}},
			extras:  []sample{{operation: "answer begins", at: time.Second, took: 300 * time.Millisecond}},
			skipped: map[string]int{afterFailure: 3},
		},
		served: []servedCall{
			{operation: "courses-list", ms: 10, trips: 1, databaseMS: 4}, {operation: "courses-list", ms: 20, trips: 2, databaseMS: 8},
			{operation: "flashcards-review", ms: 30, trips: 2, databaseMS: 36},
		},
		connections: []connections{{at: time.Second, open: 7, active: 1}, {at: 2 * time.Second, open: 3, active: 2}},
	}
	for ms := range 100 {
		m.samples = append(m.samples, sample{operation: "courses-list", at: time.Second, late: 100 * time.Millisecond, took: time.Duration(ms+1) * time.Millisecond})
	}
	text := strings.Join(strings.Fields(m.report().Markdown()), " ")
	for _, want := range []string{
		"104 calls were planned, 101 were made, 1 of them failed; 3 weren't made. That is 10.1 calls a second.",
		"the limits saw 5 register from 5.",
		"| operation | calls | failed | a second | p50 | p95 | p99 | longest | p95 alone |",
		"| courses-list | 100 | 0 | 10.0 | 150 ms | 195 ms | 199 ms | 200 ms | 95 ms |",
		"| flashcards-review | 1 | 1 | 0.1 | – | – | – | – | – |",
		"| answer begins | 1 | 0 | 0.1 | 300 ms |",
		"| operation | status and code | calls | | --- | --- | ---: | | flashcards-review | 429 throttled | 1 |",
		"3 calls weren't made: " + afterFailure + ".",
		"| function | served | mean | round trips | database, mean | database, p95 | share of the database's time |",
		"| flashcards-review | 1 | 30 ms | 2.0 | 36 ms | 36 ms | 75 % | | courses-list | 2 | 15 ms | 1.5 | 6 ms | 8 ms | 25 % |",
		"at most 7 connections open, of 20 that the process may open; on the average 1.5 ran a statement (pg_stat_activity, 2 looks).",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report has no %q:\n%s", want, text)
		}
	}
}

// TestAReportKeepsItsWarnings when a later run fails, or is refused beside another one.
func TestAReportKeepsItsWarnings(t *testing.T) {
	dir := t.TempDir()
	kept := filepath.Join(dir, "warnings.log")
	if err := os.WriteFile(kept, []byte("of the report"), 0o644); err != nil {
		t.Fatal(err)
	}
	elsewhere := runConfig{database: "postgres://u@192.0.2.1:5432/x", file: "load_test.go", dir: dir, out: io.Discard}
	if err := runAndReport(t.Context(), elsewhere); err == nil || !strings.Contains(err.Error(), "isn't this machine") {
		t.Errorf("a run on another machine's database: got %v", err)
	}
	release, err := lockfile.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if err := runAndReport(t.Context(), elsewhere); err == nil || !strings.Contains(err.Error(), "another run in ") {
		t.Errorf("two runs at once: got %v", err)
	}
	if text, err := os.ReadFile(kept); string(text) != "of the report" {
		t.Errorf("its warnings are %q, %v", text, err)
	}
}

// TestFlagsAreChecked before anything is started.
func TestFlagsAreChecked(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ command, want string }{
		{"check", ""},
		{"check -students 7 -duration 2m", ""},
		{"check -students x", `STUDENTS is "x": write 1 to 100000`},
		{"check -students 0", `STUDENTS is "0": write 1 to 100000`},
		{"check -students 100001", `STUDENTS is "100001": write 1 to 100000`},
		{"check -students= -duration 15", "STUDENTS is \"\": write 1 to 100000\nDURATION is \"15\": write 1s to 12h"},
		{"run -duration 13h", `DURATION is "13h": write 1s to 12h`},
		{"simulate -students 10000001", `-students: "10000001": write whole numbers from 1 to 10000000, with commas between`},
	} {
		got := ""
		if err := command(t.Context(), strings.Fields(tc.command)); err != nil {
			got = err.Error()
		}
		if got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.command, got, tc.want)
		}
	}
}

// checkReport looks for the words and the plots in the report.
func checkReport(t *testing.T, dir string, want ...string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, "report.md"))
	if err != nil {
		t.Fatal(err)
	}
	html, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	plots := 0
	for _, w := range want {
		if !strings.Contains(string(text), w) {
			t.Errorf("the report has no %q", w)
		}
		if strings.HasSuffix(w, ".svg") {
			plots++
			if svg, err := os.ReadFile(filepath.Join(dir, w)); err != nil || !bytes.HasPrefix(bytes.TrimSpace(svg), []byte("<")) || !bytes.Contains(svg, []byte("</svg>")) {
				t.Errorf("%s: %v, %.40q", w, err, svg)
			}
		}
	}
	if got := strings.Count(string(html), "</svg>"); got != plots {
		t.Errorf("the page shows %d plots, want %d", got, plots)
	}
	for _, unwanted := range []string{"NaN", "%!", "Inf"} {
		if strings.Contains(string(text), unwanted) {
			t.Errorf("the report has a %q", unwanted)
		}
	}
}

// TestTheDayEndsInTime, also when nothing answers any more.
func TestTheDayEndsInTime(t *testing.T) {
	t.Parallel()
	silent := http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })}
	address := listen(t, &silent)
	s := studentAt(address)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	visits := schedule(scheduleConfig{day: always(schoolday.Day), students: 1, duration: time.Second, seed: 1})
	began := time.Now()
	r := play(ctx, []*student{s}, visits)
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v, want 0.3 s", took)
	}
	if len(r.samples) == 0 || r.samples[0].failure != "unfinished when the time was over" {
		t.Errorf("got %+v, want a first call that was never answered", r.samples)
	}
	calls := 0
	for _, planned := range visits {
		for _, a := range planned.activities {
			calls += len(a)
		}
	}
	unmade := 0
	for _, n := range r.skipped {
		unmade += n
	}
	if len(r.samples)+unmade != calls {
		t.Errorf("%d calls were made and %d left out, want %d in all", len(r.samples), unmade, calls)
	}
}

// TestASlowAnswerDelaysNobodyElse: one student is answered only when the other has
// had all answers, and a bit later. What then comes late counts from its time.
func TestASlowAnswerDelaysNobodyElse(t *testing.T) {
	t.Parallel()
	const later = 200 * time.Millisecond
	others := make(chan struct{}, 2)
	var first atomic.Bool
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Forwarded-For") != addressOf(0).String() {
			others <- struct{}{}
		} else if first.CompareAndSwap(false, true) {
			for range 2 {
				select {
				case <-others:
				case <-r.Context().Done():
					return
				}
			}
			time.Sleep(later)
		}
		io.WriteString(w, "{}")
	})}
	address := listen(t, &server)
	base := transport(10)
	t.Cleanup(base.CloseIdleConnections)
	students := []*student{studentAt(address), studentAt(address)}
	for i, s := range students {
		s.signedOut.HTTP = &http.Client{Transport: forwarded{addressOf(i), base}}
	}
	second := 50 * time.Millisecond
	browse := []activity{{{"courses-list", 0, false}, {"courses-get", second, false}}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r := play(ctx, students, []plannedVisit{{0, browse}, {1, browse}})
	if len(r.samples) != 4 {
		t.Fatalf("got %+v, want two calls of each student", r.samples)
	}
	var seen time.Duration
	for _, s := range r.samples {
		if s.failure != "" {
			t.Errorf("%s: %s", s.operation, s.failure)
		}
		if s.operation == "courses-get" {
			seen = max(seen, s.seen())
		}
	}
	if seen < later { // it was to be made before the pause began
		t.Errorf("the late call counts as %v, want at least %v", seen, later)
	}
}

func TestLoadGoesNowhereElse(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"127.0.0.1": true, "127.8.8.8": true, "::1": true, "::ffff:127.0.0.1": true, "localhost": true,
		"192.0.2.1": false, "0.0.0.0": false, "example.com": false, "localhost.example.com": false, "": false, "::": false,
	} {
		if err := loopback(host); (err == nil) != want {
			t.Errorf("%q: got %v, want that it is this machine: %t", host, err, want)
		}
	}
	for address, want := range map[string]bool{
		"postgres://u:p@127.0.0.1:5432/x": true, "postgres:///x?host=/run/postgresql": true, "postgres://u@localhost/x": true,
		"postgres://u:p@192.0.2.1:5432/x": false, "postgres://u@127.0.0.1/x?host=192.0.2.1": false, "postgres://u@db.example.com/x": false,
		"host=db.example.com user=u": false, "postgres://u@127.0.0.1,192.0.2.1/x": false,
	} {
		if err := ownDatabase(address); (err == nil) != want {
			t.Errorf("%s: got %v, want that it is this machine's: %t", address, err, want)
		}
	}
	if _, err := open(t.Context(), "postgres://u@192.0.2.1:5432/x", slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "isn't this machine") {
		t.Errorf("a run on another machine's database: got %v", err)
	}
	client := http.Client{Transport: transport(1)}
	_, err := client.Get("http://192.0.2.1/")
	if err == nil || !strings.Contains(err.Error(), "192.0.2.1 isn't this machine") {
		t.Errorf("a call of another machine: got %v", err)
	}
}

func TestAddressesDiffer(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for i := range mostStudents {
		address := addressOf(i).String()
		if seen[address] || !strings.HasPrefix(address, "198.18.") && !strings.HasPrefix(address, "198.19.") {
			t.Fatalf("student %d has %s", i, address)
		}
		seen[address] = true
	}
}

func TestSchedule(t *testing.T) {
	t.Parallel()
	c := scheduleConfig{day: schoolday.Day, students: 200, duration: time.Minute, seed: 3}
	visits := schedule(c)
	calls, latest := map[string]int{}, time.Duration(0)
	for _, planned := range visits {
		at := time.Duration(0)
		for _, a := range planned.activities {
			for _, s := range a {
				if s.at < at {
					t.Fatalf("%s comes before what is before it", s.operation)
				}
				at = s.at
				calls[s.operation]++
			}
		}
		latest = max(latest, at)
	}
	if latest > c.duration {
		t.Errorf("the last call is after %v, want it within %v", latest, c.duration)
	}
	if len(visits) != 180+120+100 {
		t.Errorf("got %d visits, want 400", len(visits))
	}
	for operation, want := range map[string]int{"accounts-login": 180, "accounts-refresh-token": 220, "flashcards-review": 180*8 + 100*12, "documents-create": 30} {
		if got := calls[operation]; got < want-1 || got > want+1 {
			t.Errorf("%s: got %d calls, want %d", operation, got, want)
		}
	}
	if again := schedule(c); !slices.EqualFunc(visits, again, func(a, b plannedVisit) bool {
		return a.student == b.student && a.activities[0][0] == b.activities[0][0]
	}) {
		t.Error("the same seed gives another schedule")
	}
}

func TestFailuresAreNamed(t *testing.T) {
	t.Parallel()
	server := http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, `{"code": "throttled", "detail": "Slow down."}`)
	})}
	s := studentAt(listen(t, &server))
	err := s.signedOut.Get(t.Context(), "/", nil)
	if got := failureOf(err); got != "429 throttled" {
		t.Errorf("got %q from %v", got, err)
	}
	if got := failureOf(errors.New("broken")); got != "no answer: broken" {
		t.Errorf("got %q", got)
	}
}

// TestSimulation reads the committed profile and the catalogue, and says what breaks. Another
// profile may say something else.
func TestSimulation(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	dir := t.TempDir()
	err := simulate(t.Context(), &out, simulateConfig{students: []int{1, 2_000, 100_000}, catalogue: "../../infrastructure/functions.json", dir: dir, seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, dir, "day-1.svg", "day-2000.svg", "day-100000.svg", "process-document", "## 1 student\n", "## 2,000 students\n", "## 100,000 students\n", "connections that all functions of the catalogue may open")
	said := strings.Join(strings.Fields(out.String()), " ")
	cold := regexp.MustCompile(`[1-9][\d,]* cold starts let [\d,]+ calls wait, 95 % of them for less than \d+\.\d s`)
	if got := len(cold.FindAllString(said, -1)); got != 3 {
		t.Errorf("it tells of cold starts at %d of 3 numbers of students: %s", got, &out)
	}
	verdict := regexp.MustCompile(`At 100,000 students the first thing to break is documents-generate, the places of its \d+ instances, at \d\d:\d\d, because .+; to serve them raise .+`)
	if !strings.Contains(said, "At 2,000 students nothing breaks") || !verdict.MatchString(said) {
		t.Errorf("it says %s", &out)
	}
}

// TestLongNamesFitTheirPlot, whichever font they are written in.
func TestLongNamesFitTheirPlot(t *testing.T) {
	t.Parallel()
	m := &measured{config: runConfig{schedule: scheduleConfig{day: schoolday.Day}}, record: &record{}}
	for _, operation := range []string{"documents-stream-events", "an-operation-with-a-name-that-is-longer"} {
		m.samples = append(m.samples, sample{operation: operation, took: time.Second})
		svg := m.plotDistribution().SVG()
		label := regexp.MustCompile(`<text x="([\d.]+)"[^>]* text-anchor="end"[^>]*>` + operation + `<`).FindStringSubmatch(svg)
		if label == nil {
			t.Fatalf("%s isn't in %s", operation, svg)
		}
		if room, err := strconv.ParseFloat(label[1], 64); err != nil || room < 6.2*float64(len(operation)) {
			t.Errorf("%s has room of %s points, want 6.2 a letter", operation, label[1])
		}
	}
}

// always returns the day as a student spends it who makes every visit and leaves
// nothing out.
func always(day []schoolday.Visit) []schoolday.Visit {
	all := make([]schoolday.Visit, len(day))
	for i, v := range day {
		v.Share = 1
		activities := make([]schoolday.Activity, len(v.Activities))
		for j, a := range v.Activities {
			a.Chance = 1
			activities[j] = a
		}
		v.Activities = activities
		all[i] = v
	}
	return all
}
