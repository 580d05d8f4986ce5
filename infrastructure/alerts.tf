# Alerts. Each has a playbook, playbooks/<name>.md, which goes along with the notification;
# one without can't be planned.

locals {
  hour = 3600
  day  = 86400
  # What comes once a day is missed when it is an hour late. An alert looks back 25 hours
  # at most, of which silence takes a minute.
  nightly = 25 * local.hour - 60

  # One entry for each alert:
  #   title      what is the matter
  #   severity   CRITICAL: students notice now; ERROR: they will; WARNING: look at it today
  #   filter     of the time series
  #   align      how a series becomes one point of a period, in seconds
  #   reduce, by how series are put together, and by what
  #   when       comparison and threshold
  #   lasts      seconds that it has to last; at once if left out
  #   silence    missing points count as a violation; it has to last, too
  #   playbook   of several alerts together; the alert's own if left out
  # or, where that can't say it, a query in PromQL, or a log: a filter of lines of which
  # one is enough.
  alerts = merge(local.service_alerts, local.pipeline_alerts, local.database_alerts, local.schedule_alerts, local.edge_alerts, local.access_alerts)

  service_alerts = {
    errors-fast = {
      title    = "Calls fail: a month's budget of errors is gone in two days"
      severity = "CRITICAL"
      filter   = "select_slo_burn_rate(\"${google_monitoring_slo.availability.id}\", \"3600s\")"
      when     = { is = "COMPARISON_GT", than = 14 }
    }
    errors-slow = {
      title    = "Calls fail: a month's budget of errors is gone before the month"
      severity = "WARNING"
      filter   = "select_slo_burn_rate(\"${google_monitoring_slo.availability.id}\", \"86400s\")"
      when     = { is = "COMPARISON_GT", than = 2 }
    }
    latency = {
      title    = "Calls are slow: a month's budget of slow calls is gone in days"
      severity = "WARNING"
      filter   = "select_slo_burn_rate(\"${google_monitoring_slo.latency.id}\", \"21600s\")"
      when     = { is = "COMPARISON_GT", than = 6 }
    }
    panics = {
      title    = "A function panicked"
      severity = "ERROR"
      filter   = local.log_filter["panics"]
      align    = { with = "ALIGN_DELTA", seconds = 300 }
      reduce   = "REDUCE_SUM"
      by       = ["metric.labels.operation"]
      when     = { is = "COMPARISON_GT", than = 0 }
    }
    dependency-unhealthy = {
      title    = "The health check finds something away, or a backup or a drill overdue"
      severity = "ERROR"
      filter   = local.log_filter["unhealthy"]
      align    = { with = "ALIGN_SUM", seconds = local.load_balanced ? 300 : local.hour }
      reduce   = "REDUCE_SUM"
      by       = ["metric.labels.dependency"]
      # Asked from six places or more, each minute or, without a domain, each quarter of an hour.
      when  = { is = "COMPARISON_GT", than = local.load_balanced ? 2 : 12 }
      lasts = local.load_balanced ? 600 : 0
    }
    saturation = {
      title    = "A function has no instances left to start"
      severity = "ERROR" # the service levels don't see it
      query    = local.saturated
      lasts    = 600
    }
    model-failing = {
      title    = "The language model fails"
      severity = "ERROR"
      query    = local.model_fails
    }
    model-spend = {
      title    = "The language model is used far more than planned for"
      severity = "WARNING"
      query    = "sum(increase({${local.model_series.tokens}}[1h])) > ${var.alerting.model_tokens_per_hour}"
    }
  }

  pipeline_alerts = {
    documents-stuck = {
      title    = "Uploads wait for an hour to be read"
      severity = "ERROR"
      filter = join(" AND ", [
        local.subscription_filter["oldest_unacked_message_age"],
        "resource.labels.subscription_id=monitoring.regex.full_match(\"${join("|", [for s in google_pubsub_subscription.finalized : s.name])}\")",
      ])
      align  = { with = "ALIGN_MAX", seconds = 300 }
      reduce = "REDUCE_MAX"
      when   = { is = "COMPARISON_GT", than = local.hour }
    }
    events-refused = {
      title    = "Events of uploads were put aside: no function takes them"
      severity = "ERROR"
      filter   = "${local.subscription_filter["num_undelivered_messages"]} AND resource.labels.subscription_id=\"${google_pubsub_subscription.dead_letter.name}\""
      align    = { with = "ALIGN_MAX", seconds = 300 }
      reduce   = "REDUCE_MAX"
      when     = { is = "COMPARISON_GT", than = 0 }
    }
    documents-given-up = {
      title    = "Documents are given up through a fault of ours"
      severity = "ERROR"
      filter   = local.log_filter["documents_given_up"]
      align    = { with = "ALIGN_SUM", seconds = local.hour }
      reduce   = "REDUCE_SUM"
      when     = { is = "COMPARISON_GT", than = 2 }
    }
    backup-unverified = {
      title    = "No verified backup for a day"
      severity = "CRITICAL"
      filter   = local.log_filter["backups_verified"]
      align    = { with = "ALIGN_SUM", seconds = local.nightly }
      reduce   = "REDUCE_SUM"
      when     = { is = "COMPARISON_LT", than = 1 }
      lasts    = 60
      silence  = true
    }
    drill-failed = {
      title    = "A backup couldn't be restored"
      severity = "CRITICAL"
      filter   = local.log_filter["drills_failed"]
      align    = { with = "ALIGN_SUM", seconds = local.hour }
      reduce   = "REDUCE_SUM"
      when     = { is = "COMPARISON_GT", than = 0 }
    }
  }

  database_alerts = {
    database-cpu = {
      title    = "The database's processor is busy"
      severity = "ERROR"
      filter   = local.database_filter["cpu/utilization"]
      align    = { with = "ALIGN_MEAN", seconds = 300 }
      when     = { is = "COMPARISON_GT", than = 0.85 }
      lasts    = 900
    }
    database-disk = {
      title    = "The database's disk has nearly grown to its limit"
      severity = "ERROR"
      filter   = local.database_filter["disk/bytes_used"]
      align    = { with = "ALIGN_MEAN", seconds = 300 }
      when     = { is = "COMPARISON_GT", than = floor(0.85 * var.database.disk_limit_gb * pow(2, 30)) }
      lasts    = 900
    }
    # Google lets it grow when 25 GB are free, or fewer of a small one.
    database-disk-full = {
      title    = "The database's disk doesn't grow any more"
      severity = "CRITICAL"
      filter   = local.database_filter["disk/utilization"]
      align    = { with = "ALIGN_MEAN", seconds = 300 }
      when     = { is = "COMPARISON_GT", than = max(0.97, 1 - 20 / var.database.disk_limit_gb) }
      lasts    = 900
      playbook = "database-disk"
    }
    database-connections = {
      title    = "The database has few connections left"
      severity = "ERROR"
      filter   = local.database_filter["postgresql/num_backends"]
      align    = { with = "ALIGN_MEAN", seconds = 60 }
      reduce   = "REDUCE_SUM"
      by       = ["resource.labels.database_id"]
      when     = { is = "COMPARISON_GT", than = floor(0.85 * local.database_connections) }
      lasts    = 300
    }
  }

  # A function of the clock that doesn't run is only seen by its silence, for so many
  # seconds; 0 if an alert can't look back for so long as that may be. What never spoke isn't
  # missed: a deployment runs each new one once.
  silence_window = { for id, f in local.scheduled : id => (
    can(regex("^\\*/\\d+ \\* \\* \\* \\*$", f.schedule)) ? local.hour :
    can(regex("^\\d+ \\* \\* \\* \\*$", f.schedule)) ? 2 * local.hour :
    can(regex("^\\d+ \\*/\\d+ \\* \\* \\*$", f.schedule)) ? (tonumber(regex("/(\\d+)", f.schedule)[0]) + 1) * local.hour :
    can(regex("^\\d+ \\d+ \\* \\* \\*$", f.schedule)) ? local.nightly :
    0
  ) }
  # Missed by the health check instead (shared/operations): the drill of restores, which
  # runs on one day of the month.
  missed_by_health = ["backup-restore-drill"]

  scheduled_calls_filter = "${local.log_filter["calls"]} AND metric.labels.operation=monitoring.regex.full_match(\"${join("|", sort(keys(local.scheduled)))}\")"

  schedule_alerts = merge({
    schedule-failing = {
      title    = "A function that runs by the clock fails"
      severity = "ERROR"
      filter   = "${local.scheduled_calls_filter} AND metric.labels.status!=\"200\""
      align    = { with = "ALIGN_SUM", seconds = 2 * local.hour }
      reduce   = "REDUCE_SUM"
      by       = ["metric.labels.operation"]
      when     = { is = "COMPARISON_GT", than = 2 } # the scheduler tries four times
      playbook = "schedule-silent"
    }
    }, {
    for id, f in local.scheduled : "silent-${id}" => {
      title    = "${id} doesn't run"
      severity = "ERROR"
      filter   = "${local.log_filter["calls"]} AND metric.labels.operation=\"${id}\" AND metric.labels.status=\"200\""
      align    = { with = "ALIGN_SUM", seconds = local.silence_window[id] }
      reduce   = "REDUCE_SUM"
      when     = { is = "COMPARISON_LT", than = 1 }
      lasts    = 60
      silence  = true
      playbook = "schedule-silent"
    } if local.silence_window[id] > 0
  })

  edge_alerts = merge({
    down = {
      title    = "The health check fails from outside"
      severity = "CRITICAL"
      filter   = local.uptime_filter["check_passed"]
      align    = { with = "ALIGN_FRACTION_TRUE", seconds = local.load_balanced ? 300 : 1800 }
      reduce   = "REDUCE_MEAN"
      when     = { is = "COMPARISON_LT", than = 0.5 }
    }
    }, !local.load_balanced ? {} : {
    certificate = {
      title    = "The certificate ends within two weeks"
      severity = "ERROR"
      filter   = local.uptime_filter["time_until_ssl_cert_expires"]
      align    = { with = "ALIGN_NEXT_OLDER", seconds = 1200 }
      reduce   = "REDUCE_MIN"
      when     = { is = "COMPARISON_LT", than = 14 } # days
      lasts    = 600
    }
  })

  # What the deployment may grant is bound to roles and not to members, and Terraform sees
  # only what it granted itself: what it grants to people is told, what to service accounts
  # isn't, since each release does that. Google's own accounts grant to one another. Where
  # nobody deploys but owners, each deployment would tell.
  access_alerts = var.github == null ? {} : {
    grants-changed = {
      title    = "Somebody changed who may do what"
      severity = "ERROR"
      log = join(" AND ", [
        "log_id(\"cloudaudit.googleapis.com/activity\")",
        "protoPayload.serviceName=(\"cloudresourcemanager.googleapis.com\" OR \"iam.googleapis.com\")",
        "protoPayload.methodName=~\"(?i)SetIamPolicy$\"",
        "(NOT protoPayload.authenticationInfo.principalEmail=\"${local.deploy_account}\" OR protoPayload.serviceData.policyDelta.bindingDeltas.member=~\"^(user:|group:|domain:|principal|all|deleted:)\")",
        "NOT protoPayload.authenticationInfo.principalEmail=~\"@system[.]gserviceaccount[.]com$\"",
      ])
    }
  }

  # Functions whose instances are as many as may be, half of them with nine in ten of the
  # calls that one may hold. Functions of the same bounds stand together. One that may have a
  # single call at a time is full whenever it runs: that says nothing.
  bounds = {
    for id, f in local.functions : "${local.max_instances[id]} ${f.concurrency}" => id...
    if local.max_instances[id] * f.concurrency > 1
  }
  saturated = join(" or ", [for bounds in sort(keys(local.bounds)) : trimspace(replace(replace(replace(<<-EOT
    (sum by (service_name) ({"__name__"="run.googleapis.com/container/instance_count", "monitored_resource"="cloud_run_revision", "state"="active"}) >= INSTANCES
    and histogram_quantile(0.5, sum by (service_name, le) (rate({"__name__"="run.googleapis.com/container/max_request_concurrencies_bucket", "monitored_resource"="cloud_run_revision", SERVICES}[5m]))) > CALLS)
    EOT
    , "SERVICES", "\"service_name\"=~\"${join("|", local.bounds[bounds])}\""),
    "INSTANCES", split(" ", bounds)[0]),
    "CALLS", 0.9 * tonumber(split(" ", bounds)[1])
  ))])

  # How often the model was asked, what it was given to do and what that cost, as PromQL
  # calls the metrics.
  model_series = { for what, series in { calls = "", tokens = "_sum", usd = "_sum" } : what =>
  "\"__name__\"=\"logging.googleapis.com/user/${google_logging_metric.this["model_${what}"].name}${series}\", \"monitored_resource\"=\"cloud_run_revision\"" }

  # More than ten calls in ten minutes, and one in five. A student who leaves is no failure.
  model_fails = trimspace(replace(replace(<<-EOT
    FAILED > 10 and FAILED > 0.2 * sum by (model) (increase({SERIES}[10m]))
    EOT
    , "FAILED", "sum by (model) (increase({SERIES, \"outcome\"!~\"ok|abandoned\"}[10m]))"),
  "SERIES", local.model_series.calls))
}

