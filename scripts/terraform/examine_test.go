package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

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
