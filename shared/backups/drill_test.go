package backups_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	sqladmin "google.golang.org/api/sqladmin/v1"

	"aksio.app/shared/backups"
	"aksio.app/shared/fault"
)

// backUp makes a good backup.
func backUp(t *testing.T, g *google) backups.Manifest {
	t.Helper()
	m, err := g.store().Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// noScratch fails the test if anything of a drill is left.
func noScratch(t *testing.T, g *google) {
	t.Helper()
	if left := g.scratches(); len(left) != 0 {
		t.Errorf("scratch instances %v are left", left)
	}
	resp, err := http.Get(g.emulator + "/storage/v1/b/" + g.config.DrillBucket + "/o")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var list struct{ Items []any }
	decodeBody(t, resp, &list)
	if len(list.Items) != 0 {
		t.Errorf("copies are left: %v", list.Items)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if bindings, _ := g.policies[g.config.DrillBucket]["bindings"].([]any); len(bindings) != 0 {
		t.Errorf("grants are left: %v", bindings)
	}
}

func TestDrillRestoresAndCompares(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	g.slow = 2
	m := backUp(t, g)
	g.sql(`DELETE FROM users WHERE username = 'user3'`) // which the backup has
	drill, err := g.driller().Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if drill.State != backups.Passed || drill.Manifest.Location != m.Location || drill.Rows != m.Rows() || drill.Restored == nil || drill.Finished == nil {
		t.Errorf("drill %+v", drill)
	}
	noScratch(t, g)

	again, err := g.driller().Run(t.Context())
	if err != nil || again.ID != drill.ID {
		t.Errorf("called again on the same day: drill %s, %v; want the one that passed", again.ID, err)
	}
	g.sql(`UPDATE restore_drills SET started_at = now() - interval '21 hours'`)
	if again, err = g.driller().Run(t.Context()); err != nil || again.ID == drill.ID || again.State != backups.Passed {
		t.Errorf("called a day later: %+v, %v", again, err)
	}
}

// TestDrillScratchIsLikeTheOriginal looks at what was asked of Cloud SQL.
func TestDrillScratchIsLikeTheOriginal(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	g.config.DrillTier = "db-custom-1-3840"
	backUp(t, g)
	var made sqladmin.DatabaseInstance
	g.during = func(kind string) {
		if kind == "CREATE" {
			for name, i := range g.instances {
				if strings.Contains(name, "-drill-") {
					made = *i.DatabaseInstance
				}
			}
		}
	}
	if _, err := g.driller().Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := made.Settings
	if s.Tier != "db-custom-1-3840" || s.Edition != "ENTERPRISE" || s.AvailabilityType != "ZONAL" || s.DataDiskSizeGb != 50 || s.DeletionProtectionEnabled ||
		s.ConnectorEnforcement != "REQUIRED" || s.IpConfiguration.Ipv4Enabled || s.IpConfiguration.PrivateNetwork == "" || len(s.DatabaseFlags) != 1 || made.DatabaseVersion != "POSTGRES_15" || made.Region != "europe-west1" {
		t.Errorf("made %+v with %+v", made, s)
	}
	original := strings.Split(g.config.Instance, ":")[2]
	if s.UserLabels["restore-drill-of"] != original || len(made.Name) > 98 {
		t.Errorf("%s has the labels %v", made.Name, s.UserLabels)
	}
}

func TestDrillFails(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil   func(dump string) string // after it was verified
		prepare func(g *google)
		want    string
	}{
		"a table's rows are lost":       {spoil: func(dump string) string { return withoutTable(dump, "user_streaks") }, want: "Table user_streaks was restored with 0 rows"},
		"a row is lost":                 {spoil: func(dump string) string { return strings.Replace(dump, streak(dump), "", 1) }, want: "Table user_streaks was restored with 19 rows"},
		"a value differs":               {spoil: func(dump string) string { return strings.Replace(dump, "user7@example", "user7@elsewhere", 1) }, want: "Table users was restored with 20 rows and checksum"},
		"an index is lost":              {spoil: func(dump string) string { return withoutRow(dump, "CREATE INDEX refresh_tokens_user") }, want: "The restored schema"},
		"a table is lost":               {spoil: withoutUsage, want: "The restored schema"},
		"it can't be read as SQL":       {spoil: func(dump string) string { return dump + "garbage;\n" }, want: "import"},
		"the bucket is closed for good": {prepare: func(g *google) { g.fail["IMPORT"] = "disk full" }, want: "disk full"},
		"a statement is refused":        {prepare: func(g *google) { g.fail["IMPORT"] = "permission denied for schema public" }, want: "permission denied for schema"},
		"no instance can be made":       {prepare: func(g *google) { g.fail["CREATE"] = "quota" }, want: "quota"},
		"the backup is old": {prepare: func(g *google) {
			rewriteManifest(g, func(m *backups.Manifest) { m.Finished = m.Finished.Add(-49 * time.Hour) })
		}, want: "newest verified backup is of"},
		"the manifest is empty": {prepare: func(g *google) { rewriteManifest(g, func(m *backups.Manifest) { m.Tables = nil }) }, want: "names no table"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t)
			original := ""
			g.spoil = func(dump string) string { original = dump; return dump }
			m := backUp(t, g)
			if tc.spoil != nil {
				if err := g.upload(m.Location, tc.spoil(original)); err != nil {
					t.Fatal(err)
				}
			}
			if tc.prepare != nil {
				tc.prepare(g)
			}
			drill, err := g.driller().Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.want) || drill.State != backups.Failed {
				t.Errorf("got %v of drill %s, want %q", err, drill.State, tc.want)
			}
			noScratch(t, g)
			if again, err := g.driller().Run(t.Context()); err != nil || again.ID != drill.ID || !strings.Contains(again.Failure, tc.want) {
				t.Errorf("called again: %+v, %v; want the failure to be known", again, err)
			}
		})
	}
	t.Run("there is no backup", func(t *testing.T) {
		t.Parallel()
		g := newGoogle(t)
		if drill, err := g.driller().Run(t.Context()); err == nil || drill.Failure != "There is no verified backup." || drill.State != backups.Failed {
			t.Errorf("drill %+v, %v", drill, err)
		}
	})
}

