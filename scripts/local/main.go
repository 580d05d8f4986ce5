// Command local runs the whole platform on this machine, and plays a student's
// day on it.
//
//	go run ./scripts/local run                   # PORT=8080 chooses the port
//	go run ./scripts/local demo -file lecture.pdf
package main

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"aksio.app/scripts/internal/commandline"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second Ctrl-C doesn't wait
	if err := command(ctx, os.Args[1:]); err != nil {
		// One line, so that the last line is the whole of what went wrong.
		fmt.Fprintln(os.Stderr, strings.Join(strings.Fields(err.Error()), " "))
		os.Exit(1)
	}
}

func command(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return errors.New("say what to do: run or demo")
	}
	flags := flag.NewFlagSet(args[0], flag.ExitOnError)
	switch args[0] {
	case "run":
		flags.Parse(args[1:])
		if err := commandline.NoArguments(flags); err != nil {
			return err
		}
		return run(ctx, os.Stdout)
	case "demo":
		file := flags.String("file", os.Getenv("FILE"), "the document to study, such as a PDF")
		address := flags.String("address", "http://127.0.0.1:"+cmp.Or(os.Getenv("PORT"), "8080"), "of the running API")
		flags.Parse(args[1:])
		if err := commandline.NoArguments(flags); err != nil {
			return err
		}
		return demo(ctx, os.Stdout, *address, *file)
	default:
		return fmt.Errorf("%q is no command: say run or demo", args[0])
	}
}