resource "google_monitoring_alert_policy" "this" {
  for_each = local.alerts

  display_name = "${local.name}: ${each.value.title}"
  combiner     = "OR"
  severity     = each.value.severity
  user_labels  = local.labels

  conditions {
    display_name = each.value.title

    dynamic "condition_prometheus_query_language" {
      for_each = can(each.value.query) ? [each.value] : []
      content {
        query               = condition_prometheus_query_language.value.query
        duration            = "${try(condition_prometheus_query_language.value.lasts, 0)}s"
        evaluation_interval = "300s"
        # A new project has seen nothing of these metrics yet and would be refused.
        disable_metric_validation = true
      }
    }
    dynamic "condition_matched_log" {
      for_each = can(each.value.log) ? [each.value] : []
      content {
        filter           = condition_matched_log.value.log
        label_extractors = { who = "EXTRACT(protoPayload.authenticationInfo.principalEmail)" }
      }
    }
    dynamic "condition_threshold" {
      for_each = can(each.value.filter) ? [each.value] : []
      content {
        filter          = condition_threshold.value.filter
        comparison      = condition_threshold.value.when.is
        threshold_value = condition_threshold.value.when.than
        duration        = "${try(condition_threshold.value.lasts, 0)}s"
        # A silent series is one that doesn't exist any more.
        evaluation_missing_data = (
          try(condition_threshold.value.silence, false) ? "EVALUATION_MISSING_DATA_ACTIVE" :
          try(condition_threshold.value.lasts, 0) > 0 ? "EVALUATION_MISSING_DATA_INACTIVE" : null
        )

        dynamic "aggregations" {
          for_each = can(condition_threshold.value.align) ? [condition_threshold.value.align] : []
          content {
            per_series_aligner   = aggregations.value.with
            alignment_period     = "${aggregations.value.seconds}s"
            cross_series_reducer = try(condition_threshold.value.reduce, null)
            group_by_fields      = try(condition_threshold.value.by, null)
          }
        }
        trigger {
          count = 1
        }
      }
    }
  }

  documentation {
    mime_type = "text/markdown"
    subject   = "${local.name}: ${each.value.title}"
    content   = file("${path.module}/playbooks/${try(each.value.playbook, each.key)}.md")
    links {
      display_name = "Playbook"
      url          = "${var.alerting.repository_url}/blob/main/infrastructure/playbooks/${try(each.value.playbook, each.key)}.md"
    }
  }

  alert_strategy {
    auto_close = "86400s"
    dynamic "notification_rate_limit" {
      for_each = can(each.value.log) ? ["of lines"] : []
      content {
        period = "3600s"
      }
    }
  }
  notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]

  lifecycle {
    precondition {
      condition     = try(each.value.align.seconds, 60) + try(each.value.lasts, 0) <= 90000
      error_message = "${each.key} looks back ${try(each.value.align.seconds, 0) + try(each.value.lasts, 0)} s; an alert can look back 25 hours."
    }
  }
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.alerting.emails)

  display_name = each.value
  type         = "email"
  labels       = { email_address = each.value }
  user_labels  = local.labels

  lifecycle {
    # One that an alert still tells can't be removed: the alerts leave it first.
    create_before_destroy = true
  }
  depends_on = [google_project_service.api]
}
