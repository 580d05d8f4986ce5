package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "aksio.app/functions/all"
	"aksio.app/scripts/cloud/fakecloud"
	"aksio.app/scripts/internal/bundle"
	"aksio.app/scripts/internal/gcloud"
	"aksio.app/scripts/internal/stack"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database/dbtest"
	"aksio.app/shared/operations"
)

// player is the program of the fake cloud.
var player string

func TestMain(m *testing.M) {
	folder, err := os.MkdirTemp("", "fakecloud-")
	if err != nil {
		log.Fatal(err)
	}
	player = filepath.Join(folder, "play")
	if output, err := exec.Command("go", "build", "-o", player, "./fakecloud/play").CombinedOutput(); err != nil {
		log.Fatalf("%v: %s", err, output)
	}
	status := m.Run()
	if err := os.RemoveAll(folder); err != nil {
		log.Print(err)
	}
	os.Exit(status)
}

// environment is a cloud of the test's own.
type environment struct {
	*cloud
	fakecloud.Folder
	said *transcript
}

// transcript is what all programs together print.
type transcript struct {
	mu   sync.Mutex
	text []byte
}

func (t *transcript) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, b...)
	return len(b), nil
}

func (t *transcript) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}

func newEnvironment(t *testing.T) *environment {
	t.Helper()
	f := fakecloud.Folder(t.TempDir())
	declared, err := os.ReadFile("../../infrastructure/functions.json")
	if err != nil {
		t.Fatal(err)
	}
	f.Write("root/infrastructure/functions.json", string(declared))
	f.Write("buckets/aksio-test-terraform", "made")
	t.Cleanup(func() { knownToGcloud(t, f) })
	said := new(transcript)
	var hours atomic.Int64
	return &environment{&cloud{
		terraform: f.Program(player, "terraform"), gcloud: f.Program(player, "gcloud"),
		proxy: f.Program(player, "cloud-sql-proxy"), psql: f.Program(player, "psql"), git: f.Program(player, "git"), root: f.Path("root"),
		environment: "staging", project: "aksio-test", pause: time.Millisecond,
		now: func() time.Time { return time.Date(2025, 1, 1, int(hours.Add(1)), 0, 0, 0, time.UTC) },
		in:  strings.NewReader(""), out: said, log: said,
	}, f, said}
}

// knownToGcloud demands that the gcloud that is installed takes the command lines that the
// played one was given.
func knownToGcloud(t *testing.T, f fakecloud.Folder) {
	t.Helper()
	known, err := gcloud.Commands()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Error(err)
		}
		t.Logf("CALLS OF GCLOUD AREN'T CHECKED, for want of one: %v", err)
		return
	}
	for call := range strings.Lines(f.Read("all-calls")) {
		if line, ok := strings.CutPrefix(call, "gcloud "); ok {
			if err := known.Check(strings.Fields(line)); err != nil {
				t.Errorf("%s: %v", strings.TrimSpace(call), err)
			}
		}
	}
}

// serve tells terraform's outputs that the API is there.
func (e *environment) serve(t *testing.T, api, private string) {
	t.Helper()
	text, err := json.Marshal(map[string]any{
		"api_url":   map[string]any{"value": api},
		"functions": map[string]any{"value": map[string]string{"run-migrations": private}},
		"buckets":   map[string]any{"value": map[string]string{"bundles": "bundles"}},
		"region":    map[string]any{"value": "europe-west1"},
	})
	if err != nil {
		t.Fatal(err)
	}
	e.Write("outputs.json", string(text))
}

// release writes bundles of all functions to their folder, as `make bundle` does, and as
// an apply uploads them.
func (e *environment) release(t *testing.T, name string) map[string]bundle.Bundle {
	t.Helper()
	declared, err := e.declared()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(e.bundles()); err != nil {
		t.Fatal(err)
	}
	bundles := map[string]bundle.Bundle{}
	for id := range declared {
		file := id + "-" + name + ".zip"
		bundles[id] = bundle.Bundle{Function: id, File: file}
		e.Write("objects/bundles/"+file, file)
		e.Write("root/build/bundles/"+file, file)
	}
	text, err := json.Marshal(bundles)
	if err != nil {
		t.Fatal(err)
	}
	e.Write("root/build/bundles/"+bundle.ManifestName, string(text))
	return bundles
}

// proxyTo passes calls on to the address.
func proxyTo(t *testing.T, address string) http.Handler {
	t.Helper()
	target, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return httputil.NewSingleHostReverseProxy(target)
}

// holdsOnly demands that the folder that is applied holds the release's bundles.
func (e *environment) holdsOnly(t *testing.T, name string) {
	t.Helper()
	there, err := filepath.Glob(filepath.Join(e.bundles(), "*.zip"))
	if err != nil || len(there) == 0 {
		t.Errorf("%d bundles are there, %v", len(there), err)
	}
	for _, path := range there {
		text, err := os.ReadFile(path)
		if err != nil || string(text) != filepath.Base(path) || !strings.HasSuffix(path, "-"+name+".zip") {
			t.Errorf("%s holds %q, %v; want only those of %s", path, text, err, name)
		}
	}
	if manifest, err := bundle.Manifest(e.bundles()); err != nil || manifest["courses-list"].Version() != name {
		t.Errorf("the manifest names %v, %v", manifest["courses-list"], err)
	}
}

// serves tells whose bundles the last apply brought.
func (e *environment) serves(t *testing.T) map[string]bundle.Bundle {
	t.Helper()
	text := e.Read("serving")
	if text == "" {
		return nil
	}
	bundles, err := bundle.Parse([]byte(text))
	if err != nil {
		t.Error(err)
	}
	return bundles
}

// local runs the platform, and an edge before it, where each function tells the version
// that an apply brought last, and one answers 500 while that holds the text.
func local(t *testing.T, e *environment, brokenWith string) *stack.Stack {
	t.Helper()
	s, err := stack.Start(t.Context(), stack.Config{
		Dir:      t.TempDir(),
		Settings: map[string]string{"DATABASE_URL": dbtest.URL(t), "DATABASE_POOL": "4", "LIVE_STORE": "memory"},
		Log:      slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	proxy := proxyTo(t, s.Address)
	declared, err := e.declared()
	if err != nil {
		t.Fatal(err)
	}
	var functions api.Routes
	for id, d := range declared {
		if d.Access == api.Private || d.Trigger == api.Any {
			continue
		}
		functions.Add(d.Methods, d.Path, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			version := e.serves(t)[id].Version() // empty: nothing was applied yet
			if pinned := e.Read("traffic/" + id); pinned != "" {
				version = strings.TrimPrefix(pinned, id+"-")
			}
			if brokenWith != "" && id == "courses-list" && strings.Contains(version, brokenWith) {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			w.Header().Set("Aksio-Version", version)
			proxy.ServeHTTP(w, r)
		}))
	}
	edge := httptest.NewServer(&functions)
	t.Cleanup(edge.Close)
	e.serve(t, edge.URL, s.Private)
	return s
}

func (e *environment) mustSay(t *testing.T, err error, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("got %v, want it to say %q; the log:\n%s", err, text, e.said)
		}
	}
}

