# How long logs are kept, and what isn't.

resource "google_logging_project_bucket_config" "default" {
  project        = var.project_id
  location       = "global"
  bucket_id      = "_Default"
  retention_days = 30
}

# Failures are kept longer than the rest: what began small is looked for later.
resource "google_logging_project_bucket_config" "failures" {
  project        = var.project_id
  location       = var.region
  bucket_id      = "${local.name}-failures"
  retention_days = 180
  depends_on     = [google_project_service.api]
}

resource "google_logging_project_sink" "failures" {
  name                   = "${local.name}-failures"
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.failures.id}"
  filter                 = "severity>=ERROR AND (resource.type=\"cloud_run_revision\" OR resource.type=\"cloudsql_database\" OR resource.type=\"cloud_scheduler_job\")"
  unique_writer_identity = true
}

# The platform logs each call once more, and the function framework an empty line
# after it: both cost and tell nothing that "call served" doesn't.
resource "google_logging_project_exclusion" "noise" {
  name        = "${local.name}-noise"
  description = "The platform's own lines of calls that were answered well, and empty lines"
  filter      = "resource.type=\"cloud_run_revision\" AND ((log_id(\"run.googleapis.com/requests\") AND httpRequest.status<500) OR (textPayload=~\"^[[:space:]]*$\" AND NOT jsonPayload:*))"
}

# Who read a secret, or acted as an account, which Google takes for administration, is
# recorded: else a leak leaves no trace. Reads of files and rows would be most of the log, and
# so would be the addresses that functions sign in their own account's name.
resource "google_project_iam_audit_config" "reads" {
  for_each = { "iam.googleapis.com" = "ADMIN_READ", "secretmanager.googleapis.com" = "DATA_READ" }

  project = var.project_id
  service = each.key
  audit_log_config {
    log_type         = each.value
    exempted_members = each.value == "ADMIN_READ" ? [for grant in values(local.function_grants) : "serviceAccount:${local.account[grant.identity]}" if grant.kind == "itself"] : []
  }
  depends_on = [google_project_service.api]
}
