package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// hello is the least that is a function.
const hello = `
	"fmt"
	"net/http"

	"github.com/GoogleCloudPlatform/functions-framework-go/functions"
)

func init() {
	functions.HTTP("hello", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })
}
`

// mainOf is what the buildpack writes around a function.
const mainOf = `package main

import (
	"log"
	"os"

	"github.com/GoogleCloudPlatform/functions-framework-go/funcframework"
%s
func main() {
	if err := funcframework.Start(os.Getenv("PORT")); err != nil {
		log.Fatal(err)
	}
}
`

// program is a function as a process of its own.
type program struct {
	function, path string
	settings       []string
}

// start measures the time from a function's process to its first answer, beside
// that of the hello function.
func start(ctx context.Context, s *stage, e effort) ([]Row, error) {
	folder, err := os.MkdirTemp("", "bench")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	settings := os.Environ()
	for name, value := range map[string]string{
		"DATABASE_URL": s.url, "TOKEN_KEYS": string(s.keys), "TOKEN_SIGNING_KEY": string(s.key), "LIVE_STORE": "memory",
		"GOGC": "400", "GOMEMLIMIT": "230MiB", // as deployed with 256 MiB: no collection before the first answer
		"UPLOADS_BUCKET": "uploads", "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1", "BACKUPS_DIR": folder,
	} {
		settings = append(settings, name+"="+value)
	}
	base := program{"hello", filepath.Join(folder, "hello"), settings}
	if err := base.build(ctx, hello); err != nil {
		return nil, err
	}
	files, err := filepath.Glob("functions/*/*/function.go")
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, errors.New("run it from the top of the repository: there are no functions here"))
	}
	if len(files) > e.functions {
		files = files[:e.functions]
	}
	var rows []Row
	for i, file := range files {
		operation := filepath.ToSlash(filepath.Dir(file))
		id := strings.ReplaceAll(strings.TrimPrefix(operation, "functions/"), "/", "-")
		p := program{id, filepath.Join(folder, "function"), settings}
		if err := p.build(ctx, fmt.Sprintf("\t_ %q\n)\n", "aksio.app/"+operation)); err != nil {
			return nil, err
		}
		ours, bare, ratio, err := pair(e.rounds, func() (float64, error) { return p.first(ctx) }, func() (float64, error) { return base.first(ctx) })
		if err != nil {
			return nil, err
		}
		rows = append(rows, Row{Name: id, Subject: ours, Baseline: bare, Unit: "ms", Ratio: ratio})
		if (i+1)%10 == 0 {
			fmt.Fprintf(os.Stderr, "bench: %d of %d functions started\n", i+1, len(files))
		}
	}
	slices.SortFunc(rows, func(a, b Row) int { return int(1000 * (a.Ratio - b.Ratio)) })
	median, worst := rows[len(rows)/2], rows[len(rows)-1]
	median.Name, median.Budget = "start to first answer, the median of all functions ("+median.Name+")", 2
	worst.Name, worst.Budget = "start to first answer, the worst ("+worst.Name+")", 5
	return []Row{median, worst}, nil
}

// build makes the program of the imports and what follows them.
func (p program) build(ctx context.Context, rest string) error {
	source := p.path + ".go"
	if err := os.WriteFile(source, fmt.Appendf(nil, mainOf, rest), 0o644); err != nil {
		return err
	}
	output, err := exec.CommandContext(ctx, "go", "build", "-C", "functions", "-o", p.path, source).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build %s: %w: %s", p.function, err, output)
	}
	return nil
}

// first starts the program and returns the milliseconds until it answers anything.
func (p program) first(ctx context.Context) (float64, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	address := listener.Addr().String()
	listener.Close() // the program takes it
	_, port, _ := net.SplitHostPort(address)
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, p.path)
	cmd.Env = append(slices.Clone(p.settings), "FUNCTION_TARGET="+p.function, "PORT="+port)
	var output strings.Builder
	cmd.Stdout, cmd.Stderr = &output, &output
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	defer func() { cancel(); cmd.Wait() }()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for {
		resp, err := client.Get("http://" + address + "/")
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
