environment = "prod"

domain_name      = "api.aksio.app"
frontend_origins = ["https://aksio.app", "https://www.aksio.app"]

database = {
  tier              = "db-custom-2-7680"
  high_availability = true
  disk_gb           = 50
  backups           = 14
}

# They outlive the region.
storage = {
  location         = "EU"
  backups_location = "EU"
}

# Who may sign in to the database by `cloud database`, as the runbooks have it; who is told
# of alerts; and the repository whose workflows deploy here: README.md of the folder above.
#
#   database_people = ["ada@aksio.app"]
#   alerting        = { emails = ["oncall@aksio.app"] }
#   github          = { repository = "aksio/backend", owner_id = "1234" }
