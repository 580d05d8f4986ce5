package backups_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aksio.app/shared/backups"
)

const complete = "-- PostgreSQL database dump complete"

// identifier is what SQL takes for one name, and for nothing more.
var identifier = regexp.MustCompile(`^("([^"]|"")+"|[a-z_][a-z0-9_$]*)$`)

// FuzzDump reads whatever stands where a dump is to be. One is good only if it says that it
// is complete, and what it names can be written into SQL.
func FuzzDump(f *testing.F) {
	const head, foot = "COPY public.t (a, b) FROM stdin;\n", "\\.\n\n" + complete + "\n"
	for _, dump := range []string{
		"", foot, complete, head + "1\t2\n\\N\t\\N\n" + foot, head + "1\\t\\\\\\.\t\"(,)\n" + foot, head + "\xff\x00\r\t\n\n" + foot, head + "1\\", head + complete + "\n", head + foot + head + foot,
		"COPY  (a) FROM stdin;\n" + foot, "COPY public. (a) FROM stdin;\n" + foot, "COPY \"a (b\" (a) FROM stdin;\n" + foot, "COPY a (b) FROM stdin;\nCOPY b (c) FROM stdin;\n" + foot,
		`ALTER TABLE x OWNER TO "a""; DROP ROLE ""b";` + "\nGRANT ALL ON x TO \"\n\";\nREVOKE x FROM FROM;\nGRANT a TO b$$c;\nSET SESSION AUTHORIZATION 'x';\n" + foot,
		"GRANT x TO " + strings.Repeat("a", 400) + ";\n" + foot, "COPY " + strings.Repeat("a", 400) + " (a) FROM stdin;\n" + foot,
	} {
		f.Add([]byte(dump))
	}
	f.Fuzz(func(t *testing.T, dump []byte) {
		tables, roles, err := backups.ReadDump(bytes.NewReader(dump))
		if err != nil {
			return
		}
		end := bytes.Index(dump, []byte(complete))
		if end < 0 {
			t.Fatalf("%q is taken for a whole dump", dump)
		}
		if cut, _, err := backups.ReadDump(bytes.NewReader(dump[:end])); err == nil {
			t.Errorf("cut off before it says that it is complete, %q is taken for a whole dump of %v", dump, cut)
		}
		rows := int64(0)
		for name, table := range tables {
			rows += table.Rows
			if len(name) > 300 || len(table.Checksum) != 16 {
				t.Errorf("table %q with %+v", name, table)
			}
		}
		if rows > int64(bytes.Count(dump, []byte("\n"))) {
			t.Errorf("%d rows in %q", rows, dump)
		}
		if !slices.IsSorted(roles) || slices.ContainsFunc(roles, func(role string) bool { return len(role) > 300 || !identifier.MatchString(role) }) {
			t.Errorf("the roles %q", roles)
		}
	})
}

// FuzzManifest reads whatever stands where a manifest is to be. Of a good one, the roles can
// be written into SQL, and it comes back as it is stored.
func FuzzManifest(f *testing.F) {
	good, err := json.Marshal(backups.Manifest{Location: "gs://b/database/aksio-20261128T020000Z.sql.gz", Roles: []string{`"a@p.iam"`, "b"}, Tables: map[string]backups.Table{"users": {Rows: 1, Checksum: "0123456789abcdef"}}})
	if err != nil {
		f.Fatal(err)
	}
	for _, manifest := range []string{
		string(good), string(good) + "{}", string(good[:len(good)-1]), `{"location":"` + strings.Repeat("x", 1<<20) + `"}`, "[]", "null", "", "\xff", `{"roles":["x; DROP ROLE y"]}`, `{"roles":["\"x\"; DROP ROLE \"y\""]}`,
		`{"roles":["x\n"]}`, `{"roles":[""]}`, `{"roles":["\"x"]}`, `{"roles":["a$$b"]}`, `{"tables":{"users":{"rows":1e30}}}`, `{"tables":{"\u0000":{"rows":-1}}}`, `{"started_at":"9999-12-31T23:59:59+23:59"}`, `{"bytes":-1,"BYTES":2}`,
	} {
		f.Add([]byte(manifest))
	}
	f.Fuzz(func(t *testing.T, manifest []byte) {
		m, err := backups.ReadManifest(bytes.NewReader(manifest))
		if err != nil {
			return
		}
		if len(manifest) > 1<<20 {
			t.Errorf("%d bytes are read", len(manifest))
		}
		if slices.ContainsFunc(m.Roles, func(role string) bool { return !identifier.MatchString(role) }) {
			t.Errorf("the roles %q", m.Roles)
		}
		stored, err := json.Marshal(m)
		if err != nil {
			t.Fatalf("%q is taken, but can't be stored: %v", manifest, err)
		}
		if again, err := backups.ReadManifest(bytes.NewReader(stored)); err != nil || !reflect.DeepEqual(again, m) {
			t.Errorf("%+v is stored as %+v, %v", m, again, err)
		}
	})
}
