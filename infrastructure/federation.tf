# GitHub's workflows act here without a key: Workload Identity Federation takes the
# token that GitHub signs for a job. Two accounts. Any branch of the repository may plan,
# which only reads, but production main alone: whoever may push a branch writes its
# workflows. And main alone may apply, in a job of this environment's, which GitHub starts
# when its rules are met.

resource "google_iam_workload_identity_pool" "github" {
  count = var.github == null ? 0 : 1

  workload_identity_pool_id = "${local.name}-github"
  display_name              = "GitHub Actions"
  depends_on                = [google_project_service.api]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  # checkov:skip=CKV_GCP_125: the condition is on the repository and its owner's number, which don't change with what started the job as the subject does; github_accounts says which branch may what

  count = var.github == null ? 0 : 1

  workload_identity_pool_id          = google_iam_workload_identity_pool.github[0].workload_identity_pool_id
  workload_identity_pool_provider_id = "github"

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
    "attribute.branch"     = "assertion.repository + '@' + assertion.ref"
    # What may apply: a branch, not a pull request from it, and only in the environment
    # whose rules say who approves. Jobs without one have no such claim.
    "attribute.deploys" = "assertion.repository + '@' + assertion.ref + '@' + (has(assertion.environment) ? assertion.environment : '')"
  }
  # The owner's number, since a name can change hands; and no fork.
  attribute_condition = "assertion.repository_owner_id == '${var.github.owner_id}' && assertion.repository == '${var.github.repository}'"
}

locals {
  # As deploy.yml calls it.
  github_environment = var.environment == "prod" ? "production" : var.environment

  github_accounts = {
    # A pull request shows what it changes in staging; what main would change in production
    # is shown to whoever approves it.
    plan = { display_name = "GitHub plans", who = (
      var.environment == "prod" ?
      "attribute.branch/${try(var.github.repository, "")}@refs/heads/main" :
      "attribute.repository/${try(var.github.repository, "")}"
    ) }
    deploy = { display_name = "GitHub deploys", who = "attribute.deploys/${try(var.github.repository, "")}@refs/heads/main@${local.github_environment}" }
  }

  # What a plan reads of each resource that is declared, and nothing that they hold: no
  # secret's value, no file, no row, no document, no line of the log. Where Google's role
  # for a service would read more, own_roles.plan does (identities.tf). The provider names
  # this project with each call (versions.tf), which takes the consumer's.
  plan_roles = [
    local.own_roles.plan,
    "roles/artifactregistry.reader",
    "roles/browser",
    "roles/certificatemanager.viewer",
    "roles/cloudfunctions.viewer",
    "roles/cloudscheduler.viewer",
    "roles/compute.viewer",
    "roles/dns.reader",
    "roles/firebaserules.viewer",
    "roles/iam.workloadIdentityPoolViewer",
    "roles/monitoring.viewer",
    "roles/pubsub.viewer",
    "roles/redis.viewer",
    "roles/secretmanager.viewer",
    "roles/serviceusage.serviceUsageConsumer",
  ]

  # Makes and changes what is declared here, but for roles of our own (identities.tf): who
  # may change a role may put anything into one that it holds. An owner applies such a
  # change, see TRAPS.md. Whoever deploys code may in effect do what
  # the code may: that main is protected and production is approved by a person is
  # what guards it.
  deploy_roles = [
    "roles/artifactregistry.admin",
    "roles/certificatemanager.owner",
    "roles/cloudfunctions.admin",
    "roles/cloudscheduler.admin",
    "roles/cloudsql.admin",
    "roles/compute.loadBalancerAdmin",
    "roles/compute.networkAdmin",
    "roles/compute.securityAdmin",
    "roles/datastore.owner",
    "roles/dns.admin",
    "roles/firebaserules.admin",
    "roles/iam.serviceAccountCreator",
    "roles/iam.serviceAccountDeleter",
    "roles/logging.configWriter",
    "roles/monitoring.admin",
    "roles/pubsub.admin",
    "roles/redis.admin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
    "roles/storage.admin",
  ]

  # The roles that the configuration grants on the project; the deployment may grant
  # these and no others, so that it can't make itself an owner.
  grantable_roles = distinct(concat([for grant in local.function_grants : grant.role if grant.kind == "project"],
  ["roles/logging.logWriter", "roles/storage.objectViewer"], local.plan_roles, local.deploy_roles))

  # hasOnly takes ten roles, so the list is split. A change grants one role and so fits
  # into one part.
  may_grant = join(" || ", [for roles in chunklist(sort(local.grantable_roles), 10) :
  "api.getAttribute('iam.googleapis.com/modifiedGrantsByRole', []).hasOnly([${join(", ", [for role in roles : "'${role}'"])}])"])

  deploy_account = var.github == null ? null : "${google_service_account.github["deploy"].account_id}@${var.project_id}.iam.gserviceaccount.com"
}

