package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"aksio.app/scripts/internal/bundle"
)

// TestMain lets the test binary play the programs that cloud drives, too: what they are
// asked for is written down and done to files in a folder.
func TestMain(m *testing.M) {
	program, folder := os.Getenv("PLAY"), os.Getenv("FOLDER")
	if program == "" {
		os.Exit(m.Run())
	}
	f := fake(folder)
	f.add("calls", program+" "+strings.Join(os.Args[1:], " "))
	play := map[string]func([]string) error{"terraform": f.terraform, "gcloud": f.gcloud, "cloud-sql-proxy": f.proxy, "psql": f.psql, "git": f.git}[program]
	if err := play(os.Args[1:]); err != nil {
		switch {
		case program != "terraform":
			fmt.Fprintln(os.Stderr, "ERROR:", err)
		case slices.Contains(os.Args, "-no-color"):
			fmt.Fprintf(os.Stderr, "\nError: %v\n%s\n", err, place)
		default:
			fmt.Fprint(os.Stderr, boxed(err))
		}
		os.Exit(1)
	}
	os.Exit(0)
}

// place is where Terraform says that an error is, after the error.
const place = `
  with module.function["courses-get"].google_cloudfunctions2_function.this,
  on modules/function/main.tf line 12, in resource "google_cloudfunctions2_function" "this":
  12: resource "google_cloudfunctions2_function" "this" {
`

// boxed is the error as Terraform shows it where it may draw.
func boxed(err error) string {
	var box strings.Builder
	fmt.Fprintf(&box, "\x1b[31m╷\x1b[0m\x1b[0m\n\x1b[31m│\x1b[0m \x1b[0m\x1b[1m\x1b[31mError: \x1b[0m\x1b[0m\x1b[1m%v\x1b[0m\n", err)
	for line := range strings.Lines(place) {
		fmt.Fprintf(&box, "\x1b[31m│\x1b[0m \x1b[0m%s", line)
	}
	return box.String() + "\x1b[31m╵\x1b[0m\x1b[0m\n"
}

// fake is the folder that stands for the cloud.
type fake string

func (f fake) path(name string) string { return filepath.Join(string(f), name) }

func (f fake) read(name string) string {
	text, _ := os.ReadFile(f.path(name)) // not there: empty
	return string(text)
}

func (f fake) write(name, text string) {
	if err := os.MkdirAll(filepath.Dir(f.path(name)), 0o755); err != nil {
		panic(err)
	}
	if err := os.WriteFile(f.path(name), []byte(text), 0o644); err != nil {
		panic(err)
	}
}

func (f fake) add(name, line string) { f.write(name, f.read(name)+line+"\n") }

func (f fake) calls() []string { return strings.Split(strings.TrimSpace(f.read("calls")), "\n") }

// program returns an executable that plays the program on the folder.
func (f fake) program(t *testing.T, name string) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	f.write("bin/"+name, fmt.Sprintf("#!/bin/sh\nPLAY=%s FOLDER='%s' exec '%s' \"$@\"\n", name, f, self))
	if err := os.Chmod(f.path("bin/"+name), 0o755); err != nil {
		t.Fatal(err)
	}
	return f.path("bin/" + name)
}

// terraform applies by keeping the manifest of the bundles that serve. The lines of the file "refusals"
// are what the next applies fail with; an empty one lets an apply pass.
func (f fake) terraform(args []string) error {
	switch args[1] {
	case "apply":
		if f.read("slow") != "" {
			return f.interrupted()
		}
		first, rest, _ := strings.Cut(f.read("refusals"), "\n")
		f.write("refusals", rest)
		if first != "" {
			return fmt.Errorf("%s", first)
		}
		if slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "-target=") }) {
			return nil
		}
		if name := f.read("meanwhile"); name != "" { // somebody else's deployment ends
			f.write("objects/bundles/releases/"+name+".json", "{}")
		}
		for _, arg := range args {
			if folder, ok := strings.CutPrefix(arg, "-var=bundles="); ok {
				manifest, err := os.ReadFile(filepath.Join(strings.TrimPrefix(args[0], "-chdir="), folder, bundle.ManifestName))
				if err == nil {
					f.write("serving", string(manifest))
				}
			}
		}
	case "plan":
		if problem := f.read("plan-fails"); problem != "" {
			return fmt.Errorf("%s", problem)
		}
		if changes := f.read("changes"); changes != "" {
			fmt.Println(changes)
			os.Exit(2)
		}
	case "output":
		fmt.Println(f.read("outputs.json"))
	}
	return nil
}