// TestARelease goes through a deployment that works, one that doesn't, and both ways back.
func TestARelease(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	local(t, e, "bad")
	run := func(name string) error {
		next := e.release(t, name)
		before, err := e.lastRelease(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return e.bring(t.Context(), name, next, before)
	}

	if err := run("good"); err != nil {
		t.Fatalf("%v\n%s", err, e.said)
	}
	// The function that migrates comes before everything else.
	var applies []string
	for _, call := range e.Calls() {
		if strings.Contains(call, " apply ") {
			applies = append(applies, call)
		}
	}
	if len(applies) != 2 || !strings.Contains(applies[0], `-target=module.function["run-migrations"] -target=module.function["europe-west1/run-migrations"]`) || strings.Contains(applies[1], "-target") {
		t.Errorf("got the applies %q, want the function that migrates and then everything", applies)
	}

	err := run("bad")
	e.mustSay(t, err, "courses-", "20250101T010000Z-good serves again")
	if serving := e.serves(t)["courses-list"].Version(); serving != "good" {
		t.Errorf("%s serves", serving)
	}
	if err := run("better"); err != nil {
		t.Fatal(err)
	}
	const recorded = "20250101T030000Z-better 20250101T020000Z-back-to-20250101T010000Z-good-with-bad 20250101T010000Z-good"
	if names, err := e.releaseNames(t.Context()); err != nil || strings.Join(names, " ") != recorded {
		t.Errorf("recorded %v, %v: want those that worked, and what was gone back to with the failed one's files, the newest first", names, err)
	}

	// Back by hand: of one function, then of all.
	e.Write("commit", "343ad6f00000")
	if err := e.command(t.Context(), []string{"rollback", "-environment=staging", "-project=aksio-test", "-function=courses-get"}); err != nil {
		t.Fatalf("%v\n%s", err, e.said)
	}
	newest, err := e.lastRelease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if newest.name != "20250101T040000Z-back-to-20250101T030000Z-better-but-courses-get-of-20250101T010000Z-good-with-343ad6f00000" {
		t.Errorf("recorded %s, want what it went back to, and the commit whose files were applied", newest.name)
	}
	if newest.bundles["courses-get"].File != "courses-get-good.zip" || newest.bundles["courses-list"].File != "courses-list-better.zip" {
		t.Errorf("%s serves %v and %v", newest.name, newest.bundles["courses-get"], newest.bundles["courses-list"])
	}
	// A second time, the newest is a way back itself.
	err = e.command(t.Context(), []string{"rollback", "-environment=staging", "-project=aksio-test"})
	e.mustSay(t, err, "a way back itself", "go run ./scripts/cloud releases -environment staging -project aksio-test")
	if err := e.command(t.Context(), []string{"rollback", "-environment=staging", "-project=aksio-test", "-to=20250101T010000Z-good"}); err != nil {
		t.Fatalf("%v\n%s", err, e.said)
	}
	if serving := e.serves(t)["courses-list"].Version(); serving != "good" {
		t.Errorf("%s serves", serving)
	}
	e.holdsOnly(t, "good")
	for _, call := range e.Calls() {
		if strings.Contains(call, " -lock=false") {
			t.Errorf("two of it at once spoil the state: %s", call)
		}
		if !strings.Contains(call, " apply ") {
			continue
		}
		if !strings.Contains(call, " -var=bundles=../build/bundles ") && !strings.HasSuffix(call, " -var=bundles=../build/bundles") {
			t.Errorf("another path replaces every bundle: %s", call)
		}
		if !strings.Contains(call, " -parallelism=10 ") {
			t.Errorf("it may write more often than the Functions API takes: %s", call)
		}
	}
}

// TestAWayBackThatFailsSaysWhatToDo has an apply that is refused, a platform that doesn't
// answer as it must, and a release that can't be recorded, by hand and by a deployment.
func TestAWayBackThatFailsSaysWhatToDo(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	local(t, e, "bad")
	works := e.Read("outputs.json")
	bring := func(name string) error {
		bundles := e.release(t, name)
		before, err := e.lastRelease(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return e.bring(t.Context(), name, bundles, before)
	}
	rollback := func(flags ...string) error {
		return e.command(t.Context(), append([]string{"rollback", "-environment=staging", "-project=aksio-test"}, flags...))
	}
	for _, name := range []string{"one", "two"} {
		if err := bring(name); err != nil {
			t.Fatalf("%v\n%s", err, e.said)
		}
	}
	const again = "go run ./scripts/cloud rollback -environment staging -project aksio-test -to 20250101T010000Z-one"
	e.Write("refusals", "Permission denied\n")
	e.mustSay(t, rollback(), "Permission denied", "a part of it may serve", "run this again: "+again+"; or say with -to which other release")
	e.Write("refusals", "Permission denied\n")
	e.mustSay(t, rollback("-function=courses-get"), again+" -function courses-get")
	e.Write("refusals", stateLocked+"\n")
	if err := rollback(); err == nil || !strings.Contains(err.Error(), "state.md): run this again: "+again) {
		t.Errorf("got %v, want what to do about the lock, and that nothing of it serves", err)
	}
	broken := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer broken.Close()
	e.serve(t, broken.URL, broken.URL)
	e.mustSay(t, rollback(), "smoke tests of "+broken.URL, "a part of it may serve", again)
	e.Write("outputs.json", works)
	e.Write("upload-fails", "UNAVAILABLE: try again")
	e.mustSay(t, rollback(), "-one-with-unknown serves, but isn't recorded", "UNAVAILABLE", "; run this again: "+again)
	e.mustSay(t, bring("three"), "-three serves, but isn't recorded", "UNAVAILABLE", "; deploy again")
	e.mustSay(t, bring("bad"), "courses-list: ", "-two-with-bad serves, but isn't recorded", "; run: "+strings.Replace(again, "T010000Z-one", "T020000Z-two", 1))
	if names, err := e.releaseNames(t.Context()); err != nil || strings.Join(names, " ") != "20250101T020000Z-two 20250101T010000Z-one" {
		t.Errorf("recorded %v, %v", names, err)
	}
}

// TestARollbackPassesOverWhatDeployedNothing: most pushes change no function, or another one.
func TestARollbackPassesOverWhatDeployedNothing(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	local(t, e, "")
	old, fixed := e.release(t, "old"), e.release(t, "fixed")
	one := maps.Clone(fixed)
	one["courses-get"] = old["courses-get"]
	record := func(bundles map[string]bundle.Bundle, names ...string) {
		for _, name := range names {
			if err := e.record(t.Context(), name, bundles); err != nil {
				t.Fatal(err)
			}
		}
	}
	rollback := func(flags ...string) error {
		return e.command(t.Context(), append([]string{"rollback", "-environment=staging", "-project=aksio-test"}, flags...))
	}
	record(fixed, "first", "a-text")
	e.mustSay(t, rollback(), "no release before the newest has another bundle")
	e.mustSay(t, rollback("-function=courses-bet"), `no function "courses-bet"`)
	record(old, "old")
	record(one, "one", "another-text")
	record(fixed, "fixed", "a-runbook")
	for _, tc := range []struct {
		flags              []string
		courseGet, courses string
	}{
		{[]string{"-function=courses-list"}, "fixed", "old"},
		{nil, "old", "fixed"},
	} {
		if err := rollback(tc.flags...); err != nil {
			t.Fatalf("%v\n%s", err, e.said)
		}
		if serves := e.serves(t); serves["courses-get"].Version() != tc.courseGet || serves["courses-list"].Version() != tc.courses {
			t.Errorf("rollback %v: %v and %v serve", tc.flags, serves["courses-get"], serves["courses-list"])
		}
		back, err := e.lastRelease(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		// As if it hadn't been, for the next.
		if err := os.Remove(e.Path("objects/bundles/releases/" + back.name + ".json")); err != nil {
			t.Fatal(err)
		}
	}

	// What comes before a way back to what serves is what didn't work.
	record(old, "back-to-old", "reverted")
	e.mustSay(t, rollback(), "-back-to-old", "say with -to", "go run ./scripts/cloud releases -environment staging -project aksio-test")

	// A newest record that can't be read keeps nobody from a named release.
	names, err := e.releaseNames(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.Write("objects/bundles/releases/"+names[0]+".json", "spoilt")
	if err := rollback("-to=" + names[len(names)-1]); err != nil {
		t.Errorf("%v\n%s", err, e.said)
	}
}

// TestARollbackAppliesTheFilesInForce, unless it is told that others are meant.
func TestARollbackAppliesTheFilesInForce(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	local(t, e, "")
	for _, name := range []string{"343ad6f00000", "343ad6f00001"} {
		if err := e.record(t.Context(), name, e.release(t, name)); err != nil {
			t.Fatal(err)
		}
	}
	rollback := func(flags ...string) error {
		return e.command(t.Context(), append([]string{"rollback", "-environment=staging", "-project=aksio-test"}, flags...))
	}
	e.Write("commit", "343ad6f00002")
	e.mustSay(t, rollback(), "files of 343ad6f00001, and those here are of 343ad6f00002", "git checkout 343ad6f00001", "-other-files")
	if calls := e.Read("calls"); strings.Contains(calls, " apply ") {
		t.Errorf("they were applied: %s", calls)
	}
	e.Write("commit", "343ad6f00001")
	e.Write("changed", " M infrastructure/environments/staging.tfvars")
	if err := rollback(); err != nil {
		t.Errorf("%v\n%s", err, e.said)
	}
	e.Write("commit", "343ad6f00002")
	if err := rollback("-to=20250101T020000Z-343ad6f00001", "-other-files"); err != nil {
		t.Errorf("%v\n%s", err, e.said)
	}
}

// TestAnotherCommitsProvider was taken where this one is checked out. Else the registry isn't
// needed, which may be away.
func TestAnotherCommitsProvider(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	for _, tc := range []struct {
		said     string
		upgrades []bool
	}{
		{"", []bool{false}},
		{"Error: Failed to query available provider packages\n\nlocked provider registry.terraform.io/hashicorp/google\n7.44.0 does not match configured version\nconstraint 7.45.0; must use\nterraform init -upgrade to allow selection of new versions\n", []bool{false, true}},
	} {
		e.Write("calls", "")
		e.Write("locked-provider", tc.said)
		if err := e.initialize(t.Context()); err != nil {
			t.Error(err)
		}
		var upgrades []bool
		for _, call := range e.Calls() {
			if strings.Contains(call, " init ") {
				upgrades = append(upgrades, strings.Contains(call, "-upgrade"))
			}
		}
		if !slices.Equal(upgrades, tc.upgrades) {
			t.Errorf("%q: with -upgrade: %v, want %v", tc.said, upgrades, tc.upgrades)
		}
	}
}

// TestALockedState is held by somebody who applies, or was when an apply was killed: what
// wasn't applied isn't taken back, which would take back what the other one deploys.
func TestALockedState(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer private.Close()
	e.serve(t, private.URL, private.URL)
	if err := e.record(t.Context(), "before", e.release(t, "before")); err != nil {
		t.Fatal(err)
	}
	before, err := e.lastRelease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		refusals, want string
		applies        int
	}{
		{stateLocked + "\n", ": run this again", 1},
		{"\n" + stateLocked + "\n", "; then deploy again; nothing was taken back", 2},
	} {
		e.Write("calls", "")
		e.Write("refusals", tc.refusals)
		err := e.bring(t.Context(), "next", e.release(t, "next"), before)
		e.mustSay(t, err, stateLocked, "somebody applies, or an apply was killed (infrastructure/runbooks/state.md)"+tc.want)
		if strings.Contains(err.Error(), "applied already") {
			t.Errorf("it says that something was applied: %v", err)
		}
		if applies := strings.Count(e.Read("calls"), " apply "); applies != tc.applies {
			t.Errorf("%d applies, want %d", applies, tc.applies)
		}
	}
}

// TestRevisionsFromBeforeServeUntilTheyAreBuilt takes releases back whose functions are all
// others but two, of which one started anew with other settings.
func TestRevisionsFromBeforeServeUntilTheyAreBuilt(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	local(t, e, "bad")
	outputs := e.Read("outputs.json")
	deploy := func(name, settings string) error {
		next := e.release(t, name)
		for _, id := range []string{"run-migrations", "courses-get"} {
			next[id] = bundle.Bundle{Function: id, File: id + "-good.zip"}
			e.Write("objects/bundles/"+next[id].File, next[id].File)
			e.Write("root/build/bundles/"+next[id].File, next[id].File)
		}
		manifest, err := json.Marshal(next)
		if err != nil {
			t.Fatal(err)
		}
		e.Write("root/build/bundles/"+bundle.ManifestName, string(manifest))
		e.Write("outputs.json", strings.Replace(outputs, "{", `{"settings_version": {"value": "`+settings+`"},`, 1))
		before, err := e.lastRelease(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		e.Write("calls", "")
		return e.bring(t.Context(), name, next, before)
	}
	if err := deploy("good", "versions/1"); err != nil {
		t.Fatalf("%v\n%s", err, e.said)
	}
	declared, err := e.declared()
	if err != nil {
		t.Fatal(err)
	}
	var others []string
	for _, id := range slices.Sorted(maps.Keys(declared)) {
		if id != "run-migrations" && id != "courses-get" {
			others = append(others, id)
		}
	}
	for i, tc := range []struct {
		name, settings string
		file, text     string // what is otherwise
		held, letGo    []string
	}{
		{"all goes well", "versions/2", "nothing", "", others, nil},
		{"an apply leaves the traffic", "versions/3", "stays-pinned", "yes", others, others},
		{"no traffic can be led", "versions/4", "run-fails", "--to-revisions", others, nil},
		{"nothing is known of revisions", "versions/4", "run-fails", "services list", nil, nil},
		{"the apply makes no revisions", "versions/5", "refusals", "\nPermission denied\n", nil, nil},
	} {
		e.Write(tc.file, tc.text)
		e.mustSay(t, deploy("bad"+strconv.Itoa(i), tc.settings), " serves again")
		e.Write(tc.file, "")
		var held, letGo []string
		lastApply, lastHeld := 0, 0
		for i, call := range e.Calls() {
			words := strings.Fields(call)
			switch {
			case strings.Contains(call, " apply "):
				lastApply = i
			case !strings.HasPrefix(call, "gcloud run services update-traffic "):
			case strings.Contains(call, " --region=europe-west1 --project=aksio-test --to-revisions="+words[4]+"-good=100"):
				held, lastHeld = append(held, words[4]), i
			case strings.Contains(call, " --region=europe-west1 --project=aksio-test --to-latest"):
				letGo = append(letGo, words[4])
			default:
				t.Errorf("%s: %s", tc.name, call)
			}
		}
		slices.Sort(held)
		slices.Sort(letGo)
		if !slices.Equal(held, tc.held) || !slices.Equal(letGo, tc.letGo) {
			t.Errorf("%s: held back %v and let go %v, want %v and %v", tc.name, held, letGo, tc.held, tc.letGo)
		}
		if lastHeld > lastApply {
			t.Errorf("%s: the revisions from before serve once these are built again", tc.name)
		}
		if pinned := e.Read("traffic/courses-list"); pinned != "" || e.serves(t)["courses-list"].Version() != "good" {
			t.Errorf("%s: %s serves, traffic to %q", tc.name, e.serves(t)["courses-list"].Version(), pinned)
		}
	}
	// What still serves is of the release that was gone back to, and the next apply ends it.
	e.Write("stays-pinned", "yes")
	e.Write("run-fails", "--to-latest")
	e.mustSay(t, deploy("bad", "versions/5"), "revisions from before serve on", "--region=europe-west1 --project=aksio-test --to-latest", "courses-list: gcloud")
	if last, err := e.lastRelease(t.Context()); err != nil || !strings.HasSuffix(last.name, "-good-with-bad") {
		t.Errorf("recorded %v, %v", last, err)
	}
}

func TestAReleaseIsNamedForItsCommit(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	for _, tc := range []struct{ commit, changed, want string }{
		{"", "", "unknown"},
		{"343ad6f00000", "", "343ad6f00000"},
		{"343ad6f00000", "?? shared/new.go\n", "343ad6f00000-dirty"},
	} {
		e.Write("commit", tc.commit)
		e.Write("changed", tc.changed)
		if got := e.commit(t.Context()); got != tc.want {
			t.Errorf("got %q, want %q", got, tc.want)
		}
	}
}

// TestFunctionsThatAreGoneAreNamed goes back to a release with one that the working tree
// declares no more.
func TestFunctionsThatAreGoneAreNamed(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.serve(t, "https://api.example", "")
	bundles := e.release(t, "good")
	bundles["courses-old"] = bundle.Bundle{File: "courses-old-good.zip"}
	e.Write("objects/bundles/courses-old-good.zip", "")
	if err := e.record(t.Context(), "good", bundles); err != nil {
		t.Fatal(err)
	}
	last, err := e.lastRelease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.Write("refusals", "Permission denied\n")
	e.mustSay(t, e.restore(t.Context(), *last), "Permission denied")
	if !strings.Contains(e.said.String(), "stay away: courses-old. To have them, check out the commit") {
		t.Errorf("it doesn't say what isn't brought back: %s", e.said)
	}
}

// TestTwoDeploymentsAtOnce has another one end while this one's apply is under way.
func TestTwoDeploymentsAtOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ broken, want string }{
		"one that works":    {"", "isn't recorded: 20250101T120000Z-theirs was deployed in between"},
		"one that does not": {"ours", "20250101T120000Z-theirs was deployed in between, so that nothing was taken back"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnvironment(t)
			local(t, e, tc.broken)
			if err := e.record(t.Context(), "before", e.release(t, "before")); err != nil {
				t.Fatal(err)
			}
			before, err := e.lastRelease(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			e.Write("meanwhile", "20250101T120000Z-theirs")
			e.mustSay(t, e.bring(t.Context(), "ours", e.release(t, "ours"), before), tc.want)
			if serving := e.serves(t)["courses-list"].Version(); serving != "ours" {
				t.Errorf("%s serves: another deployment's was taken back", serving)
			}
			if names, err := e.releaseNames(t.Context()); err != nil || strings.Join(names, " ") != "20250101T120000Z-theirs 20250101T010000Z-before" {
				t.Errorf("recorded %v, %v", names, err)
			}
		})
	}
}

func TestAFailedMigrationLeavesTheOldVersionServing(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	broken := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/internal/run-migrations/" || r.Header.Get("Authorization") != "Bearer a-token" {
			t.Errorf("got %s %s", r.Method, r.URL)
		}
		w.WriteHeader(http.StatusInternalServerError)
	}))
	defer broken.Close()
	e.serve(t, broken.URL, broken.URL)
	e.Write("serving", "the old version")
	err := e.bring(t.Context(), "next", e.release(t, "next"), nil)
	e.mustSay(t, err, "what served still serves; mend the migration")
	e.Write("refusals", "googleapi: Error 403: Permission denied\n")
	err = e.bring(t.Context(), "next", e.release(t, "next"), nil)
	e.mustSay(t, err, "Permission denied", "may be applied already; run this again")
	if strings.Contains(err.Error(), "mend the migration") {
		t.Errorf("a refused apply is no migration's fault: %v", err)
	}
	if serving := e.Read("serving"); serving != "the old version" {
		t.Errorf("%s serves", serving)
	}
}

