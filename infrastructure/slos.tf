# What is promised, and measured at the edge of the functions: 99.5 % of a month's
# calls don't fail, 95 % of them are answered in time. What the platform refuses since no
# instance is left reaches no function and is in neither: saturation tells of it.

resource "google_monitoring_custom_service" "api" {
  service_id   = "${local.name}-api"
  display_name = "${local.name} API"
  user_labels  = local.labels
  depends_on   = [google_project_service.api]
}

locals {
  # People's calls. The uptime check's would be most of a quiet evening's, and all good; of the
  # router's they still are, which is counted since it also fails where no function does.
  # Streams last as long as somebody listens, and generating takes the model's time: neither
  # tells how fast we are.
  called           = sort([for id, f in local.public : id if id != "health-check"])
  quick            = [for id in local.called : id if !local.public[id].streams && local.public[id].timeout_seconds <= 60]
  requests_filter  = "${local.run_filter["request_count"]} AND resource.labels.service_name=monitoring.regex.full_match(\"${join("|", local.called)}\")"
  latencies_filter = "${local.run_filter["request_latencies"]} AND resource.labels.service_name=monitoring.regex.full_match(\"${join("|", local.quick)}\")"
}

resource "google_monitoring_slo" "availability" {
  service             = google_monitoring_custom_service.api.service_id
  slo_id              = "availability"
  display_name        = "99.5 % of calls don't fail"
  user_labels         = local.labels
  goal                = 0.995
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      total_service_filter = local.requests_filter
      bad_service_filter   = "${local.requests_filter} AND metric.labels.response_code_class=\"5xx\""
    }
  }
}

resource "google_monitoring_slo" "latency" {
  service             = google_monitoring_custom_service.api.service_id
  slo_id              = "latency"
  display_name        = "95 % of calls are answered within a second"
  user_labels         = local.labels
  goal                = 0.95
  rolling_period_days = 28

  request_based_sli {
    distribution_cut {
      distribution_filter = local.latencies_filter
      range {
        max = 1000 # ms in an instance, to which waiting for it to start doesn't count
      }
    }
  }
}
