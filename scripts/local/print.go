package main

import (
	"fmt"
	"io"
	"time"
)

// done prints that a step succeeded, what came of it and how long it took.
func done(out io.Writer, step, result string, took time.Duration) {
	fmt.Fprintf(out, "✓ %-14s %-60s %s\n", step, result, duration(took))
}

// skipped prints that nothing came of a step, and why.
func skipped(out io.Writer, step, reason string) {
	fmt.Fprintf(out, "– %-14s %s\n", step, reason)
}

// detail prints a line that belongs to the step under way.
func detail(out io.Writer, format string, args ...any) {
	fmt.Fprintf(out, "    "+format+"\n", args...)
}

// count puts the number before the noun, in its plural if there isn't just one.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func duration(d time.Duration) string {
	if d < time.Second {
		return fmt.Sprintf("%d ms", d.Milliseconds())
	}
	return fmt.Sprintf("%.1f s", d.Seconds())
}
