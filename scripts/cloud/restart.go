package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
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
	if *function == "" {
		return c.startAllAnew(ctx, out)
	}
	if _, ok := out.Functions[*function]; !ok {
		return fmt.Errorf("there is no function %q: infrastructure/functions.json names them", *function)
	}
	return c.startAnew(ctx, out.Region, []string{*function})
}

// startAllAnew notes the settings that the functions are started with: those that another
// deployment makes meanwhile are that one's to take up.
func (c *cloud) startAllAnew(ctx context.Context, out outputs) error {
	if err := c.startAnew(ctx, out.Region, slices.Sorted(maps.Keys(out.Functions))); err != nil {
		return err
	}
	return c.noteSettings(ctx, out.Settings)
}

// startAnew makes new revisions of the functions and waits until these serve.
func (c *cloud) startAnew(ctx context.Context, region string, names []string) error {
	label := "--update-labels=started-anew=" + strconv.FormatInt(time.Now().Unix(), 10)
	for i, name := range names { // not waited for one by one: that would take an hour
		if err := c.patiently(ctx, func() error {
			return c.change(ctx, nil, c.gcloud, "run", "services", "update", name, "--region="+region, "--project="+c.project, label, "--async")
		}); err != nil {
			return fmt.Errorf("%w: %d of %d functions start anew; run %s for the rest", err, i, len(names), c.hint("restart"))
		}
	}
	const patience = 120 // pauses
	var starting []string
	for range patience {
		var err error
		if starting, err = c.starting(ctx, region, names); err != nil {
			return err
		}
		if len(starting) == 0 {
			c.say("%d functions started anew; calls that ran are ended by the old instances", len(names))
			return nil
		}
		if err := wait(ctx, c.pause); err != nil {
			return err
		}
	}
	return fmt.Errorf("%d functions don't start, such as %s: %s says why", len(starting), starting[0], c.hint("logs", "-function", starting[0]))
}

// starting returns those of the functions whose newest revision doesn't serve yet.
func (c *cloud) starting(ctx context.Context, region string, names []string) ([]string, error) {
	revisions, err := c.revisions(ctx, region)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool { return revisions[name].newest }), nil
}

// revision is the newest of a function's that can serve.
type revision struct {
	ready  string // its name
	newest bool   // none that can't serve yet is newer
	pinned bool   // the traffic is led to a revision by its name, and not to the newest
}

// revisions returns those of the region's functions.
func (c *cloud) revisions(ctx context.Context, region string) (map[string]revision, error) {
	text, err := c.ask(ctx, c.gcloud, "run", "services", "list", "--region="+region, "--project="+c.project,
		"--format=csv[no-heading](metadata.name,metadata.generation,status.observedGeneration,status.latestCreatedRevisionName,status.latestReadyRevisionName,spec.traffic[0].revisionName)")
	if err != nil {
		return nil, err
	}
	found := map[string]revision{}
	for line := range strings.Lines(text) {
		if f := strings.Split(strings.TrimSpace(line), ","); len(f) == 6 {
			found[f[0]] = revision{ready: f[4], newest: f[1] == f[2] && f[3] == f[4], pinned: f[5] != ""}
		}
	}
	return found, nil
}

// takeUpSettings lets functions start anew if what they are told when they start was
// changed: what runs would go on with the old settings, and a test find nothing.
func (c *cloud) takeUpSettings(ctx context.Context) error {
	out, err := c.readOutputs(ctx)
	if err != nil {
		return err
	}
	inForce, err := c.settingsInForce(ctx)
	if err != nil || inForce == out.Settings {
		return err
	}
	if inForce == "" {
		c.say("it isn't noted yet which settings the functions started with: they start anew")
	} else {
		c.say("the settings changed: functions start anew with them")
	}
	return c.startAllAnew(ctx, out)
}

// settingsNote is where, beside the releases, the version is kept of the settings that
// all functions run with.
const settingsNote = "settings"

func (c *cloud) settingsInForce(ctx context.Context) (string, error) {
	history, err := c.history(ctx)
	if err != nil || history == "" {
		return "", err
	}
	version, err := c.ask(ctx, c.gcloud, "storage", "cat", "--project="+c.project, history+settingsNote)
	if said(err, noObjects...) {
		return "", nil
	}
	return version, err
}

// noteSettings notes that all functions run with this version of the settings.
func (c *cloud) noteSettings(ctx context.Context, version string) error {
	history, err := c.history(ctx)
	if err != nil || history == "" {
		return err
	}
	return c.change(ctx, strings.NewReader(version), c.gcloud, "storage", "cp", "--project="+c.project, "-", history+settingsNote)
}
