package bundle_test

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"go/parser"
	"go/token"
	"io"
	"log"
	"mime/multipart"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	_ "aksio.app/functions/all"
	"aksio.app/scripts/internal/bundle"
	"aksio.app/scripts/internal/catalogue"
	"aksio.app/scripts/internal/coldstart"
	"aksio.app/scripts/internal/port"
	"aksio.app/shared/api"
	"aksio.app/shared/api/apitest"
	"aksio.app/shared/uploads"
)

const repository = "../../.."

// sources copies the functions' sources to a folder with another path: those of the areas,
// all if none is named.
func sources(t *testing.T, areas ...string) string {
	t.Helper()
	root := t.TempDir()
	for _, module := range []string{"functions", "shared"} {
		if err := os.CopyFS(filepath.Join(root, module), os.DirFS(filepath.Join(repository, module))); err != nil {
			t.Fatal(err)
		}
	}
	folders, err := filepath.Glob(filepath.Join(root, "functions", "*", "*", "function.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		area := filepath.Dir(filepath.Dir(folder))
		if len(areas) == 0 || slices.Contains(areas, filepath.Base(area)) {
			continue
		}
		if err := os.RemoveAll(area); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

// command is `go run ./scripts/bundle`, built, and without the race detector, with which
// what all functions link takes minutes to compress.
var command string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "bundle-")
	if err != nil {
		log.Fatal(err)
	}
	command = filepath.Join(folder, "bundle")
	if output, err := exec.Command("go", "build", "-o", command, "../../bundle").CombinedOutput(); err != nil {
		log.Fatalf("%v: %s", err, output)
	}
	status := m.Run()
	if err := os.RemoveAll(folder); err != nil {
		log.Print(err)
	}
	os.Exit(status)
}

// bundleAll runs the command on the sources at root. It returns the folder of bundles, and
// the functions whose bundles were written.
func bundleAll(t *testing.T, root string) (folder string, fresh []string) {
	t.Helper()
	bundling := exec.CommandContext(t.Context(), command)
	bundling.Dir = root
	output, err := bundling.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for _, word := range strings.Fields(string(output)) {
		if name, ok := strings.CutSuffix(word, ".zip"); ok {
			fresh = append(fresh, name[:strings.LastIndex(name, "-")])
		}
	}
	return filepath.Join(root, "build", "bundles"), fresh
}

// small is the function that links the least: its bundle is made in no time.
const small = "edge-router"

func build(t *testing.T, root, folder string, functions ...string) []bundle.Bundle {
	t.Helper()
	bundles, err := bundle.Build(t.Context(), root, folder, functions...)
	if err != nil {
		t.Fatal(err)
	}
	return bundles
}

// fresh returns the functions whose bundles were written.
func fresh(bundles []bundle.Bundle) (functions []string) {
	for _, b := range bundles {
		if b.Fresh {
			functions = append(functions, b.Function)
		}
	}
	return functions
}

func TestBundlesAreTheSameEverywhere(t *testing.T) {
	t.Parallel()
	here, functions := bundleAll(t, sources(t))
	there, _ := bundleAll(t, sources(t))
	if declared, err := catalogue.Folders(repository); err != nil || len(functions) != len(declared) {
		t.Errorf("%d bundles of %d functions, %v", len(functions), len(declared), err)
	}
	files, err := os.ReadDir(here)
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		one, err := os.ReadFile(filepath.Join(here, file.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if two, err := os.ReadFile(filepath.Join(there, file.Name())); err != nil || !bytes.Equal(one, two) {
			t.Errorf("%s isn't the same from another path: %v", file.Name(), err)
		}
	}
}

func TestOnlyWhatChangedIsBundledAgain(t *testing.T) {
	t.Parallel()
	root := sources(t, "courses", "quizzes", "quiz-attempts")
	folder, all := bundleAll(t, root)
	if _, again := bundleAll(t, root); len(again) != 0 {
		t.Errorf("bundled again without a change: %v", again)
	}
	touched := filepath.Join(root, "shared", "quizzes", "insert.go")
	source, err := os.ReadFile(touched)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(touched, append(source, "\n// touched\n"...), 0o644); err != nil {
		t.Fatal(err)
	}
	want := slices.DeleteFunc(slices.Clone(all), func(function string) bool { return !strings.HasPrefix(function, "quiz") })
	if _, changed := bundleAll(t, root); len(want) == 0 || !slices.Equal(changed, want) {
		t.Errorf("a change of quizzes bundles %v again, want those of quizzes and their attempts: %v", changed, want)
	}
	files, err := filepath.Glob(filepath.Join(folder, "*.zip"))
	if err != nil || len(files) != len(all) {
		t.Errorf("%d bundles of %d functions: the old ones are to go (%v)", len(files), len(all), err)
	}
	manifest, err := bundle.Manifest(folder)
	if err != nil || len(manifest) != len(all) {
		t.Errorf("the manifest names %d of %d functions: %v", len(manifest), len(all), err)
	}
}

// TestADamagedBundleIsMadeAnew, as one on a disk that was full, or that lost a block of it.
func TestADamagedBundleIsMadeAnew(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	file := filepath.Join(folder, build(t, repository, folder, small)[0].File)
	whole, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	holed := slices.Clone(whole)
	clear(holed[len(holed)/2:][:512])
	for name, damaged := range map[string][]byte{"cut off": whole[:1000], "with a hole": holed} {
		if err := os.WriteFile(file, damaged, 0o644); err != nil {
			t.Fatal(err)
		}
		if got := fresh(build(t, repository, folder, small)); len(got) != 1 {
			t.Errorf("%s: written anew are %v, want the damaged one", name, got)
		}
		if made, err := os.ReadFile(file); err != nil || !bytes.Equal(made, whole) {
			t.Errorf("%s: what is made anew isn't what it was: %v", name, err)
		}
	}
	if got := fresh(build(t, repository, folder, small)); len(got) != 0 {
		t.Errorf("written anew are %v, want none", got)
	}
}

func TestBundlesOfDeletedFunctionsGo(t *testing.T) {
	t.Parallel()
	root, folder := sources(t, "edge"), t.TempDir()
	old := filepath.Join(folder, "courses-old-1.zip")
	for file, content := range map[string]string{old: "", filepath.Join(folder, bundle.ManifestName): `{"courses-old": {"file": "courses-old-1.zip"}}`} {
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, tc := range []struct {
		built string
		named []string
		there bool
	}{{"one function", []string{small}, true}, {"all functions", nil, false}} {
		build(t, root, folder, tc.named...)
		manifest, err := bundle.Manifest(folder)
		if err != nil {
			t.Fatal(err)
		}
		_, named := manifest["courses-old"]
		if _, err := os.Stat(old); named != tc.there || (err == nil) != tc.there {
			t.Errorf("when %s was built, the deleted one is in the manifest: %t, and its bundle there: %v; want %t", tc.built, named, err, tc.there)
		}
	}
}

func TestUnknownFunction(t *testing.T) {
	t.Parallel()
	if _, err := bundle.Build(t.Context(), repository, t.TempDir(), "courses-crate"); err == nil || !strings.Contains(err.Error(), "courses-crate") {
		t.Errorf("got %v", err)
	}
}

// TestAnotherReleaseOfGoIsRefused: it picks other files, with which Google's builder, of the runtime's
// release, may fail.
func TestAnotherReleaseOfGoIsRefused(t *testing.T) {
	t.Parallel()
	root := sources(t, "edge")
	mod := filepath.Join(root, "functions", "go.mod")
	text, err := os.ReadFile(mod)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(mod, regexp.MustCompile(`(?m)^go .+$`).ReplaceAll(text, []byte("go 1.21.0")), 0o644); err != nil {
		t.Fatal(err)
	}
	bundling := exec.CommandContext(t.Context(), command)
	bundling.Dir = root
	output, err := bundling.CombinedOutput()
	if want := "bundle: bundles are made by Go 1.21, "; err == nil || !bytes.HasPrefix(output, []byte(want)) || bytes.Count(output, []byte("\n")) != 1 {
		t.Errorf("it ends with %v and says %q, want one line that begins with %q", err, output, want)
	}
	if made, err := filepath.Glob(filepath.Join(root, "build", "bundles", "*")); err != nil || len(made) != 0 {
		t.Errorf("it made %v (%v)", made, err)
	}
}

// TestBundlesRun compiles every bundle as the buildpack does, and links, starts and calls some of them.
func TestBundlesRun(t *testing.T) {
	t.Parallel()
	folder, functions := bundleAll(t, sources(t))
	bundles, err := bundle.Manifest(folder)
	if err != nil || len(bundles) != len(functions) {
		t.Fatalf("the manifest names %d of %d functions: %v", len(bundles), len(functions), err)
	}
	for function, b := range bundles {
		t.Run(function, func(t *testing.T) {
			t.Parallel()
			root := unpack(t, filepath.Join(folder, b.File))
			call := calls[function]
			if call == nil { // linking takes three times as long
				run(t, root, "build", ".", runner)
				return
			}
			program := buildpack(t, root)
			app := apitest.New(t)
			call(t, app, start(t, program, function, app.Settings), b)
		})
	}
	for function := range calls {
		if bundles[function].File == "" {
			t.Errorf("there is no bundle of %s to call", function)
		}
	}
}

// calls try functions' programs, which listen at the address.
var calls = map[string]func(t *testing.T, app *apitest.App, url string, b bundle.Bundle){
	"courses-list": func(t *testing.T, app *apitest.App, url string, b bundle.Bundle) {
		if status, body := get(t, url+"/api/v1/courses/", app.Token(app.User("ada").ID)); status != http.StatusOK || !json.Valid(body) {
			t.Errorf("it answers %d %s", status, body)
		}
		stranger, err := http.Get(url + "/api/v1/courses/")
		if err != nil {
			t.Fatal(err)
		}
		stranger.Body.Close()
		if version := stranger.Header.Get("Aksio-Version"); stranger.StatusCode != http.StatusUnauthorized || len(version) != 16 || version != b.Version() {
			t.Errorf("%s answers %d to a stranger, as version %q", b.File, stranger.StatusCode, version)
		}
	},
	"accounts-get-keys": func(t *testing.T, _ *apitest.App, url string, _ bundle.Bundle) {
		if status, body := get(t, url+"/.well-known/jwks.json", ""); status != http.StatusOK || !bytes.Contains(body, []byte("Ed25519")) {
			t.Errorf("it answers %d %s", status, body)
		}
	},
	"process-document": func(t *testing.T, app *apitest.App, url string, _ bundle.Bundle) {
		ada := app.User("ada")
		document, object := uploaded(t, app, ada)
		r, err := object.Push(t.Context(), url+"/internal/process-document/", "1")
		if err != nil {
			t.Fatal(err)
		}
		if status, body := do(t, r); status != http.StatusOK {
			t.Errorf("it answers %d %s", status, body)
		}
		if state := ada.Get(document).Want(http.StatusOK).Map()["processing_status"]; state != "completed" {
			t.Errorf("it was told of a document, which is %v then", state)
		}
	},
	"edge-router": func(t *testing.T, _ *apitest.App, url string, _ bundle.Bundle) { // it knows the paths from a file that it embeds
		for path, want := range map[string]int{"/api/v1/nowhere/": http.StatusNotFound, "/.well-known/jwks.json": http.StatusMethodNotAllowed} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, url+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if status, body := do(t, r); status != want {
				t.Errorf("it answers %d to DELETE %s, want %d: %s", status, path, want, body)
			}
		}
	},
	"run-migrations": func(t *testing.T, _ *apitest.App, url string, _ bundle.Bundle) { // it embeds them: the database has them all
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/internal/run-migrations/", nil)
		if err != nil {
			t.Fatal(err)
		}
		if status, body := do(t, r); status != http.StatusOK || !bytes.Contains(body, []byte(`"applied":[]`)) {
			t.Errorf("it answers %d %s", status, body)
		}
	},
}

// unpack looks at a bundle as Google's Go buildpack does, and returns where it lies.
func unpack(t *testing.T, file string) (root string) {
	t.Helper()
	root = t.TempDir()
	content, err := zip.OpenReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	if err := os.CopyFS(root, content); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "vendor", runner)); err != nil {
		t.Fatal(err)
	}
	// A higher patch isn't sure to be the runtime's: Google says only which release it is.
	want := "1." + match(t, repository+"/infrastructure/functions.tf", `runtime += "go1(\d+)"`)
	if got := match(t, filepath.Join(root, "go.mod"), `(?m)^go (.+)$`); got != want && got != want+".0" {
		t.Errorf("the bundle, as functions/go.mod, asks for Go %s, want %s.0, which every patch of the runtime is enough for", got, want)
	}
	if imports := imported(t, root); !slices.Contains(imports, framework) {
		t.Fatalf("the root imports %q, not %s: the buildpack then writes a main that calls a function of the root by its name", imports, framework)
	}
	return root
}

