output "name" {
  description = "The function's name."
  value       = google_cloudfunctions2_function.this.name
}

output "service" {
  description = "Full name of the service that it runs as."
  value       = google_cloudfunctions2_function.this.service_config[0].service
}

output "uri" {
  description = "Its own address, which its ingress may close to the internet."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}
