# What is promised, and measured at the edge of the functions: 99.5 % of a month's
# calls don't fail, 95 % of them are answered in time.

resource "google_monitoring_custom_service" "api" {
  service_id   = "${local.name}-api"
  display_name = "${local.name} API"
  user_labels  = local.labels
  depends_on   = [google_project_service.api]
}

locals {
  # People's calls. Streams last as long as somebody listens, and generating takes the
  # model's time: neither tells how fast we are.
  quick            = sort([for id, f in local.public : id if !f.streams && f.timeout_seconds <= 60])
  requests_filter  = "${local.run_filter["request_count"]} AND resource.labels.service_name=monitoring.regex.full_match(\"${join("|", sort(keys(local.public)))}\")"
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
        max = 1000 # ms; a function that has to start takes some hundred
      }
    }
  }
}
