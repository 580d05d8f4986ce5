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

  # The instance that takes writes: the restored one, else the standby once it is promoted,
  # else main.
  serving_instance = coalesce(var.database.restored, local.promoted ? google_sql_database_instance.standby[0].name : google_sql_database_instance.main.name)
  serving_database = "${var.project_id}:${local.serving_region}:${local.serving_instance}"

  # What the database and its standby have alike: either may be the one that serves.
  database_settings = {
    # Named, because later versions of PostgreSQL default to an edition that
    # refuses these tiers.
    edition               = "ENTERPRISE"
    tier                  = var.database.tier
    disk_type             = "PD_SSD"
    disk_autoresize       = true
    disk_autoresize_limit = var.database.disk_limit_gb
    connector_enforcement = "REQUIRED"

    # The public address has no authorised network: without a certificate that the
    # connector gets for who may use this instance, it doesn't answer.
    ip_configuration = {
      ipv4_enabled                                  = !local.private_database
      private_network                               = local.private_database ? google_compute_network.main[0].id : null
      enable_private_path_for_google_cloud_services = local.private_database
      ssl_mode                                      = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
    }
    insights_config = {
      query_insights_enabled  = true
      query_string_length     = 1024
      record_application_tags = true
      record_client_address   = false
      query_plans_per_minute  = 5
    }

    # Of the one that is written alone.
    backup_configuration = {
      enabled                        = true
      start_time                     = "01:00" # an hour before the export
      location                       = lower(local.backups_location)
      point_in_time_recovery_enabled = true
      transaction_log_retention_days = 7
      retained_backups               = var.database.backups
    }
    final_backup_config = {
      enabled        = local.durable
      retention_days = local.durable ? 30 : null
    }
    maintenance_window = {
      day          = 7 # Sunday
      hour         = 3 # UTC
      update_track = "stable"
    }
  }

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
    edition           = local.database_settings.edition
    tier              = local.database_settings.tier
    availability_type = var.database.high_availability ? "REGIONAL" : "ZONAL"
    user_labels       = local.labels

    disk_type             = local.database_settings.disk_type
    disk_size             = var.database.disk_gb
    disk_autoresize       = local.database_settings.disk_autoresize
    disk_autoresize_limit = local.database_settings.disk_autoresize_limit

    deletion_protection_enabled = local.durable
    retain_backups_on_delete    = local.durable
    connector_enforcement       = local.database_settings.connector_enforcement

    ip_configuration {
      ipv4_enabled                                  = local.database_settings.ip_configuration.ipv4_enabled
      private_network                               = local.database_settings.ip_configuration.private_network
      enable_private_path_for_google_cloud_services = local.database_settings.ip_configuration.enable_private_path_for_google_cloud_services
      ssl_mode                                      = local.database_settings.ip_configuration.ssl_mode
    }

    insights_config {
      query_insights_enabled  = local.database_settings.insights_config.query_insights_enabled
      query_string_length     = local.database_settings.insights_config.query_string_length
      record_application_tags = local.database_settings.insights_config.record_application_tags
      record_client_address   = local.database_settings.insights_config.record_client_address
      query_plans_per_minute  = local.database_settings.insights_config.query_plans_per_minute
    }

    dynamic "database_flags" {
      for_each = local.database_flags
      content {
        name  = database_flags.key
        value = database_flags.value
      }
    }

    backup_configuration {
      enabled                        = local.database_settings.backup_configuration.enabled
      start_time                     = local.database_settings.backup_configuration.start_time
      location                       = local.database_settings.backup_configuration.location
      point_in_time_recovery_enabled = local.database_settings.backup_configuration.point_in_time_recovery_enabled
      transaction_log_retention_days = local.database_settings.backup_configuration.transaction_log_retention_days
      backup_retention_settings {
        retained_backups = local.database_settings.backup_configuration.retained_backups
        retention_unit   = "COUNT"
      }
    }

    final_backup_config {
      enabled        = local.database_settings.final_backup_config.enabled
      retention_days = local.database_settings.final_backup_config.retention_days
    }

    maintenance_window {
      day          = local.database_settings.maintenance_window.day
      hour         = local.database_settings.maintenance_window.hour
      update_track = local.database_settings.maintenance_window.update_track
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
