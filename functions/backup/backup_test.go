package backup_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/backups"
	"aksio.app/shared/id"
)

func TestBackupIsVerifiedAndItsManifestKept(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	app := apitest.New(t, "BACKUPS_DIR", folder)
	app.User("ada").Post("/api/v1/courses/", map[string]any{"name": "Topology"}).Want(http.StatusCreated)

	var manifest backups.Manifest
	app.Run("backup-database").Want(http.StatusOK).Into(&manifest)
	if manifest.Tables["courses"].Rows != 1 || manifest.Tables["users"].Rows != 1 || manifest.Witness != backups.Snapshot ||
		manifest.Bytes == 0 || manifest.Schema.Version == 0 || len(manifest.Schema.Checksum) != 32 {
		t.Fatalf("manifest %+v", manifest)
	}
	stored, err := os.ReadFile(manifest.Location + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var beside backups.Manifest
	if err := json.Unmarshal(stored, &beside); err != nil || beside.Checksum != manifest.Checksum || beside.Tables["users"] != manifest.Tables["users"] {
		t.Errorf("the manifest beside it: %+v, %v", beside, err)
	}
	if noted := text(t, app, `SELECT location || ' ' || row_count FROM backups`); noted != fmt.Sprintf("%s %d", manifest.Location, manifest.Rows()) {
		t.Errorf("noted %s", noted)
	}
}

// text returns the one value that the query finds.
func text(t *testing.T, app *apitest.App, sql string) (value string) {
	t.Helper()
	if err := app.DB.QueryRow(t.Context(), sql).Scan(&value); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return value
}

const scratches = `SELECT count(*)::text FROM pg_database WHERE shobj_description(oid, 'pg_database') = 'restore drill of ' || current_database()`

func TestDrillRestoresTheNewestBackup(t *testing.T) {
	t.Parallel()
	app := apitest.New(t, "BACKUPS_DIR", t.TempDir())
	ada := app.User("ada")
	ada.Post("/api/v1/courses/", map[string]any{"name": "Topology"}).Want(http.StatusCreated)
	var manifest backups.Manifest
	app.Run("backup-database").Want(http.StatusOK).Into(&manifest)
	ada.Post("/api/v1/courses/", map[string]any{"name": "Algebra"}).Want(http.StatusCreated) // which the backup hasn't

	drill := app.Run("backup-restore-drill").Want(http.StatusOK).Map()
	if drill["state"] != "passed" || drill["backup"] != manifest.Location || drill["rows"] != float64(manifest.Rows()) || drill["tables"] != float64(len(manifest.Tables)) {
		t.Errorf("drill %v", drill)
	}
	if drill["started_at"].(string) > drill["restored_at"].(string) || drill["restored_at"].(string) > drill["finished_at"].(string) {
		t.Errorf("times of %v", drill)
	}
	if left := text(t, app, scratches); left != "0" {
		t.Errorf("%s scratch databases are left", left)
	}
	if again := app.Run("backup-restore-drill").Want(http.StatusOK).Map(); again["started_at"] != drill["started_at"] {
		t.Errorf("called again on the same day: %v", again)
	}
	if health := app.Anonymous().Get("/api/health/").Want(http.StatusOK).Map(); health["status"] != "healthy" {
		t.Errorf("health %v", health)
	}
}

// TestDrillFailsAndRemovesItsScratch swaps the dump for one that holds less than its
// manifest says.
func TestDrillFailsAndRemovesItsScratch(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string // of the pg_dump of the false one
		want string
	}{
		"rows are lost":     {[]string{"--exclude-table-data=courses", "--exclude-table-data=backups"}, "Table courses was restored with 0 rows"},
		"a table is lost":   {[]string{"--exclude-table=model_usage"}, "The restored schema"},
		"all rows are lost": {[]string{"--schema-only"}, "The restored schema is version 0"},
		"it isn't a dump":   {nil, "can't be restored"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := apitest.New(t, "BACKUPS_DIR", t.TempDir())
			app.User("ada").Post("/api/v1/courses/", map[string]any{"name": "Topology"}).Want(http.StatusCreated)
			var manifest backups.Manifest
			app.Run("backup-database").Want(http.StatusOK).Into(&manifest)
			if tc.args == nil {
				if err := os.WriteFile(manifest.Location, []byte("nothing"), 0o600); err != nil {
					t.Fatal(err)
				}
			} else {
				dump(t, app, manifest.Location, tc.args...)
			}

			app.Run("backup-restore-drill").Want(http.StatusInternalServerError)
			if failure := text(t, app, `SELECT state || ': ' || failure FROM restore_drills`); !strings.Contains(failure, "failed: ") || !strings.Contains(failure, tc.want) {
				t.Errorf("noted %q, want %q", failure, tc.want)
			}
			if left := text(t, app, scratches); left != "0" {
				t.Errorf("%s scratch databases are left", left)
			}
			if last := app.Run("backup-restore-drill").Want(http.StatusOK).Map(); last["state"] != "failed" || !strings.Contains(last["failure"].(string), tc.want) {
				t.Errorf("asked again: %v", last)
			}
			health := app.Anonymous().Get("/api/health/").Want(http.StatusOK).Map()
			if backups := health["checks"].(map[string]any)["backups"].(map[string]any); backups["healthy"] != false || health["status"] != "degraded" {
				t.Errorf("health %v", health)
			}
		})
	}
}

