// Package machine says what figures were measured on.
package machine

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strings"

	"aksio.app/shared/database"
)

// Describe names the machine, Go and the database. Unknown facts are left out.
func Describe(ctx context.Context, db *database.DB) string {
	facts := []string{fmt.Sprintf("%d cores", runtime.NumCPU()), cpu(), runtime.GOOS + "/" + runtime.GOARCH, runtime.Version()}
	var postgres, vector, buffers string
	if err := db.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('shared_buffers'),
		(SELECT extversion FROM pg_extension WHERE extname = 'vector')`).Scan(&postgres, &buffers, &vector); err == nil {
		facts = append(facts, "PostgreSQL "+postgres+", shared_buffers "+buffers, "pgvector "+vector)
	}
	return strings.Join(facts, "; ")
}

func cpu() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown CPU"
}
