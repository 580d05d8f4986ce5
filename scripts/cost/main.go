// Command cost computes what the platform costs in a month: from what the functions
// declare, from prices with their date and source, and from assumptions, each of
// which can be overridden.
//
//	go run ./scripts/cost
//	go run ./scripts/cost -students 5000 -set peak_factor=5 -set model=gpt-4o -set calls.chats-send-message.calls=60
//
// It prints a table and what follows from it, and writes both to cost.md with a
// chart, cost.svg.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

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
		if in.Students, err = numbers(*students); err != nil {
			return err
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
	if _, err := fmt.Fprint(out, table(bills), "\n", terminal(arguments)); err != nil {
		return err
	}
	if err := os.MkdirAll(*output, 0o755); err != nil {
		return err
	}
	document := markdown(in, bills, arguments, assignments)
	return errors.Join(
		os.WriteFile(filepath.Join(*output, "cost.md"), []byte(document), 0o644),
		os.WriteFile(filepath.Join(*output, "cost.svg"), []byte(chart(bills)), 0o644),
	)
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

func numbers(list string) (all []float64, err error) {
	for _, text := range strings.Split(list, ",") {
		n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || n < 0 || n > 1e8 {
			return nil, fmt.Errorf("-students %s: write numbers from 0 to 100000000, with commas between", list)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
