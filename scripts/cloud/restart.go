package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"
)

// restart gives functions new revisions, without a build: what they are started with,
// settings and secrets, reaches nothing that runs already.
func restart(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	function := flags.String("function", "", "only this one")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	out, err := c.deployed(ctx)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(out.Functions))
	if *function != "" {
		if !slices.Contains(names, *function) {
			return fmt.Errorf("there is no function %q: infrastructure/functions.json names them", *function)
		}
		names = []string{*function}
	}
	// Not waited for, one after the other: a revision takes its time until it serves.
	label := "--update-labels=started-anew=" + strconv.FormatInt(time.Now().Unix(), 10)
	for i, name := range names {
		if err := c.patiently(ctx, func() error {
			return c.change(ctx, nil, c.gcloud, "run", "services", "update", name, "--region="+out.Region, "--project="+c.project, label, "--async")
		}); err != nil {
			return fmt.Errorf("%w: %d of %d functions start anew; run this again for the rest", err, i, len(names))
		}
	}
	c.say("%d functions start anew within minutes; calls that run are ended by the old instances", len(names))
	return nil
}
