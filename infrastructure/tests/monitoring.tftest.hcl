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
  # The provider's default labels reach nothing that calls them user_labels.
  assert {
    condition = alltrue([for labels in concat(
      [for alert in google_monitoring_alert_policy.this : alert.user_labels],
      [for channel in google_monitoring_notification_channel.email : channel.user_labels],
      [google_monitoring_uptime_check_config.health.user_labels, google_monitoring_custom_service.api.user_labels],
      [google_monitoring_slo.availability.user_labels, google_monitoring_slo.latency.user_labels],
    ) : labels == tomap({ project = "aksio", environment = "prod", managed_by = "terraform" })])
    error_message = "Something that watches says neither whose it is nor of which environment."
  }
  # Every scheduled function is missed when it doesn't run, by an alert or by the health check.
  assert {
    condition     = alltrue([for id, f in local.scheduled : contains(keys(google_monitoring_alert_policy.this), contains(local.missed_by_health, id) ? "dependency-unhealthy" : "silent-${id}")])
    error_message = "Some scheduled functions would stop unnoticed."
  }
  assert {
    condition     = local.missed_by_health == ["backup-restore-drill"]
    error_message = "The health check misses the drill of restores alone: others would stop unnoticed."
  }
  assert {
    condition = alltrue([for key, alert in google_monitoring_alert_policy.this : alltrue([for c in alert.conditions[0].condition_threshold :
      c.evaluation_missing_data == "EVALUATION_MISSING_DATA_ACTIVE" && c.duration == "60s"
    ]) if key == "backup-unverified" || startswith(key, "silent-")])
    error_message = "Silence is a violation, but Google refuses one that doesn't last."
  }
  assert {
    condition     = alltrue([for key, alert in google_monitoring_alert_policy.this : alltrue([for c in alert.conditions[0].condition_prometheus_query_language : c.disable_metric_validation])])
    error_message = "A new project would refuse queries of metrics that it hasn't seen yet."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.this["grants-changed"].conditions[0].condition_matched_log[0].filter, "(NOT protoPayload.authenticationInfo.principalEmail=\"aksio-prod-deploy@aksio-test-1.iam.gserviceaccount.com\" OR protoPayload.serviceData.policyDelta.bindingDeltas.member=~\"^(user:|") && google_monitoring_alert_policy.this["grants-changed"].alert_strategy[0].notification_rate_limit[0].period == "3600s"
    error_message = "Somebody could grant themselves what they like unseen, or every deployment would tell."
  }
  # A log's metric is one of several kinds of resource's.
  assert {
    condition = (
      strcontains(google_monitoring_alert_policy.this["model-spend"].conditions[0].condition_prometheus_query_language[0].query, "model_tokens_sum\", \"monitored_resource\"=\"cloud_run_revision\"}") &&
      strcontains(google_monitoring_dashboard.main.dashboard_json, "model_tokens_sum\\\", \\\"monitored_resource\\\"=\\\"cloud_run_revision\\\"}")
    )
    error_message = "Queries don't say whose the tokens are."
  }
  assert {
    condition = replace(google_monitoring_alert_policy.this["model-failing"].conditions[0].condition_prometheus_query_language[0].query, "\"__name__\"=\"logging.googleapis.com/user/aksio-prod/model_calls\", \"monitored_resource\"=\"cloud_run_revision\"", "CALLS") == join(" ", [
      "sum by (model) (increase({CALLS, \"outcome\"!~\"ok|abandoned\"}[10m])) > 10 and",
      "sum by (model) (increase({CALLS, \"outcome\"!~\"ok|abandoned\"}[10m])) > 0.2 * sum by (model) (increase({CALLS}[10m]))",
    ])
    error_message = "Students who leave would count as failures of the model, or its failures wouldn't."
  }
}

