package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"strings"
)

// addSecret adds a value of a secret. The value comes from standard input, never from
// the command line, where others could see it.
func addSecret(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	name := flags.String("name", "", "of the secret, such as openai-api-key")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	if !plainWord.MatchString(*name) {
		return errors.New("say which secret: -name openai-api-key; `gcloud secrets list` shows them")
	}
	value, err := io.ReadAll(io.LimitReader(c.in, 64<<10+1))
	if err != nil {
		return err
	}
	// A line's end is the terminal's, not the secret's.
	text := strings.TrimRight(string(value), "\r\n")
	switch {
	case text == "":
		return errors.New("standard input holds no value: pass it as in `pbpaste | go run ./scripts/cloud secret …`")
	case len(text) > 64<<10:
		return errors.New("the value is larger than the 64 KiB that Secret Manager takes")
	}
	return c.addVersion(ctx, *name, text)
}

func (c *cloud) addVersion(ctx context.Context, name, value string) error {
	return c.change(ctx, strings.NewReader(value), c.gcloud, "secrets", "versions", "add", name, "--project="+c.project, "--data-file=-")
}

// makeSecrets makes what holds the secrets: functions can't be made before there are values.
func (c *cloud) makeSecrets(ctx context.Context) error {
	if err := c.apply(ctx, "-target=google_secret_manager_secret.this"); err != nil {
		return fmt.Errorf("%w: run this again", err)
	}
	return nil
}

// checkSecrets names all secrets whose newest version, which is the one that functions
// are started with, can't be read, or that have none.
func (c *cloud) checkSecrets(ctx context.Context) error {
	out, err := c.readOutputs(ctx)
	if err != nil {
		return err
	}
	var empty, off strings.Builder
	for _, secret := range out.Secrets {
		enabled, err := c.newestVersion(ctx, secret, "state=ENABLED")
		if err != nil {
			return err
		}
		add := fmt.Sprintf("\n  %s < file-with-the-value", c.hint("secret", "-name", secret))
		if enabled == "" {
			empty.WriteString(add)
			continue
		}
		if secret == signingKey { // functions look for the enabled ones, and the newest waits for its day: publishKey
			continue
		}
		newest, err := c.newestVersion(ctx, secret, "")
		if err != nil {
			return err
		}
		if newest != enabled {
			fmt.Fprintf(&off, "%s\n  or, if version %s is good: gcloud secrets versions enable %[2]s --secret=%s --project=%s", add, newest, secret, c.project)
		}
	}
	var errs []error
	if empty.Len() > 0 {
		errs = append(errs, fmt.Errorf("these secrets have no value that can be read; give each one, or name it in absent_secrets of environments/%s.tfvars, then run this again:%s", c.environment, empty.String()))
	}
	if off.Len() > 0 {
		errs = append(errs, fmt.Errorf("the newest version of these secrets is disabled or destroyed, and functions start with the newest alone; add a value that is good, then run this again:%s", off.String()))
	}
	return errors.Join(errs...)
}

// newestVersion returns the number of the secret's newest version in the state, in any
// if that is empty: gcloud asks the server for none then. It is "" if there is none.
func (c *cloud) newestVersion(ctx context.Context, secret, state string) (string, error) {
	text, err := c.ask(ctx, c.gcloud, "secrets", "versions", "list", secret, "--project="+c.project,
		"--filter="+state, "--sort-by=~createTime", "--limit=1", "--format=value(name.basename())")
	if said(err, "NOT_FOUND") { // nor the secret
		return "", nil
	}
	return text, err
}
