# What people and the delivery read.

output "project_id" {
  description = "The project that this environment is in."
  value       = var.project_id
}

output "environment" {
  value = var.environment
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

output "service_accounts" {
  description = "Address of the account of each set of needs, and of those that are no function's."
  value = merge(
    local.account,
    local.caller,
    { build = local.build_account },
  )
}

output "database_connection_name" {
  description = "The database that is written, for the connector: project:region:instance."
  value       = local.serving_database
}

output "database_name" {
  value = google_sql_database.main.name
}

output "database_connections" {
  description = "What all functions may open at the same time, of what the database lets in."
  value       = "${local.connections_wanted} of ${local.database_connections}"
}

output "buckets" {
  description = "Names of the buckets."
  value       = { for key, bucket in google_storage_bucket.this : key => bucket.name }
}

output "registry_url" {
  description = "Where the functions' images are."
  value       = "${local.serving_region}-docker.pkg.dev/${var.project_id}/${local.name}-registry"
}

output "secrets_to_fill" {
  description = "Secrets whose values come from outside."
  value       = sort(local.secrets)
}

output "dns_records" {
  description = "Records that the domain needs, if dns_zone doesn't make them."
  value       = values(local.dns_records)
}
