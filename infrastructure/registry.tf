# Images of the functions. Every deployment adds some; the old ones go.

resource "google_artifact_registry_repository" "functions" {
  for_each = local.function_regions

  repository_id = "${local.name}-registry"
  location      = each.value
  format        = "DOCKER"
  description   = "Images of the functions; Cloud Functions builds them"

  # Try new policies with true: what they would delete is then only logged.
  cleanup_policy_dry_run = var.registry_dry_run

  # A policy that keeps wins over one that deletes.
  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"
    most_recent_versions {
      keep_count = 5
    }
  }
  cleanup_policies {
    id     = "delete-untagged"
    action = "DELETE"
    condition {
      tag_state  = "UNTAGGED"
      older_than = "${7 * 86400}s"
    }
  }
  cleanup_policies {
    id     = "delete-old"
    action = "DELETE"
    condition {
      tag_state  = "ANY"
      older_than = "${60 * 86400}s"
    }
  }

  depends_on = [google_project_service.api]
}
