# What watches the environments.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id  = "aksio-test-1"
  environment = "prod"
  domain_name = "api.aksio.app"
  github      = { repository = "aksio/backend", owner_id = "1234" }
  alerting    = { emails = ["oncall@aksio.app"] }
}

run "alerts" {
  command = plan

  assert {
    condition     = alltrue([for alert in google_monitoring_alert_policy.this : length(alert.notification_channels) == 1])
    error_message = "Some alerts tell nobody."
  }
  assert {
    condition     = alltrue([for key, alert in google_monitoring_alert_policy.this : length(alert.documentation[0].content) > 200])
    error_message = "Some alerts have no playbook."
  }
  # Every scheduled function is missed when it doesn't run.
  assert {
    condition     = alltrue([for id, f in local.scheduled : contains(keys(google_monitoring_alert_policy.this), "silent-${id}") || id == "backup-restore-drill"])
    error_message = "Some scheduled functions would stop unnoticed."
  }
}

# Each function is held against its own bounds.
run "saturation" {
  command = plan
  variables {
    scaling = { max_instances = 3 }
  }

  assert {
    condition = alltrue([for id, f in local.functions : length([for part in split(" or ", google_monitoring_alert_policy.this["saturation"].conditions[0].condition_prometheus_query_language[0].query) : part if
      length(regexall("[\"|]${id}[\"|]", part)) == 1 && strcontains(part, ">= ${min(f.max_instances, 3)}\n") && strcontains(part, "> ${0.9 * f.concurrency})")
    ]) == 1])
    error_message = "Some functions aren't held against the instances and calls that they declare."
  }
}

run "every_playbook_is_for_an_alert" {
  command = plan

  assert {
    condition = length(setsubtract(
      [for file in fileset("playbooks", "*.md") : trimsuffix(file, ".md")],
      concat(["README", "budget"], [for key, alert in local.alerts : try(alert.playbook, key)]),
    )) == 0
    error_message = "Some playbooks are for no alert."
  }
}

run "github_can_not_make_itself_owner" {
  command = plan

  assert {
    condition     = !strcontains(google_project_iam_member.deploy_grants[0].condition[0].expression, "roles/owner") && !strcontains(google_project_iam_member.deploy_grants[0].condition[0].expression, "roles/editor")
    error_message = "The deployment may grant more than it needs."
  }
  assert {
    condition     = strcontains(google_iam_workload_identity_pool_provider.github[0].attribute_condition, "assertion.repository_owner_id == '1234' && assertion.repository == 'aksio/backend'")
    error_message = "Other repositories would be let in."
  }
  assert {
    condition     = google_service_account_iam_member.deploy_identifies[0].role == "roles/iam.serviceAccountTokenCreator"
    error_message = "The deployment couldn't call run-migrations."
  }
  assert {
    condition     = alltrue([for name in ["PROJECT_ID", "WIF_PROVIDER", "PLAN_ACCOUNT"] : contains(keys(output.github_variables.repository), "PRODUCTION_${name}")])
    error_message = "watch.yml looks for these variables."
  }
  assert {
    condition     = local.github_accounts.deploy.who == "attribute.branch/aksio/backend@refs/heads/main"
    error_message = "Other branches than main could deploy."
  }
}

run "a_budget_needs_an_account" {
  command = plan
  variables {
    budget = { billing_account = "mine", amount = 100 }
  }
  expect_failures = [var.budget]
}
