package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	_ "aksio.app/functions/all"
	"aksio.app/scripts/internal/stack"
	"aksio.app/shared/extract"
)

// run serves the platform until the context ends.
func run(ctx context.Context, out io.Writer) error {
	config, err := configFrom(os.Environ())
	if err != nil {
		return err
	}
	config.Progress = func(step, result string, took time.Duration) { done(out, step, result, took) }
	config.Detail = func(line string) { detail(out, "%s", line) }
	slog.SetDefault(logger(slog.LevelWarn)) // the functions'
	config.Log = logger(slog.LevelInfo)

	s, err := stack.Start(ctx, config)
	if err != nil && ctx.Err() != nil {
		return nil // told to stop before it ran
	}
	if err != nil {
		return err
	}
	go warm(s.Settings["EXTRACT_CACHE"])
	table(out, s)
	select {
	case <-ctx.Done():
		fmt.Fprintln(out, "\nstopping …")
	case err = <-s.Failed():
	}
	if closing := s.Close(); err == nil {
		err = closing
	}
	return err
}

// warm makes ready what a student's first PDF would wait for.
func warm(cache string) {
	if err := extract.New(extract.DefaultLimits, cache).Warm(); err != nil {
		slog.Warn("the first PDF will take longer", "error", err)
	}
}

// configFrom reads the environment: PORT is the gateway's, all else is for the functions.
func configFrom(environ []string) (stack.Config, error) {
	config := stack.Config{Dir: ".local", Port: 8080, Settings: map[string]string{}}
	for _, variable := range environ {
		name, value, _ := strings.Cut(variable, "=")
		config.Settings[name] = value
	}
	if text := config.Settings["PORT"]; text != "" {
		port, err := strconv.Atoi(text)
		if err != nil || port < 1 || port > 65534 {
			return config, fmt.Errorf("PORT is %q: write a number from 1 to 65534", text)
		}
		config.Port = port
	}
	return config, nil
}

// logger writes lines for people.
func logger(level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{
		Level: level,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && a.Key == slog.TimeKey {
				a.Value = slog.StringValue(a.Value.Time().Format(time.TimeOnly))
			}
			return a
		},
	}))
}

// table tells where everything is.
func table(out io.Writer, s *stack.Stack) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w)
	for _, row := range [][2]string{
		{"API", s.Address},
		{"OpenAPI document", s.Address + "/openapi.json"},
		{"health", s.Address + "/api/health/"},
		{"private functions", "POST " + s.Private + "/internal/<id>/"},
		{"storage emulator", withoutUser(s.Storage)},
		{"Firestore emulator", orInMemory(s.Firestore)},
		{"database", withoutPassword(s.Settings["DATABASE_URL"])},
		{"model", model(s.Settings)},
	} {
		fmt.Fprintf(w, "  %s\t%s\n", row[0], row[1])
	}
	w.Flush()
	demo := "make demo FILE=lecture.pdf"
	if port := s.Settings["PORT"]; port != "" {
		demo = "PORT=" + port + " " + demo
	}
	fmt.Fprintf(out, "\nready: %s plays a student's day; Ctrl-C stops.\n", demo)
}

func orInMemory(host string) string {
	if host == "" {
		return "none, live events are in memory"
	}
	return host
}

func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return "given by DATABASE_URL"
	}
	return u.Redacted()
}

// withoutUser leaves out whom the storage emulator lets in: people look there for nothing.
func withoutUser(address string) string {
	scheme, rest, _ := strings.Cut(address, "://")
	return scheme + "://" + rest[strings.LastIndex(rest, "@")+1:]
}

func model(settings map[string]string) string {
	switch {
	case settings["OPENAI_BASE_URL"] != "":
		return settings["OPENAI_BASE_URL"]
	case settings["OPENAI_API_KEY"] != "":
		return "OpenAI"
	}
	return "offline; set OPENAI_API_KEY for OpenAI's"
}