// buildpack writes a main into an unpacked bundle and returns what it builds of both, without
// a network or a module cache.
func buildpack(t *testing.T, root string) (program string) {
	t.Helper()
	module := strings.TrimSpace(run(t, root, "list", "-m"))
	if strings.Contains(module, "\n") || !strings.Contains(strings.Split(module, "/")[0], ".") {
		t.Fatalf("go list -m says %q: the buildpack imports it", module)
	}
	app := filepath.Join(root, "functions.local", "app")
	if err := os.MkdirAll(app, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(app, "main.go"), coldstart.Main(fmt.Sprintf("\nimport _ %q\n", module)), 0o644); err != nil {
		t.Fatal(err)
	}
	program = filepath.Join(root, "main")
	run(t, root, "build", "-o", program, "./functions.local/app")
	return program
}

// What functions are declared with, and what the buildpack's main starts them by.
const (
	framework = "github.com/GoogleCloudPlatform/functions-framework-go/functions"
	runner    = "github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
)

// imported returns what the one package in the folder imports, as the buildpack reads it.
func imported(t *testing.T, folder string) (paths []string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	packages := map[string]bool{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		packages[file.Name.Name] = true
		for _, spec := range file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			paths = append(paths, path)
		}
	}
	if len(packages) != 1 {
		t.Fatalf("the root is %d packages, want one", len(packages))
	}
	return paths
}