# What each alert waits for stands here a second time, so that neither is changed by
# mistake: one that asks for too much, or for what nobody writes, never tells.
run "bounds" {
  command = plan

  # Their ids are parts of the filters.
  override_resource {
    target          = google_monitoring_slo.availability
    override_during = plan
    values          = { id = "availability" }
  }
  override_resource {
    target          = google_monitoring_slo.latency
    override_during = plan
    values          = { id = "latency" }
  }
  override_resource {
    target          = google_monitoring_uptime_check_config.health
    override_during = plan
    values          = { uptime_check_id = "health" }
  }

  # The metric, when it is too much or too little, and for how long; then how it is added up.
  assert {
    condition = { for key, alert in google_monitoring_alert_policy.this : key => join(", ", concat(
      [for c in alert.conditions[0].condition_threshold : join(" ", [try(regex("metric.type=\"[a-z.]+/([^\"]+)\"", c.filter)[0], replace(c.filter, "\"", "")), trimprefix(c.comparison, "COMPARISON_"), c.threshold_value, "for", c.duration])],
      flatten([for c in alert.conditions[0].condition_threshold : [for a in c.aggregations : join(" ", concat(compact([a.alignment_period, a.per_series_aligner, a.cross_series_reducer]), coalesce(a.group_by_fields, [])))]]),
      [for c in alert.conditions[0].condition_prometheus_query_language : "a query for ${c.duration}"],
      [for c in alert.conditions[0].condition_matched_log : "a line of the log"],
      )) } == {
      errors-fast            = "select_slo_burn_rate(availability, 3600s) GT 14 for 0s"
      errors-slow            = "select_slo_burn_rate(availability, 86400s) GT 2 for 0s"
      latency                = "select_slo_burn_rate(latency, 21600s) GT 6 for 0s"
      panics                 = "user/aksio-prod/panics GT 0 for 0s, 300s ALIGN_DELTA REDUCE_SUM metric.labels.operation"
      dependency-unhealthy   = "user/aksio-prod/unhealthy GT 2 for 600s, 300s ALIGN_SUM REDUCE_SUM metric.labels.dependency"
      saturation             = "a query for 600s"
      model-failing          = "a query for 0s"
      model-spend            = "a query for 0s"
      documents-stuck        = "subscription/oldest_unacked_message_age GT 3600 for 0s, 300s ALIGN_MAX REDUCE_MAX"
      events-refused         = "subscription/num_undelivered_messages GT 0 for 0s, 300s ALIGN_MAX REDUCE_MAX"
      documents-given-up     = "user/aksio-prod/documents_given_up GT 2 for 0s, 3600s ALIGN_SUM REDUCE_SUM"
      backup-unverified      = "user/aksio-prod/backups_verified LT 1 for 60s, 89940s ALIGN_SUM REDUCE_SUM"
      drill-failed           = "user/aksio-prod/drills_failed GT 0 for 0s, 3600s ALIGN_SUM REDUCE_SUM"
      database-cpu           = "database/cpu/utilization GT 0.85 for 900s, 300s ALIGN_MEAN"
      database-disk          = "database/disk/bytes_used GT ${425 * pow(2, 30)} for 900s, 300s ALIGN_MEAN"
      database-disk-full     = "database/disk/utilization GT 0.97 for 900s, 300s ALIGN_MEAN"
      database-connections   = "database/postgresql/num_backends GT 340 for 300s, 60s ALIGN_MEAN REDUCE_SUM resource.labels.database_id"
      schedule-failing       = "user/aksio-prod/calls GT 2 for 0s, 7200s ALIGN_SUM REDUCE_SUM metric.labels.operation"
      silent-backup-database = "user/aksio-prod/calls LT 1 for 60s, 89940s ALIGN_SUM REDUCE_SUM"
      silent-run-cleanup     = "user/aksio-prod/calls LT 1 for 60s, 89940s ALIGN_SUM REDUCE_SUM"
      silent-run-redrive     = "user/aksio-prod/calls LT 1 for 60s, 3600s ALIGN_SUM REDUCE_SUM"
      down                   = "uptime_check/check_passed LT 0.5 for 0s, 300s ALIGN_FRACTION_TRUE REDUCE_MEAN"
      certificate            = "uptime_check/time_until_ssl_cert_expires LT 14 for 600s, 1200s ALIGN_NEXT_OLDER REDUCE_MIN"
      grants-changed         = "a line of the log"
    }
    error_message = "An alert is missing or new, or waits for something else: it would never tell, or of nothing."
  }
  assert {
    condition = (
      google_monitoring_alert_policy.this["silent-run-cleanup"].conditions[0].condition_threshold[0].filter == "metric.type=\"logging.googleapis.com/user/aksio-prod/calls\" AND resource.type=\"cloud_run_revision\" AND metric.labels.operation=\"run-cleanup\" AND metric.labels.status=\"200\"" &&
      google_monitoring_alert_policy.this["backup-unverified"].conditions[0].condition_threshold[0].filter == "metric.type=\"logging.googleapis.com/user/aksio-prod/backups_verified\" AND resource.type=\"cloud_run_revision\"" &&
      google_logging_metric.this["calls"].label_extractors == tomap({ operation = "EXTRACT(jsonPayload.operation)", status = "EXTRACT(jsonPayload.status)" })
    )
    error_message = "Silence would be looked for where nothing ever speaks, and there it is never missed."
  }
  assert {
    condition     = endswith(google_monitoring_alert_policy.this["model-spend"].conditions[0].condition_prometheus_query_language[0].query, "}[1h])) > 20000000")
    error_message = "Nobody would be told what the model costs before the bill."
  }
}

