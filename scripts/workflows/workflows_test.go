// Package workflows holds tests of .github: what a linter of workflows can't know.
package workflows

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

const root = "../.."

// commit makes a commit that changes nothing, with the message that follows.
const commit = "git -c user.name=ada -c user.email=ada@aksio.app commit --quiet --allow-empty --message "

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
	Name        string
	On          map[string]any
	Permissions map[string]string
	Concurrency concurrency
	Jobs        map[string]struct {
		If, Uses    string
		Environment string
		Env         map[string]string
		Strategy    struct{ Matrix map[string][]string }
		Concurrency concurrency
		Permissions map[string]string
		With        map[string]string
		Needs       any
		Steps       []step
		Tolerant    any `yaml:"continue-on-error"`
	}
}

// action is one of our own.
type action struct{ Runs struct{ Steps []step } }

type step struct {
	Name, If, Run, Uses string
	Env                 map[string]string
	With                map[string]any
	Tolerant            any `yaml:"continue-on-error"`
}

// script returns what a step of a job runs.
func (w workflow) script(t *testing.T, job, name string) string {
	t.Helper()
	return script(t, w.Jobs[job].Steps, name)
}

func script(t *testing.T, steps []step, name string) string {
	t.Helper()
	for _, step := range steps {
		if step.Name == name {
			return step.Run
		}
	}
	t.Fatalf("no step is called %q", name)
	return ""
}

// using returns what the one step is told that uses the action.
func using(t *testing.T, steps []step, action string) map[string]any {
	t.Helper()
	var found []map[string]any
	for _, step := range steps {
		if name, _, _ := strings.Cut(step.Uses, "@"); name == action {
			found = append(found, step.With)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d steps use %s, want one", len(found), action)
	}
	return found[0]
}

// glob returns the repository's files that match.
func glob(t *testing.T, pattern string) []string {
	t.Helper()
	found, err := fs.Glob(os.DirFS(root), pattern)
	if err != nil || len(found) == 0 {
		t.Fatalf("%s: %v", pattern, err)
	}
	return found
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
	byHand, _ := cd.On["workflow_dispatch"].(map[string]any)
	if inputs, _ := byHand["inputs"].(map[string]any); inputs["ref"] == nil {
		t.Error("nobody can say which commit")
	}
	for _, name := range []string{"staging", "production"} {
		if job := cd.Jobs[name]; job.Uses != "./.github/workflows/deploy.yml" || job.With["environment"] != name {
			t.Errorf("%s deploys %v by %s", name, job.With, job.Uses)
		}
	}
}

// TestWhatWasTestedIsDeployed compares whole expressions: on GitHub the newest commit of main
// is what stands in for one that is missing.
func TestWhatWasTestedIsDeployed(t *testing.T) {
	t.Parallel()
	var cd, deploy workflow
	read(t, "workflows/cd.yml", &cd)
	read(t, "workflows/deploy.yml", &deploy)
	for _, name := range []string{"staging", "production"} {
		if got, want := cd.Jobs[name].With["commit"], "${{ github.event.workflow_run.head_sha || inputs.ref || github.sha }}"; got != want {
			t.Errorf("%s deploys %q, want %q", name, got, want)
		}
	}
	if got, want := using(t, cd.Jobs["plan"].Steps, "actions/checkout")["ref"], "${{ github.event.workflow_run.head_sha }}"; got != want {
		t.Errorf("%v is planned, want %s", got, want)
	}
	for _, step := range deploy.Jobs["deploy"].Steps {
		if want := "${{ inputs.commit }}"; step.Name == goesToTheCommit && step.Env["COMMIT"] != want {
			t.Errorf("%q goes to %s, want %s", step.Name, step.Env["COMMIT"], want)
		}
	}
	deploy.script(t, "deploy", goesToTheCommit)
}

const goesToTheCommit = "Go to the commit, and refuse what main doesn't hold"

// TestProductionsPlanIsShownBeforeItIsApproved plays the tool, whose plan may fail.
func TestProductionsPlanIsShownBeforeItIsApproved(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the step is for the runner's Linux")
	}
	var cd workflow
	read(t, "workflows/cd.yml", &cd)
	if needs, _ := cd.Jobs["production"].Needs.([]any); !slices.Contains(needs, any("plan")) {
		t.Error("production doesn't wait for its plan")
	}
	var plan action
	read(t, "actions/plan/action.yml", &plan)
	script := script(t, plan.Runs.Steps, "Plan")
	for name, tc := range map[string]struct {
		tool, want string
		good       bool
	}{
		"changes":    {`echo "1 to change" > "$5"`, "1 to change", true},
		"fails":      {`echo "Error: no" > "$5"; exit 1`, "Error: no", false},
		"no plan":    {`exit 1`, "No plan was made: the log says why.", false},
		"a long one": {`head --bytes 2000000 /dev/zero > "$5"`, strings.Repeat("\x00", 900000), true}, // of GitHub's 1 MiB
	} {
		folder := t.TempDir()
		program(t, folder, "go", `[ "$1 $2 $3 $4" = "run ./scripts/cloud plan -out" ] || exit 9; `+tc.tool)
		summary := filepath.Join(folder, "summary")
		output, err := run(t, folder, script, "PATH="+folder+":"+os.Getenv("PATH"), "RUNNER_TEMP="+folder, "GITHUB_STEP_SUMMARY="+summary)
		if (err == nil) != tc.good {
			t.Errorf("%s: got %v: %s", name, err, output)
		}
		shown, err := os.ReadFile(summary)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSuffix(strings.TrimPrefix(string(shown), "```\n"), "```\n"); strings.TrimSuffix(got, "\n") != tc.want {
			t.Errorf("%s: the summary is %.100q, want %.100q", name, got, tc.want)
		}
	}
}

