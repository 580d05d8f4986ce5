# APIs that the resources need. They stay on when this is destroyed: others in the
# project may use them.

locals {
  apis = setunion(
    [
      "artifactregistry.googleapis.com",
      "cloudbuild.googleapis.com",
      "cloudfunctions.googleapis.com",
      "cloudresourcemanager.googleapis.com",
      "cloudscheduler.googleapis.com",
      "firebaserules.googleapis.com",
      "firestore.googleapis.com",
      "iam.googleapis.com",
      "iamcredentials.googleapis.com",
      "logging.googleapis.com",
      "monitoring.googleapis.com",
      "pubsub.googleapis.com",
      "run.googleapis.com",
      "secretmanager.googleapis.com",
      "serviceusage.googleapis.com",
      "sqladmin.googleapis.com",
      "storage.googleapis.com",
      "sts.googleapis.com",
    ],
    local.networked || local.load_balanced ? ["compute.googleapis.com"] : [],
    local.load_balanced ? ["certificatemanager.googleapis.com"] : [],
    var.dns_zone != null ? ["dns.googleapis.com"] : [],
    local.private_database || var.redis.enabled ? ["servicenetworking.googleapis.com"] : [],
    var.redis.enabled ? ["redis.googleapis.com"] : [],
    var.budget != null ? ["billingbudgets.googleapis.com"] : [],
  )
}

resource "google_project_service" "api" {
  for_each = local.apis

  service            = each.value
  disable_on_destroy = false
}

data "google_project" "this" {
  project_id = var.project_id
}

locals {
  project_number = data.google_project.this.number
}
