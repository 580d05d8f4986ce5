package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// callPrivate calls a private function at the platform's address, in the name of
// whoever runs this, and shows what it answers.
func (c *cloud) callPrivate(ctx context.Context, address, function string) error {
	if address == "" {
		return fmt.Errorf("%s has no address: output functions doesn't name it", function)
	}
	token, err := c.identityToken(ctx, address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address+"/internal/"+function+"/", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	c.say("+ POST %s", r.URL)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	answer := strings.TrimSpace(string(body))
	switch resp.StatusCode {
	case http.StatusOK:
		c.say("%s", answer)
		return nil
	case http.StatusForbidden, http.StatusUnauthorized:
		return fmt.Errorf("%s answers %s: your account may not call it; it needs roles/run.invoker on the service %[1]s", function, resp.Status)
	}
	return fmt.Errorf("%s answers %s: %.1000s", function, resp.Status, answer)
}

// identityToken says who runs this. Only a service account may ask for one that is
// good at one address alone, so that a person's is good at any. A federated account,
// such as a workflow's, has none, but may ask IAM for one as itself (federation.tf).
func (c *cloud) identityToken(ctx context.Context, audience string) (string, error) {
	token, err := c.ask(ctx, c.gcloud, "auth", "print-identity-token", "--audiences="+audience)
	if said(err, "Invalid account type for `--audiences`", "Invalid account Type for `--audiences`") {
		token, err = c.ask(ctx, c.gcloud, "auth", "print-identity-token")
	}
	if said(err, "No identity token can be obtained") {
		account, accountErr := c.ask(ctx, c.gcloud, "config", "get", "account")
		if accountErr != nil {
			return "", accountErr
		}
		token, err = c.ask(ctx, c.gcloud, "auth", "print-identity-token", "--impersonate-service-account="+account, "--audiences="+audience, "--include-email")
	}
	if err == nil && token == "" {
		err = errors.New("gcloud hands out no identity token: run `gcloud auth login`")
	}
	return token, err
}
