package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aksio.app/scripts/internal/bundle"
)

// The Functions API takes 60 writes a minute of a region, which can't be raised. A
// function takes a minute or more to build, so that ten at once stay far below it;
// what is refused all the same is applied again after a minute.
const parallelism = "10"

// Refusals that pass by themselves, and how often a minute is waited for that.
type refusal struct {
	texts []string
	waits int
	why   string
}

var passing = []refusal{
	{[]string{"RESOURCE_EXHAUSTED", "Quota exceeded", "Error 429", "rateLimitExceeded"}, 3, "the API takes no more writes this minute"},
	// Up to ten minutes after a metric of logs was made, no alert can be made on it. What
	// follows is "that matches type" or "(s) that match type", as Google likes.
	{[]string{"Cannot find metric"}, 12, "alerts can't be made on a new metric yet"},
	{[]string{"staleData"}, 2, "a replica's settings changed with those of the database that it follows"},
	{[]string{"has not been used in project"}, 5, "an API that was just turned on isn't known everywhere yet"},
}

// release names the bundles of all functions that were deployed together. It is kept
// in the bucket of bundles as releases/<name>.json, which has the form of
// bundles.json; the names begin with when it was recorded, and sort by that.
type release struct {
	name    string
	bundles map[string]bundle.Bundle
}

const timeFormat = "20060102T150405Z"

// A release that brought an earlier one back is named <time>-back-to-<that one>-with-<commit>; one
// that brought only a function's back, <time>-back-to-<the newest>-but-<function>-of-<that one>-with-<commit>.
const (
	wayBack   = "back-to-"
	butFor    = "-but-"
	withFiles = "-with-"
)

// deploy brings the working tree to the environment. What serves isn't touched
// before the schema is up to date, and a release that fails its tests is taken back.
func deploy(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	commit := flags.String("commit", "", "what is deployed, which the release's name ends with; the working tree's if left out")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	if *commit == "" { // before anything is written into the tree
		*commit = c.commit(ctx)
	}
	// A function whose secret can't be read can't be made: told before anything is built.
	for _, step := range []func(context.Context) error{c.initialize, c.makeSecrets, c.checkSecrets} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if _, err := bundle.Build(ctx, c.root, c.bundles()); err != nil {
		return err
	}
	manifest, err := bundle.Manifest(c.bundles())
	if err != nil {
		return err
	}
	before, err := c.lastRelease(ctx)
	if err != nil {
		return err
	}
	return c.bring(ctx, *commit, manifest, before)
}

// bring applies the commit's bundles, which are in their folder, and goes back to the
// release before if they can't be seen to work.
func (c *cloud) bring(ctx context.Context, commit string, bundles map[string]bundle.Bundle, before *release) error {
	if err := c.migrate(ctx); err != nil {
		return err
	}
	served, err := c.whatServes(ctx)
	if err != nil {
		c.say("a release that doesn't work will serve until the one before is built: %v", err)
	}
	err = c.apply(ctx)
	if err == nil {
		err = c.takeUpSettings(ctx)
	}
	if err == nil {
		err = c.smoke(ctx, bundles)
	}
	// Whoever interrupts a deployment doesn't want half of one.
	lasting := context.WithoutCancel(ctx)
	between, lookErr := c.cameBetween(lasting, before)
	switch {
	case lookErr != nil:
		return fmt.Errorf("%w: it can't be seen whether another release came in between, so that nothing was recorded or taken back: deploy again", errors.Join(err, lookErr))
	case between != "" && err != nil:
		return fmt.Errorf("%w: %s was deployed in between, so that nothing was taken back; deploy again", err, between)
	case between != "":
		return fmt.Errorf("it was applied and works, but isn't recorded: %s was deployed in between; deploy again what is to serve", between)
	case err == nil:
		if err := c.runNewSchedules(ctx, before); err != nil {
			return fmt.Errorf("it serves, but isn't recorded, since a new schedule couldn't be run; deploy again: %w", err)
		}
		if err := c.record(ctx, commit, bundles); err != nil {
			return fmt.Errorf("%w; deploy again: until this is recorded, a deployment that fails goes back to an older release", err)
		}
		return nil
	case errors.Is(context.Cause(ctx), errTerminated): // a second apply would be killed in its middle
		return fmt.Errorf("%w: a part of it may serve, and there is no time to take it back; run: %s", err, c.wayOut(before))
	// Where no release is reached, an earlier one is no better; where the state is locked, this one isn't there.
	case errors.As(err, new(*unreachable)), said(err, stateLocked):
		return fmt.Errorf("%w; then deploy again; nothing was taken back", err)
	}
	if before == nil || maps.EqualFunc(bundles, before.bundles, sameFile) {
		return fmt.Errorf("%w: there is no other release to go back to; mend it and deploy again", err)
	}
	c.say("the release doesn't work (%v): going back to %s, which Ctrl-C doesn't end", err, before.name)
	held := c.holdBack(lasting, served, func(id string) bool { return bundles[id].File != before.bundles[id].File })
	if backErr := c.restore(lasting, *before); backErr != nil {
		return fmt.Errorf("%w; and going back failed, too: %w; run: %s; or, if settings did it, which stay: check out the commit that %s ends with, and deploy that",
			err, backErr, c.wayOut(before), origin(before.name))
	}
	lateErr := c.letGo(lasting, served.region, held)
	if recordErr := c.recordWayBack(lasting, origin(before.name), commit, before.bundles); recordErr != nil {
		lateErr = errors.Join(lateErr, fmt.Errorf("%w; run: %s", recordErr, c.wayOut(before)))
	}
	if lateErr != nil {
		return errors.Join(err, lateErr)
	}
	return fmt.Errorf("%w: %s serves again", err, before.name)
}

