# A second region, if there is one: a replica of the database that can take over, and
# the functions beside it. runbooks/region-down.md says how and when.

locals {
  standby_name = coalesce(var.standby.name, "${local.name}-db-standby")
  # The replica is in the region that the database isn't in.
  standby_region = local.database_region == var.region ? var.standby.region : var.region

  # The standby is promoted when its region serves and the database is still in the other
  # one. Once it is the database itself (database.name), its successor is a replica again.
  promoted = local.standby && local.serving_region != local.database_region
}

resource "google_sql_database_instance" "standby" {
  count = local.standby ? 1 : 0

  name             = local.standby_name
  region           = local.standby_region
  database_version = google_sql_database_instance.main.database_version

  # A replica has a master; without one it is promoted, which can't be undone.
  instance_type        = local.promoted ? "CLOUD_SQL_INSTANCE" : "READ_REPLICA_INSTANCE"
  master_instance_name = local.promoted ? null : google_sql_database_instance.main.name

  deletion_protection = local.durable

  settings {
    edition           = local.database_settings.edition
    tier              = local.database_settings.tier
    availability_type = "ZONAL" # until it takes the database's place for good (database.name)
    user_labels       = local.labels

    disk_type             = local.database_settings.disk_type
    disk_autoresize       = local.database_settings.disk_autoresize
    disk_autoresize_limit = local.database_settings.disk_autoresize_limit

    deletion_protection_enabled = local.durable
    retain_backups_on_delete    = local.promoted && local.durable
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

    # Only once it is the one that is written.
    dynamic "backup_configuration" {
      for_each = local.promoted ? [local.database_settings.backup_configuration] : []
      content {
        enabled                        = backup_configuration.value.enabled
        start_time                     = backup_configuration.value.start_time
        location                       = backup_configuration.value.location
        point_in_time_recovery_enabled = backup_configuration.value.point_in_time_recovery_enabled
        transaction_log_retention_days = backup_configuration.value.transaction_log_retention_days
        backup_retention_settings {
          retained_backups = backup_configuration.value.retained_backups
          retention_unit   = "COUNT"
        }
      }
    }
    dynamic "final_backup_config" {
      for_each = local.promoted ? [local.database_settings.final_backup_config] : []
      content {
        enabled        = final_backup_config.value.enabled
        retention_days = final_backup_config.value.retention_days
      }
    }
    dynamic "maintenance_window" {
      for_each = local.promoted ? [local.database_settings.maintenance_window] : []
      content {
        day          = maintenance_window.value.day
        hour         = maintenance_window.value.hour
        update_track = maintenance_window.value.update_track
      }
    }
  }

  lifecycle {
    ignore_changes = [settings[0].disk_size, settings[0].activation_policy] # see database.tf
  }
}

# The replica's exports, once it serves.
resource "google_storage_bucket_iam_member" "standby_exports" {
  count = local.standby ? 1 : 0

  bucket = google_storage_bucket.this["backups"].name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${google_sql_database_instance.standby[0].service_account_email_address}"
}
