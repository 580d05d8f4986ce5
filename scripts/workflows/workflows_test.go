// Package workflows holds tests of .github: what a linter of workflows can't know.
package workflows

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const root = "../.."

// read parses a file of .github.
func read(t *testing.T, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(root, ".github", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(content, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

type concurrency struct {
	Group  string
	Cancel any `yaml:"cancel-in-progress"` // false, or an expression
}

type workflow struct {
	On struct {
		Dispatch struct{ Inputs map[string]any } `yaml:"workflow_dispatch"`
	}
	Concurrency concurrency
	Jobs        map[string]struct {
		Environment string
		Concurrency concurrency
		With        map[string]string
		Needs       any
		Steps       []struct {
			Name, Run string
			With      map[string]any
		}
	}
}

// script returns what a step of a job runs.
func (w workflow) script(t *testing.T, job, name string) string {
	t.Helper()
	for _, step := range w.Jobs[job].Steps {
		if step.Name == name {
			return step.Run
		}
	}
	t.Fatalf("the job %s has no step %q", job, name)
	return ""
}

// run executes a step's script as GitHub does, with the settings.
func run(t *testing.T, folder, script string, settings ...string) (string, error) {
	t.Helper()
	cmd := exec.Command("bash", "-e", "-c", script)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), settings...)
	output, err := cmd.CombinedOutput()
	return string(output), err
}

// TestEachEnvironmentIsDeployedByItself leaves staging free while a deployment waits for
// production's approval, and lets nobody in without the environment's rules.
func TestEachEnvironmentIsDeployedByItself(t *testing.T) {
	t.Parallel()
	var cd, deploy workflow
	read(t, "workflows/cd.yml", &cd)
	read(t, "workflows/deploy.yml", &deploy)
	if cd.Concurrency.Group != "" {
		t.Errorf("the whole run is in the group %q, the wait for an approval, too", cd.Concurrency.Group)
	}
	const environment = "${{ inputs.environment }}"
	job := deploy.Jobs["deploy"]
	if job.Concurrency != (concurrency{"deploy-" + environment, false}) {
		t.Errorf("got %+v, want one deployment at a time of an environment, that none breaks off", job.Concurrency)
	}
	if job.Environment != environment {
		t.Errorf("the job is of the environment %q: federation.tf lets it in by that", job.Environment)
	}
	if _, ok := cd.On.Dispatch.Inputs["ref"]; !ok {
		t.Error("nobody can say which commit")
	}
	for name, job := range cd.Jobs {
		if job.With["environment"] != name || !strings.Contains(job.With["commit"], "inputs.ref || github.sha") {
			t.Errorf("%s deploys %v", name, job.With)
		}
	}
}

// TestOnlyWhatMainHoldsIsDeployed tries commits and tags of main, and others.
func TestOnlyWhatMainHoldsIsDeployed(t *testing.T) {
	t.Parallel()
	var deploy workflow
	read(t, "workflows/deploy.yml", &deploy)
	script := deploy.script(t, "deploy", "Refuse what main doesn't hold")
	if depth := deploy.Jobs["deploy"].Steps[0].With["fetch-depth"]; depth != 0 {
		t.Errorf("fetch-depth is %v: main isn't there to look at", depth)
	}
	upstream, clone := t.TempDir(), filepath.Join(t.TempDir(), "clone")
	const commit = "git -c user.name=ada -c user.email=ada@aksio.app commit --quiet --allow-empty --message "
	if output, err := run(t, upstream, `git init --quiet --initial-branch=main
		`+commit+`first; git tag v1
		`+commit+`second
		git checkout --quiet -b branch v1; `+commit+`other; git tag v2
		git checkout --quiet main; git clone --quiet . `+clone); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	for ref, good := range map[string]bool{"v1": true, "origin/main": true, "v2": false, "origin/branch": false} {
		output, err := run(t, clone, "git checkout --quiet "+ref+"\n"+script)
		if (err == nil) != good || !good && !strings.Contains(output, "merge it first") {
			t.Errorf("%s: got %v: %s", ref, err, output)
		}
	}
}

// TestMajorUpdatesAreAPersons plays gh.
func TestMajorUpdatesAreAPersons(t *testing.T) {
	t.Parallel()
	var ci workflow
	read(t, "workflows/ci.yml", &ci)
	script := ci.script(t, "dependabot", "Merge unless it holds a major update")
	needs, _ := ci.Jobs["dependabot"].Needs.([]any)
	for _, job := range []string{"test", "fuzz", "scan"} {
		if !slices.Contains(needs, any(job)) {
			t.Errorf("it doesn't wait for %s", job)
		}
	}
	update := func(kind string) string {
		text := "- dependency-name: example.com/x\n  dependency-version: 1.2.3\n  dependency-type: direct:production\n"
		if kind != "" {
			text += "  update-type: version-update:semver-" + kind + "\n"
		}
		return text
	}
	for name, tc := range map[string]struct {
		message string
		merges  bool
	}{
		"patch":            {update("patch"), true},
		"minor and patch":  {update("minor") + update("patch"), true},
		"major":            {update("major"), false},
		"one of two":       {update("minor") + update("major"), false},
		"not known":        {update("minor") + update(""), false},
		"not Dependabot's": {"hello", false},
	} {
		folder := t.TempDir()
		const gh = "#!/bin/sh\nif [ \"$2\" = view ]; then cat said; else echo \"$@\" > merged; fi\n"
		for file, text := range map[string]string{"gh": gh, "said": "Bumps x.\n\n---\nupdated-dependencies:\n" + tc.message + "...\n"} {
			if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		output, err := run(t, folder, script, "PATH="+folder+":"+os.Getenv("PATH"), "PULL_REQUEST=https://example.com/1", "TESTED=abc")
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, output)
		}
		merged, _ := os.ReadFile(filepath.Join(folder, "merged")) // not there: empty
		if want := "pr merge https://example.com/1 --merge --match-head-commit abc\n"; (string(merged) == want) != tc.merges {
			t.Errorf("%s: it runs %q", name, merged)
		}
	}
}

// TestDependabotLooksEverywhere finds every module in its configuration, and in each
// entry what all have in common.
func TestDependabotLooksEverywhere(t *testing.T) {
	t.Parallel()
	var config struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
			Schedule    struct{ Interval string }
			Limit       int                     `yaml:"open-pull-requests-limit"`
			Message     struct{ Prefix string } `yaml:"commit-message"`
			Ignore      []struct {
				Name  string   `yaml:"dependency-name"`
				Types []string `yaml:"update-types"`
			}
		}
	}
	read(t, "dependabot.yml", &config)
	var looked []string
	for _, u := range config.Updates {
		if u.Schedule.Interval != "daily" || u.Limit != 15 || u.Message.Prefix != "dependency: " ||
			len(u.Ignore) != 1 || u.Ignore[0].Name != "*" || !slices.Equal(u.Ignore[0].Types, []string{"version-update:semver-major"}) {
			t.Errorf("%s: got %+v", u.Ecosystem, u)
		}
		if u.Ecosystem == "gomod" {
			looked = append(looked, u.Directories...)
		}
	}
	modules, err := filepath.Glob(root + "/*/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	nested, err := filepath.Glob(root + "/*/*/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(modules, nested...) {
		folder, err := filepath.Rel(root, filepath.Dir(file))
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(looked, "/"+folder) && !strings.HasPrefix(folder, "build/") {
			t.Errorf("it doesn't look at %s", folder)
		}
	}
}
