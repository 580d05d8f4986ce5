# The health check, asked from outside through everything that stands before it.

locals {
  api_host = local.load_balanced ? var.domain_name : local.router_on ? replace(module.function[local.serving[local.router]].uri, "https://", "") : null
}

resource "google_monitoring_uptime_check_config" "health" {
  display_name = "${local.name} health"
  # Staging's functions sleep: to wake them all day costs more than it tells.
  period  = local.load_balanced ? "60s" : "900s"
  timeout = "30s"

  http_check {
    path         = local.functions["health-check"].path
    port         = 443
    use_ssl      = true
    validate_ssl = true
    accepted_response_status_codes {
      status_class = "STATUS_CLASS_2XX"
    }
  }
  content_matchers {
    content = "\"status\":\"healthy\""
    matcher = "CONTAINS_STRING"
  }
  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project_id, host = local.api_host }
  }

  depends_on = [google_project_service.api]
}
