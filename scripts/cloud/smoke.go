package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptrace"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"aksio.app/scripts/internal/bundle"
	"aksio.app/scripts/internal/catalogue"
	"aksio.app/scripts/internal/commandline"
	"aksio.app/shared/api"
)

// A function that nobody called yet has to start, and so has what it leans on.
const (
	smokeTimeout = 30 * time.Second // of one call
	smokeTries   = 4
	smokeAtOnce  = 8
)

// Whom a new function lets in is known everywhere minutes after it was made. Until so many
// pauses after the first call, what isn't let in or isn't there may only not be yet.
const smokePatience = 36

func smokeCommand(ctx context.Context, c *cloud, flags *flag.FlagSet, args []string) error {
	address := flags.String("url", "", "base address of the API, such as https://api.aksio.app, or of each function, https://{function}.api.aksio.app; the environment's if left out")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *address != "" {
		if err := commandline.NoArguments(flags); err != nil {
			return err
		}
		declared, err := c.declared()
		if err != nil {
			return err
		}
		return c.smokeTest(ctx, *address, declared, nil)
	}
	if err := c.parse(flags, args); err != nil {
		return err
	}
	if err := c.initialize(ctx); err != nil {
		return err
	}
	serving, err := c.lastRelease(ctx)
	if err != nil {
		return err
	}
	var bundles map[string]bundle.Bundle // of any, if nothing was recorded yet
	if serving != nil {
		bundles = serving.bundles
	}
	return c.smoke(ctx, bundles)
}

// smoke tests what serves, which is to be of the bundles.
func (c *cloud) smoke(ctx context.Context, bundles map[string]bundle.Bundle) error {
	out, err := c.readOutputs(ctx)
	if err != nil {
		return err
	}
	address := cmp.Or(out.APIURL, out.FunctionURLs)
	if address == "" {
		return fmt.Errorf("the environment has no address to test, outputs api_url and function_urls are null: %s makes one", c.hint("deploy"))
	}
	declared, err := c.declared()
	if err != nil {
		return err
	}
	if err := c.smokeTest(ctx, address, declared, bundles); err != nil || out.APIURL == "" || out.FunctionURLs == "" {
		return err
	}
	// Each function has an address of its own, too; one rule of the load balancer leads to
	// them all.
	return c.smokeTest(ctx, out.FunctionURLs, map[string]catalogue.Function{"health-check": declared["health-check"]}, bundles)
}

// call is a request to a function, and what it must answer.
type call struct {
	function, method, path string
	body                   string
	want                   []int
	problem                bool   // as a problem body
	version                string // of the function that answers; any if empty
	check                  func(body []byte) (note string, err error)
}

// smokeTest calls the functions, signed out: each must be there, answer in the API's own
// words, and let in nobody. The health of what they lean on is health-check's word; that
// the database and the secrets can be read, a sign-in's that is refused. What answers has
// to be of the bundles, where they are told. An address with {function} in it is a template
// of each function's.
func (c *cloud) smokeTest(ctx context.Context, address string, declared map[string]catalogue.Function, bundles map[string]bundle.Bundle) error {
	var failed []error
	var mu sync.Mutex
	var going sync.WaitGroup
	slots := make(chan struct{}, smokeAtOnce)
	calls := smokeCalls(declared, bundles)
	patience := time.Now().Add(smokePatience * c.pause)
	for _, wanted := range calls {
		going.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			base := strings.TrimRight(strings.ReplaceAll(address, "{function}", wanted.function), "/")
			note, err := wanted.insist(ctx, base, c.pause, patience)
			mu.Lock()
			defer mu.Unlock()
			if note != "" {
				c.say("  %s: %s", wanted.function, note)
			}
			if err != nil && ctx.Err() == nil {
				failed = append(failed, fmt.Errorf("%s: %w", wanted.function, err))
				c.say("  %s: %v", wanted.function, err)
			}
		})
	}
	going.Wait()
	if ctx.Err() != nil {
		return fmt.Errorf("smoke tests of %s were interrupted: %w", address, ctx.Err())
	}
	if len(failed) > 0 {
		err := fmt.Errorf("%d of %d smoke tests of %s failed: %w", len(failed), len(calls), address, telling(failed))
		if errors.As(err, new(*unreachable)) {
			err = fmt.Errorf("%w: %s", err, c.edgeHint())
		}
		return err
	}
	c.say("%d smoke tests of %s passed", len(calls), address)
	return nil
}

// telling is the first of what failed that was answered at all: only if none was, the
// domain leads nowhere.
func telling(failed []error) error {
	answered := slices.IndexFunc(failed, func(err error) bool { return !errors.As(err, new(*unreachable)) })
	return failed[max(answered, 0)]
}

// edgeHint says what has to be there before the domain leads anywhere; see edge.tf.
func (c *cloud) edgeHint() string {
	if c.environment == "" || c.project == "" {
		return "the domain's records in the DNS aren't there, or its certificate isn't ACTIVE yet"
	}
	return fmt.Sprintf("see that the DNS has the records that `%s` lists, and that `%s` says ACTIVE", c.hint("outputs", "dns_records"), c.certificate())
}

