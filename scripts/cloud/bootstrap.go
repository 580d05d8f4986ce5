package main

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	"aksio.app/scripts/internal/bundle"
)

// What must be on before Terraform can turn on the rest.
var firstAPIs = []string{"cloudresourcemanager", "iam", "iamcredentials", "pubsub", "secretmanager", "serviceusage", "storage"}

// bootstrap makes an empty project serve. Each step looks whether it is done, so that
// a second run finishes what the first one left.
func bootstrap(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	if err := c.parse(flags, args); err != nil {
		return err
	}
	commit := c.commit(ctx)
	for _, step := range []func(context.Context) error{c.checkProject, c.labelProject, c.enableAPIs, c.makeAgent, c.makeStateBucket, c.initialize, c.nothingServes, c.makeSecrets, c.firstKeys, c.checkSecrets} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if _, err := bundle.Build(ctx, c.root, c.bundles()); err != nil {
		return err
	}
	return c.firstRelease(ctx, commit)
}

// firstRelease makes everything, the tables too, with the bundles in their folder. It
// isn't tested: the domain may lead nowhere yet.
func (c *cloud) firstRelease(ctx context.Context, commit string) error {
	bundles, err := bundle.Manifest(c.bundles())
	if err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{
		func(ctx context.Context) error { return c.apply(ctx) },
		c.callMigrations,
		func(ctx context.Context) error { return c.runNewSchedules(ctx, nil) },
		func(ctx context.Context) error { return c.record(ctx, commit, bundles) },
	} {
		if err := step(ctx); err != nil {
			return fmt.Errorf("%w: run bootstrap again, it goes on from here", err)
		}
	}
	return c.nextSteps(ctx)
}

// nothingServes refuses where there is a release: here everything is applied before it is migrated.
func (c *cloud) nothingServes(ctx context.Context) error {
	serving, err := c.lastRelease(ctx)
	if err == nil && serving != nil {
		err = fmt.Errorf("%s serves already; go on with: %s", serving.name, c.hint("deploy"))
	}
	return err
}

func (c *cloud) checkProject(ctx context.Context) error {
	_, err := c.ask(ctx, c.gcloud, "projects", "describe", c.project, "--format=value(projectId)")
	if err != nil {
		return fmt.Errorf("the project %s can't be seen: make it (gcloud projects create %[1]s) or sign in as who may (gcloud auth login): %w", c.project, err)
	}
	if _, err := c.ask(ctx, c.gcloud, "auth", "application-default", "print-access-token"); err != nil {
		return fmt.Errorf("terraform can't sign in: it takes application default credentials, not gcloud's; run `gcloud auth application-default login`, then this again: %w", err)
	}
	enabled, err := c.ask(ctx, c.gcloud, "billing", "projects", "describe", c.project, "--format=value(billingEnabled)")
	if err == nil && !strings.EqualFold(enabled, "true") {
		err = fmt.Errorf("the project %s has no billing account: gcloud billing projects link %[1]s --billing-account=… (gcloud billing accounts list shows yours)", c.project)
	}
	return err
}

// labelProject says on the project which environment it is; Terraform refuses another one.
func (c *cloud) labelProject(ctx context.Context) error {
	of := strings.TrimPrefix(c.prefix(), "aksio-")
	label, err := c.ask(ctx, c.gcloud, "projects", "describe", c.project, "--format=value(labels.environment)")
	switch {
	case err != nil || label == of:
		return err
	case label != "":
		return fmt.Errorf("the project %s is labelled environment=%s, and not %s: say which project is this environment's with -project or TF_VAR_project_id", c.project, label, of)
	}
	return c.change(ctx, nil, c.gcloud, "alpha", "projects", "update", c.project, "--update-labels=environment="+of)
}

func (c *cloud) enableAPIs(ctx context.Context) error {
	args := []string{"services", "enable", "--project=" + c.project}
	for _, name := range firstAPIs {
		args = append(args, name+".googleapis.com")
	}
	return c.change(ctx, nil, c.gcloud, args...)
}

// makeAgent makes the account as which Pub/Sub acts. Terraform grants it roles, and
// Google makes it at the first use only, which those grants come before.
func (c *cloud) makeAgent(ctx context.Context) error {
	return c.change(ctx, nil, c.gcloud, "beta", "services", "identity", "create", "--service=pubsub.googleapis.com", "--project="+c.project)
}

// makeStateBucket makes where Terraform keeps what it knows, which is needed most when
// a region is away. Versions let a damaged state be had back.
func (c *cloud) makeStateBucket(ctx context.Context) error {
	bucket := "gs://" + c.stateBucket()
	_, err := c.ask(ctx, c.gcloud, "storage", "buckets", "describe", bucket, "--format=value(name)")
	if said(err, notThere...) {
		err = c.change(ctx, nil, c.gcloud, "storage", "buckets", "create", bucket, "--project="+c.project, "--location=EU",
			"--uniform-bucket-level-access", "--public-access-prevention")
	}
	if err != nil {
		return err
	}
	// Always: an earlier try may have been broken off before it.
	return c.change(ctx, nil, c.gcloud, "storage", "buckets", "update", bucket, "--versioning")
}

// nextSteps tells what only a person can do.
func (c *cloud) nextSteps(ctx context.Context) error {
	out, err := c.readOutputs(ctx)
	if err != nil {
		return err
	}
	if out.GitHub == nil {
		c.say("GitHub deploys nothing here: name the repository in environments/%s.tfvars for that, see infrastructure/README.md.", c.environment)
	} else {
		of := map[string]string{"environment": fmt.Sprintf("the environment %q", c.environment), "repository": "the repository"}
		for _, place := range slices.Sorted(maps.Keys(of)) {
			c.say("Set these variables of %s on GitHub:", of[place])
			for _, name := range slices.Sorted(maps.Keys(out.GitHub[place])) {
				c.say("  %s=%s", name, out.GitHub[place][name])
			}
		}
	}
	if len(out.DNSRecords) > 0 {
		c.say("The domain needs these records, where dns_zone doesn't make them:")
		for _, record := range out.DNSRecords {
			c.say("  %s %s %s", record.Name, record.Type, record.Value)
		}
		c.say("Its certificate comes once they are there, within an hour. Before you go on, this has to say ACTIVE:\n  %s", c.certificate())
	}
	c.say("Everything is made. Go on with: %s", c.hint("deploy"))
	return nil
}
