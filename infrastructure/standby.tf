# A second region, if there is one: a replica of the database that can take over, and
# the functions beside it. runbooks/region-down.md says how and when.

locals {
  standby_name = coalesce(var.standby.name, "${local.name}-db-standby")
  # The replica is in the region that the database isn't in.
  standby_region = local.database_region == var.region ? var.standby.region : var.region

  # It is the one that is written once its region serves. After a failover, when it has
  # taken the database's place for good (database.name), the next one isn't again.
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
    edition           = "ENTERPRISE"
    tier              = var.database.tier
    availability_type = "ZONAL"
    disk_type         = "PD_SSD"
    disk_autoresize   = true

    deletion_protection_enabled = local.durable
    connector_enforcement       = "REQUIRED"

    # Only once it is the one that is written.
    dynamic "backup_configuration" {
      for_each = local.promoted ? ["primary"] : []
      content {
        enabled                        = true
        start_time                     = "01:00"
        point_in_time_recovery_enabled = true
        transaction_log_retention_days = 7
        backup_retention_settings {
          retained_backups = var.database.backups
          retention_unit   = "COUNT"
        }
      }
    }

    ip_configuration {
      ipv4_enabled    = !local.private_database
      private_network = local.private_database ? google_compute_network.main[0].id : null
      ssl_mode        = "TRUSTED_CLIENT_CERTIFICATE_REQUIRED"
    }

    insights_config {
      query_insights_enabled  = true
      record_application_tags = true
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