// TestAWorkflowMigrates calls the private function as an account that is handed no
// identity token of its own.
func TestAWorkflowMigrates(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.Write("federated", "aksio-staging-deploy@aksio-test.iam.gserviceaccount.com")
	var given string
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		given = r.Header.Get("Authorization")
	}))
	defer private.Close()
	e.serve(t, "https://api.example", private.URL)
	if err := e.migrate(t.Context()); err != nil {
		t.Fatalf("%v\n%s", err, e.said)
	}
	if want := "Bearer aksio-staging-deploy@aksio-test.iam.gserviceaccount.com-for-" + private.URL; given != want {
		t.Errorf("it shows %q, want %q", given, want)
	}
}

func TestAnApplyGoesOnAfterWhatPasses(t *testing.T) {
	t.Parallel()
	const (
		quota   = "googleapi: Error 429: Quota exceeded for quota metric 'Write requests'\n"
		metric  = "Error creating AlertPolicy: googleapi: Error 404: Cannot find metric(s) that match type = \"logging.googleapis.com/user/aksio-staging/panics\".\n"
		turned  = "googleapi: Error 403: Secret Manager API has not been used in project 1234 before or it is disabled.\n"
		earlier = "Error creating AlertPolicy: googleapi: Error 404: Cannot find metric that matches type = \"logging.googleapis.com/user/aksio-staging/panics\".\n"
	)
	for name, tc := range map[string]struct {
		refusals string
		calls    int
		want     string
	}{
		"quota":               {quota, 2, ""},
		"quota all the time":  {strings.Repeat(quota, 9), 4, "Quota exceeded"},
		"a new metric":        {strings.Repeat(metric, 10) + quota, 12, ""},
		"as it said before":   {earlier, 2, ""},
		"a metric that isn't": {strings.Repeat(metric, 20), 13, "Cannot find metric"},
		"a replica":           {"googleapi: Error 412: Condition does not match., staleData\n", 2, ""},
		"an API just on":      {strings.Repeat(turned, 5), 6, ""},
		"an API that is off":  {strings.Repeat(turned, 20), 6, "has not been used"},
		"something else":      {"Error: Invalid value for variable\n", 1, "Invalid value"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnvironment(t)
			e.Write("refusals", tc.refusals+"\n")
			err := e.apply(t.Context())
			if tc.want != "" {
				e.mustSay(t, err, tc.want)
			} else if err != nil {
				t.Error(err)
			}
			if calls := e.Calls(); len(calls) != tc.calls {
				t.Errorf("%d applies, want %d", len(calls), tc.calls)
			}
		})
	}
}