// certificate words a command that tells the state of the domain's certificate.
func (c *cloud) certificate() string {
	return fmt.Sprintf("gcloud certificate-manager certificates describe %s-edge --project=%s --format='value(managed.state)'", c.prefix(), c.project)
}

// smokeCalls are the calls of all functions.
func smokeCalls(declared map[string]catalogue.Function, bundles map[string]bundle.Bundle) []call {
	var calls []call
	for _, id := range slices.Sorted(maps.Keys(declared)) {
		d := declared[id]
		if d.Access == "private" {
			d.Methods, d.Path = []string{http.MethodPost}, "/internal/"+id+"/"
		}
		path := pathParameter.ReplaceAllString(d.Path, "0199a0c4-7d2e-7f3a-8b1c-2d3e4f5a6b7c")
		for _, method := range d.Methods {
			c := call{function: id, method: method, path: path, problem: true, version: bundles[id].Version()}
			if method != http.MethodGet {
				c.body = "{}"
			}
			switch {
			case d.Access == "private":
				c.want = []int{http.StatusNotFound, http.StatusForbidden, http.StatusUnauthorized}
				c.problem, c.version = false, "" // it may be the platform that refuses
			case d.Access == "user":
				c.want = []int{http.StatusUnauthorized}
			case id == "health-check":
				c.want, c.problem, c.check = []int{http.StatusOK}, false, healthy
			case method == http.MethodGet:
				c.want, c.problem = []int{http.StatusOK}, false
			default:
				c.want = []int{http.StatusBadRequest, http.StatusUnauthorized}
			}
			calls = append(calls, c)
		}
	}
	if login, ok := declared["accounts-login"]; ok {
		calls = append(calls, call{function: "accounts-login", method: http.MethodPost, path: login.Path, problem: true,
			body: `{"username": "smoke-test", "password": "not a password"}`, want: []int{http.StatusUnauthorized, http.StatusTooManyRequests}})
	}
	return calls
}

var pathParameter = regexp.MustCompile(`\{[^}]+\}`)

// healthy demands that what everything needs is well, and notes what else isn't. The
// model and last night's backup are no release's doing, and none may wait for them:
// it could be the one that mends them.
func healthy(body []byte) (note string, err error) {
	var health struct {
		Status string
		Checks map[string]struct{ Healthy bool }
	}
	if err := json.Unmarshal(body, &health); err != nil {
		return "", err
	}
	switch health.Status {
	case "healthy":
		return "", nil
	case "degraded":
		var ill []string
		for _, name := range slices.Sorted(maps.Keys(health.Checks)) {
			if !health.Checks[name].Healthy {
				ill = append(ill, name)
			}
		}
		return "DEGRADED, look at it: " + strings.Join(ill, ", "), nil
	}
	return "", fmt.Errorf("it says that it is %q: %.500s", health.Status, body)
}

// insist makes the call until it is answered as it must be, or too often; while there is
// patience, until it is let in.
func (c call) insist(ctx context.Context, address string, pause time.Duration, patience time.Time) (note string, err error) {
	longest := 6 * pause
	for try := 1; ; try++ {
		note, err := c.make(ctx, address)
		if err == nil || try >= smokeTries && !(errors.As(err, new(*notLetIn)) && time.Now().Before(patience)) {
			return note, err
		}
		if err := wait(ctx, pause); err != nil {
			return "", err
		}
		pause = min(2*pause, longest)
	}
}

// notLetIn is an answer that a function gives before it is known whom it lets in.
type notLetIn struct{ error }

// unreachable is a host that the DNS doesn't know, or that has no certificate.
type unreachable struct{ error }

func (u *unreachable) Unwrap() error { return u.error }

func (c call) make(caller context.Context, address string) (note string, err error) {
	ctx, cancel := context.WithTimeout(caller, smokeTimeout)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, c.method, address+c.path, bytes.NewBufferString(c.body))
	if err != nil {
		return "", err
	}
	if c.body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	var unsecured atomic.Bool
	r = r.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) { unsecured.Store(err != nil) },
	}))
	resp, err := http.DefaultClient.Do(r)
	if caller.Err() != nil { // whatever its end looks like
		return "", caller.Err()
	}
	if err != nil && (unsecured.Load() || errors.As(err, new(*net.DNSError))) {
		return "", &unreachable{err}
	}
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return "", err
	}
	if !slices.Contains(c.want, resp.StatusCode) {
		err := fmt.Errorf("%s %s answers %d, want %d: %.300s", c.method, c.path, resp.StatusCode, c.want[0], bytes.TrimSpace(body))
		if resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusNotFound {
			err = &notLetIn{err}
		}
		return "", err
	}
	if served := resp.Header.Get(api.VersionHeader); c.version != "" && served != c.version {
		return "", fmt.Errorf("%s %s is answered by version %q, want %q: something else serves than was deployed; if its traffic was pinned: gcloud run services update-traffic %s --to-latest", c.method, c.path, served, c.version, c.function)
	}
	if c.problem && resp.Header.Get("Content-Type") != "application/problem+json" {
		return "", fmt.Errorf("%s %s answers %d as %q: something before the function did", c.method, c.path, resp.StatusCode, resp.Header.Get("Content-Type"))
	}
	if c.check != nil {
		return c.check(body)
	}
	return "", nil
}