// dump writes the database of the app to the file, as the arguments say.
func dump(t *testing.T, app *apitest.App, file string, args ...string) {
	t.Helper()
	binary := "pg_dump"
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump"); len(found) > 0 {
		binary = found[len(found)-1]
	}
	args = append([]string{"--format=custom", "--file=" + file, "--dbname=" + app.Settings["DATABASE_URL"]}, args...)
	if output, err := exec.Command(binary, args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
}

// TestAKilledDrillIsFinishedByTheNextCall leaves what a killed process leaves: a drill
// under way whose scratch is half filled, and another scratch of which nobody knows.
func TestAKilledDrillIsFinishedByTheNextCall(t *testing.T) {
	t.Parallel()
	app := apitest.New(t, "BACKUPS_DIR", t.TempDir())
	app.Run("backup-database").Want(http.StatusOK)
	app.Run("backup-restore-drill").Want(http.StatusOK)
	half := "half_" + strings.ReplaceAll(id.New[backups.Drill]().String(), "-", "")
	for _, sql := range []string{
		`CREATE DATABASE ` + half,
		`COMMENT ON DATABASE ` + half + ` IS 'restore drill of ` + text(t, app, `SELECT current_database()`) + `'`,
		`UPDATE restore_drills SET state = 'running', step = 'restore', scratch = '` + half + `', row_count = 0, compared = '',
			restored_at = NULL, finished_at = NULL, lease_until = now() + interval '1 min'`,
	} {
		if _, err := app.DB.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	if drill := app.Run("backup-restore-drill").Want(http.StatusOK).Map(); drill["state"] != "running" || drill["step"] != "restore" {
		t.Errorf("while the dead call's lease lasts: %v; want it to be left alone", drill)
	}
	if _, err := app.DB.Exec(t.Context(), `UPDATE restore_drills SET lease_until = now() - interval '1 s'`); err != nil {
		t.Fatal(err)
	}
	if drill := app.Run("backup-restore-drill").Want(http.StatusOK).Map(); drill["state"] != "passed" || drill["scratch"] != half {
		t.Errorf("gone on with: %v", drill)
	}
	if left := text(t, app, scratches); left != "0" {
		t.Errorf("%s scratch databases are left", left)
	}
}

func TestDrillsTakeTurns(t *testing.T) {
	t.Parallel()
	app := apitest.New(t, "BACKUPS_DIR", t.TempDir())
	app.Run("backup-database").Want(http.StatusOK)
	var calls sync.WaitGroup
	for range 4 {
		calls.Go(func() { app.With().Run("backup-restore-drill").Want(http.StatusOK) })
	}
	calls.Wait()
	if states := text(t, app, `SELECT string_agg(state, ' ') FROM restore_drills`); states != "passed" {
		t.Errorf("drills that came of calls at the same time: %s", states)
	}
	if left := text(t, app, scratches); left != "0" {
		t.Errorf("%s scratch databases are left", left)
	}
}

func TestDrillWithoutABackupFails(t *testing.T) {
	t.Parallel()
	app := apitest.New(t, "BACKUPS_DIR", t.TempDir())
	app.Run("backup-restore-drill").Want(http.StatusInternalServerError)
	if failure := text(t, app, `SELECT failure FROM restore_drills`); failure != "There is no verified backup." {
		t.Errorf("noted %q", failure)
	}
}

func TestWhatBackupsWantShowsInHealth(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		sql     string
		healthy bool
	}{
		"not yet backed up":           {`SELECT`, true},
		"never backed up":             {`UPDATE users SET created_at = now() - interval '27 hours'`, false},
		"a backup of last night":      {`INSERT INTO backups VALUES (gen_random_uuid(), 'x', 1, 1, now(), now() - interval '25 hours')`, true},
		"none since the night before": {`INSERT INTO backups VALUES (gen_random_uuid(), 'x', 1, 1, now(), now() - interval '27 hours')`, false},
		"never drilled":               {`INSERT INTO backups SELECT gen_random_uuid(), 'x', 1, 1, now(), now() - n * interval '36 days' FROM generate_series(0, 1) n`, false},
		"drilled lately": {`INSERT INTO backups SELECT gen_random_uuid(), 'x', 1, 1, now(), now() - n * interval '36 days' FROM generate_series(0, 1) n;
			INSERT INTO restore_drills (id, state, scratch, manifest, lease_until, started_at) VALUES (gen_random_uuid(), 'passed', 'x', '{}', now(), now() - interval '34 days')`, true},
		"a drill failed after one passed": {`INSERT INTO restore_drills (id, state, scratch, manifest, lease_until, started_at)
			VALUES (gen_random_uuid(), 'passed', 'x', '{}', now(), now() - interval '2 days'), (gen_random_uuid(), 'failed', 'x', '{}', now(), now() - interval '1 day')`, false},
		"a drill passed after one failed": {`INSERT INTO restore_drills (id, state, scratch, manifest, lease_until, started_at)
			VALUES (gen_random_uuid(), 'failed', 'x', '{}', now(), now() - interval '2 days'), (gen_random_uuid(), 'passed', 'x', '{}', now(), now() - interval '1 day')`, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			app := apitest.New(t)
			app.User("ada")
			if _, err := app.DB.Exec(t.Context(), tc.sql); err != nil {
				t.Fatal(err)
			}
			health := app.Anonymous().Get("/api/health/").Want(http.StatusOK).Map()
			want := map[bool]string{true: "healthy", false: "degraded"}[tc.healthy]
			if backups := health["checks"].(map[string]any)["backups"].(map[string]any); backups["healthy"] != tc.healthy || health["status"] != want {
				t.Errorf("health %v", health)
			}
		})
	}
}

