package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"aksio.app/shared/api"
	"aksio.app/shared/database"
)

// kind is the type in a resource's address.
var kind = regexp.MustCompile(`(?:^|\.)(google_\w+)\.`)

// values are what a plan knows of a resource, or of a block in it.
type values = map[string]any

func planned(address string, after values) change {
	c := change{Address: address, Type: kind.FindStringSubmatch(address)[1], Mode: "managed"}
	c.Change.After = after
	return c
}

// granting plans what grantsOf words: the inverse of grant.
func granting(function, grant string) change {
	role, on, _ := strings.Cut(grant, " on ")
	after := values{"member": member(function), "role": role}
	kind := "google_project_iam_member"
	switch on {
	case "settings", "token-keys", "openai-api-key", "token-signing-key":
		kind, after["secret_id"] = "google_secret_manager_secret_iam_member", on
	case "uploads", "backups", "drills":
		kind, after["bucket"] = "google_storage_bucket_iam_member", "p-"+on
	case "itself":
		kind, after["service_account_id"] = "google_service_account_iam_member", "projects/p/serviceAccounts/"+account(function)
	case "the project":
		after["role"] = "projects/p/roles/aksio_prod_" + role
	case "scratch instances":
		after["role"] = "projects/p/roles/aksio_prod_" + role
		after["condition"] = []any{values{"expression": "resource.service == 'sqladmin.googleapis.com' && resource.name.startsWith('projects/p/instances/aksio-prod-db-drill-')"}}
	case "the instance":
		after["condition"] = []any{values{"expression": "resource.service == 'sqladmin.googleapis.com' && resource.name.startsWith('projects/p/instances/aksio-prod-db')"}}
	case "the database":
		after["condition"] = []any{values{"expression": "resource.name == 'projects/p/databases/(default)'"}}
	}
	return planned(fmt.Sprintf("%s.function[%q]", kind, function+": "+grant), after)
}

func account(function string) string { return function + "@p.iam.gserviceaccount.com" }

func member(function string) string { return "serviceAccount:" + account(function) }

// goodPlan deploys what there is as Terraform does.
func goodPlan() *plan {
	p := new(plan)
	add := func(c change) { p.Changes = append(p.Changes, c) }
	add(planned("google_secret_manager_secret_version.settings", values{"secret_data": `{
		"SECRETS_PROJECT": "p", "CLOUD_SQL_INSTANCE": "p:europe-west1:aksio-prod-db", "DATABASE_NAME": "aksio", "UPLOADS_BUCKET": "p-uploads",
		"BACKUPS_BUCKET": "p-backups", "DRILL_BUCKET": "p-drills", "FIRESTORE_DATABASE": "(default)", "API_URL": "https://api.aksio.app", "TRUSTED_PROXIES": "2"}`}))
	add(planned("google_secret_manager_secret_version.redis_url[0]", values{"secret_data": "rediss://"})) // where there is Redis
	add(planned("google_storage_bucket_iam_member.static_public", values{"bucket": "p-static", "role": "roles/storage.legacyObjectReader", "member": "allUsers"}))
	add(planned(`google_storage_bucket_iam_binding.no_viewers["uploads"]`, values{"members": []any{"projectOwner:p"}}))
	connections := 0
	for _, d := range api.Declared() {
		secrets := []any{values{"key": "SETTINGS"}, values{"key": "TOKEN_KEYS"}}
		given := values{"GOOGLE_CLOUD_PROJECT": "p", "GOMEMLIMIT": fmt.Sprintf("%dMiB", d.MemoryMiB*9/10)}
		for _, need := range d.Needs {
			switch need {
			case "ai":
				secrets = append(secrets, values{"key": "OPENAI_API_KEY"})
			case database.Resource:
				given["DATABASE_USER"] = d.ID + "@p.iam"
				connections += 2 * database.DefaultPool
			}
			for _, grant := range grantsOf[need] {
				add(granting(d.ID, grant))
			}
		}
		for _, grant := range forAll {
			add(granting(d.ID, grant))
		}
		if d.ID == "edge-router" {
			given["ROUTER_TARGET"] = "https://{function}-1.europe-west1.run.app"
		}
		module := fmt.Sprintf("module.function[%q].", d.ID)
		area, _, _ := strings.Cut(d.ID, "-")
		add(planned(module+"google_cloudfunctions2_function.this", values{
			"name": d.ID, "labels": values{"area": area, "access": d.Access, "trigger": d.Trigger},
			"build_config": []any{values{
				"entry_point": d.ID, "runtime": "go126", "source": []any{values{"storage_source": []any{values{"object": d.ID + ".zip"}}}},
			}},
			"service_config": []any{values{
				"available_memory": fmt.Sprintf("%dMi", d.MemoryMiB), "available_cpu": fmt.Sprint(d.CPU), "max_instance_request_concurrency": d.Concurrency,
				"timeout_seconds":       min(int(d.Timeout.Seconds())+5, 3600),
				"service_account_email": account(d.ID), "max_instance_count": 2, "environment_variables": given, "secret_environment_variables": secrets,
			}},
		}))
		if d.Access != api.Private {
			add(planned(module+`google_cloud_run_v2_service_iam_member.invoker["everybody"]`, values{"role": "roles/run.invoker", "member": "allUsers"}))
		}
	}
	p.Outputs = map[string]struct{ After json.RawMessage }{"database_connections": {fmt.Appendf(nil, `"%d of 400"`, connections)}}
	return p
}

