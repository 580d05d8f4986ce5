package backup_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/backups"
	"aksio.app/shared/id"
)

func TestBackupCanBeRestored(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	app := apitest.New(t, "BACKUPS_DIR", folder)
	ada := app.User("ada")
	ada.Post("/api/v1/courses/", map[string]any{"name": "Topology"}).Want(http.StatusCreated)

	var manifest backups.Manifest
	app.Run("backup-database").Want(http.StatusOK).Into(&manifest)
	if manifest.Rows["courses"] != 1 || manifest.Rows["users"] != 1 || !manifest.Exact || manifest.Bytes == 0 || manifest.SchemaVersion == 0 {
		t.Fatalf("manifest %+v", manifest)
	}
	stored, err := os.ReadFile(manifest.Location + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var beside backups.Manifest
	if err := json.Unmarshal(stored, &beside); err != nil || beside.Checksum != manifest.Checksum {
		t.Errorf("the manifest beside it: %+v, %v", beside, err)
	}

	// Into a database that has nothing.
	restored := "restored_" + strings.ReplaceAll(id.New[backups.Manifest]().String(), "-", "")
	if _, err := app.DB.Exec(t.Context(), "CREATE DATABASE "+restored); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := app.DB.Exec(context.Background(), "DROP DATABASE "+restored+" WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(app.Settings["DATABASE_URL"])
	if err != nil {
		t.Fatal(err)
	}
	u.Path = "/" + restored
	binary := "pg_restore"
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_restore"); len(found) > 0 {
		binary = found[len(found)-1]
	}
	if output, err := exec.Command(binary, "--no-owner", "--exit-on-error", "--dbname="+u.String(), manifest.Location).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	db, err := pgx.Connect(t.Context(), u.String())
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	for table, want := range manifest.Rows {
		var got int64
		if err := db.QueryRow(t.Context(), "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()).Scan(&got); err != nil || got != want {
			t.Errorf("%s has %d rows after the restore, %d before (%v)", table, got, want, err)
		}
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