// TestWhatTerraformSaysIsTold looks for the error itself, whatever is drawn around it.
func TestWhatTerraformSaysIsTold(t *testing.T) {
	t.Parallel()
	const want = `terraform: exit status 1: Error: googleapi: Error 403: Permission denied

  with module.function["courses-get"].google_cloudfunctions2_function.this,
  on modules/function/main.tf line 12, in resource "google_cloudfunctions2_function" "this":
  12: resource "google_cloudfunctions2_function" "this" {`
	refusal := errors.New("googleapi: Error 403: Permission denied")
	e := newEnvironment(t)
	e.Write("refusals", refusal.Error()+"\n")
	if err := e.apply(t.Context()); err == nil || err.Error() != want {
		t.Errorf("got %v\nwant %s", err, want)
	}
	box := &failure{"terraform", "module.a: Creating...\n" + fakecloud.Boxed(refusal), errors.New("exit status 1")}
	if box.Error() != want {
		t.Errorf("of a box: got %v\nwant %s", box, want)
	}
	if !said(&failure{said: fakecloud.Boxed(errors.New("Cannot find\n\x1b[31m│\x1b[0m \x1b[0mmetric(s)"))}, "Cannot find metric") {
		t.Error("an error on two lines isn't known")
	}
	many := &failure{"terraform", strings.Repeat("Error: one of many\n", 1000), errors.New("exit status 1")}
	if lines := strings.Count(many.Error(), "\n"); lines > mostLines {
		t.Errorf("it says %d lines", lines)
	}
	other := &failure{"psql", "first\nlast\n", errors.New("exit status 1")}
	if got := other.Error(); got != "psql: exit status 1: last" {
		t.Errorf("got %q, want the last line of what names no error", got)
	}
}

// TestTerraformIsInterruptedOnce ends an apply as Ctrl-C does, which the terminal sends to
// all processes of this one's group.
func TestTerraformIsInterruptedOnce(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.Write("slow", "yes")
	ctx, interrupt := context.WithCancel(t.Context())
	defer interrupt()
	ended := make(chan error, 1)
	go func() { ended <- e.apply(ctx) }()
	group := ""
	for group == "" {
		select {
		case err := <-ended:
			t.Fatal(err)
		case <-time.After(10 * time.Millisecond):
			group = e.Read("group")
		}
	}
	if group == strconv.Itoa(syscall.Getpgrp()) {
		t.Error("the terminal's interrupt reaches it beside ours")
	}
	interrupt()
	e.mustSay(t, <-ended, "execution halted")
	if interrupts := e.Read("interrupts"); interrupts != "one\n" {
		t.Errorf("interrupted %q", interrupts)
	}
}

func TestDriftIsFound(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.serve(t, "https://api.example", "")
	drift := func(flags ...string) error {
		return e.command(t.Context(), append([]string{"plan", "-environment=staging", "-project=aksio-test", "-deployed"}, flags...))
	}
	e.mustSay(t, drift(), "cloud deploy -environment staging -project aksio-test comes first")
	if err := e.record(t.Context(), "good", e.release(t, "good")); err != nil {
		t.Fatal(err)
	}
	e.release(t, "working-tree")
	if err := drift("-fail-on-changes"); err != nil {
		t.Errorf("nothing would change: %v", err)
	}
	e.Write("changes", "~ google_sql_database_instance.main")
	if err := drift(); err != nil {
		t.Errorf("only asked what would change: %v", err)
	}
	file := e.Path("plan.txt")
	const advice = "staging isn't as the repository says; deploy it, or write into infrastructure/ what was changed by hand"
	e.mustSay(t, drift("-fail-on-changes", "-out="+file), advice)
	if text, err := os.ReadFile(file); err != nil || string(text) != "~ google_sql_database_instance.main\n\n"+advice+"\n" {
		t.Errorf("the file, which becomes an issue, holds %q, %v", text, err)
	}
	e.holdsOnly(t, "good")
	if !strings.Contains(e.Read("calls"), " -var=bundles=../build/bundles\n") {
		t.Error("it isn't compared with the bundles at the path that the state holds")
	}
}

func TestSmokeFindsWhatIsWrong(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	s := local(t, e, "")
	if err := e.command(t.Context(), []string{"smoke", "-url=" + s.Address}); err != nil {
		t.Errorf("a platform that works: %v", err)
	}
	open, closed := proxyTo(t, s.Private), proxyTo(t, s.Address)
	for name, tc := range map[string]struct {
		handler http.HandlerFunc
		want    string
	}{
		"nothing there": {func(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }, "answers 404"},
		"anybody may in": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			fmt.Fprint(w, `{"status": "healthy"}`)
		}, "answers 200"},
		"private functions are open": {func(w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.URL.Path, "/internal/run-cleanup") {
				open.ServeHTTP(w, r)
				return
			}
			closed.ServeHTTP(w, r)
		}, "run-cleanup: POST /internal/run-cleanup/ answers 200"},
		"nothing works": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/health/" {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			closed.ServeHTTP(w, r)
		}, "health-check: GET /api/health/ answers 503"},
		"a firewall answers": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(http.StatusUnauthorized)
		}, "something before the function did"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(tc.handler)
			defer server.Close()
			e := newEnvironment(t)
			err := e.command(t.Context(), []string{"smoke", "-url=" + server.URL})
			if err == nil || !strings.Contains(err.Error()+e.said.String(), tc.want) {
				t.Errorf("got %v, want it to say %q", err, tc.want)
			}
		})
	}
}