// wayOut words the command that ends what a deployment left, of whose files a part was applied.
func (c *cloud) wayOut(before *release) string {
	if before == nil {
		return c.hint("deploy")
	}
	return c.hint("rollback", "-to", before.name, "-other-files")
}

// cameBetween returns the newest release if that isn't the one before any more: somebody
// else deploys, too.
func (c *cloud) cameBetween(ctx context.Context, before *release) (string, error) {
	names, err := c.releaseNames(ctx)
	if err != nil || len(names) == 0 || before != nil && names[0] == before.name {
		return "", err
	}
	return names[0], nil
}

// migrations is the function that brings the schema up to date.
const migrations = "run-migrations"

// migrate deploys the function that migrates, alone, and calls it. Old code runs
// beside the new schema: migrations only add.
func (c *cloud) migrate(ctx context.Context) error {
	out, err := c.readOutputs(ctx)
	if err != nil {
		return err
	}
	// After a failover it is the second region's that is called.
	switch err := c.apply(ctx, `-target=module.function["`+migrations+`"]`, `-target=module.function["`+out.Region+`/`+migrations+`"]`); {
	case said(err, stateLocked):
		return fmt.Errorf("%w: run this again", err)
	case err != nil:
		return fmt.Errorf("%w: settings and the database's own changes may be applied already; run this again", err)
	}
	if err := c.callMigrations(ctx); err != nil && ctx.Err() == nil {
		return fmt.Errorf("%w: what served still serves; mend the migration and deploy again", err)
	}
	return ctx.Err()
}

// callMigrations brings the schema to what the function that is there knows.
func (c *cloud) callMigrations(ctx context.Context) error {
	out, err := c.readOutputs(ctx)
	if err != nil {
		return err
	}
	return c.callPrivate(ctx, out.Functions[migrations], migrations)
}

// stateLocked is how Terraform says that it waited for another apply to end, and did nothing.
const stateLocked = "Error acquiring the state lock"

// apply makes the environment as the configuration says, with the bundles in their folder.
func (c *cloud) apply(ctx context.Context, more ...string) error {
	args := append([]string{"-chdir=" + c.infrastructure(), "apply", "-input=false", "-no-color", "-auto-approve", "-parallelism=" + parallelism,
		"-lock-timeout=10m", "-var-file=environments/" + c.environment + ".tfvars", "-var=bundles=" + bundlesThere}, more...)
	err := c.patiently(ctx, func() error { return c.change(ctx, nil, c.terraform, args...) })
	if said(err, stateLocked) {
		return fmt.Errorf("%w: somebody applies, or an apply was killed (infrastructure/runbooks/state.md)", err)
	}
	return err
}

// patiently tries what writes again while it is refused for what passes.
func (c *cloud) patiently(ctx context.Context, write func() error) error {
	waited := make([]int, len(passing))
	for {
		err := write()
		i := slices.IndexFunc(passing, func(r refusal) bool { return said(err, r.texts...) })
		if i < 0 || waited[i] == passing[i].waits {
			return err
		}
		waited[i]++
		c.say("%s; going on in %v", passing[i].why, 12*c.pause)
		if err := wait(ctx, 12*c.pause); err != nil {
			return err
		}
	}
}