# What an alert can't look back for is refused, unless the health check misses it.
run "silences" {
  command = plan
  variables {
    declarations = "tests/fixtures/schedules.json"
  }
  assert {
    condition = local.silence_window == {
      "backup-database" = 89940, "run-hourly" = 7200, "run-redrive" = 3600, "run-six-hourly" = 25200
    }
    error_message = "An alert for silence is too impatient, or looks back too far."
  }
}

run "silence_of_a_week" {
  command = plan
  variables {
    declarations = "tests/fixtures/weekly.json"
  }
  expect_failures = [terraform_data.checks]
}

# Health answers 200 and healthy or degraded, or 503 and unhealthy: functions/health/check.
run "down" {
  command = plan

  assert {
    condition = (
      can(regex(google_monitoring_uptime_check_config.health.content_matchers[0].content, "{\"status\":\"degraded\",\"checks\":{}}")) &&
      can(regex(google_monitoring_uptime_check_config.health.content_matchers[0].content, "{\"status\":\"healthy\",\"checks\":{}}")) &&
      !can(regex(google_monitoring_uptime_check_config.health.content_matchers[0].content, "{\"status\":\"unhealthy\",\"checks\":{}}")) &&
      google_monitoring_uptime_check_config.health.content_matchers[0].matcher == "MATCHES_REGEX"
    )
    error_message = "A failed drill or a model that is away would be told as if nothing worked, or the other way round."
  }
}

run "dashboard" {
  command = plan

  assert {
    condition     = length(regexall(":(null|0|\\[\\]|{})[,}]", google_monitoring_dashboard.main.dashboard_json)) == 0
    error_message = "The API leaves out what is empty, and every plan would bring it back."
  }
  assert {
    condition = alltrue([for metric in [
      "request_count", "request_latencies", "5xx", "container/instance_count", "container/memory/utilizations", # latency, errors, saturation
      "database_ms", "database_wait_ms", "num_backends", "disk/utilization",                                    # database
      "documents_completed", "documents_refused", "oldest_unacked_message_age",                                 # pipeline
      "model_calls", "model_ms", "model_tokens", "model_usd",                                                   # model
      "drills_passed",                                                                                          # what the runbooks' RTO rests on
      "billable_instance_time", "billing/bytes_ingested",                                                       # cost
    ] : strcontains(google_monitoring_dashboard.main.dashboard_json, metric)])
    error_message = "Something that people look for has no chart."
  }
  assert {
    condition     = jsondecode(google_monitoring_dashboard.main.dashboard_json).mosaicLayout.tiles[4].xPos == 16
    error_message = "Charts aren't three beside each other."
  }
}

# The filters stand here a second time, so that neither is changed by mistake: one that
# leaves out too much is seen when something is looked for.
run "logs" {
  command = plan
  variables {
    declarations = "tests/fixtures/few.json"
  }

  assert {
    condition     = google_logging_project_bucket_config.default.retention_days == 30 && google_logging_project_bucket_config.failures.retention_days == 180
    error_message = "Lines are kept for a month, failures for half a year."
  }
  assert {
    condition     = google_logging_project_sink.failures.filter == "severity>=ERROR AND (resource.type=\"cloud_run_revision\" OR resource.type=\"cloudsql_database\" OR resource.type=\"cloud_scheduler_job\")"
    error_message = "Other lines than failures would be kept for half a year, or fewer."
  }
  assert {
    condition     = google_logging_project_exclusion.noise.filter == "resource.type=\"cloud_run_revision\" AND ((log_id(\"run.googleapis.com/requests\") AND httpRequest.status<500) OR (textPayload=~\"^[[:space:]]*$\" AND NOT jsonPayload:*))"
    error_message = "Lines would be missing that somebody looks for."
  }
}

