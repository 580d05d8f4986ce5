package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
)

// A release is taken back by building the one before again, which takes minutes.
// Meanwhile the revisions from before, which are still there, take the calls. The way back's
// own apply ends that, as any would: according to Google's reference, the Functions API
// tells Terraform that the latest revision doesn't have all traffic, and gives it all when it
// updates (all_traffic_on_latest_revision). What a race of both leaves, letGo ends.

// serving are the newest revisions of a region's functions, which take the calls.
type serving struct {
	region    string
	revisions map[string]revision // by the functions' ids
}

// whatServes returns them as they are now.
func (c *cloud) whatServes(ctx context.Context) (serving, error) {
	out, err := c.readOutputs(ctx)
	if err != nil {
		return serving{}, err
	}
	revisions, err := c.revisions(ctx, out.Region)
	return serving{out.Region, revisions}, err
}

// holdBack lets the revisions from before take the calls of those functions that have newer
// ones and are built again, and returns their ids. Where it can't, the newer one serves on.
func (c *cloud) holdBack(ctx context.Context, before serving, built func(id string) bool) (held []string) {
	if len(before.revisions) == 0 {
		return nil
	}
	now, err := c.revisions(ctx, before.region)
	if err != nil {
		c.say("what serves stays until the release before is built: %v", err)
		return nil
	}
	flags := map[string]string{}
	for id, was := range before.revisions {
		// Pinned although it is the newest, one would stay pinned: the Functions API sees no
		// difference. And one that was pinned had a newest that somebody had taken out.
		if newer := now[id].ready; built(id) && !was.pinned && was.ready != "" && newer != "" && newer != was.ready {
			flags[id] = "--to-revisions=" + was.ready + "=100"
			held = append(held, id)
		}
	}
	if err := c.route(ctx, before.region, flags); err != nil {
		c.say("some serve until the release before is built: %v", err)
	}
	return held
}

// letGo demands that the newest revisions of functions that were held back serve again,
// and lets those that an apply left.
func (c *cloud) letGo(ctx context.Context, region string, held []string) error {
	if len(held) == 0 {
		return nil
	}
	now, err := c.revisions(ctx, region)
	if err != nil {
		return fmt.Errorf("it can't be seen whether the newest revisions serve; the next deployment lets them: %w", err)
	}
	flags := map[string]string{}
	for _, id := range held {
		if now[id].pinned {
			flags[id] = "--to-latest"
		}
	}
	if err := c.route(ctx, region, flags); err != nil {
		return fmt.Errorf("revisions from before serve on; run for each: gcloud run services update-traffic … --region=%s --project=%s --to-latest: %w", region, c.project, err)
	}
	return nil
}

// routesAtOnce are calls of gcloud that take seconds each, and hardly any work.
const routesAtOnce = 8

// route lets calls of the functions go where their flags say.
func (c *cloud) route(ctx context.Context, region string, flags map[string]string) error {
	var failed []error
	var mu sync.Mutex
	var going sync.WaitGroup
	slots := make(chan struct{}, routesAtOnce)
	for id, flag := range flags {
		going.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if err := c.change(ctx, nil, c.gcloud, "run", "services", "update-traffic", id, "--region="+region, "--project="+c.project, flag, "--async"); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed = append(failed, fmt.Errorf("%s: %w", id, err))
			}
		})
	}
	going.Wait()
	return errors.Join(failed...)
}
