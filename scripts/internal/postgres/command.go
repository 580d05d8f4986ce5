package postgres

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Installing over a slow line takes long; a program that waits for input would take for ever.
const (
	quickly  = 30 * time.Second
	patience = 10 * time.Minute
)

// run carries out a program within the limit. Its error is one line: which program, and its last words.
func run(ctx context.Context, limit time.Duration, cmd *exec.Cmd) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	bounded := exec.CommandContext(ctx, cmd.Path, cmd.Args[1:]...)
	bounded.Dir, bounded.Env, bounded.SysProcAttr = cmd.Dir, cmd.Env, cmd.SysProcAttr
	bounded.WaitDelay = 5 * time.Second // what it started may hold its output open
	var output strings.Builder
	bounded.Stdout, bounded.Stderr = &output, &output
	err := bounded.Run()
	if err == nil {
		return strings.TrimSpace(output.String()), nil
	}
	name := filepath.Base(cmd.Path)
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return "", fmt.Errorf("%s didn't end within %v", name, limit)
	}
	if last := lastLine(output.String()); last != "" {
		return "", fmt.Errorf("%s: %s", name, last)
	}
	return "", fmt.Errorf("%s: %w", name, err)
}

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
