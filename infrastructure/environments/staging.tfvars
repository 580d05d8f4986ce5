# Nothing here bills by the hour but the database: no load balancer, no instance
# that is kept warm.
environment = "staging"

frontend_origins = ["https://staging.aksio.app", "http://localhost:3000"]

# Each function once and not kept warm: nobody waits for staging.
scaling = {
  max_instances = 1
  keep_warm     = false
}

# The smallest that holds the connections of all functions: in f1-micro's 0.6 GB a
# test that calls each once would end it.
database = {
  tier            = "db-g1-small"
  max_connections = 400
}

# Who may sign in to the database by `cloud database`, as the runbooks have it; who is told
# of alerts; and the repository whose workflows deploy here: README.md of the folder above.
#
#   database_people = ["ada@aksio.app"]
#   alerting        = { emails = ["oncall@aksio.app"] }
#   github          = { repository = "aksio/backend", owner_id = "1234" }
