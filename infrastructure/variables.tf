# What differs between environments. environments/<environment>.tfvars sets it;
# project_id comes from TF_VAR_project_id.

variable "project_id" {
  description = "The Google Cloud project. One project holds one environment."
  type        = string
  default     = null

  validation {
    condition     = var.project_id != null
    error_message = "project_id is missing: set TF_VAR_project_id to the id of the environment's project (gcloud projects list shows it)."
  }
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", coalesce(var.project_id, "valid-id")))
    error_message = "project_id isn't a project's id: write the id, such as aksio-staging-1234, not its name or number."
  }
}

variable "environment" {
  description = "dev, staging or prod. It is part of the names of all resources, and dev's may be destroyed."
  type        = string
  default     = null

  validation {
    condition     = contains(["dev", "staging", "prod"], coalesce(var.environment, "missing"))
    error_message = "environment must be dev, staging or prod: pass -var-file=environments/staging.tfvars or environments/production.tfvars."
  }
}

variable "region" {
  description = "Where everything that has a region is. The cost model prices europe-west1."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a Google Cloud region, such as europe-west1: a zone (europe-west1-b) or a multi-region (EU) is none."
  }
}
