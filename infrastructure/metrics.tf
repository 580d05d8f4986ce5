# Metrics that are counted from the functions' logs. log-metrics.json says which; a
# test feeds it with what the functions really write.

locals {
  log_metrics = jsondecode(file("${path.module}/log-metrics.json"))
}

resource "google_logging_metric" "this" {
  for_each = local.log_metrics

  name        = "${local.name}/${each.key}"
  description = each.value.description
  filter      = "resource.type=\"cloud_run_revision\" AND ${each.value.filter}"

  label_extractors = { for label, field in each.value.labels : label => "EXTRACT(jsonPayload.${field})" }
  value_extractor  = try("EXTRACT(jsonPayload.${each.value.value})", null)

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = can(each.value.value) ? "DISTRIBUTION" : "INT64"
    unit        = try(each.value.unit, "1")

    dynamic "labels" {
      for_each = each.value.labels
      content {
        key        = labels.key
        value_type = "STRING"
      }
    }
  }

  dynamic "bucket_options" {
    for_each = can(each.value.value) ? [true] : []
    content {
      # From one to some millions: milliseconds of a call, tokens of an answer.
      exponential_buckets {
        scale              = 1
        growth_factor      = 1.5
        num_finite_buckets = 40
      }
    }
  }

  depends_on = [google_project_service.api]
}

# What alerts, service levels and the dashboard ask for.
locals {
  run_filter = { for metric in [
    "request_count", "request_latencies", "container/instance_count", "container/startup_latencies",
    "container/memory/utilizations", "container/billable_instance_time",
  ] : metric => "metric.type=\"run.googleapis.com/${metric}\" AND resource.type=\"cloud_run_revision\"" }

  database_filter = { for metric in ["cpu/utilization", "disk/bytes_used", "disk/utilization", "postgresql/num_backends"] : metric =>
  "resource.type=\"cloudsql_database\" AND resource.labels.database_id=\"${var.project_id}:${local.serving_instance}\" AND metric.type=\"cloudsql.googleapis.com/database/${metric}\"" }

  subscription_filter = { for metric in ["oldest_unacked_message_age", "num_undelivered_messages"] : metric =>
  "metric.type=\"pubsub.googleapis.com/subscription/${metric}\" AND resource.type=\"pubsub_subscription\"" }

  uptime_filter = { for metric in ["check_passed", "time_until_ssl_cert_expires"] : metric => join(" AND ", [
    "metric.type=\"monitoring.googleapis.com/uptime_check/${metric}\"", "resource.type=\"uptime_url\"",
    "metric.labels.check_id=\"${google_monitoring_uptime_check_config.health.uptime_check_id}\"",
  ]) }

  log_filter = { for key, metric in google_logging_metric.this : key => "metric.type=\"logging.googleapis.com/user/${metric.name}\" AND resource.type=\"cloud_run_revision\"" }
}
