package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"aksio.app/scripts/internal/bundle"
)

// history is where releases are recorded.
func (c *cloud) history(ctx context.Context) (string, error) {
	out, err := c.readOutputs(ctx)
	if err != nil || out.Buckets["bundles"] == "" {
		return "", err
	}
	return "gs://" + out.Buckets["bundles"] + "/releases/", nil
}

// noObjects are gcloud's words for objects that aren't there.
var noObjects = []string{"matched no objects", "NOT_FOUND"}

// releaseNames returns the releases that worked, and the first, which is only made, the
// newest first.
func (c *cloud) releaseNames(ctx context.Context) ([]string, error) {
	history, err := c.history(ctx)
	if err != nil || history == "" {
		return nil, err
	}
	text, err := c.ask(ctx, c.gcloud, "storage", "ls", "--project="+c.project, history+"*.json")
	if said(err, noObjects...) || said(err, notThere...) { // a lost bucket is made again by a deployment
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var names []string
	for _, line := range strings.Fields(text) {
		names = append(names, strings.TrimSuffix(path.Base(line), ".json"))
	}
	slices.Sort(names)
	slices.Reverse(names)
	return names, nil
}

// lastRelease is the newest release that worked; nil if there was none.
func (c *cloud) lastRelease(ctx context.Context) (*release, error) {
	names, err := c.releaseNames(ctx)
	if err != nil || len(names) == 0 {
		return nil, err
	}
	return c.readRelease(ctx, names[0])
}

func (c *cloud) readRelease(ctx context.Context, name string) (*release, error) {
	history, err := c.history(ctx)
	if err != nil {
		return nil, err
	}
	text, err := c.ask(ctx, c.gcloud, "storage", "cat", "--project="+c.project, history+name+".json")
	if err != nil {
		return nil, err
	}
	bundles, err := bundle.Parse([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("release %s: %w", name, err)
	}
	return &release{name, bundles}, nil
}

// releases lists them, the newest first.
func releases(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	commit := flags.Bool("commit", false, "only the commit whose functions the newest one has, if its name says one")
	files := flags.Bool("files", false, "only the commit whose files, Terraform's too, it was applied with; another after a way back")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	if err := c.initialize(ctx); err != nil {
		return err
	}
	names, err := c.releaseNames(ctx)
	if *commit || *files {
		if len(names) > 0 {
			name := names[0]
			if *commit {
				name = origin(name)
			}
			if of := ofCommit.FindStringSubmatch(name); of != nil {
				fmt.Fprintln(c.out, of[1])
			}
		}
		return err
	}
	for _, name := range names {
		fmt.Fprintln(c.out, name)
	}
	return err
}

// ofCommit is how a release's name ends: …-<commit>, …-<commit>-dirty.
var ofCommit = regexp.MustCompile(`-([0-9a-f]{12})(-dirty)?$`)

// commit names what the working tree holds: the commit, and whether something differs from it.
func (c *cloud) commit(ctx context.Context) string {
	head, err := c.ask(ctx, c.git, "-C", c.root, "rev-parse", "--short=12", "HEAD")
	if err != nil {
		return "unknown"
	}
	if changes, err := c.ask(ctx, c.git, "-C", c.root, "status", "--porcelain"); err != nil || changes != "" {
		return head + "-dirty"
	}
	return head
}

// record keeps a release that works, or the first, under the time and what it brought.
func (c *cloud) record(ctx context.Context, what string, bundles map[string]bundle.Bundle) error {
	name := c.now().UTC().Format(timeFormat) + "-" + what
	history, err := c.history(ctx)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(bundles, "", "  ")
	if err != nil {
		return err
	}
	if err := c.change(ctx, bytes.NewReader(text), c.gcloud, "storage", "cp", "--project="+c.project, "-", history+name+".json"); err != nil {
		return fmt.Errorf("%s serves, but isn't recorded: %w", name, err)
	}
	c.say("%s serves", name)
	return nil
}

// recordWayBack keeps that the release serves again; the commit is of the files that it was
// applied with, which are the working tree's.
func (c *cloud) recordWayBack(ctx context.Context, release, commit string, bundles map[string]bundle.Bundle) error {
	return c.record(ctx, wayBack+release+withFiles+commit, bundles)
}

// origin is the release whose functions, all or nearly all, a way back serves; any other is
// its own.
func origin(name string) string {
	_, of, ok := strings.Cut(name, "-"+wayBack)
	if !ok {
		return name
	}
	of, _, _ = strings.Cut(of, withFiles)
	of, _, _ = strings.Cut(of, butFor)
	return of
}

// unpack puts a release's bundles into their folder. Functions that it doesn't know,
// since they came later, get the working tree's.
func (c *cloud) unpack(ctx context.Context, r release) error {
	folder := c.bundles()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	if err := c.fetch(ctx, r, folder); err != nil {
		return err
	}
	declared, err := c.declared()
	if err != nil {
		return err
	}
	var later []string
	for id := range declared {
		if _, ok := r.bundles[id]; !ok {
			later = append(later, id)
		}
	}
	if len(later) > 0 {
		if _, err := bundle.Build(ctx, c.root, folder, later...); err != nil {
			return err
		}
	}
	c.say("%s holds %s now; `make bundle` makes those of the working tree again", folder, r.name)
	return nil
}

// fetch puts a release's bundles and their manifest into the folder, which holds no others
// then: the names are of the contents, so that what both need stays.
func (c *cloud) fetch(ctx context.Context, r release, folder string) error {
	history, err := c.history(ctx)
	if err != nil {
		return err
	}
	bucket := strings.TrimSuffix(history, "releases/")
	var missing []string
	for _, b := range r.bundles {
		if _, err := os.Stat(filepath.Join(folder, b.File)); err != nil {
			missing = append(missing, bucket+b.File)
		}
	}
	slices.Sort(missing)
	if len(missing) > 0 {
		args := append([]string{"storage", "cp", "--project=" + c.project}, missing...)
		if err := c.change(ctx, nil, c.gcloud, append(args, folder)...); err != nil {
			return err
		}
	}
	text, err := json.MarshalIndent(r.bundles, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(folder, bundle.ManifestName), text, 0o644); err != nil {
		return err
	}
	there, err := filepath.Glob(filepath.Join(folder, "*.zip"))
	if err != nil {
		return err
	}
	needed := map[string]bool{}
	for _, b := range r.bundles {
		needed[b.File] = true
	}
	for _, file := range there {
		if !needed[filepath.Base(file)] {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	return nil
}