// interrupted notes the group of processes that the terminal's Ctrl-C doesn't reach, waits
// for an interrupt, and counts how many there are.
func (f fake) interrupted() error {
	interrupts := make(chan os.Signal, 9)
	signal.Notify(interrupts, os.Interrupt)
	f.write("group", strconv.Itoa(syscall.Getpgrp()))
	<-interrupts
	f.add("interrupts", "one")
	select {
	case <-interrupts:
		f.add("interrupts", "another")
	case <-time.After(200 * time.Millisecond):
	}
	return fmt.Errorf("execution halted")
}

// proxy takes connections until it is interrupted.
func (f fake) proxy(args []string) error {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	if !slices.Contains(args, "--gcloud-auth") {
		return fmt.Errorf("google: could not find default credentials.")
	}
	if slices.Contains(args, "--auto-iam-authn") {
		return fmt.Errorf("cannot use --auto-iam-authn with --gcloud-auth.")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+strings.TrimPrefix(args[1], "--port="))
	if err != nil {
		return err
	}
	<-interrupted
	return listener.Close()
}

// psql says that it is there, waits for a line, and says whether the proxy still is.
func (f fake) psql(args []string) error {
	if os.Getenv("PGPASSWORD") != f.account()+"'s token" {
		return fmt.Errorf("FATAL:  Cloud SQL IAM user authentication failed")
	}
	fmt.Println("psql " + os.Getenv("PGOPTIONS"))
	if _, err := bufio.NewReader(os.Stdin).ReadString('\n'); err != nil {
		return err
	}
	conn, err := net.Dial("tcp", "127.0.0.1:"+regexp.MustCompile(`port=(\d+)`).FindStringSubmatch(args[0])[1])
	if err != nil {
		return err
	}
	fmt.Println("answered")
	return conn.Close()
}

// git has a commit and changes if the files of these names hold any.
func (f fake) git(args []string) error {
	switch args[2] {
	case "rev-parse":
		if f.read("commit") == "" {
			return fmt.Errorf("fatal: not a git repository (or any of the parent directories): .git")
		}
		fmt.Println(f.read("commit"))
	case "status":
		fmt.Print(f.read("changed"))
	}
	return nil
}

// account is who is signed in: a person, or the account in the file "federated", as
// which a workflow acts.
func (f fake) account() string { return cmp.Or(f.read("federated"), "ada@aksio.app") }

// gcloud keeps objects and secrets as files.
func (f fake) gcloud(args []string) error {
	call := gcloudCall{f, nil, args}
	for _, arg := range args {
		if !strings.HasPrefix(arg, "--") {
			call.words = append(call.words, arg)
		}
	}
	groups := map[string]func(gcloudCall) error{
		"auth": gcloudCall.auth, "billing": gcloudCall.billing, "config": gcloudCall.config, "projects": gcloudCall.projects,
		"scheduler": gcloudCall.scheduler, "secrets": gcloudCall.secrets, "sql": gcloudCall.sql, "storage": gcloudCall.storage,
	}
	if group := groups[call.words[0]]; group != nil {
		return group(call)
	}
	return nil
}

// gcloudCall is a call of gcloud: the words are what isn't an option.
type gcloudCall struct {
	fake
	words, args []string
}

func (c gcloudCall) option(name string) string {
	for _, arg := range c.args {
		if value, ok := strings.CutPrefix(arg, "--"+name+"="); ok {
			return value
		}
	}
	return ""
}

func (c gcloudCall) config() error {
	fmt.Println(c.account())
	return nil
}

func (c gcloudCall) billing() error {
	fmt.Println(c.read("billing"))
	return nil
}

func (c gcloudCall) projects() error {
	if c.read("project") == "" {
		return fmt.Errorf("PERMISSION_DENIED: no such project")
	}
	fmt.Println(c.read("project"))
	return nil
}

func (c gcloudCall) auth() error {
	if c.words[1] == "application-default" {
		if c.read("application-default") == "" {
			return fmt.Errorf("(gcloud.auth.application-default.print-access-token) Your default credentials were not found.")
		}
		fmt.Println("another token")
		return nil
	}
	audience, as := c.option("audiences"), c.option("impersonate-service-account")
	switch {
	case as != "" && as != c.account():
		return fmt.Errorf("PERMISSION_DENIED: Failed to impersonate [%s]", as)
	case as != "":
		fmt.Println(as + "-for-" + audience)
	case audience != "": // nor does a federated account's: it isn't a service account's
		return fmt.Errorf("(gcloud.auth.print-identity-token) Invalid account type for `--audiences`. Requires valid service account.")
	case c.read("federated") != "":
		return fmt.Errorf("(gcloud.auth.print-identity-token) No identity token can be obtained from the current credentials.")
	default:
		fmt.Println("a-token")
	}
	return nil
}