// streak returns a row of user_streaks.
func streak(dump string) string {
	_, rows, _ := strings.Cut(dump[strings.Index(dump, "COPY public.user_streaks "):], "\n")
	row, _, _ := strings.Cut(rows, "\n")
	return row + "\n"
}

// withoutUsage leaves out a table and everything that is about it.
func withoutUsage(dump string) string {
	dump = withoutTable(dump, "model_usage")
	start := strings.Index(dump, "CREATE TABLE public.model_usage ")
	end := start + strings.Index(dump[start:], ");\n") + len(");\n")
	dump = dump[:start] + dump[end:]
	var kept []string
	for _, statement := range strings.SplitAfter(dump, ";\n") {
		if !strings.Contains(statement, "public.model_usage") {
			kept = append(kept, statement)
		}
	}
	return strings.Join(kept, "")
}

func TestDrillWaitsForItsGrant(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	backUp(t, g)
	denied := 0
	g.during = func(kind string) {
		if kind == "IMPORT" && denied < 2 {
			denied++
			g.policies[g.config.DrillBucket] = map[string]any{} // nothing is known of it yet
		}
	}
	drill, err := g.driller().Run(t.Context())
	if err != nil || drill.State != backups.Passed || denied != 2 {
		t.Errorf("drill %+v, %v", drill, err)
	}
	noScratch(t, g)
}

// TestDrillIsResumed breaks the drill off at each operation of Cloud SQL, as a killed
// process does: nothing of it runs on, and its lease isn't given back.
func TestDrillIsResumed(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"CREATE", "CREATE_USER", "UPDATE_USER", "IMPORT", "DELETE"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t)
			g.slow = 2
			backUp(t, g)
			ctx, kill := context.WithCancel(t.Context())
			g.during = func(began string) {
				if began == kind {
					kill()
				}
			}
			first, err := g.driller().Run(ctx)
			if err == nil || first.State != backups.Running {
				t.Fatalf("broken off: %+v, %v", first, err)
			}
			g.during = func(string) {}

			g.sql(`UPDATE restore_drills SET lease_until = now() + interval '1 min'`)
			busy, err := g.driller().Run(t.Context())
			if err != nil || busy.State != backups.Running {
				t.Errorf("while the dead call's lease lasts: %+v, %v; want it to be left alone", busy, err)
			}
			g.sql(`UPDATE restore_drills SET lease_until = now() - interval '1 s'`)
			drill, err := g.driller().Run(t.Context())
			if err != nil || drill.State != backups.Passed || drill.ID != first.ID || drill.Rows != drill.Manifest.Rows() {
				t.Errorf("gone on with: %+v, %v", drill, err)
			}
			noScratch(t, g)
			made := 0
			for _, asked := range g.asked {
				if asked == "POST /v1/projects/p/instances" {
					made++
				}
			}
			if made != 1 {
				t.Errorf("%d instances were made for one drill", made)
			}
		})
	}
}

