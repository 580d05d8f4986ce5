package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"path/filepath"
	"strings"

	"aksio.app/scripts/internal/bundle"
)

// What must be on before Terraform can turn on the rest.
var firstAPIs = []string{"cloudresourcemanager", "iam", "iamcredentials", "secretmanager", "serviceusage", "storage"}

// bootstrap makes an empty project serve. Each step looks whether it is done, so that
// a second run finishes what the first one left.
func bootstrap(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	if err := errors.Join(c.parse(flags, args), noArguments(flags)); err != nil {
		return err
	}
	for _, step := range []func(context.Context) error{c.checkProject, c.enableAPIs, c.makeStateBucket, c.initialize, c.makeSecrets, c.firstKeys, c.checkSecrets} {
		if err := step(ctx); err != nil {
			return err
		}
	}
	folder := filepath.Join(c.root, "build", "bundles")
	if _, err := bundle.Build(ctx, c.root, folder); err != nil {
		return err
	}
	if err := c.apply(ctx, folder); err != nil {
		return fmt.Errorf("%w: run bootstrap again, it goes on from here", err)
	}
	return c.nextSteps(ctx)
}

func (c *cloud) checkProject(ctx context.Context) error {
	_, err := c.ask(ctx, c.gcloud, "projects", "describe", c.project, "--format=value(projectId)")
	if err != nil {
		return fmt.Errorf("the project %s can't be seen: make it (gcloud projects create %[1]s) or sign in as who may (gcloud auth login): %w", c.project, err)
	}
	enabled, err := c.ask(ctx, c.gcloud, "billing", "projects", "describe", c.project, "--format=value(billingEnabled)")
	if err == nil && !strings.EqualFold(enabled, "true") {
		err = fmt.Errorf("the project %s has no billing account: gcloud billing projects link %[1]s --billing-account=… (gcloud billing accounts list shows yours)", c.project)
	}
	return err
}

func (c *cloud) enableAPIs(ctx context.Context) error {
	args := []string{"services", "enable", "--project=" + c.project}
	for _, name := range firstAPIs {
		args = append(args, name+".googleapis.com")
	}
	return c.change(ctx, nil, c.gcloud, args...)
}

// makeStateBucket makes where Terraform keeps what it knows. Versions let a damaged
// state be had back.
func (c *cloud) makeStateBucket(ctx context.Context) error {
	bucket := "gs://" + c.stateBucket()
	_, err := c.ask(ctx, c.gcloud, "storage", "buckets", "describe", bucket, "--format=value(name)")
	if err == nil {
		return nil
	}
	if !said(err, "404", "not found", "NOT_FOUND") {
		return err
	}
	if err := c.change(ctx, nil, c.gcloud, "storage", "buckets", "create", bucket, "--project="+c.project, "--location=europe-west1",
		"--uniform-bucket-level-access", "--public-access-prevention"); err != nil {
		return err
	}
	return c.change(ctx, nil, c.gcloud, "storage", "buckets", "update", bucket, "--versioning")
}

// makeSecrets makes what holds the secrets: functions can't be made before there are values.
func (c *cloud) makeSecrets(ctx context.Context) error {
	return c.apply(ctx, filepath.Join("build", "bundles"), "-target=google_secret_manager_secret.this")
}

// checkSecrets names all secrets that still want a value.
func (c *cloud) checkSecrets(ctx context.Context) error {
	text, err := c.ask(ctx, c.gcloud, "secrets", "list", "--project="+c.project, "--filter=labels.environment:*", "--format=value(name.basename())")
	if err != nil {
		return err
	}
	var empty []string
	for _, secret := range strings.Fields(text) {
		if secret == "settings" || secret == "redis-url" {
			continue // Terraform's own
		}
		there, err := c.hasVersion(ctx, secret)
		if err != nil {
			return err
		}
		if !there {
			empty = append(empty, secret)
		}
	}
	if len(empty) == 0 {
		return nil
	}
	var lines strings.Builder
	for _, secret := range empty {
		fmt.Fprintf(&lines, "\n  go run ./scripts/cloud secret -environment %s -project %s -name %s < file-with-the-value", c.environment, c.project, secret)
	}
	return fmt.Errorf("these secrets have no value yet; give each one, or name it in absent_secrets of environments/%s.tfvars, then run this again:%s", c.environment, lines.String())
}

// nextSteps tells what only a person can do.
func (c *cloud) nextSteps(ctx context.Context) error {
	text, err := c.ask(ctx, c.terraform, "-chdir="+c.infrastructure(), "output", "github_variables")
	if err != nil {
		return err
	}
	c.say("Everything is made. Set these variables in the GitHub environment %q (Settings, Environments):\n%s\nThen go on with: go run ./scripts/cloud deploy -environment %[1]s", c.environment, text)
	return nil
}