// rollback brings an earlier release back.
func rollback(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	to := flags.String("to", "", "the release, as `releases` lists it; if left out, the last with another bundle than the newest one's")
	function := flags.String("function", "", "only this one; the others stay as they are")
	otherFiles := flags.Bool("other-files", false, "apply the files that are checked out, though the newest release was applied with another commit's")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	commit := c.commit(ctx)
	for _, step := range []func(context.Context) error{c.initialize, c.checkSecrets} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	names, err := c.releaseNames(ctx)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		return errors.New("there is no release to go back to; deploy one")
	}
	if inForce := ofCommit.FindStringSubmatch(names[0]); inForce != nil && !*otherFiles && !strings.HasPrefix(commit, inForce[1]) {
		return fmt.Errorf("%s was applied with Terraform's files of %s, and those here are of %s, which a way back would apply, too: git checkout %[2]s, or say -other-files if they are meant", names[0], inForce[1], commit)
	}
	var newest, target *release
	if *to == "" || *function != "" { // a record that can't be read keeps nobody from a named one
		if newest, err = c.readRelease(ctx, names[0]); err != nil {
			return err
		}
	}
	switch {
	case *to == "":
		target, err = c.lastOther(ctx, *newest, names[1:], *function)
	case !slices.Contains(names, *to):
		err = fmt.Errorf("there is no release %q; %s lists them", *to, c.hint("releases"))
	default:
		target, err = c.readRelease(ctx, *to)
	}
	if err != nil {
		return err
	}
	again, name := []string{"-to", target.name}, origin(target.name)
	if *otherFiles {
		again = append(again, "-other-files")
	}
	if *function != "" {
		old, ok := target.bundles[*function]
		if !ok {
			return fmt.Errorf("release %s has no function %q: say with -to which other one; %s lists them", target.name, *function, c.hint("releases"))
		}
		again, name = append(again, "-function", *function), origin(newest.name)+butFor+*function+"-of-"+origin(target.name)
		target.bundles = maps.Clone(newest.bundles)
		target.bundles[*function] = old
	}
	switch err := c.restore(ctx, *target); {
	case said(err, stateLocked):
		return fmt.Errorf("%w: run this again: %s", err, c.hint("rollback", again...))
	case err != nil:
		return fmt.Errorf("%w: a part of it may serve, and isn't recorded; run this again: %s; or say with -to which other release", err, c.hint("rollback", again...))
	}
	if err := c.recordWayBack(ctx, name, commit, target.bundles); err != nil {
		return fmt.Errorf("%w; run this again: %s", err, c.hint("rollback", again...))
	}
	return nil
}

// lastOther returns the last of the earlier releases whose bundles, or the function's, aren't
// the newest one's: what only changed settings, Terraform's files or a text deployed no other.
func (c *cloud) lastOther(ctx context.Context, newest release, earlier []string, function string) (*release, error) {
	if _, ok := newest.bundles[function]; function != "" && !ok {
		return nil, fmt.Errorf("release %s has no function %q", newest.name, function)
	}
	passed := newest.name
	for _, name := range earlier {
		if strings.Contains(passed, "-"+wayBack) { // what came before it didn't work
			return nil, fmt.Errorf("%s is a way back itself: say with -to which release comes next; %s lists them", passed, c.hint("releases"))
		}
		r, err := c.readRelease(ctx, name)
		if err != nil {
			return nil, err
		}
		if function != "" && r.bundles[function].File != newest.bundles[function].File || function == "" && !maps.EqualFunc(r.bundles, newest.bundles, sameFile) {
			return r, nil
		}
		passed = name
	}
	return nil, errors.New("no release before the newest has another bundle to go back to; settings and Terraform's files come back by deploying the commit that had them, all else by mending it and deploying again")
}

func sameFile(a, b bundle.Bundle) bool { return a.File == b.File }

// restore applies a release, and tests it.
func (c *cloud) restore(ctx context.Context, r release) error {
	if err := c.unpack(ctx, r); err != nil {
		return err
	}
	declared, err := c.declared()
	if err != nil {
		return err
	}
	var gone []string
	for _, id := range slices.Sorted(maps.Keys(r.bundles)) {
		if _, ok := declared[id]; !ok {
			gone = append(gone, id)
		}
	}
	if len(gone) > 0 {
		c.say("%s has functions that the files here don't declare, and that stay away: %s. To have them, check out the commit that %s ends with, and deploy that.", r.name, strings.Join(gone, ", "), origin(r.name))
	}
	if err := c.apply(ctx); err != nil {
		return err
	}
	if err := c.takeUpSettings(ctx); err != nil {
		return err
	}
	bundles, err := bundle.Manifest(c.bundles())
	if err != nil {
		return err
	}
	return c.smoke(ctx, bundles)
}
