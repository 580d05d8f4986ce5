package all_test

import (
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"aksio.app/shared/ai"
	"aksio.app/shared/api"
	"aksio.app/shared/backups"
	"aksio.app/shared/database"
	"aksio.app/shared/database/migrations"
	"aksio.app/shared/limits/counter"
	"aksio.app/shared/live"
	"aksio.app/shared/router"
	"aksio.app/shared/secrets"
	"aksio.app/shared/uploads"
)

// sdks are the packages that talk to each resource. Types without a connection,
// such as pgtype, aren't among them.
var sdks = map[api.Resource][]string{
	database.Resource: {
		"github.com/jackc/pgx/v5/pgxpool", "cloud.google.com/go/cloudsqlconn",
		"cloud.google.com/go/monitoring", "cloud.google.com/go/sql", "google.golang.org/api/sqladmin/v1beta4", // of the connector
	},
	uploads.Resource:    {"cloud.google.com/go/storage"},
	live.Resource:       {"cloud.google.com/go/firestore"},
	secrets.Resource:    {"cloud.google.com/go/secretmanager"},
	ai.Resource:         {"github.com/sashabaranov/go-openai"},
	migrations.Resource: {"github.com/pressly/goose/v3"},
	counter.Resource:    {"github.com/redis/go-redis/v9"},
	router.Resource:     {"cloud.google.com/go/auth/credentials/idtoken"},
	// The connector of database has another version of sqladmin.
	backups.Resource: {"google.golang.org/api/sqladmin/v1", "cloud.google.com/go/storage"},
	backups.Drills:   {"google.golang.org/api/sqladmin/v1", "cloud.google.com/go/storage"},
}

// plumbing is what Google's SDKs have in common, and what storage brings along.
var plumbing = []string{
	"cloud.google.com/go/auth", "cloud.google.com/go/compute/metadata", "cloud.google.com/go/functions/metadata",
	"cloud.google.com/go/iam", "cloud.google.com/go/internal", "cloud.google.com/go/longrunning/autogen/longrunningpb",
	"google.golang.org/api/googleapi", "google.golang.org/api/iamcredentials/v1", "google.golang.org/api/internal",
	"google.golang.org/api/iterator", "google.golang.org/api/option", "google.golang.org/api/storage/v1",
	"google.golang.org/api/support/bundler", "google.golang.org/api/transport",
}

// readers are the functions that read files; no resource stands for PDFium.
var readers = []string{"process-document", "run-redrive"}

// TestNoFunctionLinksWhatItDoesntDeclare keeps functions small: what is linked
// takes time to load at every start of an instance.
func TestNoFunctionLinksWhatItDoesntDeclare(t *testing.T) {
	t.Parallel()
	output, err := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}}{{range .Deps}} {{.}}{{end}}", "aksio.app/functions/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	links := map[string][]string{}
	for line := range strings.Lines(string(output)) {
		packages := strings.Fields(line)
		id := strings.ReplaceAll(strings.TrimPrefix(packages[0], "aksio.app/functions/"), "/", "-")
		links[id] = packages
	}
	known := slices.Concat(append(slices.Collect(maps.Values(sdks)), plumbing)...)
	for _, d := range api.Declared() {
		if len(links[d.ID]) == 0 {
			t.Errorf("%s: its package isn't where its id says", d.ID)
		}
		var declared []string
		for _, need := range d.Needs {
			if sdks[need] == nil {
				t.Errorf("%s needs %s: say in sdks which packages that are", d.ID, need)
			}
			declared = append(declared, sdks[need]...)
		}
		for resource, packages := range sdks {
			packages = slices.DeleteFunc(slices.Clone(packages), func(p string) bool { return slices.Contains(declared, p) })
			if linked := firstOf(packages, links[d.ID]); linked != "" {
				t.Errorf("%s links %s without declaring %s", d.ID, linked, resource)
			}
		}
		others := slices.DeleteFunc(slices.Clone(links[d.ID]), func(p string) bool { return firstOf(known, []string{p}) != "" })
		if linked := firstOf([]string{"cloud.google.com/go", "google.golang.org/api"}, others); linked != "" {
			t.Errorf("%s links %s: say in sdks which resource that is of", d.ID, linked)
		}
		if linked := firstOf([]string{"github.com/klippa-app/go-pdfium", "github.com/tetratelabs/wazero"}, links[d.ID]); linked != "" && !slices.Contains(readers, d.ID) {
			t.Errorf("%s links %s and reads no files", d.ID, linked)
		}
	}
}

// TestDomainsDoNotKnowThatTheyAreServed keeps them usable by commands and tests.
func TestDomainsDoNotKnowThatTheyAreServed(t *testing.T) {
	t.Parallel()
	arguments := []string{"list", "-f", "{{.ImportPath}}{{range .Imports}} {{.}}{{end}}"}
	for _, domain := range []string{"accounts", "assessments", "courses", "documents", "flashcards", "quizzes", "retrieval", "tutor"} {
		arguments = append(arguments, "aksio.app/shared/"+domain+"/...")
	}
	output, err := exec.CommandContext(t.Context(), "go", arguments...).Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(output)) {
		packages := strings.Fields(line)
		for _, served := range []string{"aksio.app/shared/api", "net/http"} {
			if slices.Contains(packages[1:], served) {
				t.Errorf("%s imports %s", packages[0], served)
			}
		}
	}
}

// firstOf returns the first of the linked packages that is one of those or below one.
func firstOf(packages, linked []string) string {
	at := slices.IndexFunc(linked, func(l string) bool {
		return slices.ContainsFunc(packages, func(p string) bool { return l == p || strings.HasPrefix(l, p+"/") })
	})
	if at < 0 {
		return ""
	}
	return linked[at]
}
