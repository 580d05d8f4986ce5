# One service account for each distinct set of needs, so that a function can do
# what it declared and nothing else. A project holds 100 accounts.

locals {
  # The identity of each function, by a key that says its needs, and the needs of each identity.
  identity   = { for id, f in local.functions : id => length(f.needs) == 0 ? "nothing" : join("+", sort(f.needs)) }
  identities = { for key in toset(values(local.identity)) : key => key == "nothing" ? [] : split("+", key) }
}

resource "google_service_account" "function" {
  for_each = local.identities

  # At most 30 characters, and the needs say more than that.
  account_id   = "${local.name}-fn-${substr(sha256(each.key), 0, 8)}"
  display_name = length(each.value) == 0 ? "Functions without needs" : substr("Functions: ${join(", ", each.value)}", 0, 100)
  description  = substr("Of functions that declare: ${each.key}", 0, 256)

  lifecycle {
    # One that nobody needs any more goes after its functions left it. So do its grants.
    create_before_destroy = true
    precondition {
      condition     = length(local.identities) <= 85 # some are no function's, and Google makes some itself
      error_message = "The functions declare ${length(local.identities)} different sets of needs, one service account each; a project holds 100. Give functions of one area the same needs, or raise the project's quota of accounts and this limit."
    }
  }

  depends_on = [google_project_service.api]
}

# Addresses of the accounts. They follow from names, and not from what the API
# answers, so that a plan says what it would grant to whom.
locals {
  account       = { for key, a in google_service_account.function : key => "${a.account_id}@${var.project_id}.iam.gserviceaccount.com" }
  caller        = { for key, a in google_service_account.caller : key => "${a.account_id}@${var.project_id}.iam.gserviceaccount.com" }
  build_account = "${google_service_account.build.account_id}@${var.project_id}.iam.gserviceaccount.com"
}

locals {
  # One entry for each grant, by a key that says it.
  function_grants = merge([
    for key, needs in local.identities : merge([
      for need in needs : merge(
        { for pair in flatten([for bucket, roles in try(local.capabilities[need].buckets, {}) : [for role in roles : { bucket = bucket, role = role }]]) :
          "${key}/bucket/${pair.bucket}/${pair.role}" => { identity = key, kind = "bucket", on = pair.bucket, role = pair.role, condition = null }
        },
        { for pair in flatten([for secret, roles in try(local.capabilities[need].secrets, {}) : [for role in roles : { secret = secret, role = role }]]) :
          "${key}/secret/${pair.secret}/${pair.role}" => { identity = key, kind = "secret", on = pair.secret, role = pair.role, condition = null }
        },
        { for setting, secret in try(local.capabilities[need].env, {}) :
          "${key}/secret/${secret}/roles/secretmanager.secretAccessor" => { identity = key, kind = "secret", on = secret, role = "roles/secretmanager.secretAccessor", condition = null }
        },
        { for role, condition in try(local.capabilities[need].project, {}) :
          "${key}/project/${role}" => { identity = key, kind = "project", on = null, role = role, condition = condition }
        },
        { for signs in(try(local.capabilities[need].signs, false) ? ["itself"] : []) :
          "${key}/itself/roles/iam.serviceAccountTokenCreator" => { identity = key, kind = "itself", on = null, role = "roles/iam.serviceAccountTokenCreator", condition = null }
        },
      )
    ]...)
  ]...)
}

resource "google_storage_bucket_iam_member" "function" {
  for_each = { for key, grant in local.function_grants : key => grant if grant.kind == "bucket" }

  bucket = google_storage_bucket.this[each.value.on].name
  role   = each.value.role
  member = "serviceAccount:${local.account[each.value.identity]}"

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_secret_manager_secret_iam_member" "function" {
  for_each = { for key, grant in local.function_grants : key => grant if grant.kind == "secret" && !contains(var.absent_secrets, coalesce(grant.on, "-")) }

  secret_id = google_secret_manager_secret.this[each.value.on].secret_id
  role      = each.value.role
  member    = "serviceAccount:${local.account[each.value.identity]}"

  lifecycle {
    create_before_destroy = true
  }
}

