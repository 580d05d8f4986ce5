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
	out, err := c.deployed(ctx)
	if err != nil {
		return err
	}
	// The job's last attempt says when it began, and not surely whether it has ended.
	ended := func() (id, status string, err error) {
		line, err := c.ask(ctx, c.gcloud, "logging", "read",
			fmt.Sprintf(`resource.type="cloud_run_revision" AND resource.labels.service_name=%q AND jsonPayload.message="call served"`, function),
			"--project="+c.project, "--freshness=1h", "--order=desc", "--limit=1", "--format=value(insertId,jsonPayload.status)")
		id, status, _ = strings.Cut(line, "\t")
		return id, status, err
	}
	before, _, err := ended()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := c.runSchedule(ctx, out.Region, function); err != nil {
		return err
	}
	c.say("waiting for the backup; it is verified when its call has ended")
	for time.Since(began) < backupTime {
		if err := wait(ctx, 2*c.pause); err != nil {
			return err
		}
		id, status, err := ended()
		switch {
		case err != nil:
			return err
		case id == "" || id == before: // the earlier one may be too long ago by now
		case status == "200":
			c.say("the backup is made and verified")
			return nil
		default:
			return fmt.Errorf("the backup failed with status %s: %s says why", status, c.hint("logs", "-function", function))
		}
	}
	return fmt.Errorf("no end of the backup after %v: %s says more", backupTime, c.hint("logs", "-function", function))
}