// TestSmokeWaitsUntilItIsLetIn calls a function that lets in nobody at first.
func TestSmokeWaitsUntilItIsLetIn(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		status, refused int
		patience        time.Duration
		calls           int64
		works           bool
	}{
		"forbidden at first":  {http.StatusForbidden, smokeTries + 3, time.Minute, smokeTries + 4, true},
		"not there at first":  {http.StatusNotFound, smokeTries + 3, time.Minute, smokeTries + 4, true},
		"patience at its end": {http.StatusForbidden, 99, -time.Minute, smokeTries, false},
		"broken":              {http.StatusInternalServerError, 99, time.Minute, smokeTries, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var calls atomic.Int64
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if calls.Add(1) <= int64(tc.refused) {
					w.WriteHeader(tc.status)
				}
			}))
			defer server.Close()
			public := call{function: "courses-list", method: http.MethodGet, path: "/", want: []int{http.StatusOK}}
			_, err := public.insist(t.Context(), server.URL, time.Millisecond, time.Now().Add(tc.patience))
			if (err == nil) != tc.works || calls.Load() != tc.calls {
				t.Errorf("%d calls, %v, want %d", calls.Load(), err, tc.calls)
			}
		})
	}
}

// TestADomainThatLeadsNowhere has no certificate yet, which no release can mend.
func TestADomainThatLeadsNowhere(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	edge := httptest.NewUnstartedServer(http.NotFoundHandler())
	edge.Config.ErrorLog = log.New(io.Discard, "", 0)
	edge.StartTLS()
	defer edge.Close()
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer private.Close()
	e.serve(t, edge.URL, private.URL)
	if err := e.record(t.Context(), "before", e.release(t, "before")); err != nil {
		t.Fatal(err)
	}
	before, err := e.lastRelease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = e.bring(t.Context(), "next", e.release(t, "next"), before)
	e.mustSay(t, err, "cloud outputs -environment staging -project aksio-test dns_records", "certificates describe aksio-staging-edge --project=aksio-test", "says ACTIVE; then deploy again; nothing was taken back")
	if serving := e.serves(t)["courses-list"].Version(); serving != "next" {
		t.Errorf("%s serves", serving)
	}
	broken := errors.New("courses-list answers 500")
	if err := telling([]error{&unreachable{io.EOF}, broken, &unreachable{io.EOF}}); err != broken {
		t.Errorf("got %v: a release that is reached and broken is to be taken back", err)
	}
	unknown := call{method: http.MethodGet, path: "/", want: []int{http.StatusOK}}
	if _, err := unknown.make(t.Context(), "http://nowhere.invalid"); !errors.As(err, new(*unreachable)) {
		t.Errorf("got %v, want a host that can't be reached", err)
	}
}

// TestATerminatedDeploymentSaysHowToGoBack is ended while it is tested, by who gives it
// minutes: another apply could be killed in its middle.
func TestATerminatedDeploymentSaysHowToGoBack(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { cancel(errTerminated) }))
	defer edge.Close()
	private := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer private.Close()
	e.serve(t, edge.URL, private.URL)
	before := e.release(t, "before")
	if err := e.record(t.Context(), "before", before); err != nil {
		t.Fatal(err)
	}
	last, err := e.lastRelease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	err = e.bring(ctx, "next", e.release(t, "next"), last)
	e.mustSay(t, err, "no time to take it back", "go run ./scripts/cloud rollback -environment staging -project aksio-test -to "+last.name+" -other-files")
	if applies := strings.Count(e.Read("calls"), " apply "); applies != 2 {
		t.Errorf("%d applies, want the migration's and the release's", applies)
	}
}

// TestTheSameBundlesAreNoWayBack has a release that doesn't work although it did.
func TestTheSameBundlesAreNoWayBack(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	local(t, e, "same")
	bundles := e.release(t, "same")
	if err := e.record(t.Context(), "same", bundles); err != nil {
		t.Fatal(err)
	}
	last, err := e.lastRelease(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e.mustSay(t, e.bring(t.Context(), "same", bundles, last), "no other release to go back to")
}

// TestSmokeKnowsWhatShouldServe asks a platform that serves another release.
func TestSmokeKnowsWhatShouldServe(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	local(t, e, "")
	served := e.release(t, "served")
	if err := e.apply(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := e.smoke(t.Context(), served); err != nil {
		t.Errorf("%v\n%s", err, e.said)
	}
	next := e.release(t, "next")
	e.mustSay(t, e.smoke(t.Context(), next), `answered by version "served", want "next"`)
}

// TestAReleaseDoesntWaitForTheModel finds everything well but what no release can mend.
func TestAReleaseDoesntWaitForTheModel(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	s := local(t, e, "")
	proxy := proxyTo(t, s.Address)
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/health/" {
			proxy.ServeHTTP(w, r)
			return
		}
		if err := json.NewEncoder(w).Encode(operations.Health{Status: "degraded", Checks: map[string]operations.State{
			"database": {Healthy: true}, "model": {}, "backups": {},
		}}); err != nil {
			t.Error(err)
		}
	}))
	defer edge.Close()
	if err := e.command(t.Context(), []string{"smoke", "-url=" + edge.URL}); err != nil {
		t.Error(err)
	}
	if !strings.Contains(e.said.String(), "health-check: DEGRADED, look at it: backups, model\n") {
		t.Errorf("it doesn't say what isn't well: %s", e.said)
	}
}

// TestFunctionsAreAskedAtTheirOwnAddresses has a platform that serves each function under
// its id: all are asked without a router, and one beside it.
func TestFunctionsAreAskedAtTheirOwnAddresses(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	s := local(t, e, "")
	proxy := proxyTo(t, s.Address)
	var asked sync.Map
	var broken atomic.Bool
	edge := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		asked.Store(id, true)
		if broken.Load() {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		http.StripPrefix("/"+id, proxy).ServeHTTP(w, r)
	}))
	defer edge.Close()
	e.Write("outputs.json", fmt.Sprintf(`{"api_url": {"value": null}, "function_urls": {"value": "%s/{function}"}}`, edge.URL))
	if err := e.smoke(t.Context(), nil); err != nil {
		t.Errorf("%v\n%s", err, e.said)
	}
	for _, id := range []string{"courses-list", "health-check", "run-cleanup"} {
		if _, ok := asked.Load(id); !ok {
			t.Errorf("%s isn't asked", id)
		}
	}
	asked.Clear()
	e.Write("outputs.json", fmt.Sprintf(`{"api_url": {"value": "%s"}, "function_urls": {"value": "%s/{function}"}}`, s.Address, edge.URL))
	if err := e.smoke(t.Context(), nil); err != nil {
		t.Errorf("%v\n%s", err, e.said)
	}
	var names []any
	asked.Range(func(id, _ any) bool { names = append(names, id); return true })
	if len(names) != 1 || names[0] != "health-check" {
		t.Errorf("beside the router %v are asked, want health-check alone", names)
	}
	broken.Store(true)
	e.mustSay(t, e.smoke(t.Context(), nil), "health-check: GET /api/health/ answers 502")
	e.Write("outputs.json", `{"api_url": {"value": null}, "function_urls": {"value": null}}`)
	e.mustSay(t, e.smoke(t.Context(), nil), "no address to test", "cloud deploy -environment staging -project aksio-test makes one")
}

