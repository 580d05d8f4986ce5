// Command cloud is what people and CI do with an environment in Google Cloud.
//
//	go run ./scripts/cloud bootstrap -environment staging -project aksio-staging-1234
//	go run ./scripts/cloud deploy    -environment staging -project aksio-staging-1234
//
// Without arguments it lists its commands. TF_VAR_project_id and AKSIO_ENVIRONMENT stand
// for the flags. It drives gcloud and terraform, and shows each command that
// changes something before it runs it.
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"aksio.app/scripts/internal/commandline"
)

// command is one thing to do.
type command struct {
	name, summary string
	run           func(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error
}

var commands = []command{
	{"bootstrap", "make a new project ready: state, secrets, everything; run it again to finish what broke off", bootstrap},
	{"plan", "tell what an apply would change; -fail-on-changes finds drift", plan},
	{"deploy", "bundle, apply, migrate before traffic, test through the edge; back to the last release if that fails", deploy},
	{"rollback", "go back to the last release with another bundle, or one named by -to; only one function with -function", rollback},
	{"releases", "list what was deployed, the newest first", releases},
	{"outputs", "print what Terraform tells of the environment, as JSON; one that is named as it is", printOutputs},
	{"smoke", "call every function through the edge, signed out; fails if one doesn't answer as it must", smokeCommand},
	{"logs", "show the functions' logs: -function, -severity, -since, -request", logs},
	{"database", "open psql on the database, through the connector; -write to change something", openDatabase},
	{"backup", "make a backup of the database now and wait for it", backup},
	{"restart", "let all functions start anew with changed settings and secrets, without a build; only one with -function", restart},
	{"secret", "add a value of a secret, read from standard input", addSecret},
	{"keys", "make the keys of tokens, or replace them: -publish a new one, then let it -sign", tokenKeys},
}

// errTerminated is why a command ends that has minutes to do so, and not as long as it
// likes: what a workflow is cancelled with.
var errTerminated = errors.New("terminated")

// environments there can be, each in a project of its own.
var environments = []string{"staging", "production"}

func main() {
	ctx, cancel := context.WithCancelCause(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		if <-signals == syscall.SIGTERM {
			cancel(errTerminated)
		}
		cancel(nil)
	}()
	c := &cloud{terraform: "terraform", gcloud: "gcloud", proxy: "cloud-sql-proxy", psql: "psql", git: "git", root: ".", now: time.Now, pause: 5 * time.Second, in: os.Stdin, out: os.Stdout, log: os.Stderr}
	if err := c.command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "cloud:", err)
		os.Exit(1)
	}
}

// command carries out the command that the arguments name.
func (c *cloud) command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		usage(c.out)
		return nil
	}
	i := slices.IndexFunc(commands, func(known command) bool { return known.name == args[0] })
	if i < 0 {
		return fmt.Errorf("%q is no command; without arguments they are listed", args[0])
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(c.log)
	flags.StringVar(&c.environment, "environment", os.Getenv("AKSIO_ENVIRONMENT"), "staging or production")
	flags.StringVar(&c.project, "project", os.Getenv("TF_VAR_project_id"), "id of the environment's Google Cloud project")
	err := commands[i].run(ctx, c, flags, args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	return err
}

func usage(out io.Writer) {
	fmt.Fprintln(out, "usage: go run ./scripts/cloud <command> -environment staging|production [-project id]\n\ncommands:")
	for _, known := range commands {
		fmt.Fprintf(out, "  %-10s %s\n", known.name, known.summary)
	}
}

// parse reads the flags of a command that takes nothing else.
func (c *cloud) parse(flags *flag.FlagSet, args []string) error {
	return cmp.Or(c.parseBefore(flags, args), commandline.NoArguments(flags))
}

// parseBefore reads the flags before the arguments, and demands what every command but
// smoke needs.
func (c *cloud) parseBefore(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if !slices.Contains(environments, c.environment) {
		return errors.New("say which environment: -environment staging or -environment production")
	}
	if c.project == "" {
		return errors.New("say which project the environment is in: -project or TF_VAR_project_id; `gcloud projects list` shows them")
	}
	return nil
}
