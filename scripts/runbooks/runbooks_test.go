// Package runbooks holds tests of infrastructure/runbooks and playbooks, and of the other
// pages that name commands: every command in them is one that its program knows, with flags and values
// that it takes.
package runbooks

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"mvdan.cc/sh/v3/syntax"

	"aksio.app/scripts/internal/gcloud"
)

const (
	root           = "../.."
	infrastructure = root + "/infrastructure"
	runbooks       = infrastructure + "/runbooks"
)

// pages returns the files that are looked at.
func pages(t *testing.T) []string {
	t.Helper()
	files := []string{root + "/README.md", root + "/functions/README.md", root + "/scripts/load/README.md", infrastructure + "/cost/README.md"}
	for _, folder := range []string{infrastructure, runbooks, infrastructure + "/playbooks"} {
		found, err := filepath.Glob(folder + "/*.md")
		if err != nil || len(found) == 0 {
			t.Fatalf("%s has no pages: %v", folder, err)
		}
		files = append(files, found...)
	}
	return files
}

// inRepository is the name of a file from the top of the repository.
func inRepository(file string) string { return strings.TrimPrefix(file, root+"/") }

// command is one call of a program, or the head of a loop: for service in a b. A word
// that isn't known before it runs, as "$PROJECT-uploads", has a * for each such part.
type command struct {
	place string
	words []string
}

func (c command) String() string { return c.place + ": " + strings.Join(c.words, " ") }

// commands returns the calls in all pages, those in the text included.
func commands(t *testing.T) (all []command) {
	t.Helper()
	inline := regexp.MustCompile("`([^`\n]+)`")
	blank := regexp.MustCompile("<[a-z]+>") // for the reader to fill in
	for _, file := range pages(t) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := inRepository(file)
		language, begin := "", 0
		var script strings.Builder
		for i, line := range strings.Split(string(content), "\n") {
			fence, isFence := strings.CutPrefix(strings.TrimSpace(line), "```") // in a list, too
			switch {
			case isFence && begin == 0:
				language, begin = fence, i+1
				script.Reset()
			case isFence:
				if language == "sh" {
					all = append(all, parse(t, fmt.Sprintf("%s:%d", name, begin), script.String())...)
				}
				begin = 0
			case begin > 0:
				script.WriteString(line + "\n")
			default:
				for _, code := range inline.FindAllStringSubmatch(line, -1) {
					if program, _, _ := strings.Cut(code[1], " "); slices.Contains([]string{"gcloud", "go", "make", "terraform"}, program) {
						all = append(all, parse(t, fmt.Sprintf("%s:%d", name, i+1), blank.ReplaceAllLiteralString(code[1], "$BLANK"))...)
					}
				}
			}
		}
		if begin > 0 {
			t.Errorf("%s:%d: a block of code isn't closed", name, begin)
		}
	}
	return all
}

// parse returns the calls of a shell script, those within others included.
func parse(t *testing.T, place, script string) (all []command) {
	t.Helper()
	file, err := syntax.NewParser().Parse(strings.NewReader(script), place)
	if err != nil {
		t.Errorf("%s: %v", place, err)
		return nil
	}
	syntax.Walk(file, func(node syntax.Node) bool {
		var words []string
		var more []*syntax.Word
		switch n := node.(type) {
		case *syntax.CallExpr:
			more = n.Args
		case *syntax.WordIter:
			words, more = []string{"for", n.Name.Value, "in"}, n.Items
		}
		for _, word := range more {
			words = append(words, literal(word.Parts))
		}
		if len(words) > 0 {
			all = append(all, command{place, words})
		}
		return true
	})
	return all
}

// literal returns what is known of a word.
func literal(parts []syntax.WordPart) string {
	var s strings.Builder
	for _, part := range parts {
		switch p := part.(type) {
		case *syntax.Lit:
			s.WriteString(p.Value)
		case *syntax.SglQuoted:
			s.WriteString(p.Value)
		case *syntax.DblQuoted:
			s.WriteString(literal(p.Parts))
		default:
			s.WriteString("*")
		}
	}
	return s.String()
}

// of returns the calls of the program.
func of(all []command, program ...string) (found []command) {
	for _, c := range all {
		if len(c.words) > len(program) && slices.Equal(c.words[:len(program)], program) {
			found = append(found, c)
		}
	}
	return found
}

func TestGcloudKnowsTheCommands(t *testing.T) {
	t.Parallel()
	known, err := gcloud.Commands()
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("THE RUNBOOKS' COMMANDS AREN'T CHECKED, for want of gcloud: %v", err)
	}
	calls := of(commands(t), "gcloud")
	if len(calls) < 50 {
		t.Errorf("only %d calls of gcloud were found", len(calls))
	}
	for _, c := range calls {
		if err := known.Check(c.words[1:]); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
}

