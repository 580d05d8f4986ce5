// Package commandline reads what stands behind a command's name.
package commandline

import (
	"flag"
	"fmt"
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
