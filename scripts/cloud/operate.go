package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"aksio.app/scripts/internal/child"
	"aksio.app/scripts/internal/port"
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

// openDatabase starts Cloud SQL's proxy with the caller's own identity and psql on
// it. Nothing is changed by mistake: sessions only read unless told otherwise.
func openDatabase(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	write := flags.Bool("write", false, "let the session change something")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	for _, program := range []string{c.proxy, c.psql} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("%s isn't installed; install it, then run this again", program)
		}
	}
	account, err := c.ask(ctx, c.gcloud, "config", "get-value", "account")
	if err != nil {
		return err
	}
	out, err := c.deployed(ctx)
	if err != nil {
		return err
	}
	if !slices.Contains(out.People, account) {
		return fmt.Errorf("%s may not sign in to the database: name it in database_people of environments/%s.tfvars, then %s", account, c.environment, c.hint("deploy"))
	}
	instance := out.Database[strings.LastIndex(out.Database, ":")+1:]
	public, err := c.ask(ctx, c.gcloud, "sql", "instances", "describe", instance, "--project="+c.project, "--format=value(settings.ipConfiguration.ipv4Enabled)")
	if err != nil {
		return err
	}
	if strings.EqualFold(public, "false") {
		return fmt.Errorf("%s has an address in the network %s alone, which can't be reached from here: on a machine in that network, run `cloud-sql-proxy --private-ip --gcloud-auth --port=6543 %[1]s` and `PGPASSWORD=$(gcloud sql generate-login-token) psql \"host=127.0.0.1 port=6543 dbname=aksio user=%[3]s\"`, signed in there as yourself (gcloud auth login); a machine that was made for it goes afterwards", out.Database, c.prefix(), account)
	}
	local, err := port.Free(0)
	if err != nil {
		return err
	}
	// Both act as whom gcloud says, who was looked up above. By themselves they would take the
	// application default credentials, which may be somebody else's; and of gcloud's the
	// proxy makes no password (--auto-iam-authn), so that psql brings it. It lets in for an hour.
	password, err := c.ask(ctx, c.gcloud, "sql", "generate-login-token")
	if err != nil {
		return err
	}
	// Ctrl-C is psql's, which cancels a query by it: the proxy doesn't hear it, and it ends
	// nothing here.
	lasting := context.WithoutCancel(ctx)
	proxy := c.prepare(lasting, c.proxy, []string{"--gcloud-auth", "--port=" + strconv.Itoa(local), out.Database})
	proxy.Stdout, proxy.Stderr = c.log, c.log
	ended := make(chan error, 1)
	if err := child.Start(proxy, syscall.SIGTERM, func(err error) { ended <- err }); err != nil {
		return err
	}
	defer func() {
		_ = proxy.Process.Signal(os.Interrupt) // fails only if it has ended
		<-ended
	}()
	if err := reachable(ctx, local); err != nil {
		return fmt.Errorf("the proxy of %s doesn't start: %w", out.Database, err)
	}
	psql := c.prepare(lasting, c.psql, []string{fmt.Sprintf("host=127.0.0.1 port=%d dbname=aksio user=%s", local, account)})
	psql.Env = append(psql.Env, "PGPASSWORD="+password)
	if !*write {
		psql.Env = append(psql.Env, "PGOPTIONS=-c default_transaction_read_only=on")
	}
	psql.Stdin, psql.Stdout, psql.Stderr = c.in, c.out, c.log
	return psql.Run()
}

