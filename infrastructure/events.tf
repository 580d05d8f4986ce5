# An upload is complete: the bucket tells a topic, the topic's subscriptions push to
# the functions that wait for it.
#
# Eventarc would do the same with less to write here, but it makes the subscription
# itself and gives up after a day. Ours keeps an event for a week, backs off, and puts
# what a function refuses time and again aside, where it is seen and can be sent again.

data "google_storage_project_service_account" "this" {
  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic" "uploads" {
  name = "${local.name}-uploads"

  message_storage_policy {
    allowed_persistence_regions = sort(local.regions)
  }
  depends_on = [google_project_service.api]
}

resource "google_pubsub_topic_iam_member" "storage_publishes" {
  topic  = google_pubsub_topic.uploads.id
  role   = "roles/pubsub.publisher"
  member = data.google_storage_project_service_account.this.member
}

resource "google_storage_notification" "uploads" {
  bucket         = google_storage_bucket.this["uploads"].name
  topic          = google_pubsub_topic.uploads.id
  payload_format = "JSON_API_V1"
  event_types    = ["OBJECT_FINALIZE"]

  depends_on = [google_pubsub_topic_iam_member.storage_publishes]
}

resource "google_pubsub_subscription" "finalized" {
  for_each = local.finalized

  name  = "${local.name}-${each.key}"
  topic = google_pubsub_topic.uploads.id

  # As long as the function may take, and a bit: an event that is still being worked
  # on doesn't come again.
  ack_deadline_seconds       = min(600, each.value.timeout_seconds + 30)
  message_retention_duration = "${7 * 86400}s"
  expiration_policy {
    ttl = "" # never
  }

  push_config {
    push_endpoint = "${module.function[local.serving[each.key]].uri}/internal/${each.key}/"
    oidc_token {
      service_account_email = local.caller["events"]
      audience              = module.function[local.serving[each.key]].uri
    }
  }

  retry_policy {
    minimum_backoff = "10s"
    maximum_backoff = "600s"
  }

  dead_letter_policy {
    dead_letter_topic = google_pubsub_topic.dead_letter.id
    # With the longest wait in between: some hours.
    max_delivery_attempts = 20
  }

  depends_on = [google_pubsub_topic_iam_member.dead_letter, google_service_account_iam_member.pubsub_signs]
}

# What no function takes. run-redrive goes on with the documents; the events are
# kept as evidence, and to be sent again.
resource "google_pubsub_topic" "dead_letter" {
  name = "${local.name}-dead-letter"

  message_storage_policy {
    allowed_persistence_regions = sort(local.regions)
  }
  depends_on = [google_project_service.api]
}

resource "google_pubsub_subscription" "dead_letter" {
  name                       = "${local.name}-dead-letter"
  topic                      = google_pubsub_topic.dead_letter.id
  message_retention_duration = "${31 * 86400}s"
  expiration_policy {
    ttl = "" # never
  }
}

# Pub/Sub itself moves them, by an account that Google makes with the project's first use of
# it. This provider has nothing that would ask for it: `cloud bootstrap` does. One that is
# asked for has no role that isn't granted here.
resource "google_pubsub_topic_iam_member" "dead_letter" {
  topic  = google_pubsub_topic.dead_letter.id
  role   = "roles/pubsub.publisher"
  member = local.pubsub_agent
}

resource "google_pubsub_subscription_iam_member" "dead_letter" {
  for_each = local.finalized

  subscription = google_pubsub_subscription.finalized[each.key].id
  role         = "roles/pubsub.subscriber"
  member       = local.pubsub_agent
}

# It signs who delivers: without this every push would be refused.
resource "google_service_account_iam_member" "pubsub_signs" {
  service_account_id = "projects/${var.project_id}/serviceAccounts/${local.caller["events"]}"
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent
  depends_on         = [google_service_account_iam_member.deploy_manages]
}

locals {
  pubsub_agent = "serviceAccount:service-${local.project_number}@gcp-sa-pubsub.iam.gserviceaccount.com"
}