// TestPlansAreOfTheirEnvironments follows the names of an environment's variables.
func TestPlansAreOfTheirEnvironments(t *testing.T) {
	t.Parallel()
	for environment, file := range map[string]string{"staging": "plan.yml", "production": "cd.yml"} {
		var w workflow
		read(t, "workflows/"+file, &w)
		variable := func(name string) string { return "${{ vars." + strings.ToUpper(environment) + name + " }}" }
		job := w.Jobs["plan"]
		if want := map[string]string{"AKSIO_ENVIRONMENT": environment, "TF_VAR_project_id": variable("_PROJECT_ID")}; !maps.Equal(job.Env, want) {
			t.Errorf("%s plans for %v, want %v", file, job.Env, want)
		}
		told := using(t, job.Steps, "./.github/actions/plan")
		if want := map[string]any{"provider": variable("_WIF_PROVIDER"), "account": variable("_PLAN_ACCOUNT")}; !maps.Equal(told, want) {
			t.Errorf("%s plans as %v, want %v", file, told, want)
		}
	}
	var plan action
	read(t, "actions/plan/action.yml", &plan)
	told := using(t, plan.Runs.Steps, "google-github-actions/auth")
	if want := map[string]any{"workload_identity_provider": "${{ inputs.provider }}", "service_account": "${{ inputs.account }}"}; !maps.Equal(told, want) {
		t.Errorf("the action plans as %v, want %v", told, want)
	}
}

// TestWhatStartsWorkflows beside people, and nothing else does: what isn't started fails
// nowhere. CD waits for CI by its name.
func TestWhatStartsWorkflows(t *testing.T) {
	t.Parallel()
	var ci workflow
	read(t, "workflows/ci.yml", &ci)
	for file, events := range map[string]string{
		"ci.yml":    "{push: {branches: [main]}, pull_request: null}",
		"cd.yml":    "{workflow_run: {workflows: [" + ci.Name + "], types: [completed], branches: [main]}}",
		"plan.yml":  "{pull_request: {paths: [infrastructure/**, functions/**, shared/**]}}",
		"watch.yml": "{schedule: [{cron: 17 5 * * *}]}",
	} {
		var w workflow
		read(t, "workflows/"+file, &w)
		delete(w.On, "workflow_dispatch")
		var want map[string]any
		if err := yaml.Unmarshal([]byte(events), &want); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(w.On, want) {
			t.Errorf("%s is started by %v, want %v", file, w.On, want)
		}
	}
}

