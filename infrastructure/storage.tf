# Buckets. Only the static one is public, through the load balancer; all others need a
# grant or a signed URL.

locals {
  files_location   = coalesce(var.storage.location, var.region)
  backups_location = coalesce(var.storage.backups_location, var.region)

  buckets = {
    # What students upload, by signed URLs straight from their browsers.
    uploads = {
      location = local.files_location
      # A document that is deleted is gone after what the soft deletion keeps: a
      # version would keep it against its owner's will.
      versioning  = false
      soft_delete = local.durable ? var.storage.soft_delete_days : 0
      cors        = ["GET", "HEAD", "PUT"]
    }
    # What everybody may read: whoever deploys a frontend puts its files here. Nothing in
    # this repository writes it.
    static = {
      location    = local.files_location
      versioning  = true
      soft_delete = 0
      cors        = ["GET", "HEAD"]
      public      = true
    }
    # Exports of the database and their manifests. Not even their writer can remove
    # one before its time.
    backups = {
      location = local.backups_location
      # What is retained can't be overwritten, and what is removed then stays for the soft
      # deletion. Google has refused both together.
      versioning  = false
      soft_delete = local.durable ? 30 : 0
      retention   = local.durable ? var.storage.backups_locked_days : 0
      expires     = var.storage.backups_days
      cold        = true
    }
    # Copies of exports, which instances made for restore drills read. They never see
    # the backups themselves.
    drills = {
      location    = local.backups_location
      versioning  = false
      soft_delete = 0
      expires     = 7
    }
    # The functions' sources. Old ones stay for a roll-back, and the second region needs
    # them when the first one is away.
    bundles = {
      location    = local.files_location
      versioning  = false
      soft_delete = 0
      expires     = null
    }
  }
}

resource "google_storage_bucket" "this" {
  # checkov:skip=CKV_GCP_78: versioning is a choice of each bucket, whose reason stands in local.buckets; backups have retention instead
  # checkov:skip=CKV_GCP_114: enforced on all but the static one, which the scanner can't work out; tests/production.tftest.hcl holds it
  # checkov:skip=CKV_GCP_62: usage logs come hours late and hold the names of students' files; the functions log each URL that they sign

  for_each = local.buckets

  # Names of buckets are unique in the world; a project's id is, too.
  name          = "${var.project_id}-${each.key}"
  location      = each.value.location
  storage_class = "STANDARD"
  force_destroy = !local.durable

  uniform_bucket_level_access = true
  public_access_prevention    = try(each.value.public, false) ? "inherited" : "enforced"

  versioning {
    enabled = each.value.versioning
  }

  soft_delete_policy {
    retention_duration_seconds = each.value.soft_delete * 86400
  }

  dynamic "retention_policy" {
    for_each = try(each.value.retention, 0) > 0 ? [each.value.retention] : []
    content {
      # Not locked: that can't be undone, and a wrong upload would be for ever, too.
      retention_period = retention_policy.value * 86400
    }
  }

  dynamic "cors" {
    for_each = length(try(each.value.cors, [])) > 0 && length(var.frontend_origins) > 0 ? [each.value.cors] : []
    content {
      origin = var.frontend_origins
      method = cors.value
      # What a signed upload sends and a page wants to read of the answer.
      response_header = ["Content-Type", "Content-Range", "Range", "X-Goog-Content-Length-Range", "X-Goog-If-Generation-Match", "X-Goog-Resumable", "Location"]
      max_age_seconds = 3600
    }
  }

  # Parts of uploads that were never finished.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }
    condition {
      age = 7
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.versioning ? ["old versions"] : []
    content {
      action {
        type = "Delete"
      }
      condition {
        with_state                 = "ARCHIVED"
        days_since_noncurrent_time = var.storage.noncurrent_days
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = try(each.value.cold, false) ? ["read rarely"] : []
    content {
      action {
        type          = "SetStorageClass"
        storage_class = "NEARLINE"
      }
      condition {
        age = 1
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = try(each.value.expires, null) != null ? [each.value.expires] : []
    content {
      action {
        type = "Delete"
      }
      condition {
        age = lifecycle_rule.value
      }
    }
  }

  depends_on = [google_project_service.api]
}

# Google lets whoever may view the project read the objects of a new bucket, students'
# files too. Here that role lets in owners alone, who may anyhow: Google once refused a
# role without members.
resource "google_storage_bucket_iam_binding" "no_viewers" {
  for_each = setsubtract(keys(local.buckets), ["static"])

  bucket  = google_storage_bucket.this[each.key].name
  role    = "roles/storage.legacyObjectReader"
  members = ["projectOwner:${var.project_id}"]
}

# The one bucket that the world may read, for the CDN. Reading isn't listing.
resource "google_storage_bucket_iam_member" "static_public" {
  # checkov:skip=CKV_GCP_28: what everybody may read is what the bucket is for

  bucket = google_storage_bucket.this["static"].name
  role   = "roles/storage.legacyObjectReader"
  member = "allUsers"
}

# The database's instance writes its exports itself.
resource "google_storage_bucket_iam_member" "database_exports" {
  bucket = google_storage_bucket.this["backups"].name
  role   = "roles/storage.objectCreator"
  member = "serviceAccount:${google_sql_database_instance.main.service_account_email_address}"
}
