# What has to be right before anything is made. A check says what to do.

# The project and environment that this state was begun for. It never changes.
resource "terraform_data" "environment" {
  input = "${var.environment} in ${var.project_id}"

  lifecycle {
    ignore_changes = [input]
  }
}

resource "terraform_data" "checks" {
  lifecycle {
    precondition {
      condition     = terraform_data.environment.output == "${var.environment} in ${var.project_id}"
      error_message = "This state is of ${terraform_data.environment.output}, but you are about to apply ${var.environment} in ${var.project_id} to it. Run terraform init -reconfigure with the environment's own backend, or pass the project and the variables that belong to this one."
    }
    precondition {
      condition     = contains(["", var.environment], lookup(data.google_project.this.labels, "environment", ""))
      error_message = "The project ${var.project_id} is labelled environment=${lookup(data.google_project.this.labels, "environment", "")} and not ${var.environment}: set TF_VAR_project_id to this environment's project."
    }
    precondition {
      condition     = length(local.unknown_needs) == 0
      error_message = "${var.declarations} has needs that nobody described: ${join(", ", local.unknown_needs)}. Say in capabilities.tf what each one may do."
    }
    precondition {
      condition     = alltrue([for f in local.finalized : f.timeout_seconds <= 540]) && alltrue([for f in local.scheduled : f.timeout_seconds <= 1800])
      error_message = "Pub/Sub waits 600 s for an answer and the scheduler 1,800 s, but ${join(", ", [for id, f in merge(local.finalized, local.scheduled) : id if f.timeout_seconds > (f.trigger == "finalized" ? 540 : 1800)])} declare more: lower their Timeout, to at most 540 s and 1,800 s."
    }
    precondition {
      condition     = alltrue([for f in local.functions : f.concurrency == 1 || f.cpu >= 1])
      error_message = "Less than one CPU serves one call at a time, but ${join(", ", [for id, f in local.functions : id if f.concurrency > 1 && f.cpu < 1])} declare a concurrency: raise their CPU."
    }
    precondition {
      condition     = alltrue([for id, window in local.silence_window : window > 0 || contains(local.missed_by_health, id)])
      error_message = "Nobody would miss ${join(", ", [for id, window in local.silence_window : id if window == 0 && !contains(local.missed_by_health, id)])}: an alert looks back 25 hours at most and knows schedules such as */5 * * * *, 30 * * * *, 0 */6 * * * and 30 3 * * *. Give it one of these, or let the health check miss it (shared/operations) and say so in alerts.tf (missed_by_health)."
    }
    precondition {
      condition     = length(distinct([for id in local.migrators : local.identity[id]])) <= 1
      error_message = "The tables belong to the one identity that changes the schema, but ${join(" and ", local.migrators)} would be different ones: give them the same Needs."
    }
  }
}