// TestScriptsKnowTheCommands asks the project's own command for its flags.
func TestScriptsKnowTheCommands(t *testing.T) {
	t.Parallel()
	program := filepath.Join(t.TempDir(), "cloud")
	build := exec.Command("go", "build", "-o", program, "./scripts/cloud")
	build.Dir = root
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, output)
	}
	calls := of(commands(t), "go", "run", "./scripts/cloud")
	if len(calls) < 10 {
		t.Errorf("only %d calls were found", len(calls))
	}
	usages := map[string]string{}
	for _, c := range calls {
		name := c.words[3]
		if _, ok := usages[name]; !ok {
			output, err := exec.Command(program, name, "-h").CombinedOutput()
			if err != nil {
				t.Errorf("%s: %v: %s", c, err, output)
			}
			usages[name] = string(output)
		}
		for _, word := range c.words[4:] {
			flag, _, _ := strings.Cut(word, "=")
			if strings.HasPrefix(flag, "-") && !regexp.MustCompile(`(?m)^\s+`+regexp.QuoteMeta(flag)+`\b`).MatchString(usages[name]) {
				t.Errorf("%s: it has no flag %s", c, flag)
			}
		}
	}
}

// TestTerraformPromotes keeps pages from promoting a replica by gcloud: Terraform, whose
// state doesn't know, would do it again, which Google refuses.
func TestTerraformPromotes(t *testing.T) {
	t.Parallel()
	for _, c := range of(commands(t), "gcloud", "sql", "instances", "promote-replica") {
		t.Errorf("%s: standby.serving promotes it", c)
	}
}

// TestTerraformKnowsTheCommands asks Terraform for its flags, and looks for the resources
// that the pages name.
func TestTerraformKnowsTheCommands(t *testing.T) {
	t.Parallel()
	var declared strings.Builder
	for _, pattern := range []string{"/*.tf", "/modules/*/*.tf"} {
		files, err := filepath.Glob(infrastructure + pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			declared.Write(content)
		}
	}
	program, err := exec.LookPath("terraform")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal(err)
	}
	usages := map[string]string{}
	usage := func(words ...string) string {
		name := strings.Join(words, " ")
		if _, ok := usages[name]; !ok {
			output, err := exec.Command(program, append(words, "-help")...).CombinedOutput()
			if err != nil {
				t.Errorf("terraform %s: %v: %s", name, err, output)
			}
			usages[name] = string(output)
		}
		return usages[name]
	}
	address := regexp.MustCompile(`^(?:module\.\w+(?:\[[^]]*\])?\.)?(google_\w+)\.(\w+)(?:\[[^]]*\])?$`)
	calls := of(commands(t), "terraform", "-chdir=infrastructure")
	if len(calls) < 10 {
		t.Errorf("only %d calls were found", len(calls))
	}
	for _, c := range calls {
		name, words := c.words[2:3], c.words[3:]
		if name[0] == "state" || name[0] == "providers" {
			name, words = c.words[2:4], c.words[4:]
		}
		for _, word := range words {
			if found := address.FindStringSubmatch(word); found != nil && !strings.Contains(declared.String(), fmt.Sprintf("resource %q %q", found[1], found[2])) {
				t.Errorf("%s: there is no %s", c, word)
			}
			if flag, _, _ := strings.Cut(word, "="); strings.HasPrefix(flag, "-") && program != "" {
				known := usage(name...)
				if name[0] == "apply" { // it takes a plan's, and doesn't say them again
					known += usage("plan")
				}
				if !regexp.MustCompile(`(?m)^\s+` + regexp.QuoteMeta(flag) + `\b`).MatchString(known) {
					t.Errorf("%s: it has no flag %s", c, flag)
				}
			}
		}
	}
	if program == "" {
		t.Log("TERRAFORM'S FLAGS AREN'T CHECKED, for want of terraform")
	}
}

// TestScriptsAreThere looks for the folders of all commands of the project's own.
func TestScriptsAreThere(t *testing.T) {
	t.Parallel()
	for _, c := range of(commands(t), "go", "run") {
		if _, err := os.Stat(filepath.Join(root, c.words[2], "main.go")); err != nil {
			t.Errorf("%s: %v", c, err)
		}
	}
}

func TestMakeKnowsTheTargets(t *testing.T) {
	t.Parallel()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range of(commands(t), "make") {
		if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(c.words[1]) + `:`).Match(makefile) {
			t.Errorf("%s: there is no such target", c)
		}
	}
}

