# The health check, asked from outside through everything that stands before it.

locals {
  # Without the router the function is asked at its own address, and the domain has none.
  health_host = (
    !local.load_balanced ? replace(module.function[local.serving[local.router]].uri, "https://", "") :
    local.router_on ? var.domain_name : "health-check.${var.domain_name}"
  )
}

resource "google_monitoring_uptime_check_config" "health" {
  display_name = "${local.name} health"
  user_labels  = local.labels
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
  # 503 says that nothing works. Degraded is 200: each part has an alert of its own.
  content_matchers {
    content = "\"status\":\"(healthy|degraded)\""
    matcher = "MATCHES_REGEX"
  }
  monitored_resource {
    type   = "uptime_url"
    labels = { project_id = var.project_id, host = local.health_host }
  }

  lifecycle {
    # Of another host it is another one, and alerts hold on to the old one until they are changed.
    create_before_destroy = true
  }
  depends_on = [google_project_service.api]
}
