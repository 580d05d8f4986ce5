# Functions, from what they declare. A new one needs no line here.

locals {
  runtime = "go126"

  # Which bundle is whose; without it every function says what is missing.
  bundles = fileexists("${var.bundles}/bundles.json") ? jsondecode(file("${var.bundles}/bundles.json")) : {}
  bundle  = { for id, f in local.functions : id => try(local.bundles[id].file, "") }

  # What a function declares, as far as the environment and the region's quota let it.
  max_instances = { for id, f in local.functions : id => min(
    f.max_instances,
    coalesce(var.scaling.max_instances, f.max_instances),
    max(1, floor(min(var.cpu_quota / f.cpu, var.cpu_quota * 2048 / f.memory_mib))),
  ) }

  # Each function once in each of its regions; in the first by its id alone.
  deployments = merge([
    for region in local.function_regions : {
      for id, f in local.functions : (region == var.region ? id : "${region}/${id}") => { id = id, region = region }
    }
  ]...)

  # The key of a function in the region that serves.
  serving = { for id, f in local.functions : id => local.failed_over ? "${local.serving_region}/${id}" : id }

  # Who lets in whom. With a load balancer people's functions are anybody's to call,
  # but only through it: Cloud Armor can't be walked round. Without one only the
  # router may call them, and it is known by its identity.
  invokers = {
    for id, f in local.functions : id => merge(
      contains(keys(local.public), id) && local.load_balanced ? { everybody = "allUsers" } : {},
      contains(keys(local.public), id) && local.router_on && id != local.router ? { router = local.router_member } : {},
      id == local.router ? { everybody = "allUsers" } : {},
      f.trigger == "finalized" ? { events = "serviceAccount:${local.caller["events"]}" } : {},
      f.trigger == "scheduled" ? { schedule = "serviceAccount:${local.caller["schedule"]}" } : {},
      # The deployment migrates before traffic.
      contains(local.migrators, id) && var.github != null ? { deployment = "serviceAccount:${local.deploy_account}" } : {},
    )
  }
  ingress = {
    for id, f in local.functions : id => (
      f.trigger == "finalized" || f.trigger == "scheduled" ? "ALLOW_INTERNAL_ONLY" :
      # The deployment calls these from outside; IAM lets in nobody else.
      f.access == "private" ? "ALLOW_ALL" :
      local.load_balanced ? "ALLOW_INTERNAL_AND_GCLB" : "ALLOW_ALL"
    )
  }
}

resource "google_storage_bucket_object" "bundle" {
  for_each = { for id, f in local.functions : id => f if id != local.router || local.router_on }

  bucket = google_storage_bucket.this["bundles"].name
  # The name holds the hash of the content, so that what didn't change isn't built.
  name         = local.bundle[each.key] == "" ? "missing" : local.bundle[each.key]
  source       = "${var.bundles}/${local.bundle[each.key]}"
  content_type = "application/zip"
  # Left where it is when another takes its place, for a roll-back.
  deletion_policy = "ABANDON"

  lifecycle {
    precondition {
      condition     = local.bundle[each.key] == "" ? false : fileexists("${var.bundles}/${local.bundle[each.key]}")
      error_message = "${each.key} has no bundle in ${var.bundles}: run `make bundle` at the top of the repository, then again."
    }
  }
}

module "function" {
  source   = "./modules/function"
  for_each = { for key, d in local.deployments : key => d if d.id != local.router || local.router_on }

  id          = each.value.id
  region      = each.value.region
  project_id  = var.project_id
  runtime     = local.runtime
  declaration = local.functions[each.value.id]
  bundle = {
    bucket = google_storage_bucket.this["bundles"].name
    object = google_storage_bucket_object.bundle[each.value.id].name
  }
  rebuild = var.rebuild

  service_account = local.account[local.identity[each.value.id]]
  build_account   = "projects/${var.project_id}/serviceAccounts/${local.build_account}"
  repository      = "projects/${var.project_id}/locations/${each.value.region}/repositories/${google_artifact_registry_repository.functions[each.value.region].repository_id}"

  max_instances = local.max_instances[each.value.id]
  # In the first region, whichever serves: a changed number builds the function again,
  # and a failover may not wait for that.
  min_instances = var.scaling.keep_warm && each.value.region == var.region ? local.functions[each.value.id].min_instances : 0

  # What is a function's own and hardly ever changes: another value builds it again.
  # All else is in settings.tf.
  settings = merge(
    {
      GOOGLE_CLOUD_PROJECT = var.project_id
      # Go collects seldom while there is room, and in time before there is none.
      GOGC       = "400"
      GOMEMLIMIT = "${floor(local.functions[each.value.id].memory_mib * 0.9)}MiB"
    },
    contains(local.functions[each.value.id].needs, "database") ? {
      DATABASE_USER = trimsuffix(local.account[local.identity[each.value.id]], ".gserviceaccount.com")
    } : {},
    each.value.id == local.router ? local.router_environment[each.value.region] : {},
    contains(local.migrators, each.value.id) ? {
      DATABASE_USERS  = join(",", local.row_users)
      DATABASE_PEOPLE = join(",", sort(var.database_people))
    } : {},
  )
  secrets = merge(
    { SETTINGS = "settings", TOKEN_KEYS = "token-keys" },
    local.needed[each.value.id].env,
  )

  ingress  = local.ingress[each.value.id]
  invokers = local.invokers[each.value.id]

  network = !local.needed[each.value.id].vpc ? null : {
    name       = google_compute_network.main[0].name
    subnetwork = google_compute_subnetwork.functions[each.value.region].name
    # The router calls functions, which only count what comes through the network as
    # internal.
    everything = each.value.id == local.router
  }

  # What an instance needs at its start has to be there before.
  depends_on = [
    google_project_service.api,
    google_project_iam_member.build_logs,
    google_project_iam_member.build_sources,
    google_project_iam_member.function,
    google_storage_bucket_iam_member.function,
    google_storage_bucket_iam_member.build_bundles,
    google_artifact_registry_repository_iam_member.build,
    google_secret_manager_secret_iam_member.settings,
    google_secret_manager_secret_iam_member.function,
    google_secret_manager_secret_version.settings,
    google_sql_user.function,
    google_sql_user.person, # run-migrations lets them in by name
    google_service_account_iam_member.deploy_uses,
    google_secret_manager_secret_version.redis_url,
    data.google_secret_manager_secret_version.value,
    terraform_data.checks,
  ]
}
