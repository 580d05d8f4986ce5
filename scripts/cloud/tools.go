package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"aksio.app/scripts/internal/catalogue"
)

// cloud is an environment and the programs that reach it.
type cloud struct {
	terraform, gcloud, proxy, psql, git string // programs

	root        string // of the repository
	environment string // staging or production
	project     string
	now         func() time.Time
	pause       time.Duration // before a second try; quotas want twelve

	in       io.Reader
	out, log io.Writer
}

// prefix begins the names of the environment's resources; see locals.tf.
func (c *cloud) prefix() string {
	if c.environment == "production" {
		return "aksio-prod"
	}
	return "aksio-" + c.environment
}

func (c *cloud) infrastructure() string { return filepath.Join(c.root, "infrastructure") }

// bundles is the folder of what is applied or planned, whichever release it is: the state
// holds its path, and another one would replace every bundle.
func (c *cloud) bundles() string { return filepath.Join(c.infrastructure(), bundlesThere) }

// bundlesThere is the folder of bundles as Terraform, which runs beside its files, is told it.
const bundlesThere = "../build/bundles"

// declared are the functions that the files here declare.
func (c *cloud) declared() (map[string]catalogue.Function, error) {
	return catalogue.Read(filepath.Join(c.infrastructure(), "functions.json"))
}

// hint words a command of this program on the same environment.
func (c *cloud) hint(command string, flags ...string) string {
	return strings.Join(append([]string{"go run ./scripts/cloud", command, "-environment", c.environment, "-project", c.project}, flags...), " ")
}

// say tells what happens.
func (c *cloud) say(format string, args ...any) { fmt.Fprintf(c.log, format+"\n", args...) }

// change runs a program that changes something and shows the call and its output.
func (c *cloud) change(ctx context.Context, input io.Reader, program string, args ...string) error {
	c.say("+ %s %s", filepath.Base(program), strings.Join(args, " "))
	cmd := c.prepare(ctx, program, args)
	var kept bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = input, c.log, io.MultiWriter(c.log, &kept)
	return explain(program, cmd.Run(), kept.String())
}

// ask runs a program that only reads and returns what it prints.
func (c *cloud) ask(ctx context.Context, program string, args ...string) (string, error) {
	cmd := c.prepare(ctx, program, args)
	var kept bytes.Buffer
	cmd.Stderr = &kept
	text, err := cmd.Output()
	return strings.TrimSpace(string(text)), explain(program, err, kept.String())
}

// wait returns when the time is over, or with an error when it is interrupted.
func wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (c *cloud) prepare(ctx context.Context, program string, args []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, args...)
	// Interrupted, terraform ends what it has begun and unlocks the state. Twice, it drops
	// what it has begun: in a group of its own it doesn't hear the terminal's Ctrl-C, too.
	cmd.Cancel = func() error {
		if program == c.terraform {
			c.say("interrupted: terraform ends what it has begun and unlocks the state")
		}
		return cmd.Process.Signal(os.Interrupt)
	}
	if program == c.terraform {
		cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	}
	cmd.Env = append(os.Environ(), "TF_VAR_project_id="+c.project, "TF_IN_AUTOMATION=1", "CLOUDSDK_CORE_DISABLE_PROMPTS=1")
	return cmd
}

// failure is a program that ended with an error.
type failure struct {
	program, said string
	err           error
}

func (f *failure) Error() string {
	return fmt.Sprintf("%s: %v: %s", f.program, f.err, f.reason())
}

// mostLines are those of a reason: one refusal after another would hide what comes next.
const mostLines = 20

// firstError begins what is told of why: "Error: …" of Terraform, "ERROR: …" of gcloud.
var firstError = regexp.MustCompile(`(?m)^\s*(Error|ERROR): `)

// reason is the first error among what the program said and what follows it; the last
// line if it calls none so.
func (f *failure) reason() string {
	text := strings.TrimSpace(unboxed.Replace(colour.ReplaceAllString(f.said, "")))
	at := firstError.FindStringIndex(text)
	if at == nil {
		return strings.TrimSpace(text[strings.LastIndex(text, "\n")+1:])
	}
	lines := strings.Split(strings.TrimSpace(text[at[0]:]), "\n")
	if len(lines) > mostLines {
		lines = append(lines[:mostLines], "…")
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

// Terraform draws a coloured box around an error where it isn't told not to.
var (
	unboxed = strings.NewReplacer("╷\n", "", "│ ", "", "│", "", "╵", "")
	colour  = regexp.MustCompile(`\x1b\[[0-9;]*m`)
)

func explain(program string, err error, said string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, exec.ErrNotFound):
		return fmt.Errorf("%s isn't installed; install it, then run this again", program)
	}
	return &failure{filepath.Base(program), said, err}
}

func (f *failure) Unwrap() error { return f.err }

// said reports whether the program's last words hold one of the texts, however they are
// broken into lines.
func said(err error, texts ...string) bool {
	var f *failure
	if !errors.As(err, &f) {
		return false
	}
	words := strings.Join(strings.Fields(unboxed.Replace(colour.ReplaceAllString(f.said, ""))), " ")
	for _, text := range texts {
		if strings.Contains(words, text) {
			return true
		}
	}
	return false
}

// notThere is how gcloud says that a bucket isn't there. A bare 404 may be of its name.
var notThere = []string{"not found: 404", "HTTPError 404", "NOT_FOUND"}

// anotherProvider is what Terraform says where another commit's provider was taken before.
const anotherProvider = "does not match configured version constraint"

// initialize connects the root module to the environment's state.
func (c *cloud) initialize(ctx context.Context) error {
	if err := c.checkState(ctx); err != nil {
		return err
	}
	args := []string{"-chdir=" + c.infrastructure(), "init", "-input=false", "-no-color", "-reconfigure",
		"-backend-config=environments/" + c.environment + ".gcs.tfbackend", "-backend-config=bucket=" + c.stateBucket()}
	err := c.change(ctx, nil, c.terraform, args...)
	if said(err, anotherProvider) { // always, and it would need the registry always
		err = c.change(ctx, nil, c.terraform, append(args, "-upgrade")...)
	}
	return err
}

// checkState demands that the project is this environment's: with an empty state beside
// another environment's, everything would be made a second time.
func (c *cloud) checkState(ctx context.Context) error {
	text, err := c.ask(ctx, c.gcloud, "storage", "ls", "--project="+c.project, "gs://"+c.stateBucket()+"/")
	switch {
	case said(err, "matched no objects"): // nothing was applied yet
		return nil
	case said(err, notThere...):
		return fmt.Errorf("the project %s has no bucket for Terraform's state: run `%s` first", c.project, c.hint("bootstrap"))
	case err != nil:
		return err
	}
	var held []string
	for _, line := range strings.Fields(text) {
		held = append(held, path.Base(line))
	}
	for _, other := range environments {
		if slices.Contains(held, other) && !slices.Contains(held, c.environment) {
			return fmt.Errorf("the project %s holds %s: set TF_VAR_project_id, or -project, to %s's", c.project, other, c.environment)
		}
	}
	return nil
}

func (c *cloud) stateBucket() string { return c.project + "-terraform" }