// TestWhoMayWrite lists the jobs that get more of GitHub than a look at the repository. Those of
// a called workflow are bounded by the caller's, and GitHub starts nothing where they ask for more.
func TestWhoMayWrite(t *testing.T) {
	t.Parallel()
	look := map[string]string{"contents": "read"}
	plan := map[string]string{"contents": "read", "id-token": "write"}
	deploy := map[string]string{"actions": "read", "contents": "read", "id-token": "write"}
	want := map[string]map[string]string{
		"cd.yml staging":    deploy,
		"cd.yml plan":       plan,
		"cd.yml production": deploy,
		"ci.yml dependabot": {"contents": "write", "pull-requests": "write"},
		"deploy.yml deploy": deploy,
		"plan.yml plan":     plan,
		"watch.yml drift":   {"contents": "read", "id-token": "write", "issues": "write"},
		"watch.yml audit":   {"contents": "read", "issues": "write"},
	}
	got := map[string]map[string]string{}
	for _, file := range glob(t, ".github/workflows/*.yml") {
		file = path.Base(file)
		var w workflow
		read(t, "workflows/"+file, &w)
		if !maps.Equal(w.Permissions, look) {
			t.Errorf("the jobs of %s may %v, want %v", file, w.Permissions, look)
		}
		for name, job := range w.Jobs {
			if job.Permissions != nil {
				got[file+" "+name] = job.Permissions
			}
		}
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestWhoIsDeployedTo plays pushes and people who start a deployment.
func TestWhoIsDeployedTo(t *testing.T) {
	t.Parallel()
	var cd workflow
	read(t, "workflows/cd.yml", &cd)
	push := map[string]string{
		"github.event_name": "workflow_run", "github.repository": "aksio/backend", "github.ref": "refs/heads/main",
		"github.event.workflow_run.conclusion": "success", "github.event.workflow_run.event": "push",
		"github.event.workflow_run.head_repository.full_name": "aksio/backend", "vars.DEPLOYS": "staging production",
		"vars.PLANS": "true",
	}
	byHand := func(environment string) map[string]string {
		return map[string]string{
			"github.event_name": "workflow_dispatch", "inputs.environment": environment, "github.ref": "refs/heads/main",
			"vars.DEPLOYS": "staging production", "vars.PLANS": "true",
		}
	}
	for name, tc := range map[string]struct {
		known  map[string]string
		failed string
		want   []string
	}{
		"push":                      {push, "", []string{"staging", "plan", "production"}},
		"push, staging failed":      {push, "staging", []string{"staging"}},
		"push, the plan failed":     {push, "plan", []string{"staging", "plan"}},
		"push, no plans":            {with(push, "vars.PLANS", ""), "", []string{"staging", "production"}},
		"CI failed":                 {with(push, "github.event.workflow_run.conclusion", "failure"), "", nil},
		"pull request":              {with(push, "github.event.workflow_run.event", "pull_request"), "", nil},
		"fork":                      {with(push, "github.event.workflow_run.head_repository.full_name", "eve/backend"), "", nil},
		"push, nothing set up":      {with(push, "vars.DEPLOYS", ""), "", nil},
		"push, no production yet":   {with(push, "vars.DEPLOYS", "staging"), "", []string{"staging"}},
		"staging":                   {byHand("staging"), "", []string{"staging"}},
		"production":                {byHand("production"), "", []string{"production"}},
		"staging, nothing set up":   {with(byHand("staging"), "vars.DEPLOYS", ""), "", nil},
		"production, not set up":    {with(byHand("production"), "vars.DEPLOYS", "staging"), "", nil},
		"production, from a branch": {with(byHand("production"), "github.ref", "refs/heads/other"), "", nil},
	} {
		var got []string
		known := tc.known
		for _, job := range []string{"staging", "plan", "production"} {
			result := "skipped"
			if evaluate(t, cd.Jobs[job].If, known) {
				got = append(got, job)
				if result = "success"; job == tc.failed {
					result = "failure"
				}
			}
			known = with(known, "needs."+job+".result", result)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

// evaluate works out a condition of GitHub's, which reads as one of Go's does.
func evaluate(t *testing.T, condition string, known map[string]string) bool {
	t.Helper()
	node, err := parser.ParseExpr(strings.ReplaceAll(condition, "'", `"`))
	if err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
	var value func(ast.Expr) string
	truth := map[bool]string{true: "true"}
	value = func(node ast.Expr) string {
		switch n := node.(type) {
		case *ast.ParenExpr:
			return value(n.X)
		case *ast.UnaryExpr:
			return truth[value(n.X) == ""]
		case *ast.BinaryExpr:
			x, y := value(n.X), value(n.Y)
			switch n.Op {
			case token.LAND:
				return truth[x != "" && y != ""]
			case token.LOR:
				return truth[x != "" || y != ""]
			case token.EQL:
				return truth[x == y]
			case token.NEQ:
				return truth[x != y]
			}
		case *ast.BasicLit:
			text, _ := strconv.Unquote(n.Value) // parsed
			return text
		case *ast.CallExpr:
			switch fmt.Sprint(n.Fun) {
			case "cancelled":
				return ""
			case "contains":
				return truth[strings.Contains(value(n.Args[0]), value(n.Args[1]))]
			}
		case *ast.SelectorExpr:
			var text []string
			for at := ast.Expr(n); ; {
				selector, ok := at.(*ast.SelectorExpr)
				if !ok {
					return known[strings.Join(append([]string{fmt.Sprint(at)}, text...), ".")]
				}
				text, at = append([]string{selector.Sel.Name}, text...), selector.X
			}
		}
		t.Fatalf("%s: this test doesn't know %T", condition, node)
		return ""
	}
	return value(node) != ""
}

// with returns what is known with one fact changed.
func with(known map[string]string, name, value string) map[string]string {
	changed := map[string]string{name: value}
	for other, value := range known {
		if other != name {
			changed[other] = value
		}
	}
	return changed
}

// TestWhoGetsAnIdentity plays pull requests and runs by hand: a job that acts on Google or
// merges is for few of them.
func TestWhoGetsAnIdentity(t *testing.T) {
	t.Parallel()
	ours := map[string]string{
		"github.event_name": "pull_request", "github.repository": "aksio/backend", "github.actor": "ada",
		"github.event.pull_request.user.login": "ada", "github.event.pull_request.head.repo.full_name": "aksio/backend",
		"vars.PLANS": "true",
	}
	pushedBy := func(actor, author string) map[string]string {
		return with(with(ours, "github.actor", actor), "github.event.pull_request.user.login", author)
	}
	const bot = "dependabot[bot]"
	fork := func(known map[string]string) map[string]string {
		return with(known, "github.event.pull_request.head.repo.full_name", "eve/backend")
	}
	morning := map[string]string{"github.event_name": "schedule", "github.ref": "refs/heads/main", "vars.PLANS": "true"}
	for _, tc := range []struct {
		file, job, name string
		known           map[string]string
		want            bool
	}{
		{"plan.yml", "plan", "ours", ours, true},
		{"plan.yml", "plan", "a fork's", fork(ours), false},
		{"plan.yml", "plan", "Dependabot's", pushedBy(bot, bot), false},
		{"plan.yml", "plan", "Dependabot's, somebody pushed to it", pushedBy("ada", bot), false},
		{"plan.yml", "plan", "somebody's, Dependabot pushed to it", pushedBy(bot, "ada"), false},
		{"plan.yml", "plan", "nothing set up", with(ours, "vars.PLANS", ""), false},
		{"ci.yml", "dependabot", "Dependabot's", pushedBy(bot, bot), true},
		{"ci.yml", "dependabot", "ours", ours, false},
		{"ci.yml", "dependabot", "Dependabot's, somebody pushed to it", pushedBy("ada", bot), false},
		{"ci.yml", "dependabot", "somebody's, Dependabot pushed to it", pushedBy(bot, "ada"), false},
		{"ci.yml", "dependabot", "a fork's", fork(pushedBy(bot, bot)), false},
		{"ci.yml", "dependabot", "a push", with(pushedBy(bot, bot), "github.event_name", "push"), false},
		{"watch.yml", "drift", "in the morning", morning, true},
		{"watch.yml", "drift", "from a branch", with(morning, "github.ref", "refs/heads/other"), false},
		{"watch.yml", "drift", "nothing set up", with(morning, "vars.PLANS", ""), false},
		{"watch.yml", "audit", "in the morning, nothing set up", with(morning, "vars.PLANS", ""), true},
		{"watch.yml", "audit", "from a branch", with(morning, "github.ref", "refs/heads/other"), false},
	} {
		var w workflow
		read(t, "workflows/"+tc.file, &w)
		if got := evaluate(t, w.Jobs[tc.job].If, tc.known); got != tc.want {
			t.Errorf("%s of %s, %s: it runs: %v, want %v", tc.job, tc.file, tc.name, got, tc.want)
		}
	}
}

func TestDeploymentWantsItsVariables(t *testing.T) {
	t.Parallel()
	var deploy workflow
	read(t, "workflows/deploy.yml", &deploy)
	const name = "Refuse without the environment's variables"
	if first := deploy.Jobs["deploy"].Steps[0].Name; first != name {
		t.Errorf("the first step is %q", first)
	}
	script := deploy.script(t, "deploy", name)
	set := []string{"AKSIO_ENVIRONMENT=staging", "PROJECT_ID=p", "WIF_PROVIDER=w", "DEPLOY_ACCOUNT="}
	output, err := run(t, t.TempDir(), script, set...)
	if want := "::error::DEPLOY_ACCOUNT of the environment staging are missing: infrastructure/README.md, GitHub\n"; err == nil || output != want {
		t.Errorf("got %v: %s", err, output)
	}
	if output, err := run(t, t.TempDir(), script, append(set, "DEPLOY_ACCOUNT=d")...); err != nil {
		t.Errorf("got %v: %s", err, output)
	}
}

// TestProductionIsApproved plays gh, which asks for an environment's rules.
func TestProductionIsApproved(t *testing.T) {
	t.Parallel()
	var deploy workflow
	read(t, "workflows/deploy.yml", &deploy)
	script := deploy.script(t, "deploy", "Refuse production unless somebody approved it")
	for rules, good := range map[string]bool{"branch_policy\nrequired_reviewers": true, "required_reviewers": true, "branch_policy": false, "": false} {
		folder := t.TempDir()
		program(t, folder, "gh", `[ "$2" = repos/aksio/backend/environments/production ] && printf '`+rules+`'`)
		output, err := run(t, folder, script, "PATH="+folder+":"+os.Getenv("PATH"), "GITHUB_REPOSITORY=aksio/backend")
		if (err == nil) != good || !good && !strings.Contains(output, "by hand") {
			t.Errorf("%q: got %v: %s", rules, err, output)
		}
	}
}

// TestNothingOlderIsApproved plays the tool, which lists what was deployed.
func TestNothingOlderIsApproved(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the step is for the runner's Linux")
	}
	var deploy workflow
	read(t, "workflows/deploy.yml", &deploy)
	script := deploy.script(t, "deploy", "Refuse what is older than what serves")
	folder, tools := t.TempDir(), t.TempDir()
	output, err := run(t, folder, `git init --quiet --initial-branch=main
		for name in first second third; do `+commit+`$name; git rev-parse --short=12 HEAD; done
		git checkout --quiet HEAD~1`)
	commits := strings.Fields(output)
	if err != nil || len(commits) != 3 {
		t.Fatalf("%v: %s", err, output)
	}
	first, second, third := commits[0], commits[1], commits[2]
	for serves, good := range map[string]bool{
		"":             true, // the first release, or one of no commit
		first:          true,
		second:         true, // again
		third:          false,
		"0123456789ab": true, // of somebody's machine
	} {
		program(t, tools, "cloud", `[ "$*" = "releases -commit" ] && echo '`+serves+`'`)
		output, err := run(t, folder, script, "RUNNER_TEMP="+tools)
		if (err == nil) != good || !good && !strings.Contains(output, "::error::") {
			t.Errorf("%q: got %v: %s", serves, err, output)
		}
	}
	program(t, tools, "cloud", "exit 1")
	if output, err := run(t, folder, script, "RUNNER_TEMP="+tools); err == nil {
		t.Errorf("without a list it goes on: %s", output)
	}
}

// TestDriftIsLookedForInWhatWasReleased has main be further than the release is.
func TestDriftIsLookedForInWhatWasReleased(t *testing.T) {
	t.Parallel()
	var watch workflow
	read(t, "workflows/watch.yml", &watch)
	watch.holdsEveryCommit(t, "drift")
	script := watch.script(t, "drift", "Go to what was released")
	folder, tools := t.TempDir(), t.TempDir()
	output, err := run(t, folder, `git init --quiet --initial-branch=main
		for name in first second; do `+commit+`$name; git rev-parse --short=12 HEAD; done`)
	commits := strings.Fields(output)
	if err != nil || len(commits) != 2 {
		t.Fatalf("%v: %s", err, output)
	}
	first, second := commits[0], commits[1]
	for released, want := range map[string]string{"": second, first: first, second: second, "0123456789ab": second} {
		program(t, tools, "go", `[ "$*" = "run ./scripts/cloud releases -files" ] && echo '`+released+`'`)
		output, err := run(t, folder, "git checkout --quiet main\n"+script+"\ngit rev-parse --short=12 HEAD", "PATH="+tools+":"+os.Getenv("PATH"))
		if err != nil || !strings.HasSuffix(strings.TrimSpace(output), want) {
			t.Errorf("released %q: got %v: %s; want to be at %s", released, err, output, want)
		}
	}
}

// TestWhatIsFoundBecomesAnIssue plays gh, of which a morning's issue may be open.
func TestWhatIsFoundBecomesAnIssue(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the step is for the runner's Linux")
	}
	var watch workflow
	read(t, "workflows/watch.yml", &watch)
	var last step
	for _, job := range []string{"drift", "audit"} {
		steps := watch.Jobs[job].Steps
		if last = steps[len(steps)-1]; last.Name != "Open an issue, or add to the open one" || last.If != "failure()" {
			t.Errorf("the last step of %s is %q, if %q: what another finds isn't told", job, last.Name, last.If)
		}
	}
	for name, tc := range map[string]struct{ found, open, want, body string }{
		"new":        {"1 to change", "", "issue create --repo aksio/backend --title it drifts --body-file", "1 to change"},
		"again":      {"1 to change", "7", "issue comment 7 --repo aksio/backend --body-file", "1 to change"},
		"nothing":    {"", "", "issue create --repo aksio/backend --title it drifts --body-file", "It failed; see https://github.com/aksio/backend/actions/runs/42"},
		"a long one": {strings.Repeat("x", 100000), "", "issue create --repo aksio/backend --title it drifts --body-file", strings.Repeat("x", 50000)}, // of GitHub's 65536
	} {
		folder := t.TempDir()
		program(t, folder, "gh", `if [ "$2" = list ]; then
				[ "$*" = "issue list --repo aksio/backend --state open --search it drifts in:title --json number --jq .[0].number // empty" ] && printf '`+tc.open+`'
			else
				echo "$@" > told; cp "${!#}" body
			fi`)
		if tc.found != "" {
			if err := os.WriteFile(filepath.Join(folder, "found.txt"), []byte(tc.found), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		output, err := run(t, folder, last.Run, "PATH="+folder+":"+os.Getenv("PATH"), "RUNNER_TEMP="+folder, "TITLE=it drifts",
			"GITHUB_REPOSITORY=aksio/backend", "GITHUB_SERVER_URL=https://github.com", "GITHUB_RUN_ID=42")
		if err != nil {
			t.Errorf("%s: %v: %s", name, err, output)
		}
		told, _ := os.ReadFile(filepath.Join(folder, "told")) // not there: empty
		body, _ := os.ReadFile(filepath.Join(folder, "body"))
		if !strings.HasPrefix(string(told), tc.want+" ") || strings.TrimSpace(string(body)) != tc.body {
			t.Errorf("%s: got %q with the body %.100q, want %q with %.100q", name, told, body, tc.want, tc.body)
		}
	}
}

// TestWhatTheAuditSaysIsKept plays make.
func TestWhatTheAuditSaysIsKept(t *testing.T) {
	t.Parallel()
	var watch workflow
	read(t, "workflows/watch.yml", &watch)
	script := watch.script(t, "audit", "Audit")
	for end, good := range map[string]bool{"exit 0": true, "exit 2": false} {
		folder := t.TempDir()
		program(t, folder, "make", `[ "$*" = audit ] && echo a hole >&2; `+end)
		output, err := run(t, folder, script, "PATH="+folder+":"+os.Getenv("PATH"), "RUNNER_TEMP="+folder)
		found, _ := os.ReadFile(filepath.Join(folder, "found.txt")) // not there: empty
		if (err == nil) != good || output != "a hole\n" || string(found) != output {
			t.Errorf("%s: got %v: %s, and kept %q", end, err, output, found)
		}
	}
}

// TestCancelledDeploymentIsEnded interrupts the step as GitHub does, and takes the
// next one.
func TestCancelledDeploymentIsEnded(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("the step is for the runner's Linux")
	}
	var deploy workflow
	read(t, "workflows/deploy.yml", &deploy)
	script := deploy.script(t, "deploy", "Deploy")
	folder := t.TempDir()
	program(t, folder, "cloud", "echo applied; exit 3")
	output, err := run(t, folder, script, "RUNNER_TEMP="+folder)
	if err == nil || err.Error() != "exit status 3" || output != "applied\n" {
		t.Errorf("got %v: %s", err, output)
	}

	if err := os.Remove(filepath.Join(folder, "deploy.pid")); err != nil {
		t.Fatal(err)
	}
	program(t, folder, "cloud", "trap 'echo back; exit 1' TERM; echo applies; while :; do sleep 0.1; done")
	cmd := exec.Command("bash", "-e", "-c", script)
	cmd.Env = append(os.Environ(), "RUNNER_TEMP="+folder)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		said, _ := os.ReadFile(filepath.Join(folder, "deploy.txt"))  // not there: empty
		known, _ := os.ReadFile(filepath.Join(folder, "deploy.pid")) // as it is for a moment
		if bytes.Contains(said, []byte("applies")) && len(known) > 0 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it doesn't begin")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the interrupted step succeeds")
	}
	output, err = run(t, folder, deploy.script(t, "deploy", "End what was cancelled"), "RUNNER_TEMP="+folder)
	if err != nil || !strings.HasSuffix(output, "back\n") {
		t.Errorf("got %v: %s", err, output)
	}
	pid, err := os.ReadFile(filepath.Join(folder, "deploy.pid"))
	if err != nil {
		t.Fatal(err)
	}
	if id, err := strconv.Atoi(strings.TrimSpace(string(pid))); err != nil || syscall.Kill(id, 0) == nil {
		t.Errorf("process %d lives on: %v", id, err)
	}
	if output, err := run(t, folder, deploy.script(t, "deploy", "End what was cancelled"), "RUNNER_TEMP="+folder); err != nil {
		t.Errorf("nothing to end: got %v: %s", err, output)
	}
}

// program puts a shell script where the steps look for a program.
func program(t *testing.T, folder, name, script string) {
	t.Helper()
	// A process that another test starts meanwhile would inherit the file, which can't be
	// executed as long as somebody may write it.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(filepath.Join(folder, name), []byte("#!/usr/bin/env bash\n"+script+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

// TestActionsArePinned looks at what workflows and our own actions use: a tag can be moved.
func TestActionsArePinned(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^\S+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, file := range append(glob(t, ".github/workflows/*.yml"), glob(t, ".github/actions/*/action.yml")...) {
		content, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		for _, used := range regexp.MustCompile(`(?m)^\s*(?:- )?uses: (.*)$`).FindAllStringSubmatch(string(content), -1) {
			if local, ok := strings.CutPrefix(used[1], "./"); ok {
				if _, err := os.Stat(filepath.Join(root, local)); err != nil {
					t.Errorf("%s: %v", file, err)
				}
			} else if !pinned.MatchString(used[1]) {
				t.Errorf("%s: %s isn't pinned by a commit, with its version beside it", file, used[1])
			}
		}
	}
}

// TestGoIsTheFunctions compares the Go that GitHub tests and audits with the one that functions
// run on. Only its newest release has no hole that is known and mended.
func TestGoIsTheFunctions(t *testing.T) {
	t.Parallel()
	var tools action
	read(t, "actions/tools/action.yml", &tools)
	with := using(t, tools.Runs.Steps, "actions/setup-go")
	if with["check-latest"] != true {
		t.Error("it takes any release that the runner has")
	}
	version := fmt.Sprint(with["go-version"])
	for file, want := range map[string]string{
		"go.work":                     "go " + version + ".",
		"infrastructure/functions.tf": `runtime = "go` + strings.ReplaceAll(version, ".", "") + `"`,
	} {
		content, err := os.ReadFile(filepath.Join(root, file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(content), want) {
			t.Errorf("GitHub has Go %s, and %s doesn't say %q", version, file, want)
		}
	}
}

// TestTerraformIsMended demands the newest patch of one release, which nobody else would offer;
// for what setup-terraform doesn't understand it takes the newest release of all.
func TestTerraformIsMended(t *testing.T) {
	t.Parallel()
	var tools action
	read(t, "actions/tools/action.yml", &tools)
	version := fmt.Sprint(using(t, tools.Runs.Steps, "hashicorp/setup-terraform")["terraform_version"])
	if !regexp.MustCompile(`^~1\.\d+\.\d+$`).MatchString(version) {
		t.Errorf("GitHub has Terraform %s, want the newest patch of a release", version)
	}
}

// TestEveryGateIsCIs lists the targets of make that a pull request has to pass, on every run.
func TestEveryGateIsCIs(t *testing.T) {
	t.Parallel()
	var ci workflow
	read(t, "workflows/ci.yml", &ci)
	target := regexp.MustCompile(`(?m)^\s*make ([a-z-]+)`)
	var got []string
	for name, job := range ci.Jobs {
		for _, step := range job.Steps {
			script := step.Run
			if script == ".ci/run" {
				content, err := os.ReadFile(filepath.Join(root, script))
				if err != nil {
					t.Fatal(err)
				}
				script = string(content)
			}
			for _, made := range target.FindAllStringSubmatch(script, -1) {
				got = append(got, made[1])
				if job.If != "" || step.If != "" || job.Tolerant != nil || step.Tolerant != nil {
					t.Errorf("%s passes without make %s", name, made[1])
				}
			}
		}
	}
	if !slices.ContainsFunc(ci.Jobs["test"].Steps, func(s step) bool { return strings.Contains(s.Run, "AKSIO_TEST_INSTALL=1") }) {
		t.Error("tests that want root skip, and nothing else runs them")
	}
	slices.Sort(got)
	if want := []string{"audit", "bench", "check", "cover", "fuzz", "scan", "simulate", "test"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// TestGatesLookAtEverything lists what the targets of make run.
func TestGatesLookAtEverything(t *testing.T) {
	t.Parallel()
	for target, wants := range map[string][]string{
		"audit": {
			"build/tools/go-licenses check ./functions/all ./scripts/... --ignore aksio.app --allowed_licenses=Apache-2.0,",
			"for module in shared functions scripts; do build/tools/govulncheck -C $module ./... || exit 1; done",
		},
		"scan": {
			"build/tools/gitleaks git ",
			"build/checkov/bin/checkov --config-file infrastructure/.checkov.yaml > build/scan.txt; status=$?;",
			"! grep -q 'Parsing errors' build/scan.txt || ",
			"exit $status\n",
		},
		"check": {
			"gofmt -l shared functions scripts",
			" vet ./shared/... ./functions/... ./scripts/...\n",
			"build/tools/staticcheck ./shared/... ./functions/... ./scripts/...\n",
			"shellcheck .ci/run;",
			" tool actionlint /",
			" run ./scripts/generate\n",
			"git diff --exit-code -- functions/all ",
		},
		"test": {
			" run ./scripts/terraform",
			" test -count=1 -race -timeout=30m ",
			" ./shared/... ./functions/... ./scripts/...\n",
		},
	} {
		runs, err := run(t, root, "make --dry-run "+target, "MAKEFLAGS=", "RACE=1")
		if err != nil {
			t.Errorf("%s: %v: %s", target, err, runs)
		}
		for _, want := range wants {
			if !strings.Contains(runs, want) {
				t.Errorf("make %s doesn't run %q, but %s", target, want, runs)
			}
		}
	}
}

// TestTheRaceDetectorIsCIs: CI tests with it and without, since some tests run only without.
func TestTheRaceDetectorIsCIs(t *testing.T) {
	t.Parallel()
	var ci workflow
	read(t, "workflows/ci.yml", &ci)
	job := ci.Jobs["test"]
	if got, want := job.Strategy.Matrix["race"], []string{"", "1"}; !slices.Equal(got, want) {
		t.Errorf("race is %q, want %q", got, want)
	}
	if got, want := job.Env["RACE"], "${{ matrix.race }}"; got != want {
		t.Errorf("RACE is %q, want %q", got, want)
	}
}

// TestAMillionStudentsBreakSomething plays what the simulation writes.
func TestAMillionStudentsBreakSomething(t *testing.T) {
	t.Parallel()
	var ci workflow
	read(t, "workflows/ci.yml", &ci)
	script := ci.script(t, "bench", "Look for what a million students break")
	folder := t.TempDir()
	if err := os.MkdirAll(filepath.Join(folder, "build/simulation"), 0o755); err != nil {
		t.Fatal(err)
	}
	for report, good := range map[string]bool{
		"At 100,000 students nothing breaks.\n\nAt 1,000,000 students the first thing to break is accounts-login, at\n08:00.\n": true,
		"At 100,000 students the first thing to break is accounts-login, at\n08:00.\n\nAt 1,000,000 students nothing breaks.\n": false,
	} {
		if err := os.WriteFile(filepath.Join(folder, "build/simulation/report.md"), []byte(report), 0o644); err != nil {
			t.Fatal(err)
		}
		if output, err := run(t, folder, script); (err == nil) != good {
			t.Errorf("%q: got %v: %s", report, err, output)
		}
	}
}

// holdsEveryCommit demands that the job checks out main's history, too.
func (w workflow) holdsEveryCommit(t *testing.T, job string) {
	t.Helper()
	if depth := using(t, w.Jobs[job].Steps, "actions/checkout")["fetch-depth"]; depth != 0 {
		t.Errorf("fetch-depth is %v: other commits aren't there to look at", depth)
	}
}

// TestOnlyWhatMainHoldsIsDeployed tries commits and tags of main, and others.
func TestOnlyWhatMainHoldsIsDeployed(t *testing.T) {
	t.Parallel()
	var deploy workflow
	read(t, "workflows/deploy.yml", &deploy)
	script := deploy.script(t, "deploy", goesToTheCommit)
	deploy.holdsEveryCommit(t, "deploy")
	upstream, clone := t.TempDir(), filepath.Join(t.TempDir(), "clone")
	if output, err := run(t, upstream, `git init --quiet --initial-branch=main
		`+commit+`first; git tag v1
		`+commit+`second
		git checkout --quiet -b branch v1; `+commit+`other; git tag v2
		git checkout --quiet main; git clone --quiet . `+clone); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	output, err := run(t, clone, "git rev-parse v1; git rev-parse --short=12 v1")
	digits := strings.Fields(output)
	if err != nil || len(digits) != 2 {
		t.Fatalf("%v: %s", err, output)
	}
	for ref, refusal := range map[string]string{
		"v1": "", digits[0]: "", digits[1]: "", "main": "", "v2": "merge it first", "origin/branch": "merge it first", "v3": "no commit or tag v3", "--help": "no commit or tag",
	} {
		output, err := run(t, clone, "git checkout --quiet --detach origin/main\n"+script, "COMMIT="+ref)
		if (err == nil) != (refusal == "") || !strings.Contains(output, refusal) {
			t.Errorf("%s: got %v: %s", ref, err, output)
		}
		if head, err := run(t, clone, "git log --max-count=1 --format=%s"); ref == digits[1] && (err != nil || head != "first\n") {
			t.Errorf("%s: %s is deployed, %v", ref, head, err)
		}
	}
}

// TestByHandOnlyWhatPassedIsDeployed plays gh, which asks for CI's runs of the commit.
func TestByHandOnlyWhatPassedIsDeployed(t *testing.T) {
	t.Parallel()
	var cd, deploy workflow
	read(t, "workflows/cd.yml", &cd)
	read(t, "workflows/deploy.yml", &deploy)
	const name = "Refuse what CI didn't pass"
	folder, tools := t.TempDir(), t.TempDir()
	head, err := run(t, folder, "git init --quiet --initial-branch=main; "+commit+"first; git rev-parse HEAD")
	if err != nil {
		t.Fatalf("%v: %s", err, head)
	}
	for passed, good := range map[string]bool{"echo 1": true, "echo 0": false, "exit 1": false} {
		program(t, tools, "gh", `[ "$2" = "repos/aksio/backend/actions/workflows/ci.yml/runs?head_sha=`+strings.TrimSpace(head)+`&event=push&status=success&per_page=1" ] || exit 2; `+passed)
		output, err := run(t, folder, deploy.script(t, "deploy", name), "PATH="+tools+":"+os.Getenv("PATH"), "GITHUB_REPOSITORY=aksio/backend")
		if (err == nil) != good || passed == "echo 0" && !strings.Contains(output, "::error::CI didn't pass "+strings.TrimSpace(head)) {
			t.Errorf("%s: got %v: %s", passed, err, output)
		}
	}
	for _, step := range deploy.Jobs["deploy"].Steps {
		if step.Name == name && step.If != "github.event_name == 'workflow_dispatch' && !inputs.untested" {
			t.Errorf("it runs if %s", step.If)
		}
	}
	for _, environment := range []string{"staging", "production"} {
		if got := cd.Jobs[environment].With["untested"]; got != "${{ inputs.untested == true }}" {
			t.Errorf("%s is told %q", environment, got)
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
	for job := range ci.Jobs {
		if job != "dependabot" && !slices.Contains(needs, any(job)) {
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
		message, changes string
		merges           bool
	}{
		"patch":            {update("patch"), "shared/go.mod", true},
		"minor and patch":  {update("minor") + update("patch"), "shared/go.mod", true},
		"major":            {update("major"), "shared/go.mod", false},
		"one of two":       {update("minor") + update("major"), "shared/go.mod", false},
		"not known":        {update("minor") + update(""), "shared/go.mod", false},
		"not Dependabot's": {"hello", "shared/go.mod", false},
		"workflows":        {update("patch"), ".github/workflows/ci.yml", false},
		"an action":        {update("patch"), ".github/actions/tools/action.yml", false},
	} {
		folder := t.TempDir()
		program(t, folder, "gh", `case "$2" in view) cat said;; diff) cat changes;; *) echo "$@" > merged;; esac`)
		for file, text := range map[string]string{"said": "Bumps x.\n\n---\nupdated-dependencies:\n" + tc.message + "...\n", "changes": tc.changes + "\n"} {
			if err := os.WriteFile(filepath.Join(folder, file), []byte(text), 0o644); err != nil {
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

// TestDependabotLooksEverywhere finds in its configuration all that names versions.
func TestDependabotLooksEverywhere(t *testing.T) {
	t.Parallel()
	var config struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
		}
	}
	read(t, "dependabot.yml", &config)
	looked := map[string][]string{}
	for _, u := range config.Updates {
		looked[u.Ecosystem] = append(append(looked[u.Ecosystem], u.Directories...), u.Directory)
	}
	for _, there := range []struct{ ecosystem, pattern string }{
		{"gomod", "*/go.mod"},
		{"gomod", "*/*/go.mod"},
		{"github-actions", ".github/workflows/*.yml"},
		{"github-actions", ".github/actions/*/action.yml"},
		{"pip", "*/*/requirements.txt"},
		{"terraform", "infrastructure/*.tf"}, // and the modules that they name
		{"docker-compose", "compose.yaml"},
	} {
		for _, file := range glob(t, there.pattern) {
			folder := path.Join("/", strings.TrimPrefix(path.Dir(file), ".github/workflows"))
			if !strings.HasPrefix(folder, "/build/") && !slices.ContainsFunc(looked[there.ecosystem], func(pattern string) bool {
				ok, err := path.Match(pattern, folder)
				return ok && err == nil
			}) {
				t.Errorf("%s doesn't look at %s", there.ecosystem, folder)
			}
		}
	}
}
