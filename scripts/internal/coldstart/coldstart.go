// Package coldstart starts functions as deployed ones start: each as a process of
// its own, built from the main that the buildpack writes. What that main imports is the
// repository's package, with the versions that a bundle gets, and not the bundle.
package coldstart

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"aksio.app/scripts/internal/catalogue"
	"aksio.app/scripts/internal/port"
)

// hello is the least that is a function.
const hello = `
import (
	"fmt"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
)

func init() {
	functions.HTTP("hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
}
`

// Main is what the buildpack writes around a function: around more imports and what
// follows them.
func Main(rest string) []byte {
	return fmt.Appendf(nil, `package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
)
%s
func main() {
	if err := funcframework.Start(os.Getenv("PORT")); err != nil {
		log.Fatal(err)
	}
}
`, rest)
}

// Programs builds functions into a folder, the last one over the one before it.
type Programs struct {
	dir      string
	settings []string
}

// New returns what builds into the folder. Programs get this process's environment
// and these settings; those that a function demands at its start and that aren't
// given are made up: nothing is called before the first answer.
func New(dir string, settings map[string]string) *Programs {
	p := &Programs{dir: dir, settings: os.Environ()}
	for _, all := range []map[string]string{
		{
			"LIVE_STORE": "memory", "UPLOADS_BUCKET": "uploads", "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1", "BACKUPS_DIR": dir,
			"ROUTER_TARGET": "http://{function}.invalid",
			"GOGC":          "400", "GOMEMLIMIT": "230MiB", // as deployed with 256 MiB: no collection before the first answer
		},
		settings,
	} {
		for name, value := range all {
			p.settings = append(p.settings, name+"="+value)
		}
	}
	return p
}

// Program is a function that can be started.
type Program struct {
	function, path string
	settings       []string
}

// Hello builds the least that is a function.
func (p *Programs) Hello(ctx context.Context) (Program, error) {
	return p.build(ctx, "hello", "hello", hello)
}

// LinkedHello builds the same with what reaches PostgreSQL on Cloud SQL. It uses none of
// it: no function with the database can start sooner.
func (p *Programs) LinkedHello(ctx context.Context) (Program, error) {
	return p.build(ctx, "linked-hello", "hello", `
import (
	_ "cloud.google.com/go/cloudsqlconn"
	_ "github.com/jackc/pgx/v5/pgxpool"
)
`+hello)
}

// Function builds one of ours, by its id.
func (p *Programs) Function(ctx context.Context, id string) (Program, error) {
	folders, err := catalogue.Folders(".")
	if err != nil {
		return Program{}, err
	}
	if folders[id] == "" {
		return Program{}, fmt.Errorf("there is no function %s", id)
	}
	return p.build(ctx, "function", id, fmt.Sprintf("\nimport _ %q\n", "aksio.app/"+folders[id]))
}

// IDs lists our functions.
func IDs() ([]string, error) {
	folders, err := catalogue.Folders(".")
	return slices.Sorted(maps.Keys(folders)), err
}

// build makes the named program of the imports and what follows them.
func (p *Programs) build(ctx context.Context, name, function, rest string) (Program, error) {
	path := filepath.Join(p.dir, name)
	if err := os.WriteFile(path+".go", Main(rest), 0o644); err != nil {
		return Program{}, err
	}
	command := exec.CommandContext(ctx, "go", "build", "-C", "functions", "-o", path, path+".go")
	command.Env = append(os.Environ(), "GOWORK=off") // the module's own versions, as in a bundle, and not the workspace's
	output, err := command.CombinedOutput()
	if err != nil {
		return Program{}, fmt.Errorf("build %s: %w: %s", function, err, output)
	}
	return Program{function, path, p.settings}, nil
}

// First starts the program and returns the milliseconds until it answers anything.
func (p Program) First(ctx context.Context) (float64, error) {
	free, err := port.Free(0)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path)
	cmd.Env = append(slices.Clone(p.settings), "FUNCTION_TARGET="+p.function, fmt.Sprintf("PORT=%d", free))
	address := fmt.Sprintf("http://127.0.0.1:%d/", free)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() { cancel(); cmd.Wait() }()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		resp, err := client.Get(address)
		if err == nil {
			resp.Body.Close()
			return time.Since(began).Seconds() * 1000, nil
		}
		if ctx.Err() != nil {
			cancel()
			cmd.Wait()
			return 0, fmt.Errorf("%s never answered: %s", p.function, output.String())
		}
		time.Sleep(200 * time.Microsecond)
	}
}