# Every function reads the settings at its start.
resource "google_secret_manager_secret_iam_member" "settings" {
  for_each = { for pair in setproduct(keys(local.identities), ["settings", "token-keys"]) : "${pair[0]}/${pair[1]}" => { identity = pair[0], secret = pair[1] } }

  secret_id = google_secret_manager_secret.this[each.value.secret].secret_id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${local.account[each.value.identity]}"

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_project_iam_member" "function" {
  for_each = { for key, grant in local.function_grants : key => grant if grant.kind == "project" }

  project = var.project_id
  role    = each.value.role
  member  = "serviceAccount:${local.account[each.value.identity]}"

  dynamic "condition" {
    for_each = each.value.condition == null ? [] : [each.value.condition]
    content {
      title      = condition.value.title
      expression = condition.value.expression
    }
  }

  lifecycle {
    create_before_destroy = true
  }
}

# A signed URL is signed by IAM in the account's name: functions have no key.
resource "google_service_account_iam_member" "function_signs" {
  for_each = { for key, grant in local.function_grants : key => grant if grant.kind == "itself" }

  service_account_id = "projects/${var.project_id}/serviceAccounts/${local.account[each.value.identity]}"
  role               = each.value.role
  member             = "serviceAccount:${local.account[each.value.identity]}"

  lifecycle {
    create_before_destroy = true
  }
  depends_on = [google_service_account_iam_member.deploy_manages]
}

# Roles of our own, where Google's hold too much or too little.
resource "google_project_iam_custom_role" "this" {
  for_each = {
    # Exports the database. No viewer's role does any more: Google took it from them in 2026.
    export = ["cloudsql.instances.export", "cloudsql.instances.get"]
    # What a drill may do: look and make an instance; all else only to those that were
    # made for drills.
    drill_see     = ["cloudsql.instances.create", "cloudsql.instances.get", "cloudsql.instances.list", "cloudsql.users.list"]
    drill_scratch = ["cloudsql.databases.create", "cloudsql.databases.get", "cloudsql.instances.delete", "cloudsql.instances.import", "cloudsql.users.create", "cloudsql.users.update"]
    # What a plan reads of services whose viewers may read what they hold, see federation.tf.
    # Redis's password is in the state, and the provider reads it again.
    plan = [
      "artifactregistry.repositories.getIamPolicy",
      "cloudsql.databases.get", "cloudsql.instances.get", "cloudsql.users.get", "cloudsql.users.list",
      "datastore.backupSchedules.get", "datastore.databases.getMetadata", "datastore.schemas.get",
      "iam.roles.get", "iam.serviceAccounts.get", "iam.serviceAccounts.getIamPolicy",
      "logging.buckets.get", "logging.exclusions.get", "logging.logMetrics.get", "logging.sinks.get",
      "pubsub.subscriptions.getIamPolicy", "pubsub.topics.getIamPolicy",
      "redis.instances.getAuthString",
      "servicenetworking.services.get",
      "storage.buckets.get", "storage.buckets.getIamPolicy",
    ]
  }

  role_id     = "aksio_${var.environment}_${each.key}"
  title       = "Aksio: ${replace(each.key, "_", " ")}"
  permissions = each.value
  depends_on  = [google_project_service.api]
}

locals {
  own_roles = { for key, role in google_project_iam_custom_role.this : key => "projects/${var.project_id}/roles/${role.role_id}" }
}

# Builds images. Its rights are those of a build, and not the editor's that the
# default account of Compute Engine may have.
resource "google_service_account" "build" {
  account_id   = "${local.name}-build"
  display_name = "Builds the functions' images"
  depends_on   = [google_project_service.api]
}

resource "google_project_iam_member" "build_logs" {
  project = var.project_id
  role    = "roles/logging.logWriter" # a project's logs have no narrower place
  member  = "serviceAccount:${local.build_account}"
}

resource "google_storage_bucket_iam_member" "build_bundles" {
  bucket = google_storage_bucket.this["bundles"].name
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${local.build_account}"
}

# Where the Functions API copies a bundle to before it builds it; the bucket is its
# own and comes with the first function.
resource "google_project_iam_member" "build_sources" {
  project = var.project_id
  role    = "roles/storage.objectViewer"
  member  = "serviceAccount:${local.build_account}"

  condition {
    title      = "sources of functions"
    expression = "resource.name.startsWith('projects/_/buckets/gcf-v2-sources-${local.project_number}-')"
  }
}

resource "google_artifact_registry_repository_iam_member" "build" {
  for_each = google_artifact_registry_repository.functions

  location   = each.value.location
  repository = each.value.name
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${local.build_account}"
}

# Brings events and schedules to the functions that wait for them.
resource "google_service_account" "caller" {
  for_each = { events = "Delivers the buckets' events", schedule = "Calls scheduled functions" }

  account_id   = "${local.name}-${each.key}"
  display_name = each.value
  depends_on   = [google_project_service.api]
}