func TestDrillEndsItsCallInTime(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	g.slow = 1_000_000
	g.store()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second) // less than it keeps in reserve
	defer cancel()
	g.slow = 0
	backUp(t, g)
	g.slow = 1_000_000
	drill, err := g.driller().Run(ctx)
	if err != nil || drill.State != backups.Running {
		t.Errorf("got %+v, %v; want it to be left for the next call", drill, err)
	}
	g.slow = 0
	if drill, err = g.driller().Run(t.Context()); err != nil || drill.State != backups.Passed {
		t.Errorf("the next call: %+v, %v", drill, err)
	}
}

func TestDrillsTakeTurns(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	g.slow = 1
	backUp(t, g)
	var calls sync.WaitGroup
	var mu sync.Mutex
	drills := map[string]int{}
	for range 5 {
		calls.Go(func() {
			drill, err := g.driller().Run(t.Context())
			if err != nil {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			drills[drill.ID.String()]++
		})
	}
	calls.Wait()
	if len(drills) != 1 {
		t.Errorf("%d drills came of calls at the same time: %v", len(drills), drills)
	}
	noScratch(t, g)
}

func TestWhatADrillLeftIsRemoved(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	backUp(t, g)
	original := strings.Split(g.config.Instance, ":")[2]
	for name, labels := range map[string]map[string]string{
		"left-behind": {"restore-drill-of": original}, "another-environments": {"restore-drill-of": "staging"}, "a-colleagues": nil,
	} {
		g.instances[name] = &instance{DatabaseInstance: &sqladmin.DatabaseInstance{Name: name, State: "RUNNABLE", Settings: &sqladmin.Settings{UserLabels: labels}}}
	}
	if drill, err := g.driller().Run(t.Context()); err != nil || drill.State != backups.Passed {
		t.Fatalf("%+v, %v", drill, err)
	}
	g.look("left-behind")
	left := g.scratches()
	if len(left) != 2 || strings.Contains(strings.Join(left, " "), "left-behind") {
		t.Errorf("%v are left, want what isn't ours", left)
	}
}

func TestDrillGoesOnAfterRefusals(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	backUp(t, g)
	for _, refusal := range []struct {
		what   string
		status int
		kind   fault.Kind
	}{
		{"POST /instances", http.StatusServiceUnavailable, fault.Unavailable},
		{"POST /instances", http.StatusForbidden, fault.Internal},
		{"GET /users", http.StatusTooManyRequests, fault.Unavailable},
		{"POST /import", http.StatusConflict, fault.Unavailable},
	} {
		g.refuse[refusal.what] = refusal.status
		drill, err := g.driller().Run(t.Context())
		if err == nil || drill.State != backups.Running || fault.KindOf(err) != refusal.kind {
			t.Fatalf("%s refused: %+v, %v", refusal.what, drill, err)
		}
	}
	drill, err := g.driller().Run(t.Context())
	if err != nil || drill.State != backups.Passed {
		t.Errorf("%+v, %v", drill, err)
	}
	noScratch(t, g)
}

// TestDrillIsRepeatedWithANewerBackup is for who mended what made a drill fail.
func TestDrillIsRepeatedWithANewerBackup(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	backUp(t, g)
	g.fail["IMPORT"] = "disk full"
	failed, err := g.driller().Run(t.Context())
	if err == nil {
		t.Fatal("the drill passed")
	}
	delete(g.fail, "IMPORT")
	if same, err := g.driller().Run(t.Context()); err != nil || same.ID != failed.ID {
		t.Errorf("with the same backup: %+v, %v; want the drill that failed", same, err)
	}
	time.Sleep(time.Second) // names of backups have seconds
	m := backUp(t, g)
	if repeated, err := g.driller().Run(t.Context()); err != nil || repeated.State != backups.Passed || repeated.Manifest.Location != m.Location {
		t.Errorf("with a newer backup: %+v, %v", repeated, err)
	}
}

func TestDrillGivesUpInTheEnd(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	backUp(t, g)
	g.refuse["POST /import"] = http.StatusServiceUnavailable
	if _, err := g.driller().Run(t.Context()); err == nil || errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	g.sql(`UPDATE restore_drills SET started_at = now() - interval '11 hours'`)
	drill, err := g.driller().Run(t.Context())
	if err == nil || drill.State != backups.Failed || !strings.Contains(drill.Failure, "step restore") {
		t.Errorf("%+v, %v", drill, err)
	}
	noScratch(t, g)
}
