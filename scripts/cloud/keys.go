package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"

	"aksio.app/shared/auth"
)

// The secrets that hold the keys of tokens: the private ones, and the set of public
// ones that every function is started with.
const (
	signingKey = "token-signing-key"
	publicKeys = "token-keys"
)

// tokenKeys makes the first keys of tokens, or replaces them in two steps: a key
// that signs before every running function knows it would sign people out.
func tokenKeys(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	publish := flags.Bool("publish", false, "publish a new key beside the one that signs")
	sign := flags.Bool("sign", false, "let the published one sign; a day later, when all functions were started anew")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	switch {
	case *publish && *sign:
		return errors.New("-publish comes first, and -sign when all functions were started anew: say one of them")
	case *publish:
		return c.publishKey(ctx)
	case *sign:
		return c.signWithNewest(ctx)
	}
	return c.firstKeys(ctx)
}

// firstKeys makes the keys unless there are any.
func (c *cloud) firstKeys(ctx context.Context) error {
	there, err := c.newestVersion(ctx, publicKeys, "state=ENABLED")
	if err != nil || there != "" {
		return err
	}
	// A private key without its public half is left of an earlier try: a newer pair takes its place.
	private, signer, err := newKey()
	if err != nil {
		return err
	}
	if err := c.addVersion(ctx, signingKey, string(private)); err != nil {
		return err
	}
	return c.addVersion(ctx, publicKeys, string(signer.PublicKeys()))
}

func (c *cloud) noKeys() error {
	return fmt.Errorf("the secret %s has no value: run `%s` first", signingKey, c.hint("keys"))
}

func newKey() ([]byte, *auth.Signer, error) {
	private, err := auth.GenerateKey()
	if err != nil {
		return nil, nil, err
	}
	signer, err := auth.NewSigner(private)
	return private, signer, err
}

// publishKey makes a key that doesn't sign yet.
func (c *cloud) publishKey(ctx context.Context) error {
	signs, err := c.newestVersion(ctx, signingKey, "state=ENABLED")
	if err != nil {
		return err
	}
	if signs == "" {
		return c.noKeys()
	}
	newest, err := c.newestVersion(ctx, signingKey, "state!=DESTROYED")
	if err != nil {
		return err
	}
	if newest != signs { // another one would take the place of the one that signs
		return fmt.Errorf("version %s of the secret %s is published and doesn't sign: let it by `%s`, or destroy it", newest, signingKey, c.hint("keys", "-sign"))
	}
	text, err := c.ask(ctx, c.gcloud, "secrets", "versions", "access", "latest", "--secret="+publicKeys, "--project="+c.project)
	if err != nil {
		return err
	}
	var set auth.KeySet
	if err := json.Unmarshal([]byte(text), &set); err != nil {
		return fmt.Errorf("the secret %s is no JSON Web Key Set: %w", publicKeys, err)
	}
	private, signer, err := newKey()
	if err != nil {
		return err
	}
	var fresh auth.KeySet
	if err := json.Unmarshal(signer.PublicKeys(), &fresh); err != nil {
		return err
	}
	// Tokens of the one before the last have long expired.
	set.Keys = append(fresh.Keys, set.Keys[:min(len(set.Keys), 1)]...)
	published, err := json.Marshal(set)
	if err != nil {
		return err
	}
	if err := c.addVersion(ctx, signingKey, string(private)); err != nil {
		return err
	}
	if newest, err = c.newestVersion(ctx, signingKey, "state!=DESTROYED"); err != nil {
		return err
	}
	if err := c.change(ctx, nil, c.gcloud, "secrets", "versions", "disable", newest, "--secret="+signingKey, "--project="+c.project); err != nil {
		return err
	}
	if err := c.addVersion(ctx, publicKeys, string(published)); err != nil { // or the next -publish would take it for published
		return fmt.Errorf("%w: version %s of the secret %s isn't published; destroy it, then run this again; it is destroyed by: gcloud secrets versions destroy %[2]s --secret=%[3]s --project=%s", err, newest, signingKey, c.project)
	}
	c.say("The new key is published. Instances know it when they start: run `%s`, or wait a day, then `%s`.", c.hint("restart"), c.hint("keys", "-sign"))
	return nil
}

// signWithNewest lets the key that was published last sign.
func (c *cloud) signWithNewest(ctx context.Context) error {
	newest, err := c.newestVersion(ctx, signingKey, "state!=DESTROYED")
	if err != nil {
		return err
	}
	if newest == "" {
		return c.noKeys()
	}
	if err := c.change(ctx, nil, c.gcloud, "secrets", "versions", "enable", newest, "--secret="+signingKey, "--project="+c.project); err != nil {
		return err
	}
	c.say("version %s of the secret %s, the newest, signs", newest, signingKey)
	return nil
}
