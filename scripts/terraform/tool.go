package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// tool is Terraform on a root module.
type tool struct {
	program, folder string
	environment     []string
}

// newTool finds Terraform. What it keeps for the module goes to build/, so that a
// folder that is connected to an environment's state stays as it is.
func newTool(folder string) (*tool, error) {
	program, err := exec.LookPath("terraform")
	if err != nil {
		return nil, absentError("there is no terraform here (https://developer.hashicorp.com/terraform/install, 1.11 or newer)")
	}
	data, err := filepath.Abs(filepath.Join("build", "terraform"))
	if err != nil {
		return nil, err
	}
	return &tool{program: program, folder: folder, environment: append(os.Environ(), "TF_DATA_DIR="+data, "TF_IN_AUTOMATION=1", "CHECKPOINT_DISABLE=1")}, nil
}

// run returns what a subcommand writes to its standard output. The error holds what it
// writes to the other one.
func (t *tool) run(ctx context.Context, args ...string) ([]byte, error) {
	var output, problems bytes.Buffer
	command := t.command(ctx, args...)
	command.Stdout, command.Stderr = &output, &problems
	if err := command.Run(); err != nil {
		return output.Bytes(), fmt.Errorf("%w: %s%s", err, output.Bytes(), problems.Bytes())
	}
	return output.Bytes(), nil
}

func (t *tool) command(ctx context.Context, args ...string) *exec.Cmd {
	command := exec.CommandContext(ctx, t.program, append([]string{"-chdir=" + t.folder}, args...)...)
	command.Env = t.environment
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) } // it stops its providers
	command.WaitDelay = 10 * time.Second
	return command
}

func (t *tool) format(ctx context.Context) error {
	if _, err := t.run(ctx, "fmt", "-check", "-recursive", "-diff", "-no-color"); err != nil {
		return fmt.Errorf("not formatted, run `terraform fmt -recursive infrastructure`: %w", err)
	}
	return nil
}

// unusable is what Terraform says where it can't work: the provider can't be had, or it is
// of a version that versions.tf doesn't take.
var unusable = []string{"Failed to query available provider packages", "could not connect to registry", "Failed to install provider", "Unsupported Terraform Core version"}

func (t *tool) initialize(ctx context.Context) error {
	_, err := t.run(ctx, "init", "-backend=false", "-input=false", "-no-color")
	if err != nil && slices.ContainsFunc(unusable, func(text string) bool { return strings.Contains(err.Error(), text) }) {
		return absentError("terraform can't be used here (1.11 or a newer 1.x, and Google's provider): " + reason(err.Error()))
	}
	if err != nil {
		return fmt.Errorf("terraform init: %w", err)
	}
	return nil
}

// reason returns the line of a diagnostic that says why.
func reason(text string) string {
	for line := range strings.Lines(text) {
		if line = strings.Trim(line, " │╷╵\n"); slices.ContainsFunc(unusable, func(u string) bool { return strings.Contains(line, u) }) {
			return strings.TrimPrefix(line, "Error: ")
		}
	}
	return text
}

func (t *tool) validate(ctx context.Context) error {
	if _, err := t.run(ctx, "validate", "-no-color"); err != nil {
		return fmt.Errorf("terraform validate: %w", err)
	}
	return nil
}

// suite is a set of test files that run with the same variables.
type suite struct {
	name      string
	files     []string
	variables string // an environment's file; none if its runs set their own
}

// testSuites returns the module's tests: those named for an environment run with its
// variables, all others together.
func testSuites(folder string) ([]suite, error) {
	files, err := filepath.Glob(filepath.Join(folder, "tests", "*.tftest.hcl"))
	if err != nil || len(files) == 0 {
		return nil, errors.Join(err, fmt.Errorf("%s has no tests", folder))
	}
	rest := suite{name: "the others"}
	var suites []suite
	for _, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".tftest.hcl")
		variables := filepath.Join("environments", name+".tfvars")
		if _, err := os.Stat(filepath.Join(folder, variables)); err == nil {
			suites = append(suites, suite{name, []string{"tests/" + filepath.Base(file)}, variables})
		} else {
			rest.files = append(rest.files, "tests/"+filepath.Base(file))
		}
	}
	environments, err := filepath.Glob(filepath.Join(folder, "environments", "*.tfvars"))
	if err == nil && len(environments) != len(suites) {
		err = fmt.Errorf("%d environments and tests of %d: each needs a tests/<environment>.tftest.hcl", len(environments), len(suites))
	}
	return append(suites, rest), err
}

