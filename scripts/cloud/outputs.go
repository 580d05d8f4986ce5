package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// outputs are what the root module says of the environment.
type outputs struct {
	APIURL       string            `json:"api_url"`       // empty without the router
	FunctionURLs string            `json:"function_urls"` // with {function} for the id; empty without a domain
	Functions    map[string]string `json:"functions"`
	Buckets      map[string]string `json:"buckets"`
	Region       string            `json:"region"`
	Settings     string            `json:"settings_version"`
	Database     string            `json:"database_connection_name"`
	People       []string          `json:"database_people"`
	Secrets      []string          `json:"secrets_to_fill"`
	DNSRecords   []dnsRecord       `json:"dns_records"` // of the domain, if there is one
	// By where on GitHub they belong: "environment" or "repository".
	GitHub map[string]map[string]string `json:"github_variables"`
}

type dnsRecord struct{ Name, Type, Value string }

// readOutputs returns the outputs; empty ones if nothing was ever applied.
func (c *cloud) readOutputs(ctx context.Context) (outputs, error) {
	var out outputs
	values, err := c.rawOutputs(ctx)
	if err != nil {
		return out, err
	}
	all, err := json.Marshal(values)
	if err != nil {
		return out, err
	}
	if err := json.Unmarshal(all, &out); err != nil {
		return out, fmt.Errorf("terraform output: %w", err)
	}
	return out, nil
}

// deployed returns the outputs of an environment that there is.
func (c *cloud) deployed(ctx context.Context) (outputs, error) {
	if err := c.initialize(ctx); err != nil {
		return outputs{}, err
	}
	out, err := c.readOutputs(ctx)
	if err == nil && len(out.Functions) == 0 {
		err = c.nothingDeployed()
	}
	return out, err
}

func (c *cloud) nothingDeployed() error {
	return fmt.Errorf("nothing is deployed: %s comes first", c.hint("deploy"))
}

// rawOutputs returns all outputs that there are by their names.
func (c *cloud) rawOutputs(ctx context.Context) (map[string]json.RawMessage, error) {
	text, err := c.ask(ctx, c.terraform, "-chdir="+c.infrastructure(), "output", "-json", "-no-color")
	if err != nil {
		return nil, err
	}
	var values map[string]struct{ Value json.RawMessage }
	if err := json.Unmarshal([]byte(text), &values); err != nil {
		return nil, fmt.Errorf("terraform output: %w", err)
	}
	plain := map[string]json.RawMessage{}
	for name, value := range values {
		plain[name] = value.Value
	}
	return plain, nil
}

// printOutputs prints all outputs, or the one that is named: a text as it is, for scripts,
// and all else as JSON.
func printOutputs(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	if err := c.parseBefore(flags, args); err != nil {
		return err
	}
	if flags.NArg() > 1 {
		return errors.New("name one output, behind the flags, or none for all")
	}
	if err := c.initialize(ctx); err != nil {
		return err
	}
	values, err := c.rawOutputs(ctx)
	if err != nil {
		return err
	}
	var shown any = values
	if name := flags.Arg(0); name != "" {
		value, ok := values[name]
		if !ok {
			return fmt.Errorf("there is no output %q, or it is null; there are: %s", name, strings.Join(slices.Sorted(maps.Keys(values)), ", "))
		}
		var text string
		if json.Unmarshal(value, &text) == nil && string(value) != "null" {
			fmt.Fprintln(c.out, text)
			return nil
		}
		shown = value
	}
	encoder := json.NewEncoder(c.out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(shown)
}
