// Package fakecloud plays the programs that scripts/cloud drives, such as terraform and
// gcloud, on files in a folder. They are a program of their own (play), which starts at
// once, and not the tests' own, which links the whole platform.
package fakecloud

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
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
	"time"

	"aksio.app/scripts/internal/bundle"
)

// Play does what the program does and returns its exit status: what it is asked for is
// written down in the folder and done to the files there.
func Play(program string, f Folder, args []string) int {
	for _, file := range []string{"calls", "all-calls"} { // tests empty the first in between
		f.Add(file, program+" "+strings.Join(args, " "))
	}
	play := map[string]func([]string) error{"terraform": f.terraform, "gcloud": f.gcloud, "cloud-sql-proxy": f.proxy, "psql": f.psql, "git": f.git}[program]
	err := play(args)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errChanges):
		return 2
	case program != "terraform":
		fmt.Fprintln(os.Stderr, "ERROR:", err)
	case slices.Contains(args, "-no-color"):
		fmt.Fprintf(os.Stderr, "\nError: %v\n%s\n", err, place)
	default:
		fmt.Fprint(os.Stderr, Boxed(err))
	}
	return 1
}

// says is an error in the words of the program that is played.
func says(format string, args ...any) error { return fmt.Errorf(format, args...) }

// errChanges is how a plan tells that there are some.
var errChanges = errors.New("changes")

// place is where Terraform says that an error is, after the error.
const place = `
  with module.function["courses-get"].google_cloudfunctions2_function.this,
  on modules/function/main.tf line 12, in resource "google_cloudfunctions2_function" "this":
  12: resource "google_cloudfunctions2_function" "this" {
`

// Boxed is the error as Terraform shows it where it may draw.
func Boxed(err error) string {
	var box strings.Builder
	fmt.Fprintf(&box, "\x1b[31m╷\x1b[0m\x1b[0m\n\x1b[31m│\x1b[0m \x1b[0m\x1b[1m\x1b[31mError: \x1b[0m\x1b[0m\x1b[1m%v\x1b[0m\n", err)
	for line := range strings.Lines(place) {
		fmt.Fprintf(&box, "\x1b[31m│\x1b[0m \x1b[0m%s", line)
	}
	return box.String() + "\x1b[31m╵\x1b[0m\x1b[0m\n"
}

// Folder is the folder that stands for the cloud.
type Folder string

// Path is where the file is.
func (f Folder) Path(name string) string { return filepath.Join(string(f), name) }

// Read returns what the file holds.
func (f Folder) Read(name string) string {
	text, _ := os.ReadFile(f.Path(name)) // not there: empty
	return string(text)
}

// Write makes the file hold the text.
func (f Folder) Write(name, text string) {
	if err := os.MkdirAll(filepath.Dir(f.Path(name)), 0o755); err != nil {
		panic(err)
	}
	if err := os.WriteFile(f.Path(name), []byte(text), 0o644); err != nil {
		panic(err)
	}
}

// Add adds a line to the file; several programs may at once.
func (f Folder) Add(name, line string) {
	file, err := os.OpenFile(f.Path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	if _, err := file.WriteString(line + "\n"); err != nil {
		panic(err)
	}
}

// Calls returns the calls of all programs, in their order.
func (f Folder) Calls() []string { return strings.Split(strings.TrimSpace(f.Read("calls")), "\n") }

// Program returns an executable that plays the program on the folder; player is the
// program play, built. It is a link: a file that is written here can't be executed while
// another test starts a process, which inherits it open.
func (f Folder) Program(player, name string) string {
	link := f.Path("bin/" + name)
	if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
		panic(err)
	}
	if err := os.Symlink(player, link); err != nil {
		panic(err)
	}
	return link
}

