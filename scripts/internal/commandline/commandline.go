// Package commandline reads what stands behind a command's name.
package commandline

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// NoArguments reports what is left after the flags of a command that takes nothing
// else: students=200, without its dash, would silently play 50.
func NoArguments(flags *flag.FlagSet) error {
	if flags.NArg() > 0 {
		return fmt.Errorf("what is %q? Flags begin with a dash", strings.Join(flags.Args(), " "))
	}
	return nil
}

// Numbers reads whole numbers from least to most with commas between, and returns each
// once, in ascending order.
func Numbers(list string, least, most int) ([]int, error) {
	var all []int
	for text := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil || n < least || n > most {
			return nil, fmt.Errorf("%q: write whole numbers from %d to %d, with commas between", list, least, most)
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return slices.Compact(all), nil
}