run "service_levels" {
  command = plan
  variables {
    declarations = "tests/fixtures/few.json"
  }

  assert {
    condition = (
      google_monitoring_slo.availability.goal == 0.995 && google_monitoring_slo.availability.rolling_period_days == 28 &&
      google_monitoring_slo.latency.goal == 0.95 && google_monitoring_slo.latency.rolling_period_days == 28 &&
      google_monitoring_slo.latency.request_based_sli[0].distribution_cut[0].range[0].max == 1000
    )
    error_message = "Less is promised, or more, than slos.tf says."
  }
  # Neither what streams nor what passes streams on tells how fast we are.
  assert {
    condition = (
      endswith(google_monitoring_slo.latency.request_based_sli[0].distribution_cut[0].distribution_filter, "service_name=monitoring.regex.full_match(\"accounts-login|courses-list|documents-create\")") &&
      endswith(google_monitoring_slo.availability.request_based_sli[0].good_total_ratio[0].total_service_filter, "service_name=monitoring.regex.full_match(\"accounts-login|courses-list|documents-create|documents-stream-events|edge-router\")") &&
      google_monitoring_slo.availability.request_based_sli[0].good_total_ratio[0].bad_service_filter == "${google_monitoring_slo.availability.request_based_sli[0].good_total_ratio[0].total_service_filter} AND metric.labels.response_code_class=\"5xx\""
    )
    error_message = "Some functions that people call aren't counted, or the health check is, or some that aren't quick."
  }
}

