package main

import (
	"context"
	"flag"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// A name of a function, a trace or a duration may not become part of another filter.
var plainWord = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

// logs shows what the functions logged, the newest last.
func logs(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	function := flags.String("function", "", "only of this one")
	severity := flags.String("severity", "DEFAULT", "at least this: INFO, WARNING, ERROR")
	since := flags.String("since", "1h", "how far back, such as 30m or 2d")
	request := flags.String("request", "", "only of the request with this trace id")
	limit := flags.Int("limit", 200, "the most entries")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	filter := `resource.type="cloud_run_revision" AND severity>=` + *severity
	for _, word := range []string{*function, *severity, *since, *request} {
		if word != "" && !plainWord.MatchString(word) {
			return fmt.Errorf("%q isn't a name: letters, digits and hyphens only", word)
		}
	}
	if *function != "" {
		filter += fmt.Sprintf(` AND resource.labels.service_name=%q`, *function)
	}
	if *request != "" {
		filter += fmt.Sprintf(` AND trace="projects/%s/traces/%s"`, c.project, *request)
	}
	text, err := c.ask(ctx, c.gcloud, "logging", "read", filter, "--project="+c.project, "--freshness="+*since,
		"--limit="+strconv.Itoa(*limit), "--order=desc",
		"--format=value(timestamp.date('%H:%M:%S'),severity,resource.labels.service_name,jsonPayload.message,textPayload,jsonPayload.error)")
	if err != nil {
		return err
	}
	lines := strings.Split(text, "\n")
	for i := len(lines) - 1; i >= 0; i-- {
		fmt.Fprintln(c.out, lines[i])
	}
	return nil
}