resource "google_service_account" "github" {
  for_each = var.github == null ? {} : local.github_accounts

  account_id   = "${local.name}-${each.key}"
  display_name = each.value.display_name
  depends_on   = [google_project_service.api]
}

resource "google_service_account_iam_member" "github" {
  for_each = var.github == null ? {} : local.github_accounts

  service_account_id = google_service_account.github[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/${each.value.who}"
}

resource "google_project_iam_member" "github" {
  for_each = var.github == null ? {} : merge(
    { for role in local.plan_roles : "plan/${role}" => { account = "plan", role = role } },
    { for role in concat(local.plan_roles, local.deploy_roles) : "deploy/${role}" => { account = "deploy", role = role } },
  )

  project = var.project_id
  role    = each.value.role
  member  = google_service_account.github[each.value.account].member
}

resource "google_project_iam_member" "deploy_grants" {
  count = var.github == null ? 0 : 1

  project = var.project_id
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = google_service_account.github["deploy"].member

  condition {
    title       = "only what the configuration grants"
    expression  = local.may_grant
    description = "See grantable_roles in federation.tf"
  }
}

# Accounts that things of ours run as.
locals {
  deployed_accounts = var.github == null ? {} : merge(
    { for key, account in google_service_account.function : "function/${key}" => account.name },
    { for key, account in google_service_account.caller : "caller/${key}" => account.name },
    { build = google_service_account.build.name },
  )
}

# Who may use these the deployment may say, and of no other account: it could let itself
# use one that may do more. No condition of a role on the project can say which accounts,
# so that an owner applies a new one, see TRAPS.md.
resource "google_service_account_iam_member" "deploy_manages" {
  for_each = local.deployed_accounts

  service_account_id = each.value
  role               = "roles/iam.serviceAccountAdmin"
  member             = google_service_account.github["deploy"].member
}

# A function, a subscription and a job run as an account that whoever makes them must
# be allowed to use: these, and no account of somebody else's.
resource "google_service_account_iam_member" "deploy_uses" {
  for_each = local.deployed_accounts

  service_account_id = each.value
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.github["deploy"].member
  # It goes before the right to remove it does.
  depends_on = [google_service_account_iam_member.deploy_manages]
}

# The bundles of the last release, which a plan compares with what is deployed.
resource "google_storage_bucket_iam_member" "plan_bundles" {
  count = var.github == null ? 0 : 1

  bucket = google_storage_bucket.this["bundles"].name
  role   = "roles/storage.objectViewer"
  member = google_service_account.github["plan"].member
}

# The state is read to plan, and written to apply.
resource "google_storage_bucket_iam_member" "state" {
  for_each = var.github == null ? {} : { plan = "roles/storage.objectViewer", deploy = "roles/storage.objectUser" }

  bucket = "${var.project_id}-terraform"
  role   = each.value
  member = google_service_account.github[each.key].member
}

# gcloud hands out no identity token for a federated account: it gets one by
# impersonating the account, which is itself. It asks for an access token on the way, so
# that serviceAccountOpenIdTokenCreator wouldn't do.
resource "google_service_account_iam_member" "deploy_identifies" {
  count = var.github == null ? 0 : 1

  service_account_id = google_service_account.github["deploy"].name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = google_service_account.github["deploy"].member
}
