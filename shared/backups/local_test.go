package backups_test

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"aksio.app/shared/backups"
	"aksio.app/shared/database"
	"aksio.app/shared/database/dbtest"
)

// TestDumpAndDatabaseAgree backs up values of every type, with every character that
// means something to COPY or to a record. The backup compares both sides.
func TestDumpAndDatabaseAgree(t *testing.T) {
	t.Parallel()
	url := dbtest.URL(t)
	db, err := database.New(database.Config{URL: url, Pool: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if _, err := db.Exec(t.Context(), `
		CREATE TABLE "Odd, name" (id int PRIMARY KEY, "a (column)" text, b bytea, c float8, d timestamptz, e jsonb, f text[], g vector(3), h interval, i bool,
			j numeric, k inet, l date, m text GENERATED ALWAYS AS ('generated') STORED)`); err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	alphabet := []rune("ab \t\n\r\v\f\b\\\"'(){},.;NULL\\N\\.\x01\x1f\x7fé\u00a0\u0085日😀")
	for i := range 500 {
		text := func() *string {
			if random.IntN(8) == 0 {
				return nil
			}
			var s strings.Builder
			for range random.IntN(12) {
				s.WriteRune(alphabet[random.IntN(len(alphabet))])
			}
			value := s.String()
			return &value
		}
		if _, err := db.Exec(t.Context(), `
			INSERT INTO "Odd, name" VALUES ($1, $2, decode(md5($2), 'hex'), random() * 1e10, now() - random() * interval '9 years',
				jsonb_build_object('text', $2::text, 'list', $3::text[]), $3, '[0.1, -2, 3e-5]', random() * interval '99 days', random() < 0.5,
				random()::numeric, '10.0.0.1', current_date)`, i, text(), []*string{text(), text()}); err != nil {
			t.Fatal(err)
		}
	}
	for _, value := range []string{`\.`, `\N`, "", " ", "COPY public.users (id) FROM stdin;", "-- PostgreSQL database dump complete"} {
		if _, err := db.Exec(t.Context(), `INSERT INTO "Odd, name" (id, "a (column)") SELECT max(id) + 1, $1 FROM "Odd, name"`, value); err != nil {
			t.Fatal(err)
		}
	}
	m, err := backups.New(db, backups.NewLocal(backups.Config{Folder: t.TempDir(), URL: url})).Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := m.Tables[`"Odd, name"`].Rows; got != 506 {
		t.Errorf("%d rows, want 506", got)
	}
}

func TestReadRefusesWhatPgDumpDoesNotWrite(t *testing.T) {
	t.Parallel()
	const head, foot = "COPY public.t (a, b) FROM stdin;\n", "\\.\n\n-- PostgreSQL database dump complete\n"
	good, _, err := backups.ReadDump(strings.NewReader(head + "1\t2\n" + foot))
	if err != nil || good["t"].Rows != 1 {
		t.Fatalf("%v, %v", good, err)
	}
	for name, dump := range map[string]string{
		"nothing":          "",
		"no end":           head + "1\t2\n\\.\n",
		"broken off":       head + "1\t2\n",
		"within an escape": head + "1\\\n" + foot,
		"unknown escape":   head + "1\\q\t2\n" + foot,
		"binary":           "COPY public.t (a, b) WITH BINARY FROM stdin;\n" + foot,
		"a table twice":    head + "1\t2\n\\.\n" + head + "1\t2\n" + foot,
	} {
		if tables, _, err := backups.ReadDump(strings.NewReader(dump)); err == nil {
			t.Errorf("%s: read %v", name, tables)
		}
	}
	long := strings.Repeat("x", 3<<20)
	tables, _, err := backups.ReadDump(strings.NewReader(head + long + "\t2\n" + "1\t2\n" + foot))
	if err != nil || tables["t"].Rows != 2 {
		t.Errorf("a row longer than the reader's memory: %v, %v", tables, err)
	}
}

// TestDumpsNameOnlySoMuch, since what they name is held until their end.
func TestDumpsNameOnlySoMuch(t *testing.T) {
	t.Parallel()
	for name, line := range map[string]string{"tables": "COPY t%d (a) FROM stdin;\n\\.\n", "roles": "GRANT ALL ON t TO r%d;\n"} {
		for n, good := range map[int]bool{1_000: true, 1_001: false} {
			var dump strings.Builder
			for i := range n {
				fmt.Fprintf(&dump, line, i)
			}
			if _, _, err := backups.ReadDump(strings.NewReader(dump.String() + complete + "\n")); (err == nil) != good {
				t.Errorf("%d %s: %v", n, name, err)
			}
		}
	}
}

func TestBackupThatIsNotWholeLeavesNothing(t *testing.T) {
	t.Parallel()
	url, folder := dbtest.URL(t), t.TempDir()
	db, err := database.New(database.Config{URL: url, Pool: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	// pg_dump leaves out what another extension's configuration says; here a table
	// that was put into one by mistake.
	if _, err := db.Exec(t.Context(), `ALTER EXTENSION vector ADD TABLE courses`); err != nil {
		t.Fatal(err)
	}
	_, err = backups.New(db, backups.NewLocal(backups.Config{Folder: folder, URL: url})).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "courses") {
		t.Errorf("got %v, want it to say that courses is missing", err)
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
}

func TestReadNotesWhoMustBeThere(t *testing.T) {
	t.Parallel()
	_, roles, err := backups.ReadDump(strings.NewReader(`
ALTER TABLE public.users OWNER TO "migrations@p.iam";
ALTER FUNCTION public.f(a text) OWNER TO "with ""quotes""";
GRANT SELECT,INSERT ON TABLE public.users TO aksio_rows;
GRANT SELECT ON TABLE public.users TO aksio_rows;
GRANT ALL ON SCHEMA public TO keeper WITH GRANT OPTION;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
REVOKE USAGE ON SCHEMA public FROM former;
ALTER DEFAULT PRIVILEGES FOR ROLE "migrations@p.iam" IN SCHEMA public GRANT SELECT ON TABLES  TO reader;
ALTER SCHEMA public OWNER TO pg_database_owner;
GRANT cloudsqlsuperuser TO cloudsqladmin;
COPY public.notes (text) FROM stdin;
GRANT ALL ON everything TO mallory
\.
-- PostgreSQL database dump complete
`))
	want := []string{`"migrations@p.iam"`, `"with ""quotes"""`, "aksio_rows", "former", "keeper", "reader"}
	if err != nil || !slices.Equal(roles, want) {
		t.Errorf("got %q, %v, want %q", roles, err, want)
	}
}

// forgetful is an exporter whose backups lack a line.
type forgetful struct {
	*backups.Local
	without string
}

func (f forgetful) Dump(ctx context.Context, m backups.Manifest) (io.ReadCloser, error) {
	dump, err := f.Local.Dump(ctx, m)
	if err != nil {
		return nil, err
	}
	defer dump.Close()
	text, err := io.ReadAll(dump)
	return io.NopCloser(strings.NewReader(withoutRow(string(text), f.without))), err
}

func TestBackupIsComparedWithItsSnapshot(t *testing.T) {
	t.Parallel()
	url, folder := dbtest.URL(t), t.TempDir()
	db, err := database.New(database.Config{URL: url, Pool: 4})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	if _, err := db.Exec(t.Context(), `
		INSERT INTO users (id, username, email, password) VALUES (gen_random_uuid(), 'ada', 'ada@example.com', ''), (gen_random_uuid(), 'bob', 'bob@example.com', '')`); err != nil {
		t.Fatal(err)
	}
	local := backups.NewLocal(backups.Config{Folder: folder, URL: url})
	_, err = backups.New(db, forgetful{local, "bob@"}).Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "table users has 1 rows") {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(folder); len(left) != 0 {
		t.Errorf("%v are left", left)
	}
	if _, err := backups.New(db, local).Run(t.Context()); err != nil {
		t.Error(err)
	}
}
