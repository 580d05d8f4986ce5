output "name" {
  description = "The function's name."
  value       = google_cloudfunctions2_function.this.name
}

output "uri" {
  description = "Its own address, which its ingress may close to the internet."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}

output "ingress" {
  description = "From where calls may come."
  value       = google_cloudfunctions2_function.this.service_config[0].ingress_settings
}

output "members" {
  description = "Who may call."
  value       = sort([for grant in google_cloud_run_v2_service_iam_member.invoker : grant.member])
}

output "build_variables" {
  description = "What its build is told."
  value       = google_cloudfunctions2_function.this.build_config[0].environment_variables
}

output "min_instances" {
  description = "How many are kept warm."
  value       = google_cloudfunctions2_function.this.service_config[0].min_instance_count
}
