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
  functions = jsondecode(file("${path.module}/functions.json"))

  # Functions by what makes them run.
  http      = { for id, f in local.functions : id => f if f.trigger == "http" }
  finalized = { for id, f in local.functions : id => f if f.trigger == "finalized" }
  scheduled = { for id, f in local.functions : id => f if f.trigger == "scheduled" }

  # Functions that people call: anybody, or who is signed in.
  public = { for id, f in local.functions : id => f if f.access != "private" }
}