func TestKeysAreMadeAndReplaced(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	keys := func(flags ...string) {
		t.Helper()
		if err := e.command(t.Context(), append([]string{"keys", "-environment=staging", "-project=aksio-test"}, flags...)); err != nil {
			t.Fatal(err)
		}
	}
	trusted := func(private fakecloud.Version) bool {
		t.Helper()
		public := e.Secret(publicKeys)
		verifier, err := auth.NewVerifier([]byte(public[len(public)-1].Value))
		if err != nil {
			t.Fatal(err)
		}
		signer, err := auth.NewSigner([]byte(private.Value))
		if err != nil {
			t.Fatal(err)
		}
		return verifier.Trusts(signer)
	}

	for _, flag := range []string{"-publish", "-sign"} {
		err := e.command(t.Context(), []string{"keys", "-environment=staging", "-project=aksio-test", flag})
		e.mustSay(t, err, "token-signing-key has no value: run `go run ./scripts/cloud keys -environment staging -project aksio-test` first")
	}
	keys()
	keys() // changes nothing
	private := e.Secret(signingKey)
	if len(private) != 1 || !trusted(private[0]) {
		t.Fatalf("got %d private keys, want one that is trusted", len(private))
	}

	keys("-publish")
	private = e.Secret(signingKey)
	if len(private) != 2 || !private[1].Disabled || !trusted(private[0]) || !trusted(private[1]) {
		t.Fatal("want a second key that is trusted beside the first, and doesn't sign yet")
	}
	e.mustSay(t, e.command(t.Context(), []string{"keys", "-environment=staging", "-project=aksio-test", "-publish"}), "doesn't sign", "cloud keys -environment staging -project aksio-test -sign")
	e.mustSay(t, e.command(t.Context(), []string{"keys", "-environment=staging", "-project=aksio-test", "-publish", "-sign"}), "say one of them")
	if !e.Secret(signingKey)[1].Disabled {
		t.Fatal("it signs all the same")
	}
	if !trusted(private[0]) {
		t.Fatal("the key that signs isn't trusted any more")
	}
	keys("-sign")
	if private = e.Secret(signingKey); private[1].Disabled {
		t.Error("the new key doesn't sign")
	}
	keys("-publish")
	if trusted(private[0]) {
		t.Error("a key of two rotations ago is trusted")
	}
	keys("-sign")
	e.Write("no-more-values", publicKeys)
	e.mustSay(t, e.command(t.Context(), []string{"keys", "-environment=staging", "-project=aksio-test", "-publish"}),
		"version 4 of the secret token-signing-key isn't published", "gcloud secrets versions destroy 4 --secret=token-signing-key --project=aksio-test")
}

func TestASecretIsTakenFromStandardInputOnly(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.in = strings.NewReader("hush\n")
	if err := e.command(t.Context(), []string{"secret", "-environment=staging", "-project=aksio-test", "-name=openai-api-key"}); err != nil {
		t.Fatal(err)
	}
	if all := e.Secret("openai-api-key"); len(all) != 1 || all[0].Value != "hush" {
		t.Errorf("got %v, want the line without its end", all)
	}
	if strings.Contains(e.said.String()+e.Read("calls"), "hush") {
		t.Error("the value is shown or passed on a command line")
	}
	e.in = strings.NewReader("")
	e.mustSay(t, e.command(t.Context(), []string{"secret", "-environment=staging", "-project=aksio-test", "-name=openai-api-key"}), "holds no value")
}

// TestBootstrapSaysWhatIsMissing runs it until everything it asks for is there.
func TestBootstrapSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	run := func() error {
		return e.command(t.Context(), []string{"bootstrap", "-environment=staging", "-project=aksio-test"})
	}
	e.mustSay(t, run(), "can't be seen", "gcloud auth login")
	e.Write("project", "aksio-test")
	e.mustSay(t, run(), "run `gcloud auth application-default login`")
	e.Write("application-default", "ada@aksio.app")
	e.Write("billing", "False")
	e.mustSay(t, run(), "no billing account", "gcloud billing projects link")
	e.Write("billing", "True")
	e.Write("label", "prod")
	e.mustSay(t, run(), "labelled environment=prod, and not staging")
	e.Write("label", "")
	e.Write("outputs.json", `{"secrets_to_fill": {"value": ["openai-api-key", "token-keys", "token-signing-key"]}}`)
	e.Write("refusals", "Permission denied\n")
	e.mustSay(t, run(), "Permission denied", ": run this again")
	e.mustSay(t, run(), "openai-api-key", "absent_secrets")
	if label := e.Read("label"); label != "staging" {
		t.Errorf("the project is labelled %q", label)
	}
	if !strings.Contains(e.Read("calls"), "gcloud storage buckets update gs://aksio-test-terraform --versioning") {
		t.Error("a bucket that an earlier try made has no versions")
	}
	if !strings.Contains(e.Read("calls"), "gcloud beta services identity create --service=pubsub.googleapis.com --project=aksio-test") {
		t.Error("Pub/Sub has no account, to which Terraform grants roles")
	}
	if err := os.Remove(e.Path("buckets/aksio-test-terraform")); err != nil {
		t.Fatal(err)
	}
	e.mustSay(t, run(), "openai-api-key")
	if made := e.Read("buckets/aksio-test-terraform"); !strings.Contains(made, "--location=EU ") {
		t.Errorf("want a bucket for the state that outlives a region, got %q", made)
	}
	if len(e.Secret(signingKey)) != 1 {
		t.Error("there is no signing key")
	}
}

// TestBootstrapMakesTheTables ends it with a release that is recorded, and says what the
// domain needs. Where a step fails, the next run goes on; where there is a release, nothing
// is applied.
func TestBootstrapMakesTheTables(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	migrated, status := 0, http.StatusInternalServerError
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(e.Read("calls"), " apply ") {
			t.Error("it migrates before the platform is there")
		}
		migrated++
		w.WriteHeader(status)
	}))
	defer private.Close()
	e.serve(t, "https://api.aksio.app", private.URL)
	e.Write("outputs.json", strings.Replace(e.Read("outputs.json"), "{", `{"dns_records": {"value": [{"name": "api.aksio.app.", "type": "A", "value": "192.0.2.1"}]},`, 1))
	e.release(t, "first")
	e.Write("refusals", "Permission denied\n")
	e.mustSay(t, e.firstRelease(t.Context(), "first"), "Permission denied", "run bootstrap again")
	if migrated != 0 || e.Read("serving") != "" {
		t.Errorf("migrated %d times after an apply that was refused", migrated)
	}
	e.mustSay(t, e.firstRelease(t.Context(), "first"), "run-migrations answers 500", "run bootstrap again")
	status = http.StatusOK
	if err := e.firstRelease(t.Context(), "first"); err != nil {
		t.Fatalf("%v\n%s", err, e.said)
	}
	if last, err := e.lastRelease(t.Context()); err != nil || last == nil || !strings.HasSuffix(last.name, "-first") || migrated != 2 {
		t.Errorf("migrated %d times, recorded %v, %v", migrated, last, err)
	}
	if ran := strings.Fields(e.Read("runs")); !slices.Equal(ran, e.dailyJobs(t)) {
		t.Errorf("ran %v: the alerts for silence know nothing of what never spoke", ran)
	}
	if note := e.Read("objects/bundles/releases/settings"); note != "" {
		t.Errorf("settings %q are taken for those that functions of an earlier try run with", note)
	}
	for _, want := range []string{"  api.aksio.app. A 192.0.2.1\n", "this has to say ACTIVE:\n  gcloud certificate-manager certificates describe aksio-staging-edge --project=aksio-test "} {
		if !strings.Contains(e.said.String(), want) {
			t.Errorf("it doesn't say %q: %s", want, e.said)
		}
	}
	for file, text := range map[string]string{"project": "aksio-test", "application-default": "ada@aksio.app", "billing": "True", "label": "staging", "calls": ""} {
		e.Write(file, text)
	}
	e.mustSay(t, e.command(t.Context(), []string{"bootstrap", "-environment=staging", "-project=aksio-test"}),
		"-first serves already", "cloud deploy -environment staging -project aksio-test")
	if calls := e.Read("calls"); strings.Contains(calls, " apply ") {
		t.Errorf("it applies all the same: %s", calls)
	}
}

