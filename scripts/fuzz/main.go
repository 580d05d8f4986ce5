// Command fuzz runs every fuzz test of the packages for a while, one after another,
// and prints a line for each.
//
//	go run ./scripts/with -- go run ./scripts/fuzz -time 1m ./shared/...
//
// It fails if one of them found something. Go then writes the input to the package's
// testdata/fuzz, where it stays as a seed once the fault is mended. It is printed, too:
// of CI's machine nothing else is left.
package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

func main() {
	long := flag.Duration("time", 10*time.Second, "how long each fuzz test runs")
	flag.Parse()
	if err := fuzz(*long, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "fuzz:", err)
		os.Exit(1)
	}
}

func fuzz(long time.Duration, packages []string) error {
	all, err := targets(packages)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return fmt.Errorf("there are no fuzz tests in %s", strings.Join(packages, " "))
	}
	failed := 0
	for i, t := range all {
		began := time.Now()
		cmd := exec.Command("go", "test", "-run=^$", "-fuzz=^"+t.name+"$", "-fuzztime="+long.String(),
			"-fuzzminimizetime=10s", "-parallel=2", t.pkg)
		output, err := cmd.CombinedOutput()
		if timeIsUp.Match(output) {
			err = nil
		}
		verdict := "ok"
		if err != nil {
			verdict = "FAILED"
			failed++
		}
		fmt.Printf("%2d/%d %-30s %-22s %9s inputs in %3.0f s  %s\n", i+1, len(all),
			strings.TrimPrefix(t.pkg, "aksio.app/"), t.name, executions(output), time.Since(began).Seconds(), verdict)
		if err != nil {
			fmt.Printf("%s\n%s", bytes.TrimSpace(output), t.found(output))
		}
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d fuzz tests failed", failed, len(all))
	}
	return nil
}

// timeIsUp is how go test sometimes fails when the time is up and nothing was found: a race of
// its own, golang/go#75804, mended in Go 1.27.
var timeIsUp = regexp.MustCompile(`(?m)^--- FAIL: \w+ \(\S+s\)\n    context deadline exceeded\nFAIL$`)

// target is a fuzz test.
type target struct{ pkg, folder, name string }

var written = regexp.MustCompile(`Failing input written to (testdata/fuzz/\S+)`)

// found tells of the input that go test says that it wrote, and how it is tried again.
// A seed that fails is named by go test itself.
func (t target) found(output []byte) string {
	match := written.FindSubmatch(output)
	if match == nil {
		return ""
	}
	file := string(match[1])
	content, err := os.ReadFile(filepath.Join(t.folder, file))
	if err != nil {
		return fmt.Sprintf("the input can't be shown: %v\n", err)
	}
	return fmt.Sprintf("%s/%s is\n%s\nwith it, this fails again: go run ./scripts/with -- go test -run='^%s$/^%s$' %s\n",
		strings.TrimPrefix(t.pkg, "aksio.app/"), file, bytes.TrimSpace(content), t.name, filepath.Base(file), t.pkg)
}

var declaration = regexp.MustCompile(`(?m)^func (Fuzz\w*)\(\w+ \*testing\.F\)`)

// targets returns the fuzz tests of the packages.
func targets(packages []string) ([]target, error) {
	list := exec.Command("go", append([]string{"list", "-f",
		`{{range .TestGoFiles}}{{$.ImportPath}} {{$.Dir}}/{{.}}{{"\n"}}{{end}}{{range .XTestGoFiles}}{{$.ImportPath}} {{$.Dir}}/{{.}}{{"\n"}}{{end}}`}, packages...)...)
	list.Stderr = os.Stderr
	output, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var found []target
	for line := range strings.Lines(string(output)) {
		pkg, file, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, match := range declaration.FindAllSubmatch(source, -1) {
			found = append(found, target{pkg, filepath.Dir(file), string(match[1])})
		}
	}
	return found, nil
}

var progress = regexp.MustCompile(`execs: (\d+)`)

// executions returns how many inputs go test says that it tried.
func executions(output []byte) string {
	all := progress.FindAllSubmatch(output, -1)
	if len(all) == 0 {
		return "0"
	}
	return string(all[len(all)-1][1])
}
