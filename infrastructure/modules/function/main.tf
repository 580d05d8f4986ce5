# One function, and who may call it.

resource "google_cloudfunctions2_function" "this" {
  name        = var.id
  location    = var.region
  description = "${var.declaration.access}, ${var.declaration.trigger}"

  labels = {
    area    = split("-", var.id)[0]
    access  = var.declaration.access
    trigger = var.declaration.trigger
  }

  build_config {
    runtime           = var.runtime
    entry_point       = var.id
    service_account   = var.build_account
    docker_repository = var.repository
    automatic_update_policy {}
    # Nobody reads it.
    environment_variables = var.rebuild == null ? null : { REBUILD = var.rebuild }

    source {
      storage_source {
        bucket = var.bundle.bucket
        object = var.bundle.object
      }
    }
  }

  service_config {
    available_memory                 = "${var.declaration.memory_mib}Mi"
    available_cpu                    = tostring(var.declaration.cpu)
    max_instance_request_concurrency = var.declaration.concurrency
    # The function ends a call by itself at what it declares, and has to say so before the
    # platform cuts it off.
    timeout_seconds    = min(3600, var.declaration.timeout_seconds + 5)
    max_instance_count = var.max_instances
    min_instance_count = var.min_instances

    service_account_email          = var.service_account
    ingress_settings               = var.ingress
    all_traffic_on_latest_revision = true

    environment_variables = var.settings

    dynamic "secret_environment_variables" {
      for_each = var.secrets
      content {
        key        = secret_environment_variables.key
        project_id = var.project_id
        secret     = secret_environment_variables.value
        version    = "latest"
      }
    }

    direct_vpc_egress = var.network == null ? null : var.network.everything ? "VPC_EGRESS_ALL_TRAFFIC" : "VPC_EGRESS_PRIVATE_RANGES_ONLY"
    dynamic "direct_vpc_network_interface" {
      for_each = var.network == null ? [] : [var.network]
      content {
        network    = direct_vpc_network_interface.value.name
        subnetwork = direct_vpc_network_interface.value.subnetwork
      }
    }
  }
}

# IAM of a second-generation function is its service's.
resource "google_cloud_run_v2_service_iam_member" "invoker" {
  for_each = var.invokers

  name     = google_cloudfunctions2_function.this.name
  location = var.region
  role     = "roles/run.invoker"
  member   = each.value

  lifecycle {
    # A service that is made anew has lost it.
    replace_triggered_by = [google_cloudfunctions2_function.this.id]
  }
}