func TestOutputsArePrinted(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.Write("outputs.json", `{"region": {"value": "europe-west1"}, "api_url": {"value": null}, "dns_records": {"value": [{"name": "api.aksio.app.", "type": "A"}]}}`)
	run := func(arguments ...string) (string, error) {
		printed := new(strings.Builder)
		e.out = printed
		err := e.command(t.Context(), append([]string{"outputs", "-environment=staging", "-project=aksio-test"}, arguments...))
		return printed.String(), err
	}
	for name, want := range map[string]string{
		"region":      "europe-west1\n",
		"api_url":     "null\n",
		"dns_records": "[\n  {\n    \"name\": \"api.aksio.app.\",\n    \"type\": \"A\"\n  }\n]\n",
	} {
		if got, err := run(name); err != nil || got != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	var all map[string]any
	if got, err := run(); err != nil || json.Unmarshal([]byte(got), &all) != nil || all["region"] != "europe-west1" || len(all) != 3 {
		t.Errorf("got %q, %v, want all", got, err)
	}
	_, err := run("regions")
	e.mustSay(t, err, `no output "regions"`, "api_url, dns_records, region")
	_, err = run("region", "api_url")
	e.mustSay(t, err, "name one output")
}

func TestTheStateIsTheEnvironments(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	run := func(command, environment string) error {
		e.Write("calls", "")
		return e.command(t.Context(), []string{command, "-environment=" + environment, "-project=aksio-test"})
	}
	e.Write("outputs.json", "{}")
	if err := run("releases", "production"); err != nil {
		t.Errorf("an empty state: %v", err)
	}
	e.Write("objects/aksio-test-terraform/staging/default.tfstate", "{}")
	if err := run("releases", "staging"); err != nil {
		t.Error(err)
	}
	e.mustSay(t, run("deploy", "production"), "the project aksio-test holds staging: set TF_VAR_project_id, or -project, to production's")
	if strings.Contains(e.Read("calls"), "terraform -chdir") {
		t.Error("Terraform is asked all the same")
	}
	if err := os.Remove(e.Path("buckets/aksio-test-terraform")); err != nil {
		t.Fatal(err)
	}
	e.mustSay(t, run("plan", "staging"), "no bucket for Terraform's state", "cloud bootstrap -environment staging -project aksio-test")
}

func TestBootstrapSaysWhatGitHubWants(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.Write("outputs.json", `{"github_variables": {"value": {"environment": {"PROJECT_ID": "aksio-test"}, "repository": {"STAGING_PROJECT_ID": "aksio-test"}}}}`)
	if err := e.nextSteps(t.Context()); err != nil {
		t.Fatal(err)
	}
	const want = `Set these variables of the environment "staging" on GitHub:
  PROJECT_ID=aksio-test
Set these variables of the repository on GitHub:
  STAGING_PROJECT_ID=aksio-test
Everything is made. Go on with: go run ./scripts/cloud deploy -environment staging -project aksio-test
`
	if got := e.said.String(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestASecretWithoutAValueIsToldBeforeAnythingIsBuilt(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.Write("outputs.json", `{"secrets_to_fill": {"value": ["openai-api-key"]}}`)
	err := e.command(t.Context(), []string{"deploy", "-environment=staging", "-project=aksio-test"})
	e.mustSay(t, err, "go run ./scripts/cloud secret -environment staging -project aksio-test -name openai-api-key", "absent_secrets")
	if strings.Contains(e.Read("calls"), "run-migrations") {
		t.Error("a function is made all the same")
	}
	e.Write("plan-fails", "googleapi: Error 404: Secret Version not found")
	file := e.Path("plan.txt")
	err = e.command(t.Context(), []string{"plan", "-environment=staging", "-project=aksio-test", "-out=" + file})
	e.mustSay(t, err, "Secret Version not found", "-name openai-api-key")
	if text, err := os.ReadFile(file); err != nil || !strings.Contains(string(text), "Secret Version not found") || !strings.Contains(e.said.String(), "Secret Version not found") {
		t.Errorf("neither the file nor the screen says why: %q, %v", text, err)
	} else if !strings.Contains(string(text), "-name openai-api-key") {
		t.Errorf("the file doesn't say what to do: %s", text)
	}
}

// TestASecretThatIsDisabledIsToldBeforeAnApply leaves out the key that signs, whose
// newest version is disabled while keys are replaced.
func TestASecretThatIsDisabledIsToldBeforeAnApply(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.Write("outputs.json", `{"secrets_to_fill": {"value": ["openai-api-key", "token-signing-key"]}}`)
	e.Write("values/token-signing-key", `[{"Value": "old"}, {"Value": "new", "Disabled": true}]`)
	e.Write("values/openai-api-key", `[{"Value": "old"}, {"Value": "new"}]`)
	if err := e.checkSecrets(t.Context()); err != nil {
		t.Errorf("a rotation of keys is under way, and: %v", err)
	}
	e.Write("values/openai-api-key", `[{"Value": "old"}, {"Value": "new", "Disabled": true}]`)
	for _, command := range []string{"deploy", "rollback"} {
		e.Write("calls", "")
		err := e.command(t.Context(), []string{command, "-environment=staging", "-project=aksio-test"})
		e.mustSay(t, err, "disabled", "cloud secret -environment staging -project aksio-test -name openai-api-key",
			"gcloud secrets versions enable 2 --secret=openai-api-key --project=aksio-test")
		for _, call := range e.Calls() {
			if strings.Contains(call, " apply ") && !strings.Contains(call, "-target=google_secret_manager_secret.this") {
				t.Errorf("%s: it applies all the same: %s", command, call)
			}
		}
	}
	e.Write("values/token-signing-key", `[{"Value": "old", "Disabled": true}]`)
	e.mustSay(t, e.checkSecrets(t.Context()), "no value that can be read", "-name token-signing-key")
}

func TestFunctionsStartAnew(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	const outputs = `{"region": {"value": "europe-west4"}, "buckets": {"value": {"bundles": "bundles"}}, "settings_version": {"value": "versions/1"},
		"functions": {"value": {"courses-get": "a", "edge-router": "b"}}}`
	e.Write("outputs.json", outputs)
	noted := func() string { return e.Read("objects/bundles/releases/settings") }
	run := func(flags ...string) error {
		e.Write("calls", "")
		return e.command(t.Context(), append([]string{"restart", "-environment=staging", "-project=aksio-test"}, flags...))
	}
	started := func() (names []string) {
		for _, call := range e.Calls() {
			if words := strings.Fields(call); strings.HasPrefix(call, "gcloud run services update ") && slices.Contains(words, "--region=europe-west4") {
				names = append(names, words[4])
			}
		}
		return names
	}
	if err := run(); err != nil || !slices.Equal(started(), []string{"courses-get", "edge-router"}) {
		t.Errorf("%v start anew, %v; want both", started(), err)
	}
	looks := func(call string) bool { return strings.HasPrefix(call, "gcloud run services list ") }
	if calls := slices.DeleteFunc(e.Calls(), func(call string) bool { return !looks(call) }); len(calls) != 2 {
		t.Errorf("looked %d times whether they serve, want until they do: the second time", len(calls))
	}
	if noted() != "versions/1" {
		t.Errorf("noted that functions run with %q", noted())
	}
	e.Write("outputs.json", strings.Replace(outputs, "versions/1", "versions/2", 1))
	if err := run("-function=edge-router"); err != nil || !slices.Equal(started(), []string{"edge-router"}) {
		t.Errorf("%v start anew, %v; want the router alone", started(), err)
	}
	if noted() != "versions/1" {
		t.Errorf("noted that all functions run with %q, of which one does", noted())
	}
	e.mustSay(t, run("-function=courses"), `no function "courses"`)
	e.Write("outputs.json", `{}`)
	e.mustSay(t, run(), "cloud deploy -environment staging -project aksio-test comes first")
}

// TestChangedSettingsAreTakenUp deploys other settings: what runs has the old ones, which
// the test through the edge would praise.
func TestChangedSettingsAreTakenUp(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	local(t, e, "")
	outputs := e.Read("outputs.json")
	deploy := func(settings, name, refusals, failure string) (startedAnew int) {
		t.Helper()
		e.Write("calls", "")
		e.Write("refusals", refusals)
		e.Write("outputs.json", strings.Replace(outputs, "{", `{"settings_version": {"value": "`+settings+`"},`, 1))
		before, err := e.lastRelease(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		err = e.bring(t.Context(), strings.TrimPrefix(settings, "versions/")+"-"+name, e.release(t, name), before)
		if failure != "" {
			e.mustSay(t, err, failure)
		} else if err != nil {
			t.Fatalf("%v\n%s", err, e.said)
		}
		for _, call := range e.Calls() {
			if strings.HasPrefix(call, "gcloud run services update run-migrations ") {
				startedAnew++
			}
		}
		return startedAnew
	}
	for i, tc := range []struct {
		settings, name, refusals, failure string
		want                              int
	}{
		{"versions/1", "same", "", "", 1},
		{"versions/1", "same", "", "", 0},
		{"versions/2", "same", "", "", 1},
		// The way back brings what was applied of the settings into force.
		{"versions/3", "next", "\nPermission denied\n", "-same serves again", 1},
		{"versions/3", "next", "", "", 0},
	} {
		if got := deploy(tc.settings, tc.name, tc.refusals, tc.failure); got != tc.want {
			t.Errorf("deployment %d, with %s: started anew %d times, want %d", i, tc.settings, got, tc.want)
		}
	}
}

// dailyJobs are the schedules that are made known to the alerts for silence.
func (e *environment) dailyJobs(t *testing.T) (jobs []string) {
	t.Helper()
	declared, err := e.declared()
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range slices.Sorted(maps.Keys(declared)) {
		if declared[id].Schedule != "" && id != "backup-restore-drill" {
			jobs = append(jobs, "aksio-staging-"+id)
		}
	}
	return jobs
}

// TestANewScheduleRunsOnce deploys all functions, first while the scheduler is away, none
// that is new, and one.
func TestANewScheduleRunsOnce(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	local(t, e, "")
	bundles := e.release(t, "one")
	e.Write("scheduler-fails", "UNAVAILABLE: try again")
	e.mustSay(t, e.bring(t.Context(), "one", bundles, nil), "isn't recorded", "deploy again", "UNAVAILABLE")
	e.Write("scheduler-fails", "")
	for _, tc := range []struct {
		unknown string // to the release before
		want    []string
	}{
		{"", e.dailyJobs(t)},
		{"", nil},
		{"run-cleanup", []string{"aksio-staging-run-cleanup"}},
	} {
		e.Write("runs", "")
		before, err := e.lastRelease(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if before != nil {
			delete(before.bundles, tc.unknown)
		}
		if err := e.bring(t.Context(), "one", e.release(t, "one"), before); err != nil {
			t.Fatalf("%v\n%s", err, e.said)
		}
		if got := strings.Fields(e.Read("runs")); !slices.Equal(got, tc.want) {
			t.Errorf("%q new: ran %v, want %v", tc.unknown, got, tc.want)
		}
	}
}

// TestALostBucketOfReleasesIsNone lets a deployment make it again.
func TestALostBucketOfReleasesIsNone(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.serve(t, "https://api.example", "")
	e.Write("lost", "gs://bundles")
	if last, err := e.lastRelease(t.Context()); last != nil || err != nil {
		t.Errorf("got %v, %v", last, err)
	}
}

func TestTheNewestReleasesCommit(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.serve(t, "https://api.example", "")
	for _, tc := range []struct{ name, commit, files string }{
		{"", "", ""},
		{"20250101T010000Z-unknown", "", ""},
		{"20250101T020000Z-343ad6f00000", "343ad6f00000", "343ad6f00000"},
		{"20250101T030000Z-343ad6f00001-dirty", "343ad6f00001", "343ad6f00001"},
		{"20250101T040000Z-back-to-20250101T020000Z-343ad6f00000-with-343ad6f00002", "343ad6f00000", "343ad6f00002"},
		{"20250101T050000Z-back-to-20250101T030000Z-343ad6f00001-dirty-with-unknown", "343ad6f00001", ""},
		{"20250101T060000Z-back-to-20250101T030000Z-343ad6f00001-but-courses-get-of-20250101T020000Z-343ad6f00000-with-343ad6f00002", "343ad6f00001", "343ad6f00002"},
	} {
		if tc.name != "" {
			e.Write("objects/bundles/releases/"+tc.name+".json", "{}")
		}
		for flag, want := range map[string]string{"-commit": tc.commit, "-files": tc.files} {
			var out strings.Builder
			e.out = &out
			if err := e.command(t.Context(), []string{"releases", flag, "-environment=staging", "-project=aksio-test"}); err != nil || strings.TrimSpace(out.String()) != want {
				t.Errorf("%s of %q: got %q, %v, want %q", flag, tc.name, out.String(), err, want)
			}
		}
	}
}

// TestCtrlCIsPsqls opens the instance that serves, and is interrupted as one who ends a
// query is.
func TestCtrlCIsPsqls(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.Write("outputs.json", `{"functions": {"value": {"courses-get": "a"}}, "database_connection_name": {"value": "aksio-test:europe-west1:aksio-staging-db-20261126"},
		"database_people": {"value": ["grace@aksio.app"]}}`)
	open := func(ctx context.Context) error {
		return e.command(ctx, []string{"database", "-environment=staging", "-project=aksio-test"})
	}
	e.mustSay(t, open(t.Context()), "ada@aksio.app may not sign in", "database_people of environments/staging.tfvars")

	e.Write("outputs.json", strings.ReplaceAll(e.Read("outputs.json"), "grace", "ada"))
	e.Write("public-address", "False")
	e.mustSay(t, open(t.Context()), "the network aksio-staging alone", "cloud-sql-proxy --private-ip --gcloud-auth --port=6543 aksio-test:europe-west1:aksio-staging-db-20261126", "user=ada@aksio.app")
	e.Write("public-address", "True")

	keys, typed := io.Pipe()
	screen, shown := io.Pipe()
	e.in, e.out = keys, shown
	ctx, interrupt := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- open(ctx)
		shown.Close()
	}()
	lines := bufio.NewScanner(screen)
	if lines.Scan(); lines.Text() != "psql -c default_transaction_read_only=on" {
		t.Fatalf("got %q, want a session that only reads; the log:\n%s", lines.Text(), e.said)
	}
	interrupt()
	fmt.Fprintln(typed, "SELECT 1")
	typed.Close()
	if lines.Scan(); lines.Text() != "answered" {
		t.Errorf("got %q: the interrupt ended the session", lines.Text())
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
	calls := e.Read("calls")
	if !strings.Contains(calls, " aksio-test:europe-west1:aksio-staging-db-20261126\n") {
		t.Errorf("it opens another instance than the one that serves: %s", calls)
	}
	if strings.Contains(calls+e.said.String(), "ada@aksio.app's token") {
		t.Error("the password is shown or passed on a command line")
	}
}

// TestABackupIsWaitedFor runs it beside one that ended before, well or not.
func TestABackupIsWaitedFor(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.serve(t, "https://api.example", "")
	run := func() error {
		return e.command(t.Context(), []string{"backup", "-environment=staging", "-project=aksio-test"})
	}
	if err := run(); err != nil {
		t.Error(err)
	}
	e.Write("long-ago", "the earlier one")
	if err := run(); err != nil {
		t.Errorf("while the earlier one's end is forgotten: %v", err)
	}
	e.Write("outcome", "500")
	e.mustSay(t, run(), "failed with status 500", "go run ./scripts/cloud logs -environment staging -project aksio-test -function backup-database")
	if runs := e.Read("runs"); runs != strings.Repeat("aksio-staging-backup-database\n", 3) {
		t.Errorf("ran %q", runs)
	}
}

// TestLogsOfOneRequestAreShown asks for the newest entries and reads them in their order.
func TestLogsOfOneRequestAreShown(t *testing.T) {
	t.Parallel()
	e := newEnvironment(t)
	e.Write("logged", "first\nsecond\nthird\n")
	err := e.command(t.Context(), []string{"logs", "-environment=staging", "-project=aksio-test",
		"-function=courses-get", "-severity=ERROR", "-request=4bf92f35", "-since=2d", "-limit=2"})
	if got := e.said.String(); err != nil || got != "second\nthird\n" {
		t.Errorf("got %q, %v, want the last two lines", got, err)
	}
	const want = `gcloud logging read resource.type="cloud_run_revision" AND severity>=ERROR AND resource.labels.service_name="courses-get"` +
		` AND trace="projects/aksio-test/traces/4bf92f35" --project=aksio-test --freshness=2d `
	if calls := e.Read("calls"); !strings.Contains(calls, want) {
		t.Errorf("got %s, want %s", calls, want)
	}
}

func TestUnknownWordsAreRefused(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		args []string
		want string
	}{
		"command":     {[]string{"explode"}, "no command"},
		"environment": {[]string{"deploy", "-environment=prod", "-project=x"}, "-environment staging"},
		"project":     {[]string{"deploy", "-environment=staging", "-project="}, "TF_VAR_project_id"},
		"argument":    {[]string{"rollback", "-environment=staging", "-project=x", "to=1"}, "begin with a dash"},
		"filter":      {[]string{"logs", "-environment=staging", "-project=x", `-function=a" OR "b`}, "isn't a name"},
		"secret":      {[]string{"secret", "-environment=staging", "-project=x"}, "-name"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEnvironment(t)
			e.mustSay(t, e.command(t.Context(), tc.args), tc.want)
			if calls := e.Read("calls"); calls != "" {
				t.Errorf("it called %s", calls)
			}
		})
	}
}
