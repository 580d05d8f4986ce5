// Command bundle turns each function into a zip that Google's Go buildpack builds.
//
//	go run ./scripts/bundle
//
// A bundle's name holds the hash of its content; one that is there already is left alone.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"time"

	"aksio.app/scripts/internal/bundle"
)

const out = "build/bundles"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	start := time.Now()
	bundles, err := bundle.Build(ctx, ".", out)
	if err != nil {
		return err
	}
	fresh := 0
	for _, b := range bundles {
		if b.Fresh {
			fresh++
			fmt.Println(b.File)
		}
	}
	fmt.Printf("%d of %d bundles written to %s in %.1f s.\n", fresh, len(bundles), out, time.Since(start).Seconds())
	return nil
}
