// Command clean removes what the local stack keeps, unless it runs.
package main

import (
	"errors"
	"fmt"
	"os"

	"aksio.app/scripts/internal/lockfile"
)

func main() {
	if err := clean(".local", "build"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// clean removes the stack's folder, and what is built.
func clean(local, build string) error {
	release, err := lockfile.Lock(local)
	if err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(local), os.RemoveAll(build), release())
}