// terraform applies by keeping the manifest of the bundles that serve. The lines of the file "refusals"
// are what the next applies fail with; an empty one lets an apply pass.
func (f Folder) terraform(args []string) error {
	switch args[1] {
	case "apply":
		if f.Read("slow") != "" {
			return f.interrupted()
		}
		first, rest, _ := strings.Cut(f.Read("refusals"), "\n")
		f.Write("refusals", rest)
		if first != "" {
			return says("%s", first)
		}
		if slices.ContainsFunc(args, func(arg string) bool { return strings.HasPrefix(arg, "-target=") }) {
			return nil
		}
		if name := f.Read("meanwhile"); name != "" { // somebody else's deployment ends
			f.Write("objects/bundles/releases/"+name+".json", "{}")
		}
		for _, arg := range args {
			if folder, ok := strings.CutPrefix(arg, "-var=bundles="); ok {
				manifest, err := os.ReadFile(filepath.Join(strings.TrimPrefix(args[0], "-chdir="), folder, bundle.ManifestName))
				if err == nil {
					f.Write("serving", string(manifest))
				}
				if err := f.toLatest(); err != nil {
					return err
				}
			}
		}
	case "init":
		if problem := f.Read("locked-provider"); problem != "" && !slices.Contains(args, "-upgrade") {
			return says("%s", problem)
		}
	case "plan":
		if problem := f.Read("plan-fails"); problem != "" {
			return says("%s", problem)
		}
		if changes := f.Read("changes"); changes != "" {
			fmt.Println(changes)
			return errChanges
		}
	case "output":
		fmt.Println(f.Read("outputs.json"))
	}
	return nil
}

// toLatest lets the newest revisions serve, as all functions say that they are to; unless the
// file "stays-pinned" holds anything.
func (f Folder) toLatest() error {
	if f.Read("stays-pinned") != "" {
		return nil
	}
	return os.RemoveAll(f.Path("traffic"))
}

// interrupted notes the group of processes that the terminal's Ctrl-C doesn't reach, waits
// for an interrupt, and counts how many there are.
func (f Folder) interrupted() error {
	interrupts := make(chan os.Signal, 9)
	signal.Notify(interrupts, os.Interrupt)
	f.Write("group", strconv.Itoa(syscall.Getpgrp()))
	<-interrupts
	f.Add("interrupts", "one")
	select {
	case <-interrupts:
		f.Add("interrupts", "another")
	case <-time.After(200 * time.Millisecond):
	}
	return says("execution halted")
}

