environment = "prod"

domain_name      = "api.aksio.app"
frontend_origins = ["https://aksio.app", "https://www.aksio.app"]

database = {
  tier              = "db-custom-2-7680"
  high_availability = true
  disk_gb           = 50
  backups           = 14
}

storage = {
  location = "EU"
}
