# Settings that functions share. They are the value of one secret, which every
# instance is given in its environment when it starts, so that a changed setting
# makes a new version of that secret and no function is built again. Nothing in it is
# secret, which is why it may be in the state.

locals {
  platform_settings = {
    SECRETS_PROJECT      = var.project_id
    CLOUD_SQL_INSTANCE   = local.serving_database
    CLOUD_SQL_PRIVATE_IP = tostring(local.private_database)
    DATABASE_NAME        = google_sql_database.main.name
    UPLOADS_BUCKET       = google_storage_bucket.this["uploads"].name
    BACKUPS_BUCKET       = google_storage_bucket.this["backups"].name
    DRILL_BUCKET         = google_storage_bucket.this["drills"].name
    FIRESTORE_DATABASE   = google_firestore_database.main.name
    ALLOWED_ORIGINS      = join(",", var.frontend_origins)
    # The load balancer and the router each add one address to those that a call
    # came through; in the router's absence, and for the router itself, see router.tf.
    TRUSTED_PROXIES = "2"
  }

  settings = merge(
    local.platform_settings,
    # What functions call the API in links, whatever a caller calls it.
    local.router_on ? { API_URL = local.api_url } : {},
    var.redis.enabled ? { REDIS_CA_CERTS = join("\n", [for ca in google_redis_instance.main[0].server_ca_certs : ca.cert]) } : {},
    var.settings,
  )

  # Those that var.settings may not set: all of these, and what functions are given each by
  # itself or as a secret.
  own_settings = concat(keys(local.platform_settings), [
    "API_URL", "REDIS_CA_CERTS",
    "DATABASE_POOL", "DATABASE_URL", "DATABASE_USER", "GOOGLE_CLOUD_PROJECT", "OPENAI_API_KEY", "REDIS_URL", "TOKEN_KEYS",
  ])
}

resource "google_secret_manager_secret_version" "settings" {
  secret      = google_secret_manager_secret.this["settings"].id
  secret_data = jsonencode(local.settings)
  # Instances that start while it changes find one or the other.
  deletion_policy = "DISABLE"

  lifecycle {
    create_before_destroy = true
    precondition {
      condition     = length(setintersection(keys(var.settings), local.own_settings)) == 0
      error_message = "var.settings may not set ${join(", ", setintersection(keys(var.settings), local.own_settings))}: Terraform knows better. Leave it out."
    }
  }
}
