# Firestore holds what clients watch: the progress of documents. All of it can be had
# from the database again.

locals {
  # The one database of a project that has a free quota.
  firestore_database = "(default)"

  # Collections whose documents expire, with the fields that are never searched:
  # each indexed field of a document costs a write of its own. shared/live writes them.
  expiring = {
    progress        = "event"
    progress_events = "data"
  }
}

resource "google_firestore_database" "main" {
  name        = local.firestore_database
  location_id = var.region # for ever; eur3 would survive the loss of a region at twice the price
  type        = "FIRESTORE_NATIVE"

  concurrency_mode                  = "OPTIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = local.durable ? "POINT_IN_TIME_RECOVERY_ENABLED" : "POINT_IN_TIME_RECOVERY_DISABLED"
  delete_protection_state           = local.durable ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = local.durable ? "ABANDON" : "DELETE"

  depends_on = [google_project_service.api]
}

# Within a day after expires_at a document is deleted; what reads it doesn't wait.
resource "google_firestore_field" "expires" {
  for_each = local.expiring

  database   = google_firestore_database.main.name
  collection = each.key
  field      = "expires_at"

  ttl_config {}
  index_config {} # times that grow make a hot index
}

resource "google_firestore_field" "unsearched" {
  for_each = local.expiring

  database   = google_firestore_database.main.name
  collection = each.key
  field      = each.value

  index_config {}
}

resource "google_firestore_backup_schedule" "daily" {
  count = local.durable ? 1 : 0

  database  = google_firestore_database.main.name
  retention = "${7 * 86400}s"
  daily_recurrence {}
}

resource "google_firebaserules_ruleset" "firestore" {
  source {
    files {
      name    = "firestore.rules"
      content = file("${path.module}/firestore.rules")
    }
  }

  lifecycle {
    create_before_destroy = true
  }
  depends_on = [google_firestore_database.main]
}

resource "google_firebaserules_release" "firestore" {
  name         = "cloud.firestore" # the only name that counts
  ruleset_name = google_firebaserules_ruleset.firestore.name

  lifecycle {
    replace_triggered_by = [google_firebaserules_ruleset.firestore]
  }
}
