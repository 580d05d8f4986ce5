package backups_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"aksio.app/shared/backups"
	"aksio.app/shared/fault"
)

func TestCloudExport(t *testing.T) {
	t.Parallel()
	t.Run("waits and verifies", func(t *testing.T) {
		t.Parallel()
		g := newGoogle(t)
		g.slow = 3
		m, err := g.store().Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if m.Bytes == 0 || len(m.Checksum) != len("crc32c:yZRlqg==") || m.Witness != "bounds" || !strings.HasPrefix(m.Location, "gs://"+g.config.Bucket+"/database/aksio-") {
			t.Errorf("manifest %+v", m)
		}
		if got := m.Tables["users"]; got.Rows != 20 || len(got.Checksum) != 16 || m.Schema.Version == 0 {
			t.Errorf("users: %+v in %+v", got, m.Schema)
		}
		if _, ok := m.Tables["rate_limits"]; ok {
			t.Error("the manifest vouches for an unlogged table, whose rows an export needn't have")
		}
		var location string
		var rows int64
		if err := g.db.QueryRow(t.Context(), `SELECT location, row_count FROM backups`).Scan(&location, &rows); err != nil || location != m.Location || rows != m.Rows() {
			t.Errorf("noted %s with %d rows, %v", location, rows, err)
		}
	})
	t.Run("the database is written to meanwhile", func(t *testing.T) {
		t.Parallel()
		g := newGoogle(t)
		g.during = func(kind string) {
			g.sql(`DELETE FROM users WHERE username IN ('user1', 'user2')`)
			g.sql(`INSERT INTO users (id, username, email, password) VALUES (gen_random_uuid(), 'late', 'late@example.com', '')`)
			g.sql(`SELECT pg_stat_force_next_flush()`)
		}
		m, err := g.store().Run(t.Context())
		if err != nil || m.Tables["users"].Rows != 19 {
			t.Errorf("%d users, %v", m.Tables["users"].Rows, err)
		}
	})
	for name, tc := range map[string]struct {
		spoil func(dump string) string
		fail  string
		want  string
	}{
		"operation fails":    {fail: "no permission", want: "no permission"},
		"nothing is written": {spoil: func(string) string { return "" }, want: "breaks off"},
		"it breaks off":      {spoil: func(dump string) string { return dump[:strings.Index(dump, "user7@")] }, want: "unexpected EOF"},
		"its end is missing": {spoil: func(dump string) string { return strings.Replace(dump, "database dump complete", "", 1) }, want: "breaks off"},
		"a table is missing": {spoil: func(dump string) string { return withoutTable(dump, "courses") }, want: "lacks table courses"},
		"rows are missing":   {spoil: func(dump string) string { return withoutRow(dump, "user7@") }, want: "table users has 19 rows; the database had 20 to 20"},
		"rows come twice": {spoil: func(dump string) string {
			row := rowOf(dump, "user7@")
			return strings.Replace(dump, row, row+row, 1)
		}, want: "table users has 21 rows"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGoogle(t)
			if tc.spoil != nil {
				g.spoil = tc.spoil
			}
			if tc.fail != "" {
				g.fail["EXPORT"] = tc.fail
			}
			if _, err := g.store().Run(t.Context()); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want %q", err, tc.want)
			}
			if _, err := g.lab().Newest(t.Context()); fault.KindOf(err) != fault.NotFound {
				t.Errorf("a backup that isn't good is taken for one: %v", err)
			}
		})
	}
	t.Run("the schema changes meanwhile", func(t *testing.T) {
		t.Parallel()
		g := newGoogle(t)
		g.during = func(string) { g.sql(`CREATE INDEX meanwhile ON users (timezone)`) }
		if _, err := g.store().Run(t.Context()); err == nil || !strings.Contains(err.Error(), "schema changed") {
			t.Errorf("got %v", err)
		}
	})
	t.Run("instance is busy", func(t *testing.T) {
		t.Parallel()
		g := newGoogle(t)
		g.refuse["POST /export"] = http.StatusConflict
		if _, err := g.store().Run(t.Context()); fault.KindOf(err) != fault.Unavailable {
			t.Errorf("got %v, want Unavailable", err)
		}
	})
}

// rowOf returns the first line that has the text.
func rowOf(dump, text string) string {
	start := strings.LastIndexByte(dump[:strings.Index(dump, text)], '\n') + 1
	end := start + strings.IndexByte(dump[start:], '\n') + 1
	return dump[start:end]
}

func withoutRow(dump, text string) string { return strings.Replace(dump, rowOf(dump, text), "", 1) }

// withoutTable leaves out what a table holds.
func withoutTable(dump, table string) string {
	start := strings.Index(dump, "COPY public."+table+" ")
	end := start + strings.Index(dump[start:], "\n\\.\n") + len("\n\\.\n")
	return dump[:start] + dump[end:]
}

// TestChangedManifestsAreNotBelieved: whoever writes to the bucket could have a drill run
// SQL of theirs, or restore something else.
func TestChangedManifestsAreNotBelieved(t *testing.T) {
	t.Parallel()
	g := newGoogle(t)
	m := backUp(t, g)
	bucket, object, _ := strings.Cut(strings.TrimPrefix(m.Location, "gs://"), "/")
	for name, change := range map[string]func(m *backups.Manifest){
		"SQL behind a role": func(m *backups.Manifest) { m.Roles = []string{`x; DROP ROLE y`} },
		"another object":    func(m *backups.Manifest) { m.Location = strings.Replace(m.Location, "/aksio-", "/other-", 1) },
		"endless":           func(m *backups.Manifest) { m.ServerVersion = strings.Repeat("1", 1<<20) },
	} {
		changed := m
		change(&changed)
		text, err := json.Marshal(changed)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.Post(g.emulator+"/upload/storage/v1/b/"+bucket+"/o?uploadType=media&name="+url.QueryEscape(object+".json"), "application/json", bytes.NewReader(text))
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if got, err := g.lab().Newest(t.Context()); resp.StatusCode != http.StatusOK || err == nil {
			t.Errorf("%s: stored with %s, and taken for the manifest of %s", name, resp.Status, got.Location)
		}
	}
}
