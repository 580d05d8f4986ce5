# Staging as it is: run with -var-file=environments/staging.tfvars.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aksio-test-1"
}

run "staging" {
  command = plan

  assert {
    condition     = length(module.function) == length(local.functions)
    error_message = "Staging has all functions that production has."
  }

  # --- Nothing bills by the hour but the database

  assert {
    condition = 0 == (
      length(google_compute_global_forwarding_rule.https) + length(google_compute_global_forwarding_rule.redirect) + length(google_compute_global_address.edge) +
      length(google_compute_security_policy.edge) + length(google_redis_instance.main) + length(google_compute_network.main) + length(google_sql_database_instance.standby)
    )
    error_message = "No load balancer, no Cloud Armor, no Redis, no network, no second database."
  }
  assert {
    condition     = alltrue([for f in module.function : f.min_instances == 0])
    error_message = "No instance is kept warm."
  }
  assert {
    condition     = google_sql_database_instance.main.settings[0].tier == "db-g1-small" && google_sql_database_instance.main.settings[0].availability_type == "ZONAL"
    error_message = "The database is a small one."
  }
  assert {
    condition     = google_sql_database_instance.main.settings[0].backup_configuration[0].point_in_time_recovery_enabled && google_sql_database_instance.main.deletion_protection
    error_message = "Staging's database is as safe as production's."
  }

  # --- The router is the one way in

  assert {
    condition     = module.function["edge-router"].members == tolist(["allUsers"]) && module.function["edge-router"].ingress == "ALLOW_ALL"
    error_message = "Anybody may call the router."
  }
  assert {
    condition     = alltrue([for id in keys(local.public) : module.function[id].members == tolist([local.router_member]) if id != "edge-router"])
    error_message = "Nobody but the router may call people's functions: what it says of the caller's address is believed."
  }
  assert {
    condition     = local.router_environment["europe-west1"].ROUTER_IDENTITY == "true" && local.router_environment["europe-west1"].TRUSTED_PROXIES == "1"
    error_message = "The router says who it is, and believes the platform alone."
  }
  assert {
    condition     = local.settings.API_URL == output.api_url && endswith(output.api_url, ".europe-west1.run.app")
    error_message = "Links are of the router's own address."
  }
}

run "another_region" {
  command = plan
  variables {
    region = "europe-north1"
  }

  assert {
    condition = toset(concat(
      [for bucket in google_storage_bucket.this : lower(bucket.location)],
      [google_sql_database_instance.main.region, google_sql_database_instance.main.settings[0].backup_configuration[0].location],
      [google_firestore_database.main.location_id, google_logging_project_bucket_config.failures.location],
      [for job in google_cloud_scheduler_job.function : job.region],
      [for repository in google_artifact_registry_repository.functions : repository.location],
      [output.region, split(".", output.api_url)[1]],
    )) == toset(["europe-north1"])
    error_message = "Something stays behind when the region is another."
  }
}