// proxy takes connections until it is interrupted.
func (f Folder) proxy(args []string) error {
	interrupted := make(chan os.Signal, 1)
	signal.Notify(interrupted, os.Interrupt)
	if !slices.Contains(args, "--gcloud-auth") {
		return says("google: could not find default credentials.")
	}
	if slices.Contains(args, "--auto-iam-authn") {
		return says("cannot use --auto-iam-authn with --gcloud-auth.")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:"+strings.TrimPrefix(args[1], "--port="))
	if err != nil {
		return err
	}
	<-interrupted
	return listener.Close()
}

// psql says that it is there, waits for a line, and says whether the proxy still is.
func (f Folder) psql(args []string) error {
	if os.Getenv("PGPASSWORD") != f.account()+"'s token" {
		return says("FATAL:  Cloud SQL IAM user authentication failed")
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
func (f Folder) git(args []string) error {
	switch args[2] {
	case "rev-parse":
		if f.Read("commit") == "" {
			return says("fatal: not a git repository (or any of the parent directories): .git")
		}
		fmt.Println(f.Read("commit"))
	case "status":
		fmt.Print(f.Read("changed"))
	}
	return nil
}

// account is who is signed in: a person, or the account in the file "federated", as
// which a workflow acts.
func (f Folder) account() string { return cmp.Or(f.Read("federated"), "ada@aksio.app") }

// gcloud keeps objects and secrets as files.
func (f Folder) gcloud(args []string) error {
	call := gcloudCall{f, nil, args}
	for _, arg := range args {
		if !strings.HasPrefix(arg, "--") {
			call.words = append(call.words, arg)
		}
	}
	if track := call.words[0]; track == "alpha" || track == "beta" {
		call.words = call.words[1:]
	}
	groups := map[string]func(gcloudCall) error{
		"auth": gcloudCall.auth, "billing": gcloudCall.billing, "config": gcloudCall.config, "logging": gcloudCall.logging,
		"projects": gcloudCall.projects, "run": gcloudCall.run, "scheduler": gcloudCall.scheduler, "secrets": gcloudCall.secrets, "sql": gcloudCall.sql, "storage": gcloudCall.storage,
	}
	if group := groups[call.words[0]]; group != nil {
		return group(call)
	}
	return nil
}

// gcloudCall is a call of gcloud: the words are what isn't an option.
type gcloudCall struct {
	Folder
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
	fmt.Println(c.Read("billing"))
	return nil
}

// logging shows the lines of the file "logged", of which the newest is the last.
func (c gcloudCall) logging() error {
	entries := strings.Split(strings.TrimSpace(c.Read("logged")), "\n")
	if c.option("order") != "asc" {
		slices.Reverse(entries)
	}
	limit, err := strconv.Atoi(c.option("limit"))
	if err != nil {
		return err
	}
	fmt.Println(strings.Join(entries[:min(limit, len(entries))], "\n"))
	if late := c.Read("late"); late != "" {
		c.Add("logged", late)
		c.Write("late", "")
	}
	return nil
}

func (c gcloudCall) projects() error {
	if c.Read("project") == "" {
		return says("PERMISSION_DENIED: no such project")
	}
	switch {
	case c.words[1] == "update":
		c.Write("label", strings.TrimPrefix(c.option("update-labels"), "environment="))
	case strings.Contains(c.option("format"), "labels"):
		fmt.Println(c.Read("label"))
	default:
		fmt.Println(c.Read("project"))
	}
	return nil
}

func (c gcloudCall) auth() error {
	if c.words[1] == "application-default" {
		if c.Read("application-default") == "" {
			return says("(gcloud.auth.application-default.print-access-token) Your default credentials were not found.")
		}
		fmt.Println("another token")
		return nil
	}
	audience, as := c.option("audiences"), c.option("impersonate-service-account")
	switch {
	case as != "" && as != c.account():
		return says("PERMISSION_DENIED: Failed to impersonate [%s]", as)
	case as != "":
		fmt.Println(as + "-for-" + audience)
	case audience != "": // nor does a federated account's: it isn't a service account's
		return says("(gcloud.auth.print-identity-token) Invalid account type for `--audiences`. Requires valid service account.")
	case c.Read("federated") != "":
		return says("(gcloud.auth.print-identity-token) No identity token can be obtained from the current credentials.")
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
		text, err := os.ReadFile(c.Path(object(c.words[2])))
		if err != nil {
			return says("The following URLs matched no objects or files:\n%s", c.words[2])
		}
		fmt.Print(string(text))
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
		if c.Read(name) == "" {
			return says("gs://%s not found: 404", c.words[3])
		}
	case "create":
		c.Write(name, strings.Join(c.args, " "))
	}
	return nil
}

func (c gcloudCall) list() error {
	url := c.words[2]
	if lost := c.Read("lost"); lost != "" && strings.HasPrefix(url, lost) {
		return says("(gcloud.storage.ls) %s not found: 404.", lost)
	}
	if bucket, ok := strings.CutSuffix(strings.TrimPrefix(url, "gs://"), "/"); ok {
		if c.Read("buckets/"+bucket) == "" {
			return says("(gcloud.storage.ls) gs://%s not found: 404.", bucket)
		}
		url += "*"
	}
	matches, err := filepath.Glob(c.Path(object(url)))
	if err != nil || len(matches) == 0 {
		return says("One or more URLs matched no objects.")
	}
	for _, match := range matches {
		fmt.Println("gs://" + strings.TrimPrefix(match, c.Path("objects")+"/"))
	}
	return nil
}

// copy keeps no text while the file "upload-fails" says why.
func (c gcloudCall) copy() error {
	target := c.words[len(c.words)-1]
	for _, source := range c.words[2 : len(c.words)-1] {
		if source == "-" {
			if problem := c.Read("upload-fails"); problem != "" {
				return says("%s", problem)
			}
			text, err := io.ReadAll(os.Stdin)
			if err != nil {
				return err
			}
			c.Write(object(target), string(text))
			continue
		}
		text, err := os.ReadFile(c.Path(object(source)))
		if err != nil {
			return says("The following URLs matched no objects or files: %s", source)
		}
		if err := os.WriteFile(filepath.Join(target, filepath.Base(source)), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// scheduler lets a function run, whose call ends with what the file "outcome" holds. It is
// logged once somebody has looked while it wasn't yet; by then, what was logged before is
// past the time that is looked at, if the file "long-ago" holds anything.
func (c gcloudCall) scheduler() error {
	if problem := c.Read("scheduler-fails"); problem != "" {
		return says("%s", problem)
	}
	if c.Read("long-ago") != "" {
		c.Write("logged", "")
	}
	c.Add("runs", c.words[3])
	c.Write("late", fmt.Sprintf("run-%d\t%s", strings.Count(c.Read("runs"), "\n"), cmp.Or(c.Read("outcome"), "200")))
	return nil
}

// run has the functions that the outputs and the last apply name. A new revision doesn't
// serve yet the first time that one looks. What the file "run-fails" names, it refuses.
func (c gcloudCall) run() error {
	if refused := c.Read("run-fails"); refused != "" && strings.Contains(strings.Join(c.args, " "), refused) {
		return says("UNAVAILABLE: try again")
	}
	switch c.words[2] {
	case "update":
		c.Add("starting", c.words[3])
		c.Write("anew/"+c.words[3], c.Read("anew/"+c.words[3])+"-anew")
		return nil
	case "update-traffic":
		c.Write("traffic/"+c.words[3], strings.TrimSuffix(c.option("to-revisions"), "=100"))
		return nil
	}
	var outputs struct {
		Functions struct{ Value map[string]string } `json:"functions"`
	}
	if err := json.Unmarshal([]byte(c.Read("outputs.json")), &outputs); err != nil {
		return err
	}
	starting := strings.Fields(c.Read("starting"))
	c.Write("starting", "")
	serving, err := bundle.Parse([]byte(c.Read("serving")))
	if err != nil {
		serving = map[string]bundle.Bundle{} // nothing was applied yet
	}
	for name := range outputs.Functions.Value {
		if _, ok := serving[name]; !ok {
			serving[name] = bundle.Bundle{Function: name}
		}
	}
	for name, b := range serving {
		newest := name + "-" + b.Version() + c.Read("anew/"+name)
		ready := newest
		if slices.Contains(starting, name) {
			ready = "old"
		}
		fmt.Printf("%s,2,2,%s,%s,%s\n", name, newest, ready, c.Read("traffic/"+name))
	}
	return nil
}

func (c gcloudCall) sql() error {
	if c.words[1] == "generate-login-token" {
		fmt.Println(c.account() + "'s token")
	} else {
		fmt.Println(cmp.Or(c.Read("public-address"), "True"))
	}
	return nil
}

// Version is a version of a secret.
type Version struct {
	Value    string
	Disabled bool
}

// Secret returns the versions of the secret.
func (f Folder) Secret(name string) (versions []Version) {
	if text := f.Read("values/" + name); text != "" {
		if err := json.Unmarshal([]byte(text), &versions); err != nil {
			panic(err)
		}
	}
	return versions
}

// secrets adds no value to the secret that the file "no-more-values" names.
func (c gcloudCall) secrets() error {
	words := c.words[2:] // behind "secrets versions"
	name := cmp.Or(c.option("secret"), words[1])
	all := c.Secret(name)
	switch words[0] {
	case "add":
		if c.Read("no-more-values") == name {
			return says("UNAVAILABLE: try again")
		}
		value, err := io.ReadAll(os.Stdin)
		if err != nil {
			return err
		}
		all = append(all, Version{Value: string(value)})
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
		if c.Read("values/"+name) == "" {
			return says("(gcloud.secrets.versions.list) NOT_FOUND: Secret [projects/1/secrets/%s] not found.", name)
		}
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
	c.Write("values/"+name, string(text))
	return nil
}
