# The database: PostgreSQL 15 with pgvector, the version that the tests run on.

locals {
  private_database = var.database.network == "private"

  # What Cloud SQL lets in by default, by the tier's memory in MiB; the flag can raise it.
  tier_memory = {
    db-f1-micro = 614
    db-g1-small = 1740
  }
  database_memory = try(tonumber(regex("^db-custom-[0-9]+-([0-9]+)$", var.database.tier)[0]), local.tier_memory[var.database.tier], 0)
  default_connections = (
    local.database_memory < 1024 ? 25 :
    local.database_memory < 3072 ? 50 :
    local.database_memory < 6144 ? 100 :
    local.database_memory < 15360 ? 400 :
    local.database_memory < 30720 ? 500 :
    local.database_memory < 61440 ? 600 :
    local.database_memory < 122880 ? 800 : 1000
  )
  database_connections = coalesce(var.database.max_connections, local.default_connections)

  # Of every instance of a function: DefaultPool in shared/database.
  database_pool = 2

  # What all functions may open at the same time.
  connections_wanted = sum(concat([0], [for id, f in local.functions : local.max_instances[id] * local.database_pool if contains(f.needs, "database")]))

  database_name   = coalesce(var.database.name, "${local.name}-db")
  database_region = coalesce(var.database.region, var.region)

  # The instance that is written: in the region that serves there is another copy, where
  # that isn't this one's, see standby.tf.
  serving_instance = coalesce(var.database.restored, local.promoted ? google_sql_database_instance.standby[0].name : google_sql_database_instance.main.name)
  serving_database = "${var.project_id}:${local.serving_region}:${local.serving_instance}"

  database_flags = {
    "cloudsql.iam_authentication" = "on"
    "max_connections"             = tostring(local.database_connections)
    "log_connections"             = "on"
    "log_disconnections"          = "on"
    "log_lock_waits"              = "on"
    "log_checkpoints"             = "on"
    "log_temp_files"              = "0"
    # Statements may hold what students wrote: Query Insights shows them without values.
    # Only those that change the schema are logged, and those that fail, with $1 for
    # each value.
    "log_min_duration_statement" = "-1"
    "log_min_error_statement"    = "error"
    "log_statement"              = "ddl"
  }
}

resource "google_sql_database_instance" "main" {
  name             = local.database_name
  region           = local.database_region
  database_version = "POSTGRES_15"

  deletion_protection = local.durable

  settings {
    # Named, because later versions of PostgreSQL default to an edition that
    # refuses these tiers.
    edition           = "ENTERPRISE"
    tier              = var.database.tier
    availability_type = var.database.high_availability ? "REGIONAL" : "ZONAL"

    disk_type             = "PD_SSD"
    disk_size             = var.database.disk_gb
    disk_autoresize       = true
    disk_autoresize_limit = var.database.disk_limit_gb

    deletion_protection_enabled = local.durable
    retain_backups_on_delete    = local.durable
    connector_enforcement       = "REQUIRED"

    final_backup_config {
      enabled        = local.durable
      retention_days = local.durable ? 30 : null
    }

    backup_configuration {
      enabled                        = true
      start_time                     = "01:00" # an hour before the export
      location                       = lower(var.storage.backups_location)
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7
      backup_retention_settings {
        retained_backups = var.database.backups
        retention_unit   = "COUNT"
      }
    }

    ip_configuration {
      # The public address has no authorised network: without a certificate that the
      # connector gets for who may use this instance, it doesn't answer.
      ipv4_enabled                                  = !local.private_database
      private_network                               = local.private_database ? google_compute_network.main[0].id : null
      enable_private_path_for_google_cloud_services = local.private_database
      ssl_mode                                      = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
    }

    insights_config {
      query_insights_enabled  = true
      query_string_length     = 1024
      record_application_tags = true
      record_client_address   = false
      query_plans_per_minute  = 5
    }

    maintenance_window {
      day          = 7 # Sunday
      hour         = 3 # UTC
      update_track = "stable"
    }

    dynamic "database_flags" {
      for_each = local.database_flags
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }
  }

  lifecycle {
    # The disk grows by itself; Terraform would shrink it, which means to make it anew.
    # And what a runbook stopped by hand stays stopped.
    ignore_changes = [settings[0].disk_size, settings[0].activation_policy]

    precondition {
      condition     = local.connections_wanted <= floor(0.9 * local.database_connections)
      error_message = "All functions together may open ${local.connections_wanted} connections; ${var.database.tier} lets in ${local.database_connections}, of which 90 % (${floor(0.9 * local.database_connections)}) are theirs. Give some functions fewer MaxInstances (functions/*/*/function.go), lower scaling.max_instances, choose a larger database.tier, or raise database.max_connections at the price of memory."
    }
    precondition {
      condition     = local.database_memory > 0
      error_message = "database.tier is ${var.database.tier}: write db-f1-micro, db-g1-small or db-custom-<CPUs>-<MiB of memory>, such as db-custom-2-7680."
    }
  }

  depends_on = [google_project_service.api, google_service_networking_connection.main]
}

resource "google_sql_database" "main" {
  name     = "aksio"
  instance = google_sql_database_instance.main.name
  # It goes with its instance; on its own it never goes.
  deletion_policy = "ABANDON"
}
