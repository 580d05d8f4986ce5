terraform {
  required_version = "~> 1.11"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "7.45.0" # exactly: the lock file isn't committed, see TRAPS.md
    }
  }

  # The rest comes from environments/<environment>.gcs.tfbackend and the command
  # line; Cloud Storage locks the state.
  backend "gcs" {}
}

provider "google" {
  project = var.project_id
  region  = var.region

  # On everything that takes labels by that name; what calls them user_labels sets them itself.
  default_labels = local.labels

  # Quotas of the APIs that insist on a project are this one's.
  user_project_override = true
  billing_project       = var.project_id
}
