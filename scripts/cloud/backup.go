package main

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"time"
)

// backupTime is what the function may take (its Timeout), and a minute to begin.
const backupTime = 31 * time.Minute

// backup runs the nightly backup now. It answers when the backup is verified.
func backup(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	if err := c.parse(flags, args); err != nil {
		return err
	}
	const function = "backup-database"
	job := c.prefix() + "-" + function
	out, err := c.deployed(ctx)
	if err != nil {
		return err
	}
	// When the last attempt was, by Google's clock, and its outcome.
	attempt := func() (at, code string, err error) {
		state, err := c.ask(ctx, c.gcloud, "scheduler", "jobs", "describe", job, "--location="+out.Region, "--project="+c.project,
			"--format=value(lastAttemptTime,status.code)")
		at, code, _ = strings.Cut(state, "\t")
		return at, code, err
	}
	before, _, err := attempt()
	if err != nil {
		return err
	}
	// The function takes calls of the scheduler alone, so it is the scheduler that calls.
	began := time.Now()
	if err := c.change(ctx, nil, c.gcloud, "scheduler", "jobs", "run", job, "--location="+out.Region, "--project="+c.project); err != nil {
		return err
	}
	c.say("waiting for the backup; it is verified when the job has ended")
	for time.Since(began) < backupTime {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * c.pause):
		}
		at, code, err := attempt()
		switch {
		case err != nil:
			return err
		case at == before:
		case code == "" || code == "0":
			c.say("the backup is made and verified")
			return nil
		default:
			return fmt.Errorf("the backup failed with code %s: %s says why", code, c.hint("logs", "-function", function))
		}
	}
	return fmt.Errorf("no end of the backup after %v: %s says more", backupTime, c.hint("logs", "-function", function))
}
