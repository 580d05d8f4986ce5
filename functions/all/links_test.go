package all_test

import (
	"maps"
	"os"
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

// sdks are the packages that talk to each resource, and what these bring along. Types without a
// connection, such as pgtype, aren't among them.
var sdks = map[api.Resource][]string{
	database.Resource: {
		"github.com/jackc/pgx/v5/pgxpool", "github.com/jackc/pgx/v5/pgconn", "cloud.google.com/go/cloudsqlconn",
		"cloud.google.com/go/monitoring", "cloud.google.com/go/sql", "google.golang.org/api/sqladmin/v1beta4", // of the connector
		"github.com/GoogleCloudPlatform/opentelemetry-operations-go/exporter/metric", "github.com/GoogleCloudPlatform/opentelemetry-operations-go/internal",
		"github.com/golang/groupcache", "go.opencensus.io",
		"github.com/jackc/pgpassfile", "github.com/jackc/pgservicefile", "github.com/jackc/puddle/v2", "github.com/pgvector/pgvector-go",
	},
	uploads.Resource:    storage,
	live.Resource:       {"cloud.google.com/go/firestore", "cloud.google.com/go/longrunning", "google.golang.org/api/support/bundler"},
	secrets.Resource:    {"cloud.google.com/go/secretmanager", "cloud.google.com/go/iam"},
	ai.Resource:         {"github.com/sashabaranov/go-openai"},
	migrations.Resource: {"github.com/pressly/goose/v3", "github.com/mfridman/interpolate", "github.com/sethvargo/go-retry"},
	counter.Resource:    {"github.com/redis/go-redis/v9"},
	router.Resource:     {"cloud.google.com/go/auth/credentials/idtoken"},
	// The connector of database has another version of sqladmin.
	backups.Resource: append([]string{"google.golang.org/api/sqladmin/v1"}, storage...),
	backups.Drills:   append([]string{"google.golang.org/api/sqladmin/v1"}, storage...),
}

var storage = []string{
	"cloud.google.com/go/storage", "google.golang.org/api/storage/v1", "google.golang.org/api/iamcredentials/v1", "cloud.google.com/go/iam",
	"cel.dev/expr", "github.com/GoogleCloudPlatform/opentelemetry-operations-go/detectors/gcp", "github.com/cncf/xds/go",
	"github.com/envoyproxy", "github.com/go-jose/go-jose/v4", "github.com/spiffe/go-spiffe/v2",
}

// plumbing is what Google's SDKs have in common.
var plumbing = []string{
	"cloud.google.com/go/auth", "cloud.google.com/go/compute/metadata", "cloud.google.com/go/internal",
	"github.com/cespare/xxhash/v2", "github.com/felixge/httpsnoop", "github.com/go-logr", "github.com/google/s2a-go",
	"github.com/googleapis", "go.opentelemetry.io", "google.golang.org/api/googleapi", "google.golang.org/api/internal",
	"google.golang.org/api/iterator", "google.golang.org/api/option", "google.golang.org/api/transport",
	"google.golang.org/genproto", "google.golang.org/grpc", "google.golang.org/protobuf",
}

// common is what every function may link: api, with the functions framework.
var common = []string{
	"aksio.app",
	"cloud.google.com/go/functions/metadata", "github.com/GoogleCloudPlatform/functions-framework-go", "github.com/caarlos0/env/v11",
	"github.com/cloudevents/sdk-go/v2", "github.com/danielgtaylor/huma/v2", "github.com/golang-jwt/jwt/v5", "github.com/google/uuid",
	"github.com/jackc/pgx/v5", "github.com/json-iterator/go", "github.com/modern-go",
	"go.uber.org", "golang.org/x",
}

// readers are the functions that read files, and reading is what that takes: no resource stands for PDFium.
var (
	readers = []string{"process-document", "run-redrive"}
	reading = []string{
		"github.com/klippa-app/go-pdfium", "github.com/tetratelabs/wazero", "github.com/jolestar/go-commons-pool/v2",
		"codeberg.org/readeck/go-readability/v2", "github.com/andybalholm/cascadia", "github.com/gabriel-vasile/mimetype",
		"github.com/go-shiori/dom", "github.com/gogs/chardet", "github.com/itlightning/dateparse",
	}
)

// TestNoFunctionLinksWhatItDoesntDeclare keeps functions small: what is linked
// takes time to load at every start of an instance.
func TestNoFunctionLinksWhatItDoesntDeclare(t *testing.T) {
	t.Parallel()
	list := exec.CommandContext(t.Context(), "go", "list", "-f", "{{.ImportPath}}{{range .Deps}} {{.}}{{end}}", "aksio.app/functions/...")
	list.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64") // as where functions run
	output, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	links := map[string][]string{}
	for line := range strings.Lines(string(output)) {
		packages := strings.Fields(line)
		id := strings.ReplaceAll(strings.TrimPrefix(packages[0], "aksio.app/functions/"), "/", "-")
		links[id] = packages
	}
	known := slices.Concat(slices.Collect(maps.Values(sdks))...)
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
		explained := slices.Concat(known, common)
		if firstOf([]string{"cloud.google.com/go", "google.golang.org/api"}, declared) != "" {
			explained = append(explained, plumbing...)
		}
		if slices.Contains(readers, d.ID) {
			explained = append(explained, reading...)
		}
		strange := slices.DeleteFunc(slices.Clone(links[d.ID]), func(p string) bool {
			host, _, _ := strings.Cut(p, "/")
			standard := !strings.Contains(host, ".")
			return standard || firstOf(explained, []string{p}) != ""
		})
		if len(strange) > 0 {
			t.Errorf("%s links %s, which nothing that it declares brings: say in sdks what does", d.ID, strange[0])
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

// firstOf returns a linked package that is one of those or below one, of the first of them that has any.
func firstOf(packages, linked []string) string {
	for _, p := range packages {
		if at := slices.IndexFunc(linked, func(l string) bool { return l == p || strings.HasPrefix(l, p+"/") }); at >= 0 {
			return linked[at]
		}
	}
	return ""
}
