# Functions that run by the clock, in UTC.

resource "google_cloud_scheduler_job" "function" {
  for_each = local.scheduled

  name        = "${local.name}-${each.key}"
  description = "Runs ${each.key}"
  region      = local.serving_region
  schedule    = each.value.schedule
  time_zone   = "Etc/UTC"

  # An attempt that lasts longer has failed, whatever the function still does.
  attempt_deadline = "${min(1800, each.value.timeout_seconds + 15)}s"

  retry_config {
    retry_count          = 3
    min_backoff_duration = "30s"
    max_backoff_duration = "600s"
    max_doublings        = 4
  }

  http_target {
    http_method = "POST"
    uri         = "${module.function[local.serving[each.key]].uri}/internal/${each.key}/"
    oidc_token {
      service_account_email = local.caller["schedule"]
      audience              = module.function[local.serving[each.key]].uri
    }
  }

  lifecycle {
    # A failover makes it in the region that serves, and the one in the region that is
    # away can't be removed. A name is one region's.
    create_before_destroy = true
  }
  depends_on = [google_project_service.api]
}
