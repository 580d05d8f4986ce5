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

// readBy says what lets GitHub's plans read the resources of a service: a role of
// federation.tf or a permission of identities.tf.
var readBy = map[string]string{
	"google_artifact_registry_":   "roles/artifactregistry.reader",
	"google_billing_budget":       "README.md", // the billing account's to say
	"google_certificate_manager_": "roles/certificatemanager.viewer",
	"google_cloud_run_":           "roles/cloudfunctions.viewer",
	"google_cloud_scheduler_":     "roles/cloudscheduler.viewer",
	"google_cloudfunctions2_":     "roles/cloudfunctions.viewer",
	"google_compute_":             "roles/compute.viewer",
	"google_dns_":                 "roles/dns.reader",
	"google_firebaserules_":       "roles/firebaserules.viewer",
	"google_firestore_":           "datastore.schemas.get",
	"google_iam_workload_":        "roles/iam.workloadIdentityPoolViewer",
	"google_logging_":             "logging.buckets.get",
	"google_monitoring_":          "roles/monitoring.viewer",
	"google_project":              "roles/browser",
	"google_pubsub_":              "roles/pubsub.viewer",
	"google_redis_":               "roles/redis.viewer",
	"google_secret_manager_":      "roles/secretmanager.viewer",
	"google_service_account":      "roles/iam.securityReviewer",
	"google_service_networking_":  "servicenetworking.services.get",
	"google_sql_":                 "cloudsql.instances.get",
	"google_storage_":             "storage.buckets.get",
}

func TestPlansMayReadEveryResource(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "..", "infrastructure", "*.tf"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	modules, err := filepath.Glob(filepath.Join("..", "..", "infrastructure", "modules", "*", "*.tf"))
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for _, file := range append(files, modules...) {
		content, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text.Write(content)
	}
	for _, m := range regexp.MustCompile(`(?m)^(?:resource|data) "(google_\w+)"`).FindAllStringSubmatch(text.String(), -1) {
		reader := ""
		for prefix, by := range readBy {
			if strings.HasPrefix(m[1], prefix) {
				reader = by
			}
		}
		if reader == "" || reader != "README.md" && !strings.Contains(text.String(), `"`+reader+`"`) {
			t.Errorf("%s: nothing lets a plan read it: say in federation.tf what does, and here", m[1])
		}
	}
}