func reachable(ctx context.Context, port int) error {
	address := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	for deadline := time.Now().Add(20 * time.Second); ; {
		conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", address)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return err
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// backupTime is what the function may take (its Timeout), and a minute to begin.
const backupTime = 31 * time.Minute

// backup runs the nightly backup now. It answers when the backup is verified.
func backup(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	if err := c.parse(flags, args); err != nil {
		return err
	}
	const function = "backup-database"
	job := c.prefix() + "-" + function
	out, err := c.deployed(ctx)
	if err != nil {
		return err
	}
	// When the last attempt was, by Google's clock, and its outcome.
	attempt := func() (at, code string, err error) {
		state, err := c.ask(ctx, c.gcloud, "scheduler", "jobs", "describe", job, "--location="+out.Region, "--project="+c.project,
			"--format=value(lastAttemptTime,status.code)")
		at, code, _ = strings.Cut(state, "\t")
		return at, code, err
	}
	before, _, err := attempt()
	if err != nil {
		return err
	}
	// The function takes calls of the scheduler alone, so it is the scheduler that calls.
	began := time.Now()
	if err := c.change(ctx, nil, c.gcloud, "scheduler", "jobs", "run", job, "--location="+out.Region, "--project="+c.project); err != nil {
		return err
	}
	c.say("waiting for the backup; it is verified when the job has ended")
	for time.Since(began) < backupTime {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(2 * c.pause):
		}
		at, code, err := attempt()
		switch {
		case err != nil:
			return err
		case at == before:
		case code == "" || code == "0":
			c.say("the backup is made and verified")
			return nil
		default:
			return fmt.Errorf("the backup failed with code %s: %s says why", code, c.hint("logs", "-function", function))
		}
	}
	return fmt.Errorf("no end of the backup after %v: %s says more", backupTime, c.hint("logs", "-function", function))
}

// restart gives functions new revisions, without a build: what they are started with,
// settings and secrets, reaches nothing that runs already.
func restart(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	function := flags.String("function", "", "only this one")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	out, err := c.deployed(ctx)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(out.Functions))
	if *function != "" {
		if !slices.Contains(names, *function) {
			return fmt.Errorf("there is no function %q: infrastructure/functions.json names them", *function)
		}
		names = []string{*function}
	}
	// Not waited for, one after the other: a revision takes its time until it serves.
	label := "--update-labels=started-anew=" + strconv.FormatInt(time.Now().Unix(), 10)
	for i, name := range names {
		if err := c.patiently(ctx, func() error {
			return c.change(ctx, nil, c.gcloud, "run", "services", "update", name, "--region="+out.Region, "--project="+c.project, label, "--async", "--quiet")
		}); err != nil {
			return fmt.Errorf("%w: %d of %d functions start anew; run this again for the rest", err, i, len(names))
		}
	}
	c.say("%d functions start anew within minutes; calls that run are ended by the old instances", len(names))
	return nil
}

// deployed returns the outputs of an environment that there is.
func (c *cloud) deployed(ctx context.Context) (outputs, error) {
	if err := c.initialize(ctx); err != nil {
		return outputs{}, err
	}
	out, err := c.readOutputs(ctx)
	if err == nil && len(out.Functions) == 0 {
		err = fmt.Errorf("nothing is deployed: %s comes first", c.hint("deploy"))
	}
	return out, err
}

// addSecret adds a value of a secret. The value comes from standard input, never from
// the command line, where others could see it.
func addSecret(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	name := flags.String("name", "", "of the secret, such as openai-api-key")
	if err := c.parse(flags, args); err != nil {
		return err
	}
	if !plainWord.MatchString(*name) {
		return errors.New("say which secret: -name openai-api-key; `gcloud secrets list` shows them")
	}
	value, err := io.ReadAll(io.LimitReader(c.in, 64<<10+1))
	if err != nil {
		return err
	}
	// A line's end is the terminal's, not the secret's.
	text := strings.TrimRight(string(value), "\r\n")
	switch {
	case text == "":
		return errors.New("standard input holds no value: pass it as in `pbpaste | go run ./scripts/cloud secret …`")
	case len(text) > 64<<10:
		return errors.New("the value is larger than the 64 KiB that Secret Manager takes")
	}
	return c.addVersion(ctx, *name, text)
}

func (c *cloud) addVersion(ctx context.Context, name, value string) error {
	return c.change(ctx, strings.NewReader(value), c.gcloud, "secrets", "versions", "add", name, "--project="+c.project, "--data-file=-")
}