// match returns what the expression's group finds in the file.
func match(t *testing.T, file, expression string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(expression).FindSubmatch(text)
	if found == nil {
		t.Fatalf("%s isn't in %s", expression, file)
	}
	return string(found[1])
}

// run carries out a go command without a network, a workspace or a module cache: no setting of
// the machine may open a way to another toolchain, proxy or repository.
// Paths are trimmed so that what bundles have in common is compiled once.
func run(t *testing.T, folder string, args ...string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", args...)
	command.Dir = folder
	command.Env = append(os.Environ(), "GOENV=off", "GOWORK=off", "GOFLAGS=-trimpath", "GOMODCACHE="+t.TempDir(),
		"GOTOOLCHAIN=local", "GOPROXY=off", "GOPRIVATE=", "GONOPROXY=", "GOSUMDB=off", "GOVCS=*:off")
	output, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v: %s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

// start runs the program as the platform does and returns its address.
func start(t *testing.T, program, function string, settings map[string]string) string {
	t.Helper()
	free, err := port.Free(0)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", free)
	ctx, stop := context.WithCancel(context.Background())
	command := exec.CommandContext(ctx, program)
	var log bytes.Buffer
	command.Stdout, command.Stderr = &log, &log
	command.Env = append(os.Environ(), "FUNCTION_TARGET="+function, fmt.Sprintf("PORT=%d", free))
	for name, value := range settings {
		command.Env = append(command.Env, name+"="+value)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() { stop(); <-ended })
	deadline := time.After(time.Minute)
	for {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			return "http://" + address
		}
		select {
		case err := <-ended:
			ended <- err
			t.Fatalf("%s ended: %v: %s", function, err, log.String())
		case <-deadline:
			t.Fatalf("%s doesn't listen", function)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// uploaded returns the address of a document that a student uploaded, and its file.
func uploaded(t *testing.T, app *apitest.App, student *apitest.Client) (string, api.Object) {
	t.Helper()
	course := student.Post("/api/v1/courses/", map[string]any{"name": "Topology"}).Want(http.StatusCreated).ID()
	var form bytes.Buffer
	w := multipart.NewWriter(&form)
	part, err := w.CreateFormFile("file", "lecture.txt")
	if err != nil {
		t.Fatal(err)
	}
	part.Write([]byte("A space is compact if every open cover has a finite subcover. Closed intervals of real numbers are compact."))
	w.Close()
	documents := "/api/v1/courses/" + course + "/documents/"
	document := student.Do(http.MethodPost, documents+"upload/", form.Bytes(), "Content-Type", w.FormDataContentType()).
		Want(http.StatusCreated).Map()["document_id"].(string)
	bucket := uploads.New(uploads.Config{Bucket: app.Settings["UPLOADS_BUCKET"], Emulator: app.Settings["STORAGE_EMULATOR_HOST"]})
	attrs, err := bucket.Attrs(t.Context(), "documents/"+document)
	if err != nil {
		t.Fatal(err)
	}
	return documents + document + "/", api.Object{
		Bucket: app.Settings["UPLOADS_BUCKET"], Name: attrs.Name, Generation: attrs.Generation, Size: attrs.Size, ContentType: attrs.ContentType,
	}
}

func get(t *testing.T, url, token string) (int, []byte) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (int, []byte) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, body
}
