# Secrets. Terraform makes what holds them; the values come from elsewhere
# (scripts, a person) and are never in the state.

locals {
  # The platform's own, whose values Terraform knows.
  own_secrets = ["settings", "redis-url"]

  # What the functions that there are need.
  needed_secrets = setunion(
    ["token-keys"],
    flatten([for f in local.functions : [for need in f.needs : keys(try(local.capabilities[need].secrets, {}))]]),
    flatten([for f in local.functions : [for need in f.needs : values(try(local.capabilities[need].env, {}))]]),
  )

  # Those that need a value from outside.
  secrets = setsubtract(local.needed_secrets, setunion(var.absent_secrets, local.own_secrets))
}

# Also those that this environment does without: one without a value costs nothing, and
# deletion protection keeps one that has a value.
resource "google_secret_manager_secret" "this" {
  for_each = setunion(local.needed_secrets, local.own_secrets)

  secret_id           = each.value
  deletion_protection = local.durable
  # An overwritten key can be had back for a week.
  version_destroy_ttl = "604800s"

  # Another choice can't be made later without losing the values.
  replication {
    auto {}
  }

  depends_on = [google_project_service.api]
}

# Whether there are values: without one the plan ends here. Only what is said of the
# versions is read, not the values themselves. A disabled version looks like any other.
data "google_secret_manager_secret_version" "value" {
  for_each = local.secrets

  secret            = google_secret_manager_secret.this[each.value].secret_id
  fetch_secret_data = false
}