// object is the file that stands for the object or objects.
func object(url string) string { return "objects/" + strings.TrimPrefix(url, "gs://") }

func (c gcloudCall) storage() error {
	switch c.words[1] {
	case "buckets":
		return c.buckets()
	case "ls":
		return c.list()
	case "cat":
		fmt.Print(c.read(object(c.words[2])))
		return nil
	case "cp":
		return c.copy()
	}
	return nil
}

func (c gcloudCall) buckets() error {
	name := "buckets/" + strings.TrimPrefix(c.words[3], "gs://")
	switch c.words[2] {
	case "describe":
		if c.read(name) == "" {
			return fmt.Errorf("gs://%s not found: 404", c.words[3])
		}
	case "create":
		c.write(name, strings.Join(c.args, " "))
	}
	return nil
}

func (c gcloudCall) list() error {
	url := c.words[2]
	if bucket, ok := strings.CutSuffix(strings.TrimPrefix(url, "gs://"), "/"); ok {
		if c.read("buckets/"+bucket) == "" {
			return fmt.Errorf("(gcloud.storage.ls) gs://%s not found: 404.", bucket)
		}
		url += "*"
	}
	matches, err := filepath.Glob(c.path(object(url)))
	if err != nil || len(matches) == 0 {
		return fmt.Errorf("One or more URLs matched no objects.")
	}
	for _, match := range matches {
		fmt.Println("gs://" + strings.TrimPrefix(match, c.path("objects")+"/"))
	}
	return nil
}

func (c gcloudCall) copy() error {
	target := c.words[len(c.words)-1]
	for _, source := range c.words[2 : len(c.words)-1] {
		if source == "-" {
			text, err := io.ReadAll(os.Stdin)
			if err != nil {
				return err
			}
			c.write(object(target), string(text))
			continue
		}
		text, err := os.ReadFile(c.path(object(source)))
		if err != nil {
			return fmt.Errorf("The following URLs matched no objects or files: %s", source)
		}
		if err := os.WriteFile(filepath.Join(target, filepath.Base(source)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// scheduler has a clock that isn't ours. The outcome is what the file "outcome" holds.
func (c gcloudCall) scheduler() error {
	switch runs := strings.Count(c.read("runs"), "\n"); c.words[2] {
	case "run":
		c.add("runs", c.words[3])
	case "describe":
		if runs == 0 {
			fmt.Println("2001-01-01T02:00:00.5Z\t")
		} else {
			fmt.Printf("2001-01-02T02:00:%02d.5Z\t%s\n", runs, c.read("outcome"))
		}
	}
	return nil
}

func (c gcloudCall) sql() error {
	if c.words[1] == "generate-login-token" {
		fmt.Println(c.account() + "'s token")
	} else {
		fmt.Println(cmp.Or(c.read("public-address"), "True"))
	}
	return nil
}

// version is a version of a secret.
type version struct {
	Value    string
	Disabled bool
}

func (f fake) secret(name string) (versions []version) {
	if text := f.read("values/" + name); text != "" {
		if err := json.Unmarshal([]byte(text), &versions); err != nil {
			panic(err)
		}
	}
	return versions
}

func (c gcloudCall) secrets() error {
	words := c.words[2:] // behind "secrets versions"
	name := cmp.Or(c.option("secret"), words[1])
	all := c.secret(name)
	switch words[0] {
	case "add":
		value, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		all = append(all, version{Value: string(value)})
	case "enable", "disable":
		number, err := strconv.Atoi(words[1])
		if err != nil {
			return err
		}
		all[number-1].Disabled = words[0] == "disable"
	case "access":
		fmt.Print(all[len(all)-1].Value)
		return nil
	case "list":
		for i := len(all); i > 0; i-- {
			if !all[i-1].Disabled || c.option("filter") != "state=ENABLED" {
				fmt.Println(i)
				return nil
			}
		}
		return nil
	}
	text, err := json.Marshal(all)
	if err != nil {
		return err
	}
	c.write("values/"+name, string(text))
	return nil
}
