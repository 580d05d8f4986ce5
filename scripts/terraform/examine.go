package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	_ "aksio.app/functions/all"
	"aksio.app/shared/api"
	"aksio.app/shared/auth"
	"aksio.app/shared/database"
	"aksio.app/shared/resource"
)

// examine says what is wrong with what the run would do: with an environment from nothing,
// if it plans one, or with a change.
func (r result) examine(environment bool) []error {
	var found []error
	if environment {
		found = slices.Concat(r.plan.checkPublic(), r.plan.checkGrants(), r.plan.checkSecrets(), r.plan.checkConnections(), r.plan.checkStarts(), r.plan.checkDeclared())
	}
	if allowed, ok := mayChange[r.run]; ok {
		found = append(found, r.plan.checkChanges(allowed)...)
	}
	for i, err := range found {
		found[i] = fmt.Errorf("%s: %w", r.run, err)
	}
	return found
}

// mayChange are the beginnings of the addresses that a change may touch, by the name of
// the run that plans it.
var mayChange = map[string][]string{
	"nothing": {},
	// Two functions: nothing of others, no account, no grant but those to call them.
	"new_declarations": {
		`module.function["courses-get"]`, `module.function["europe-west4/courses-get"]`, `google_storage_bucket_object.bundle["courses-get"]`,
		`module.function["accounts-logout"]`, `module.function["europe-west4/accounts-logout"]`, `google_storage_bucket_object.bundle["accounts-logout"]`,
		"google_monitoring_", "google_logging_metric", // alerts and dashboards name them
	},
	// A setting builds no function.
	"new_setting": {"google_secret_manager_secret_version.settings", `google_storage_bucket.this["`},
	// All functions, and nothing else.
	"rebuild": {"module.function["},
	// Of the functions the one that migrates: new ones, and what watches them, come after it.
	// The bundles of all are there by then.
	"migration": {`module.function["run-migrations"]`, "google_storage_bucket_object.bundle["},
	// The secret itself stays: its deletion protection would refuse.
	"absent_secret": {"module.function[", "google_secret_manager_secret_iam_member.function["},
	// What the second region takes over. No function is built: in the first region, which is
	// away, none can be, and in the second nobody may wait for it.
	"failover": {
		"google_secret_manager_secret_version.settings", "google_sql_database_instance.standby", "google_cloud_scheduler_job.function",
		"google_compute_region_network_endpoint_group.", "google_pubsub_subscription.finalized",
		"google_monitoring_", "google_logging_metric",
	},
}

// checkChanges finds what a change would touch beside what it may.
func (p *plan) checkChanges(allowed []string) (found []error) {
	for _, c := range p.Changes { // what is removed, too
		if c.Mode != "data" && c.acts() && !slices.ContainsFunc(allowed, func(prefix string) bool { return strings.HasPrefix(c.Address, prefix) }) {
			found = append(found, fmt.Errorf("%s would be changed (%s)", c.Address, strings.Join(c.Change.Actions, ", ")))
		}
	}
	return found
}

// everybody are the members that are nobody in particular.
var everybody = []string{"allUsers", "allAuthenticatedUsers"}

var ownersAlone = regexp.MustCompile(`^\[projectOwner:[a-z0-9-]+\]$`)

// checkPublic finds what anybody may do and shouldn't: only calling people's functions and
// reading static files is for all. It also refuses resources that would sweep away
// grants made elsewhere, but for what takes a role from viewers on purpose.
func (p *plan) checkPublic() (found []error) {
	for _, c := range p.managed("") {
		noViewers := strings.HasPrefix(c.Address, "google_storage_bucket_iam_binding.no_viewers[") && ownersAlone.MatchString(fmt.Sprint(c.Change.After["members"]))
		if strings.HasSuffix(c.Type, "_iam_policy") || strings.HasSuffix(c.Type, "_iam_binding") && !noViewers {
			found = append(found, fmt.Errorf("%s takes away what others granted: use an _iam_member", c.Address))
		}
		if strings.HasSuffix(c.Type, "_access_control") || strings.HasSuffix(c.Type, "_acl") {
			found = append(found, fmt.Errorf("%s grants beside IAM", c.Address))
		}
		if !slices.Contains(everybody, c.text("member")) {
			continue
		}
		switch d, isFunction := api.Lookup(c.key()); {
		case c.Address == "google_storage_bucket_iam_member.static_public" && strings.HasSuffix(c.text("bucket"), "-static"):
		case c.Type == "google_cloud_run_v2_service_iam_member" && isFunction && d.Access != api.Private && c.text("role") == "roles/run.invoker":
		default:
			found = append(found, fmt.Errorf("%s gives %s to everybody", c.Address, c.text("role")))
		}
	}
	return found
}