// find returns the planned resource.
func (p *plan) find(t *testing.T, address string) change {
	t.Helper()
	i := slices.IndexFunc(p.Changes, func(c change) bool { return c.Address == address })
	if i < 0 {
		t.Fatalf("%s isn't planned", address)
	}
	return p.Changes[i]
}

// TestBadPlansAreRefused spoils a good plan in one place at a time.
func TestBadPlansAreRefused(t *testing.T) {
	t.Parallel()
	for _, err := range (result{run: "good", plan: goodPlan()}).examine(true) {
		t.Errorf("refused, though good: %v", err)
	}
	const (
		coursesGet = `module.function["courses-get"].google_cloudfunctions2_function.this`
		invoker    = `google_cloud_run_v2_service_iam_member.invoker["everybody"]`
		settings   = "google_secret_manager_secret_version.settings"
	)
	add := func(address string, after values) func(*testing.T, *plan) {
		return func(_ *testing.T, p *plan) { p.Changes = append(p.Changes, planned(address, after)) }
	}
	remove := func(address string) func(*testing.T, *plan) {
		return func(t *testing.T, p *plan) {
			p.find(t, address)
			p.Changes = slices.DeleteFunc(p.Changes, func(c change) bool { return c.Address == address })
		}
	}
	configure := func(change func(config values)) func(*testing.T, *plan) {
		return func(t *testing.T, p *plan) {
			change(p.find(t, coursesGet).Change.After["service_config"].([]any)[0].(values))
		}
	}
	build := func(change func(config values)) func(*testing.T, *plan) {
		return func(t *testing.T, p *plan) {
			change(p.find(t, coursesGet).Change.After["build_config"].([]any)[0].(values))
		}
	}
	label := func(name, value string) func(*testing.T, *plan) {
		return func(t *testing.T, p *plan) { p.find(t, coursesGet).Change.After["labels"].(values)[name] = value }
	}
	set := func(name, value string) func(*testing.T, *plan) {
		return configure(func(config values) { config["environment_variables"].(values)[name] = value })
	}
	grant := func(function, words string) func(*testing.T, *plan) {
		return func(_ *testing.T, p *plan) { p.Changes = append(p.Changes, granting(function, words)) }
	}
	for name, tc := range map[string]struct {
		spoil func(*testing.T, *plan)
		check func(*plan) []error
		want  string
	}{
		"another public bucket": {
			add("google_storage_bucket_iam_member.uploads", values{"bucket": "p-uploads", "role": "roles/storage.objectViewer", "member": "allUsers"}),
			(*plan).checkPublic, "google_storage_bucket_iam_member.uploads gives roles/storage.objectViewer to everybody",
		},
		"the public bucket is another": {
			func(t *testing.T, p *plan) {
				p.find(t, "google_storage_bucket_iam_member.static_public").Change.After["bucket"] = "p-backups"
			},
			(*plan).checkPublic, "static_public gives roles/storage.legacyObjectReader to everybody",
		},
		"everybody may call an internal function": {
			add(`module.function["process-document"].`+invoker, values{"role": "roles/run.invoker", "member": "allUsers"}),
			(*plan).checkPublic, `module.function["process-document"].` + invoker + " gives roles/run.invoker to everybody",
		},
		"everybody with an account may change a function": {
			add(`module.function["courses-get"].google_cloud_run_v2_service_iam_member.x`, values{"role": "roles/run.admin", "member": "allAuthenticatedUsers"}),
			(*plan).checkPublic, "gives roles/run.admin to everybody",
		},
		"a binding": {
			add("google_project_iam_binding.x", values{"members": []any{"user:ada@aksio.app"}}),
			(*plan).checkPublic, "google_project_iam_binding.x takes away what others granted",
		},
		"viewers may read a bucket": {
			func(t *testing.T, p *plan) {
				p.find(t, `google_storage_bucket_iam_binding.no_viewers["uploads"]`).Change.After["members"] = []any{"projectOwner:p", "projectViewer:p"}
			},
			(*plan).checkPublic, `no_viewers["uploads"] takes away what others granted`,
		},
		"a list of access": {
			add("google_storage_bucket_acl.x", values{"role_entity": []any{"READER:allUsers"}}),
			(*plan).checkPublic, "google_storage_bucket_acl.x grants beside IAM",
		},
		"a grant that isn't declared": {
			grant("courses-get", "roles/storage.objectUser on uploads"),
			(*plan).checkGrants, "courses-get is granted roles/storage.objectUser on uploads, which it doesn't declare",
		},
		"a grant on all instances": {
			grant("courses-get", "roles/cloudsql.client on the project"),
			(*plan).checkGrants, "courses-get is granted",
		},
		"a grant is missing": {
			remove(`google_secret_manager_secret_iam_member.function["courses-get: roles/secretmanager.secretAccessor on settings"]`),
			(*plan).checkGrants, "courses-get declares what takes roles/secretmanager.secretAccessor on settings, which it isn't granted",
		},
		"a function is missing":   {remove(coursesGet), (*plan).checkGrants, "courses-get isn't deployed"},
		"a function of the past":  {add(`module.function["x"].google_cloudfunctions2_function.this`, values{"name": "x"}), (*plan).checkGrants, `module.function["x"].google_cloudfunctions2_function.this is no function that there is`},
		"a secret's value":        {add("google_secret_manager_secret_version.x", values{"secret_data": "hush"}), (*plan).checkSecrets, "google_secret_manager_secret_version.x would have its value in the state"},
		"a password":              {add("google_sql_user.x", values{"password": "hush"}), (*plan).checkSecrets, "google_sql_user.x would have a password in the state"},
		"a secret in the open":    {set("OPENAI_API_KEY", "hush"), (*plan).checkSecrets, "would have the secret OPENAI_API_KEY in its settings"},
		"a setting that is wrong": {set("DATABASE_POOL", "many"), (*plan).checkStarts, "courses-get couldn't start: "},
		"a secret among the shared settings": {
			func(t *testing.T, p *plan) {
				p.find(t, settings).Change.After["secret_data"] = `{"TOKEN_KEYS": "hush"}`
			},
			(*plan).checkSecrets, "the secret TOKEN_KEYS would be among the shared settings",
		},
		"more instances than were counted": {
			configure(func(config values) { config["max_instance_count"] = 3 }),
			(*plan).checkConnections, "connections, Terraform counts ",
		},
		"nobody counted": {
			func(_ *testing.T, p *plan) { delete(p.Outputs, "database_connections") },
			(*plan).checkConnections, "output database_connections: ",
		},
		"another's entry point": {build(func(config values) { config["entry_point"] = "courses-list" }), (*plan).checkDeclared, `courses-get: the entry point is "courses-list"`},
		"another runtime":       {build(func(config values) { config["runtime"] = "go125" }), (*plan).checkDeclared, `courses-get: the runtime is "go125"`},
		"another's bundle": {
			build(func(config values) {
				config["source"] = []any{values{"storage_source": []any{values{"object": "courses-list.zip"}}}}
			}),
			(*plan).checkDeclared, `courses-get: the source is "courses-list.zip"`,
		},
		"other memory":      {configure(func(config values) { config["available_memory"] = "512Mi" }), (*plan).checkDeclared, `courses-get: the memory is "512Mi", want "256Mi"`},
		"no room for Go":    {set("GOMEMLIMIT", "256MiB"), (*plan).checkDeclared, `courses-get: Go's share of the memory is "256MiB", want "230MiB"`},
		"other CPUs":        {configure(func(config values) { config["available_cpu"] = "2" }), (*plan).checkDeclared, `courses-get: the CPU is "2", want "1"`},
		"other concurrency": {configure(func(config values) { config["max_instance_request_concurrency"] = 1 }), (*plan).checkDeclared, `courses-get: the concurrency is "1", want "20"`},
		"no time to say so": {configure(func(config values) { config["timeout_seconds"] = 30 }), (*plan).checkDeclared, `courses-get: the timeout is "30", want "35"`},
		"another area":      {label("area", "users"), (*plan).checkDeclared, `courses-get: the label area is "users"`},
		"other access":      {label("access", "public"), (*plan).checkDeclared, `courses-get: the label access is "public"`},
		"another trigger":   {label("trigger", "any"), (*plan).checkDeclared, `courses-get: the label trigger is "any"`},
		"no functions": {
			func(_ *testing.T, p *plan) {
				p.Changes = slices.DeleteFunc(p.Changes, func(c change) bool { return c.Type == "google_cloudfunctions2_function" })
			},
			(*plan).checkStarts, "there are no functions",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := goodPlan()
			tc.spoil(t, p)
			if found := tc.check(p); len(found) != 1 || !strings.Contains(found[0].Error(), tc.want) {
				t.Errorf("got %v, want one that holds %q", found, tc.want)
			}
		})
	}
}

