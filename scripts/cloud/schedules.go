package main

import (
	"context"
	"maps"
	"slices"
	"strings"
)

// runSchedule lets a function that runs by the clock run now. It takes calls of the
// scheduler alone, so it is the scheduler that calls.
func (c *cloud) runSchedule(ctx context.Context, region, function string) error {
	return c.change(ctx, nil, c.gcloud, "scheduler", "jobs", "run", c.prefix()+"-"+function, "--location="+region, "--project="+c.project)
}

// runNewSchedules lets those run that the release before didn't have: the alerts for
// silence know nothing of what never spoke (infrastructure/alerts.tf). What runs on some
// days only no such alert waits for; the restore drill would find no backup yet.
func (c *cloud) runNewSchedules(ctx context.Context, before *release) error {
	declared, err := c.declared()
	if err != nil {
		return err
	}
	out, err := c.readOutputs(ctx)
	if err != nil {
		return err
	}
	for _, id := range slices.Sorted(maps.Keys(declared)) {
		if schedule := declared[id].Schedule; schedule == "" || !strings.HasSuffix(schedule, " * * *") {
			continue
		}
		if before != nil {
			if _, known := before.bundles[id]; known {
				continue
			}
		}
		if err := c.runSchedule(ctx, out.Region, id); err != nil {
			return err
		}
	}
	return nil
}