// grantsOf says what a need grants, each as "role on thing". It stands here a second
// time, beside capabilities.tf, so that neither is changed by mistake.
var grantsOf = map[api.Resource][]string{
	"database":  {"roles/cloudsql.client on the instance", "roles/cloudsql.instanceUser on the instance"},
	"schema":    {},
	"uploads":   {"roles/storage.objectUser on uploads", "roles/iam.serviceAccountTokenCreator on itself"},
	"live":      {"roles/datastore.user on the database"},
	"ai":        {"roles/secretmanager.secretAccessor on openai-api-key"},
	"limits":    {}, // the secret redis-url, where there is Redis
	"secrets":   {"roles/secretmanager.secretAccessor on token-signing-key", "roles/secretmanager.viewer on token-signing-key"},
	"backups":   {"roles/storage.objectCreator on backups", "roles/storage.objectViewer on backups", "export on the project"},
	"functions": {},
	"restore-drills": {
		"roles/storage.objectViewer on backups", "roles/storage.admin on drills", "drill_see on the project", "drill_scratch on scratch instances",
	},
}

// forAll are the grants of every function.
var forAll = []string{"roles/secretmanager.secretAccessor on settings", "roles/secretmanager.secretAccessor on token-keys"}

// checkGrants compares what each function's identity is granted with what it declares.
func (p *plan) checkGrants() (found []error) {
	granted := map[string]map[string]bool{} // by the account's address
	for _, c := range p.managed("") {
		account, ok := strings.CutPrefix(c.text("member"), "serviceAccount:")
		if !ok || !strings.HasSuffix(c.Type, "_iam_member") || c.Type == "google_cloud_run_v2_service_iam_member" {
			continue
		}
		if granted[account] == nil {
			granted[account] = map[string]bool{}
		}
		granted[account][c.grant()] = true
	}
	functions := map[string]bool{}
	for _, c := range p.managed("google_cloudfunctions2_function") {
		d, ok := api.Lookup(c.text("name"))
		if !ok {
			found = append(found, fmt.Errorf("%s is no function that there is", c.Address))
			continue
		}
		functions[d.ID] = true
		wanted := map[string]bool{}
		for _, grant := range forAll {
			wanted[grant] = true
		}
		for _, need := range d.Needs {
			grants, known := grantsOf[need]
			if !known {
				found = append(found, fmt.Errorf("%s needs %s: say in scripts/terraform/examine.go what that grants", d.ID, need))
			}
			for _, grant := range grants {
				wanted[grant] = true
			}
		}
		account := c.text("service_config", 0, "service_account_email")
		for _, grant := range slices.Sorted(maps.Keys(granted[account])) {
			if !wanted[grant] {
				found = append(found, fmt.Errorf("%s is granted %s, which it doesn't declare", d.ID, grant))
			}
		}
		for _, grant := range slices.Sorted(maps.Keys(wanted)) {
			if !granted[account][grant] {
				found = append(found, fmt.Errorf("%s declares what takes %s, which it isn't granted", d.ID, grant))
			}
		}
	}
	for _, d := range api.Declared() {
		if !functions[d.ID] {
			found = append(found, fmt.Errorf("%s isn't deployed", d.ID))
		}
	}
	return found
}

// grant words a grant as grantsOf does.
func (c change) grant() string {
	role, on := c.text("role"), c.Address
	switch c.Type {
	case "google_storage_bucket_iam_member":
		on = c.text("bucket")[strings.LastIndex(c.text("bucket"), "-")+1:]
	case "google_secret_manager_secret_iam_member":
		on = c.text("secret_id")
	case "google_service_account_iam_member":
		if strings.HasSuffix(c.text("service_account_id"), "/"+strings.TrimPrefix(c.text("member"), "serviceAccount:")) {
			on = "itself"
		}
	case "google_project_iam_member":
		switch expression := c.text("condition", 0, "expression"); {
		case expression == "":
			on = "the project"
		case strings.Contains(expression, "-db-drill-')"):
			on = "scratch instances"
		case strings.Contains(expression, "sqladmin.googleapis.com") && strings.Contains(expression, "/instances/aksio-"):
			on = "the instance"
		case strings.Contains(expression, "/databases/(default)'"):
			on = "the database"
		}
	}
	if _, name, ok := strings.Cut(role, "/roles/aksio_"); ok { // of our own
		_, role, _ = strings.Cut(name, "_")
	}
	return role + " on " + on
}

// ownSecrets are the settings that Terraform may know the values of.
var ownSecrets = []string{"google_secret_manager_secret_version.settings", "google_secret_manager_secret_version.redis_url[0]"}

// checkSecrets finds values of secrets that would be in the state.
func (p *plan) checkSecrets() (found []error) {
	handed := map[string]bool{} // settings that are secrets
	for _, c := range p.managed("google_cloudfunctions2_function") {
		for _, variable := range c.secretVariables() {
			handed[variable] = true
		}
	}
	settings, err := p.settings()
	if err != nil {
		return []error{err}
	}
	for _, c := range p.managed("") {
		if c.Type == "google_secret_manager_secret_version" && !slices.Contains(ownSecrets, c.Address) {
			found = append(found, fmt.Errorf("%s would have its value in the state", c.Address))
		}
		if c.text("password") != "" || c.text("root_password") != "" {
			found = append(found, fmt.Errorf("%s would have a password in the state", c.Address))
		}
		for name := range c.texts("service_config", "environment_variables") {
			if handed[name] {
				found = append(found, fmt.Errorf("%s would have the secret %s in its settings", c.Address, name))
			}
		}
	}
	for name := range settings {
		if handed[name] {
			found = append(found, fmt.Errorf("the secret %s would be among the shared settings", name))
		}
	}
	return found
}

