# Who may do what in the database.
#
# Each identity whose functions use the database signs in as itself, by IAM: there are
# no passwords. Two things let it in, the roles in capabilities.tf and the user here.
# What it may do inside is the database's own business: run-migrations, whose identity
# alone may change the schema, grants all others the role aksio_rows, which may read and
# write rows and nothing else, and people also what it takes to see and end statements of
# others (shared/database/migrations/access.go).

locals {
  database_users = { for key, needs in local.identities : key => trimsuffix(local.account[key], ".gserviceaccount.com") if contains(needs, "database") }

  # Functions that get rows and no more.
  row_users = sort([for key, user in local.database_users : user if !contains(local.identities[key], "schema")])

  migrators = [for id, f in local.functions : id if contains(f.needs, "schema")]
}

resource "google_sql_user" "function" {
  for_each = local.database_users

  instance = google_sql_database_instance.main.name
  type     = "CLOUD_IAM_SERVICE_ACCOUNT"
  # The account's address without its end: PostgreSQL's names are short.
  name = each.value

  # May create extensions and grant roles. It owns the tables, too: whatever else it
  # declares makes another identity of it, see TRAPS.md.
  database_roles = contains(local.identities[each.key], "schema") ? ["cloudsqlsuperuser"] : null

  # A user who owns or was granted anything can't be dropped, and nobody can sign in as
  # one whose account is gone.
  deletion_policy = "ABANDON"
}

# Who is named here may sign in (`go run ./scripts/cloud database`), read and write rows,
# and see and end other sessions.
resource "google_sql_user" "person" {
  for_each = var.database_people

  instance        = google_sql_database_instance.main.name
  type            = "CLOUD_IAM_USER"
  name            = each.value
  deletion_policy = "ABANDON"
}

resource "google_project_iam_member" "person" {
  for_each = { for pair in setproduct(var.database_people, ["roles/cloudsql.client", "roles/cloudsql.instanceUser"]) : "${pair[0]}/${pair[1]}" => { person = pair[0], role = pair[1] } }

  project = var.project_id
  role    = each.value.role
  member  = "user:${each.value.person}"

  condition {
    title      = local.on_instance.title
    expression = local.on_instance.expression
  }
}
