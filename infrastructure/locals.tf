# Names that every file builds on.

locals {
  # Of resources, such as aksio-prod-db. Functions are called by their ids alone,
  # because that name is in their addresses.
  name = "aksio-${var.environment}"

  labels = {
    project     = "aksio"
    environment = var.environment
    managed_by  = "terraform"
  }

  # Data outlives mistakes everywhere but in dev: deletion protection, soft delete,
  # backups that stay.
  durable = var.environment != "dev"

  # What the functions declare, by id; `make generate` writes it.
  functions = jsondecode(file("${path.module}/${var.declarations}"))

  # Functions that run by events and by the clock.
  finalized = { for id, f in local.functions : id => f if f.trigger == "finalized" }
  scheduled = { for id, f in local.functions : id => f if f.trigger == "scheduled" }

  # Functions that people call: anybody, or who is signed in.
  public = { for id, f in local.functions : id => f if f.access != "private" }
}

locals {
  # Where functions and data are: one region, or two (standby.tf).
  standby          = var.standby.region != null
  regions          = toset(compact([var.region, var.standby.region]))
  function_regions = var.standby.functions ? local.regions : toset([var.region])

  # After a failover the second region serves.
  failed_over    = local.standby && var.standby.serving
  serving_region = local.failed_over ? var.standby.region : var.region

  # Calls come through the load balancer if there is a domain for it, else straight
  # to the router.
  load_balanced = var.domain_name != null
  router_on     = var.router && contains(keys(local.functions), local.router)
}
