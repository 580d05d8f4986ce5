// Command bundle turns functions into zips that Google's Go buildpack builds.
//
//	go run ./scripts/bundle [-out folder] [function…]
//
// Without names it bundles all functions. A bundle's name holds the hash of its
// content; one that is there already is left alone.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"

	"aksio.app/scripts/internal/bundle"
)

func main() {
	out := flag.String("out", "build/bundles", "folder that the bundles go to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, *out, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "bundle:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out string, functions []string) error {
	start := time.Now()
	bundles, err := bundle.Build(ctx, ".", out, functions...)
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
