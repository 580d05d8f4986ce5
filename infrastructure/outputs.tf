# What people and scripts/cloud read.

output "project_id" {
  description = "The project."
  value       = var.project_id
}

output "region" {
  description = "The region that serves."
  value       = local.serving_region
}

output "api_url" {
  description = "The one base address of the API; null without the router."
  value       = local.api_url
}

output "function_urls" {
  description = "Where people's functions are by themselves, as a template; null where only the router may call them."
  value       = local.load_balanced ? "https://{function}.${var.domain_name}" : null
}

output "functions" {
  description = "Each function's own address at the platform, in the region that serves."
  value       = { for id, key in local.serving : id => module.function[key].uri if id != local.router || local.router_on }
}

output "settings_version" {
  description = "The version of the secret that holds what functions are told when they start."
  value       = google_secret_manager_secret_version.settings.name
}

output "database_connection_name" {
  description = "The database that is written, for the connector: project:region:instance."
  value       = local.serving_database
}

output "database_people" {
  description = "Who may sign in to the database as themselves."
  value       = sort(var.database_people)
}

output "database_connections" {
  description = "What all functions may open at the same time, of what the database lets in."
  value       = "${local.connections_wanted} of ${local.database_connections}"
}

output "registry_url" {
  description = "Where the functions' images are, in the region that serves."
  value       = "${local.serving_region}-docker.pkg.dev/${var.project_id}/${google_artifact_registry_repository.functions[local.serving_region].repository_id}"
}

output "service_accounts" {
  description = "Addresses of the accounts: functions' by their needs, who calls them, who builds them, and GitHub's."
  value = {
    functions = local.account
    callers   = local.caller
    build     = local.build_account
    github    = { for key, account in google_service_account.github : key => "${account.account_id}@${var.project_id}.iam.gserviceaccount.com" }
  }
}

output "buckets" {
  description = "Names of the buckets."
  value       = { for key, bucket in google_storage_bucket.this : key => bucket.name }
}

output "secrets_to_fill" {
  description = "Secrets whose values come from outside."
  # Of the resource, so that an apply of the secrets alone tells it, too.
  value = sort([for secret in local.secrets : google_secret_manager_secret.this[secret].secret_id])
}

output "dns_records" {
  description = "Records that the domain needs, if dns_zone doesn't make them."
  value       = values(local.dns_records)
}

output "github_variables" {
  description = "Variables on GitHub: of the environment that deploys here, and of the repository, whose workflows plan without it."
  value = var.github == null ? null : {
    environment = {
      PROJECT_ID     = var.project_id
      WIF_PROVIDER   = google_iam_workload_identity_pool_provider.github[0].name
      DEPLOY_ACCOUNT = google_service_account.github["deploy"].email
    }
    repository = { for name, value in {
      PROJECT_ID   = var.project_id
      WIF_PROVIDER = google_iam_workload_identity_pool_provider.github[0].name
      PLAN_ACCOUNT = google_service_account.github["plan"].email
    } : "${upper(local.github_environment)}_${name}" => value }
  }
}
