// Command terraform checks the infrastructure as far as that goes without a project:
// its form, Terraform's own tests with a mocked Google, and what the plans in them
// would do, which it compares with what the functions declare.
//
//	go run ./scripts/terraform [-required]
//
// Where Terraform or its provider can't be had it says so and fails only if it is
// required to run, as it is on GitHub.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
)

func main() {
	required := flag.Bool("required", os.Getenv("GITHUB_ACTIONS") == "true", "fail if it can't run")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, "infrastructure", *required, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "terraform:", err)
		os.Exit(1)
	}
}

// run checks the folder. What is missing on this machine is told, and an error only if
// the check is required.
func run(ctx context.Context, folder string, required bool, told io.Writer) error {
	err := check(ctx, folder)
	var absent absentError
	if errors.As(err, &absent) && !required {
		line := strings.Repeat("*", 78)
		fmt.Fprintf(told, "\n%s\nThe infrastructure was NOT checked: %v.\n`make terraform` does it once that is mended; on GitHub it always runs.\n%s\n\n", line, err, line)
		return nil
	}
	return err
}

// absentError says what is missing on this machine.
type absentError string

func (e absentError) Error() string { return string(e) }

// check runs all checks of the root module in the folder.
func check(ctx context.Context, folder string) error {
	if _, err := os.Stat(folder); err != nil {
		return fmt.Errorf("run it from the top of the repository: %w", err)
	}
	t, err := newTool(folder)
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{t.format, t.initialize, t.validate} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	bundles, err := makeBundles(folder)
	if err != nil {
		return err
	}
	defer os.RemoveAll(bundles)
	suites, err := testSuites(folder)
	if err != nil {
		return err
	}
	var errs []error
	ran := map[string]bool{}
	for _, s := range suites {
		results, err := t.test(ctx, s, bundles)
		errs = append(errs, err)
		for _, r := range results {
			ran[r.run] = true
			errs = append(errs, r.examine(s.variables != "")...)
		}
	}
	for run := range mayChange {
		if !ran[run] {
			errs = append(errs, fmt.Errorf("no test has a run %q, whose plan is to be examined: see examine.go", run))
		}
	}
	return errors.Join(errs...)
}
