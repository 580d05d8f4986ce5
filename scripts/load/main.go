// Command load plays a school day.
//
//	go run ./scripts/load run        # for real, against a local stack of its own
//	go run ./scripts/load check      # the same flags, which it looks at and no more
//	go run ./scripts/load simulate   # in numbers, against the limits of the cloud
//
// Both play the script in scripts/internal/schoolday. Run needs PostgreSQL at
// DATABASE_URL, on which it makes a database of its own, and drops it. It calls
// nothing but this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"aksio.app/scripts/internal/commandline"
)

// mostSimulated is ten times the students whose day is played in a minute or two.
const mostSimulated = 10_000_000

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C doesn't wait
	if err := command(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say what to do: run or simulate")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	seed := flags.Uint64("seed", 1, "of everything that is left to chance")
	switch args[0] {
	case "check", "run":
		c := runConfig{out: os.Stdout, database: os.Getenv("DATABASE_URL")}
		students := flags.String("students", "50", "how many play the day")
		duration := flags.String("duration", "1m", "what the day is compressed to")
		flags.StringVar(&c.file, "file", "shared/extract/testdata/multicolumn.pdf", "the document that students upload")
		flags.StringVar(&c.dir, "out", "build/load", "folder of the report")
		flags.BoolVar(&c.profile, "profile", false, "write what was measured to "+profilePath+", too, for the simulation")
		flags.Parse(args[1:])
		if err := commandline.NoArguments(flags); err != nil {
			return err
		}
		var err error
		if c.schedule, err = scheduleOf(*students, *duration, *seed); err != nil || args[0] == "check" {
			return err
		}
		return runAndReport(ctx, c)
	case "simulate":
		populations := flags.String("students", "100000,1000000", "how many play the day, in each simulation")
		dir := flags.String("out", "build/simulation", "folder of the report")
		flags.Parse(args[1:])
		if err := commandline.NoArguments(flags); err != nil {
			return err
		}
		students, err := commandline.Numbers(*populations, 1, mostSimulated)
		if err != nil {
			return fmt.Errorf("-students: %w", err)
		}
		return simulate(ctx, os.Stdout, simulateConfig{students, "infrastructure/functions.json", *dir, *seed})
	default:
		return fmt.Errorf("%q is no command: say run or simulate", args[0])
	}
}
