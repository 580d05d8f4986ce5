package main

import (
	"context"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"aksio.app/scripts/internal/child"
	"aksio.app/scripts/internal/port"
)

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
	account, err := c.ask(ctx, c.gcloud, "config", "get", "account")
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
		return fmt.Errorf("%s has an address in the network %s alone, which can't be reached from here: on a machine in that network, run `cloud-sql-proxy --private-ip --gcloud-auth --port=6543 %[1]s` and `PGPASSWORD=$(gcloud sql generate-login-token) psql \"host=127.0.0.1 port=6543 dbname=aksio user=%[3]s\"`, signed in there as yourself (gcloud auth login); a machine that was made for it needs a firewall rule for its ssh, since the network lets nothing in, and goes afterwards", out.Database, c.prefix(), account)
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
