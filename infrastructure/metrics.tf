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

locals {
  # What alerts and dashboards ask for.
  log_metric = { for key, metric in google_logging_metric.this : key => "metric.type=\"logging.googleapis.com/user/${metric.name}\" AND resource.type=\"cloud_run_revision\"" }
}
