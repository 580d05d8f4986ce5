// Command cost computes what the platform costs in a month: from what the functions
// declare, from prices with their date and source, and from assumptions, each of
// which can be overridden.
//
//	go run ./scripts/cost
//	go run ./scripts/cost -students 5000 -set peak_factor=5 -set model=gpt-4o -set calls.chats-send-message.calls=60
//
// It prints a table and what follows from it, and writes both, with every line, to
// cost.md with a chart, cost.svg.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"aksio.app/scripts/internal/commandline"
	"aksio.app/shared/database"
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "cost:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("cost", flag.ContinueOnError)
	folder := flags.String("infrastructure", "infrastructure", "`folder` with functions.json and cost/")
	output := flags.String("out", filepath.Join("build", "cost"), "`folder` for cost.md and cost.svg")
	students := flags.String("students", "", "numbers of students, such as 0,1000")
	var assignments []string
	flags.Func("set", "an assumption, as `name=value`; again for more", func(s string) error {
		assignments = append(assignments, s)
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if err := commandline.NoArguments(flags); err != nil {
		return err
	}
	in, err := readInputs(*folder)
	if err != nil {
		return err
	}
	in.Pool = database.DefaultPool
	for _, assignment := range assignments {
		if err := in.set(assignment); err != nil {
			return err
		}
	}
	if *students != "" {
		all, err := commandline.Numbers(*students, 0, 100_000_000)
		if err != nil {
			return fmt.Errorf("-students: %w", err)
		}
		in.Students = nil
		for _, n := range all {
			in.Students = append(in.Students, float64(n))
		}
	}
	bills, err := computeAll(in)
	if err != nil {
		return err
	}
	arguments, err := argue(in, bills)
	if err != nil {
		return err
	}
	d := summary(in, bills, arguments, assignments)
	d.Plain(out)
	detail(d, in, bills)
	file := filepath.Join(*output, "cost.md")
	if err := d.Save(file); err != nil {
		return err
	}
	fmt.Fprintf(out, "report: %s; chart: %s\n", file, filepath.Join(*output, "cost.svg"))
	return nil
}

func computeAll(in *Inputs) ([]*Bill, error) {
	var bills []*Bill
	for _, students := range in.Students {
		bill, err := Compute(in, students)
		if err != nil {
			return nil, err
		}
		bills = append(bills, bill)
	}
	return bills, nil
}
