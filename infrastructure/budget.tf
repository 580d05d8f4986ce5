# Spending. Budgets only tell, they stop nothing: emergency-scale-down.md does.

variable "budget" {
  description = "The billing account (gcloud billing accounts list) and what a month may cost in its currency. Null watches nothing; the account that applies then needs no right to billing."
  type        = object({ billing_account = string, amount = number })
  default     = null

  validation {
    condition     = var.budget == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget.billing_account is the account's id, such as 012345-6789AB-CDEF01."
  }
}

resource "google_billing_budget" "month" {
  count = var.budget == null ? 0 : 1

  billing_account = var.budget.billing_account
  display_name    = local.name

  budget_filter {
    projects = ["projects/${local.project_number}"]
  }
  amount {
    specified_amount {
      units = tostring(floor(var.budget.amount))
    }
  }

  dynamic "threshold_rules" {
    for_each = [0.5, 0.9, 1]
    content {
      threshold_percent = threshold_rules.value
    }
  }
  threshold_rules {
    threshold_percent = 1.2
    spend_basis       = "FORECASTED_SPEND"
  }

  all_updates_rule {
    monitoring_notification_channels = [for channel in google_monitoring_notification_channel.email : channel.id]
    disable_default_iam_recipients   = false
  }

  depends_on = [google_project_service.api]
}