func (c change) secretVariables() (names []string) {
	for i := 0; c.text("service_config", 0, "secret_environment_variables", i, "key") != ""; i++ {
		names = append(names, c.text("service_config", 0, "secret_environment_variables", i, "key"))
	}
	return names
}

// settings returns the shared settings.
func (p *plan) settings() (settings map[string]string, err error) {
	const address = "google_secret_manager_secret_version.settings"
	for _, c := range p.managed("google_secret_manager_secret_version") {
		if c.Address == address {
			err = json.Unmarshal([]byte(c.text("secret_data")), &settings)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", address, err)
	}
	return settings, nil
}

// checkConnections holds what Terraform added up against the size of the pools that there
// really are.
func (p *plan) checkConnections() []error {
	sum := 0
	for _, c := range p.managed("google_cloudfunctions2_function") {
		if d, ok := api.Lookup(c.text("name")); ok && slices.Contains(d.Needs, database.Resource) {
			var instances int
			fmt.Sscan(c.text("service_config", 0, "max_instance_count"), &instances)
			sum += instances * database.DefaultPool
		}
	}
	var said string
	if err := json.Unmarshal(p.Outputs["database_connections"].After, &said); err != nil {
		return []error{fmt.Errorf("output database_connections: %w", err)}
	}
	if want := fmt.Sprintf("%d of ", sum); !strings.HasPrefix(said, want) {
		return []error{fmt.Errorf("the functions' pools hold %d connections, Terraform counts %s", sum, said)}
	}
	return nil
}

// checkStarts sets every function up with what its instances would be given.
func (p *plan) checkStarts() (found []error) {
	key, err := auth.GenerateKey()
	if err != nil {
		return []error{err}
	}
	signer, err := auth.NewSigner(key)
	if err != nil {
		return []error{err}
	}
	settings, err := p.settings()
	if err != nil {
		return []error{err}
	}
	shared, err := json.Marshal(settings)
	if err != nil {
		return []error{err}
	}
	for _, c := range p.managed("google_cloudfunctions2_function") {
		d, ok := api.Lookup(c.text("name"))
		if !ok {
			continue
		}
		given := c.texts("service_config", "environment_variables")
		for _, name := range c.secretVariables() {
			switch name {
			case "SETTINGS":
				given[name] = string(shared)
			case "TOKEN_KEYS":
				given[name] = string(signer.PublicKeys())
			default:
				given[name] = "a value"
			}
		}
		given["K_SERVICE"] = d.ID // by the platform
		if _, err := d.Handler(resource.NewProcess(given)); err != nil {
			found = append(found, fmt.Errorf("%s couldn't start: %w", d.ID, err))
		}
	}
	if len(found) == 0 && len(p.managed("google_cloudfunctions2_function")) == 0 {
		return []error{errors.New("there are no functions")}
	}
	return found
}

// checkDeclared compares what each function is built from and runs on with what it declares.
func (p *plan) checkDeclared() (found []error) {
	for _, c := range p.managed("google_cloudfunctions2_function") {
		d, ok := api.Lookup(c.text("name"))
		if !ok {
			continue
		}
		area, _, _ := strings.Cut(d.ID, "-")
		seconds := int(d.Timeout.Seconds()) + 5 // Google's, which ends a call that the function itself doesn't
		for _, value := range []struct{ what, got, want string }{
			{"the entry point", c.text("build_config", 0, "entry_point"), d.ID},
			{"the runtime", c.text("build_config", 0, "runtime"), "go126"},
			{"the source", c.text("build_config", 0, "source", 0, "storage_source", 0, "object"), d.ID + ".zip"}, // see makeBundles
			{"the memory", c.text("service_config", 0, "available_memory"), fmt.Sprintf("%dMi", d.MemoryMiB)},
			{"Go's share of the memory", c.text("service_config", 0, "environment_variables", "GOMEMLIMIT"), fmt.Sprintf("%dMiB", d.MemoryMiB*9/10)},
			{"the CPU", c.text("service_config", 0, "available_cpu"), fmt.Sprint(d.CPU)},
			{"the concurrency", c.text("service_config", 0, "max_instance_request_concurrency"), fmt.Sprint(d.Concurrency)},
			{"the timeout", c.text("service_config", 0, "timeout_seconds"), fmt.Sprint(min(seconds, 3600))},
			{"the label area", c.text("labels", "area"), area},
			{"the label access", c.text("labels", "access"), string(d.Access)},
			{"the label trigger", c.text("labels", "trigger"), string(d.Trigger)},
		} {
			if value.got != value.want {
				found = append(found, fmt.Errorf("%s: %s is %q, want %q", d.ID, value.what, value.got, value.want))
			}
		}
	}
	return found
}
