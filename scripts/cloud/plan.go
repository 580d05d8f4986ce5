package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// plan tells what an apply would change. It only reads, and holds no lock.
func plan(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	out := flags.String("out", "", "file that the plan's text goes to, too")
	deployed := flags.Bool("deployed", false, "with the bundles of the last release, so that only other changes show")
	strict := flags.Bool("fail-on-changes", false, "fail if anything would change")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	if err := c.initialize(ctx); err != nil {
		return err
	}
	if *deployed {
		last, err := c.lastRelease(ctx)
		if err != nil {
			return err
		}
		if last == nil {
			return c.nothingDeployed()
		}
		if err := c.unpack(ctx, *last); err != nil {
			return err
		}
	}
	cmd := c.prepare(ctx, c.terraform, []string{"-chdir=" + c.infrastructure(), "plan", "-input=false", "-lock=false", "-no-color", "-detailed-exitcode",
		"-var-file=environments/" + c.environment + ".tfvars", "-var=bundles=" + bundlesThere})
	var text, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = io.MultiWriter(c.out, &text), io.MultiWriter(c.log, &problems)
	err := explain(c.terraform, cmd.Run(), problems.String())
	const changes = 2 // terraform's exit status if the plan isn't empty
	var exit *exec.ExitError
	var advice error
	switch {
	case errors.As(err, &exit) && exit.ExitCode() == changes:
		err = nil
		if *strict {
			advice = fmt.Errorf("%s isn't as the repository says; deploy it, or write into infrastructure/ what was changed by hand", c.environment)
		}
	case err != nil: // Terraform doesn't say what to do about a secret without a value
		advice = c.checkSecrets(ctx)
	}
	if *out != "" { // where a plan that failed is read, it has to say why, and what to do
		if advice != nil {
			fmt.Fprintf(&problems, "\n%v\n", advice)
		}
		if writeErr := os.WriteFile(*out, append(text.Bytes(), problems.Bytes()...), 0o644); writeErr != nil {
			return errors.Join(err, advice, writeErr)
		}
	}
	return errors.Join(err, advice)
}
