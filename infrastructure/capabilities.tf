# What a function may do follows from what it declares that it needs. Each need
# stands here once: the grants of whoever declares it, the settings that it reads
# and the secrets that the platform puts into its environment.
#
# A grant is on the one thing that it is about. Only three roles have no narrower
# place than the project; a condition names the thing.
#
#   buckets   bucket => roles
#   secrets   secret => roles, for what reads secrets itself
#   env       setting => secret, for what is handed its value at start
#   project   role => condition (title and expression), or null where none can be had
#   signs     may sign URLs as itself
#   vpc       has to reach private addresses

locals {
  capabilities = {
    database = {
      project = {
        "roles/cloudsql.client"       = local.on_instance
        "roles/cloudsql.instanceUser" = local.on_instance
      }
      vpc = local.private_database
    }
    # Changes the schema, in addition to database: see database_access.tf.
    schema = {}
    uploads = {
      buckets = { uploads = ["roles/storage.objectUser"] }
      signs   = true
    }
    live = {
      project = { "roles/datastore.user" = local.on_firestore }
    }
    ai = {
      env = { OPENAI_API_KEY = "openai-api-key" }
    }
    # Counts in Redis where there is one, else in the database.
    limits = {
      env = var.redis.enabled ? { REDIS_URL = "redis-url" } : {}
      vpc = var.redis.enabled
    }
    secrets = {
      # The viewer lists versions: one that no longer signs still verifies.
      secrets = { token-signing-key = ["roles/secretmanager.secretAccessor", "roles/secretmanager.viewer"] }
    }
    backups = {
      # Writes and looks, but can't remove: a backup outlives whoever made it.
      buckets = { backups = ["roles/storage.objectCreator", "roles/storage.objectViewer"] }
      # Asking for an operation's state is no request for the instance, so that a
      # condition on the instance would refuse it.
      project = { (local.own_roles.export) = null }
    }
    # Restores the newest backup to an instance made for it, and removes that.
    restore-drills = {
      buckets = {
        backups = ["roles/storage.objectViewer"]
        drills  = ["roles/storage.admin"] # lets the instance in, which reads a copy there
      }
      project = {
        (local.own_roles.drill_see)     = null
        (local.own_roles.drill_scratch) = local.on_scratch
      }
    }
    # Calls the other functions in the name of whoever called it: see router.tf.
    functions = {
      vpc = local.load_balanced
    }
  }

  # The instance, its copy in the second region, and what was restored from it.
  on_instance = {
    title      = "the database's instances"
    expression = "resource.service == 'sqladmin.googleapis.com' && resource.name.startsWith('projects/${var.project_id}/instances/${local.name}-db')"
  }
  on_scratch = {
    title      = "instances made for drills"
    expression = "resource.service == 'sqladmin.googleapis.com' && (${join(" || ", [for instance in local.drilled : "resource.name.startsWith('projects/${var.project_id}/instances/${instance}-drill-')"])})"
  }
  # Instances that may serve: a drill's is named for the one that does (shared/backups/lab.go).
  drilled = distinct(compact([local.database_name, local.standby_name, var.database.restored]))
  on_firestore = {
    title      = "this database"
    expression = "resource.name == 'projects/${var.project_id}/databases/${local.firestore_database}'"
  }

  # Needs that nobody described: a precondition of the functions says so.
  unknown_needs = setsubtract(flatten([for f in local.functions : f.needs]), keys(local.capabilities))

  # By function: what its needs add up to.
  needed = {
    for id, f in local.functions : id => {
      env = { for pair in flatten([
        for need in f.needs : [for setting, secret in try(local.capabilities[need].env, {}) : { setting = setting, secret = secret }]
      ]) : pair.setting => pair.secret if !contains(var.absent_secrets, pair.secret) }
      vpc = anytrue([for need in f.needs : try(local.capabilities[need].vpc, false)])
    }
  }
}