func TestOneBackupAtATime(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	app := apitest.New(t, "BACKUPS_DIR", folder)
	another, err := app.DB.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := another.Exec(t.Context(), `SELECT pg_advisory_xact_lock(7260919004)`); err != nil {
		t.Fatal(err)
	}
	app.Run("backup-database").Want(http.StatusConflict)
	if files, _ := filepath.Glob(filepath.Join(folder, "*")); len(files) != 0 {
		t.Errorf("%v are left by a backup that wasn't made", files)
	}
	if err := another.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	app.Run("backup-database").Want(http.StatusOK)
}

func TestBackupKeepsTheNewest(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"aksio-20200101T020000Z", "aksio-20200102T020000Z"} {
		for i := range 8 {
			for _, ending := range []string{".dump", ".dump.json"} {
				if err := os.WriteFile(filepath.Join(folder, strings.Replace(name, "2020", "201"+string(rune('0'+i)), 1)+ending), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	apitest.New(t, "BACKUPS_DIR", folder).Run("backup-database").Want(http.StatusOK)
	left, _ := filepath.Glob(filepath.Join(folder, "*.dump"))
	if len(left) != 14 || filepath.Base(left[0]) != "aksio-20110102T020000Z.dump" {
		t.Errorf("%d are left, from %s", len(left), left[0])
	}
}