// result is a run of a test, and what it would have done.
type result struct {
	run  string
	plan *plan
}

// message is a line of what `terraform test -json` writes.
type message struct {
	Run        string `json:"@testrun"`
	File       string `json:"@testfile"`
	Diagnostic *struct {
		Severity, Summary, Detail string
		Range                     *struct {
			Filename string
			Start    struct{ Line int }
		}
	}
	Plan    *plan                  `json:"test_plan"`
	Summary *struct{ Skipped int } `json:"test_summary"`
}

// test runs a suite and returns the plans of its runs.
func (t *tool) test(ctx context.Context, s suite, bundles string) ([]result, error) {
	began := time.Now()
	args := []string{"test", "-json", "-verbose", "-var=bundles=" + bundles}
	if s.variables != "" {
		args = append(args, "-var-file="+s.variables)
	}
	for _, file := range s.files {
		args = append(args, "-filter="+file)
	}
	command := t.command(ctx, args...)
	var problems bytes.Buffer
	command.Stderr = &problems
	output, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, err
	}
	results, said, readErr := read(output)
	if readErr != nil {
		io.Copy(io.Discard, output)
	}
	err = command.Wait()
	switch {
	case readErr != nil:
		return nil, fmt.Errorf("terraform test: %w: %s", readErr, problems.Bytes())
	case len(said) > 0:
		return nil, fmt.Errorf("tests of %s:\n  %s", s.name, strings.Join(said, "\n  "))
	case err != nil:
		return nil, fmt.Errorf("terraform test: %w: %s", err, problems.Bytes())
	case len(results) == 0:
		return nil, fmt.Errorf("terraform test: no run of %s planned anything", s.name)
	}
	fmt.Printf("terraform: tests of %s pass (%d runs, %.0f s)\n", s.name, len(results), time.Since(began).Seconds())
	return results, nil
}

// read returns the plans and the errors in what terraform test writes.
func read(output io.Reader) (results []result, said []string, err error) {
	for decoder := json.NewDecoder(output); ; {
		var m message
		if err := decoder.Decode(&m); errors.Is(err, io.EOF) {
			return results, said, nil
		} else if err != nil {
			return nil, nil, err
		}
		switch {
		case m.Plan != nil:
			results = append(results, result{m.Run, m.Plan})
		case m.Diagnostic != nil && m.Diagnostic.Severity == "error":
			at := ""
			if r := m.Diagnostic.Range; r != nil {
				at = fmt.Sprintf(" (%s:%d)", r.Filename, r.Start.Line)
			}
			said = append(said, strings.TrimSpace(fmt.Sprintf("%s %s%s: %s %s", m.File, m.Run, at, m.Diagnostic.Summary, m.Diagnostic.Detail)))
		case m.Summary != nil && m.Summary.Skipped > 0:
			said = append(said, fmt.Sprintf("%d runs were left out", m.Summary.Skipped))
		}
	}
}

// makeBundles returns a folder with a bundle of each function of the module and of its
// tests, which hold nothing: nobody builds them.
func makeBundles(folder string) (string, error) {
	files, err := filepath.Glob(filepath.Join(folder, "tests", "fixtures", "*.json"))
	if err != nil {
		return "", err
	}
	manifest := map[string]map[string]string{}
	for _, file := range append(files, filepath.Join(folder, "functions.json")) {
		text, err := os.ReadFile(file)
		if err != nil {
			return "", err
		}
		var functions map[string]json.RawMessage
		if err := json.Unmarshal(text, &functions); err != nil {
			return "", fmt.Errorf("%s: %w", file, err)
		}
		for id := range functions {
			manifest[id] = map[string]string{"file": id + ".zip"}
		}
	}
	bundles, err := os.MkdirTemp("", "bundles")
	if err != nil {
		return "", err
	}
	text, err := json.Marshal(manifest)
	if err == nil {
		err = os.WriteFile(filepath.Join(bundles, "bundles.json"), text, 0o644)
	}
	for id := range manifest {
		if err == nil {
			err = os.WriteFile(filepath.Join(bundles, id+".zip"), nil, 0o644)
		}
	}
	if err != nil {
		os.RemoveAll(bundles)
	}
	return bundles, err
}