# Each function is held against its own bounds; one that may have a single call is not.
run "saturation" {
  command = plan
  variables {
    scaling = { max_instances = 3 }
  }

  assert {
    condition = alltrue([for id, f in local.functions : length([for part in split(" or ", google_monitoring_alert_policy.this["saturation"].conditions[0].condition_prometheus_query_language[0].query) : part if
      length(regexall("[\"|]${id}[\"|]", part)) == 1 && strcontains(part, ">= ${min(f.max_instances, 3)}\n") && strcontains(part, "histogram_quantile(0.5, ") && strcontains(part, "> ${0.9 * f.concurrency})")
    ]) == (min(f.max_instances, 3) * f.concurrency == 1 ? 0 : 1)])
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

  # IAM takes ten values for each call and twelve operators.
  assert {
    condition = (
      alltrue([for call in split(" || ", google_project_iam_member.deploy_grants[0].condition[0].expression) :
        length(regexall("'(roles|projects)/", call)) <= 10 && startswith(call, "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([") && endswith(call, "])")
      ]) &&
      length(split(" || ", google_project_iam_member.deploy_grants[0].condition[0].expression)) <= 13
    )
    error_message = "IAM would refuse the condition."
  }
  assert {
    condition     = alltrue([for account in ["plan", "deploy"] : contains(keys(google_project_iam_member.github), "${account}/roles/serviceusage.serviceUsageConsumer")])
    error_message = "Each call of the provider names the project, which is refused without this role."
  }
  # Google's viewers of these services read what is in them, or could export it.
  assert {
    condition = (
      length(setintersection(local.plan_roles, ["roles/viewer", "roles/iam.securityReviewer", "roles/cloudsql.viewer", "roles/datastore.viewer", "roles/logging.viewer", "roles/storage.objectViewer"])) == 0 &&
      length([for permission in google_project_iam_custom_role.this["plan"].permissions : permission if !can(regex("\\.(get|list|getMetadata|getAuthString|getIamPolicy)$", permission)) || can(regex("entities|objects", permission))]) == 0
    )
    error_message = "A plan could read what students wrote."
  }
  # Whoever may push a branch writes the workflow that runs on it.
  assert {
    condition = (
      local.github_accounts.plan.who == "attribute.branch/aksio/backend@refs/heads/main" &&
      google_iam_workload_identity_pool_provider.github[0].attribute_mapping["attribute.branch"] == "assertion.repository + '@' + assertion.ref"
    )
    error_message = "Any branch could read production."
  }
  # Whoever sets the policy of an account may use it: of those that are declared here, and
  # neither of the editor's that Compute Engine has nor of GitHub's own.
  assert {
    condition = (
      length([for grant in google_project_iam_member.github : grant if contains(["roles/iam.serviceAccountAdmin", "roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator", "roles/iam.securityAdmin", "roles/iam.workloadIdentityPoolAdmin"], grant.role)]) == 0 &&
      length(setintersection(local.grantable_roles, ["roles/iam.serviceAccountAdmin", "roles/iam.serviceAccountUser", "roles/iam.serviceAccountTokenCreator", "roles/iam.securityAdmin", "roles/iam.workloadIdentityPoolAdmin"])) == 0 &&
      toset(keys(google_service_account_iam_member.deploy_manages)) == setunion([for key in keys(local.identities) : "function/${key}"], ["build", "caller/events", "caller/schedule"])
    )
    error_message = "The deployment could let itself use an account that may do more."
  }
  assert {
    condition     = !strcontains(google_project_iam_member.deploy_grants[0].condition[0].expression, "roles/owner") && !strcontains(google_project_iam_member.deploy_grants[0].condition[0].expression, "roles/editor")
    error_message = "The deployment may grant more than it needs."
  }
  assert {
    condition     = google_iam_workload_identity_pool_provider.github[0].attribute_condition == "assertion.repository_owner_id == '1234' && assertion.repository == 'aksio/backend'"
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
  # The claim is only in tokens of jobs that run in an environment.
  assert {
    condition = (
      local.github_accounts.deploy.who == "attribute.deploys/aksio/backend@refs/heads/main@production" &&
      google_iam_workload_identity_pool_provider.github[0].attribute_mapping["attribute.deploys"] == "assertion.repository + '@' + assertion.ref + '@' + (has(assertion.environment) ? assertion.environment : '')"
    )
    error_message = "Other branches than main could deploy, or nobody's approval be asked for."
  }
  assert {
    condition     = module.function["run-migrations"].members == tolist(["serviceAccount:aksio-prod-deploy@aksio-test-1.iam.gserviceaccount.com"])
    error_message = "The deployment alone migrates."
  }
}

run "pull_requests_plan_staging" {
  command = plan
  variables {
    environment = "staging"
  }

  assert {
    condition     = local.github_accounts.plan.who == "attribute.repository/aksio/backend"
    error_message = "A pull request's branch couldn't plan."
  }
}

run "a_budget_needs_its_api" {
  command = plan
  variables {
    alerting = { emails = ["oncall@aksio.app", "lead@aksio.app"] }
    budget   = { billing_account = "012345-6789AB-CDEF01", amount = 100 }
  }

  assert {
    condition     = contains(keys(google_project_service.api), "billingbudgets.googleapis.com") && length(google_billing_budget.month) == 1
    error_message = "No budget is made where its API is off."
  }
  assert {
    condition = (
      [for rule in google_billing_budget.month[0].threshold_rules : trimspace("${rule.threshold_percent} ${rule.spend_basis == null ? "" : rule.spend_basis}")] == ["0.5", "0.9", "1", "1.2 FORECASTED_SPEND"] &&
      length(google_billing_budget.month[0].all_updates_rule[0].monitoring_notification_channels) == 2
    )
    error_message = "Somebody wouldn't be told that a month costs more than it may, or not in time."
  }
}

run "a_budget_without_addresses" {
  command = plan
  variables {
    alerting = { emails = [] }
    budget   = { billing_account = "012345-6789AB-CDEF01", amount = 100 }
  }

  assert {
    condition     = length(google_billing_budget.month[0].all_updates_rule) == 0
    error_message = "An empty rule would be brought back by every plan."
  }
}

run "a_budget_needs_an_account" {
  command = plan
  variables {
    budget = { billing_account = "mine", amount = 100 }
  }
  expect_failures = [var.budget]
}