// TestNamesAreDeclared looks for functions and resources that the pages name.
func TestNamesAreDeclared(t *testing.T) {
	t.Parallel()
	content, err := os.ReadFile(infrastructure + "/functions.json")
	if err != nil {
		t.Fatal(err)
	}
	var functions map[string]struct{ Trigger string }
	if err := json.Unmarshal(content, &functions); err != nil {
		t.Fatal(err)
	}
	known := func(c command, name, trigger string) {
		if f, ok := functions[name]; !strings.Contains(name, "*") && (!ok || trigger != "" && f.Trigger != trigger) {
			t.Errorf("%s: no %s function is called %q", c, trigger, name)
		}
	}
	resources := map[string][]string{}
	named := func(c command, kind, name string) {
		if resources[kind] == nil {
			resources[kind] = names(t, kind)
		}
		if !slices.ContainsFunc(resources[kind], func(template string) bool {
			ok, err := path.Match(template, name)
			return ok && err == nil
		}) {
			t.Errorf("%s: no %s is called %q, only %q", c, kind, name, resources[kind])
		}
	}
	for _, c := range commands(t) {
		line := strings.Join(c.words, " ")
		for _, pattern := range []struct{ text, kind string }{
			{`certificate-manager certificates \S+ (aksio-prod\S*)`, "google_certificate_manager_certificate"},
			{`--security-policy=(aksio-prod\S*)`, "google_compute_security_policy"},
			{`pubsub subscriptions \S+ (aksio-prod\S*)`, "google_pubsub_subscription"},
			{`scheduler jobs \S+ (aksio-prod\S*)`, "google_cloud_scheduler_job"},
			{`iam service-accounts \S+ (aksio-prod[^@ ]*)`, "google_service_account"},
		} {
			if found := regexp.MustCompile(pattern.text).FindStringSubmatch(line); found != nil {
				named(c, pattern.kind, found[1])
			}
		}
		for _, pattern := range []struct{ text, trigger string }{
			{`scheduler jobs (?:run|pause|resume) aksio-prod-(\S+)`, "scheduled"},
			{`subscriptions modify-push-config aksio-prod-(\S+)`, "finalized"},
			{`-function (\S+)`, ""},
			{`gcloud run .*--service=(\S+)`, ""},
			{`gcloud run services (?:update|update-traffic|remove-iam-policy-binding) (\S+)`, ""},
		} {
			if found := regexp.MustCompile(pattern.text).FindStringSubmatch(line); found != nil {
				known(c, found[1], pattern.trigger)
			}
		}
	}
	for _, c := range of(commands(t), "for", "service", "in") {
		for _, name := range c.words[3:] {
			known(c, name, "")
		}
	}
}

// names returns what production's resources of the kind are called, with a * for what
// differs between several.
func names(t *testing.T, kind string) (templates []string) {
	t.Helper()
	files, err := filepath.Glob(infrastructure + "/*.tf")
	if err != nil {
		t.Fatal(err)
	}
	declaration := regexp.MustCompile(`(?ms)^resource "` + kind + `" .*?^  (?:name|account_id) +=\s+"([^"\n]*(?:\$\{[^}]*\}[^"\n]*)*)"`)
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range declaration.FindAllStringSubmatch(string(content), -1) {
			name := strings.ReplaceAll(found[1], "${local.name}", "aksio-prod")
			templates = append(templates, regexp.MustCompile(`\$\{[^}]*\}`).ReplaceAllLiteralString(name, "*"))
		}
	}
	if len(templates) == 0 {
		t.Errorf("no %s is declared", kind)
	}
	return templates
}

func TestLinksLeadSomewhere(t *testing.T) {
	t.Parallel()
	index, err := os.ReadFile(runbooks + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range pages(t) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range regexp.MustCompile(`\]\(([^):]+)\)`).FindAllStringSubmatch(string(content), -1) {
			target, anchor, anchored := strings.Cut(link[1], "#")
			to := file
			if target != "" {
				to = filepath.Join(filepath.Dir(file), target)
			}
			if _, err := os.Stat(to); err != nil {
				t.Errorf("%s: %v", inRepository(file), err)
			} else if anchored && !slices.Contains(anchors(t, to), anchor) {
				t.Errorf("%s: %s has no place called %q", inRepository(file), inRepository(to), anchor)
			}
		}
		if filepath.Clean(filepath.Dir(file)) != filepath.Clean(runbooks) {
			continue
		}
		if name := filepath.Base(file); name != "README.md" && !strings.Contains(string(index), "("+name+")") {
			t.Errorf("README.md doesn't list %s", name)
		}
		if text := string(content); filepath.Base(file) != "restore-drill.md" && (!strings.Contains(text, "RPO") || !strings.Contains(text, "RTO")) {
			t.Errorf("%s states no RPO and RTO", filepath.Base(file))
		}
	}
}

// anchors returns what a link may lead to in a page: its headings, as GitHub names them, and
// what was named by hand.
func anchors(t *testing.T, file string) (names []string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(string(content), -1) {
		name := regexp.MustCompile(`[^\w -]`).ReplaceAllString(strings.ToLower(heading[1]), "")
		names = append(names, strings.ReplaceAll(name, " ", "-"))
	}
	for _, anchor := range regexp.MustCompile(`<a id="([^"]+)">`).FindAllStringSubmatch(string(content), -1) {
		names = append(names, anchor[1])
	}
	return names
}