// TestWhatCantBeCheckedIsTold has a Terraform of its own, or none. It sets the path, so
// that it can't run beside others.
func TestWhatCantBeCheckedIsTold(t *testing.T) {
	for name, tc := range map[string]struct {
		terraform, want string
		absent          bool // and not an error of ours
	}{
		"no Terraform": {"", "there is no terraform here", true},
		"no registry": {
			`[ "$2" = fmt ] || { printf '\n╷\n│ Error: Failed to query available provider packages\n│ \n' >&2; exit 1; }`,
			"Google's provider): Failed to query available provider packages", true,
		},
		"too old":        {`[ "$2" = fmt ] || { echo "Error: Unsupported Terraform Core version" >&2; exit 1; }`, "Unsupported Terraform Core version", true},
		"not ours":       {`[ "$2" = fmt ] || { echo "Error: Invalid expression" >&2; exit 1; }`, "terraform init: ", false},
		"not formatted":  {`[ "$2" != fmt ]`, "not formatted", false},
		"not valid":      {`[ "$2" != validate ]`, "terraform validate: ", false},
		"nothing tested": {"exit 0", "no such file", false},
	} {
		folder := t.TempDir()
		if tc.terraform != "" {
			if err := os.WriteFile(filepath.Join(folder, "terraform"), []byte("#!/bin/sh\n"+tc.terraform+"\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", folder)
		var told strings.Builder
		err := run(t.Context(), folder, false, &told)
		if tc.absent && (err != nil || !strings.Contains(told.String(), "NOT checked: ") || !strings.Contains(told.String(), tc.want)) {
			t.Errorf("%s: got %v and %q, want that it tells %q", name, err, &told, tc.want)
		}
		told.Reset()
		if err := run(t.Context(), folder, tc.absent, &told); err == nil || !strings.Contains(err.Error(), tc.want) || told.Len() > 0 {
			t.Errorf("%s, required: got %v and %q, want the error %q", name, err, &told, tc.want)
		}
	}
}

func TestGrantsAreWorded(t *testing.T) {
	t.Parallel()
	for role, want := range map[string]string{
		"roles/cloudsql.viewer":                 "roles/cloudsql.viewer on the project",
		"projects/p/roles/aksio_prod_drill_see": "drill_see on the project",
		"projects/p/roles/aksio_prod_export":    "export on the project",
		"projects/p/roles/something_new":        "projects/p/roles/something_new on the project",
	} {
		c := change{Address: "google_project_iam_member.x", Type: "google_project_iam_member"}
		c.Change.After = map[string]any{"role": role}
		if got := c.grant(); got != want {
			t.Errorf("%s: got %q, want %q", role, got, want)
		}
	}
}

func TestWhatIsRemovedIsAChange(t *testing.T) {
	t.Parallel()
	gone := change{Address: `google_secret_manager_secret.this["openai-api-key"]`, Mode: "managed"}
	gone.Change.Actions = []string{"delete"}
	p := &plan{Changes: []change{gone}}
	if found := p.checkChanges(mayChange["absent_secret"]); len(found) != 1 || !strings.Contains(found[0].Error(), "openai-api-key") {
		t.Errorf("got %v, want the secret that would be removed", found)
	}
}

func TestSettingsThatCantBeReadAreTold(t *testing.T) {
	t.Parallel()
	c := change{Address: "google_secret_manager_secret_version.settings", Type: "google_secret_manager_secret_version"}
	c.Change.After = map[string]any{"secret_data": "{"}
	p := &plan{Changes: []change{c}}
	if found := p.checkSecrets(); len(found) != 1 || !strings.Contains(found[0].Error(), c.Address) {
		t.Errorf("got %v, want that the settings can't be read", found)
	}
}

// A mocked Google plans a resource that would be made anew as changed, and knows of
// nothing that a person did by hand, so that no plan shows these.
func TestLifecycles(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		file, resource, wants, because string
	}{
		{"database.tf", `"google_sql_database_instance" "main"`, `ignore_changes = \[.*settings\[0\]\.activation_policy`, "an apply would start the instance that a runbook stopped"},
		{"standby.tf", `"google_sql_database_instance" "standby"`, `ignore_changes = \[.*settings\[0\]\.activation_policy`, "an apply would start the instance that a runbook stopped"},
		{"identities.tf", `"google_service_account" "function"`, `create_before_destroy = true`, "an account would be removed while functions run as it"},
		{"identities.tf", `"google_storage_bucket_iam_member" "function"`, `create_before_destroy = true`, "functions would lose what they may before they are changed"},
		{"identities.tf", `"google_secret_manager_secret_iam_member" "function"`, `create_before_destroy = true`, "functions would lose what they may before they are changed"},
		{"identities.tf", `"google_secret_manager_secret_iam_member" "settings"`, `create_before_destroy = true`, "functions couldn't start until they are changed"},
		{"identities.tf", `"google_project_iam_member" "function"`, `create_before_destroy = true`, "functions would lose what they may before they are changed"},
		{"identities.tf", `"google_service_account_iam_member" "function_signs"`, `create_before_destroy = true`, "functions couldn't sign until they are changed"},
		{"alerts.tf", `"google_monitoring_notification_channel" "email"`, `create_before_destroy = true`, "no address could be taken off the alerts"},
		{"uptime.tf", `"google_monitoring_uptime_check_config" "health"`, `create_before_destroy = true`, "the host that is asked couldn't be changed"},
		{"edge.tf", `"google_compute_backend_service" "router"`, `create_before_destroy = true`, "the router couldn't be taken away"},
		{"schedules.tf", `"google_cloud_scheduler_job" "function"`, `create_before_destroy = true`, "a failover would wait for the region that is away to remove its jobs"},
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", "infrastructure", tt.file))
		if err != nil {
			t.Fatal(err)
		}
		_, resource, _ := strings.Cut(string(text), "\nresource "+tt.resource+" {\n")
		resource, _, _ = strings.Cut(resource, "\n}\n")
		if !regexp.MustCompile(tt.wants).MatchString(resource) {
			t.Errorf("%s: %s: no %s: %s", tt.file, tt.resource, tt.wants, tt.because)
		}
	}
}

// The tests have no state, so that none of them looks where it is.
func TestTheStateIsInABucket(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "infrastructure", "versions.tf"))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^  backend "gcs" \{\}$`).Match(text) {
		t.Error("versions.tf: the state would be a file, gone with the machine that deploys: the next would make everything again")
	}
}
