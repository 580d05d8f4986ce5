# What can be switched.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id   = "aksio-test-1"
  environment  = "prod"
  domain_name  = "api.aksio.app"
  declarations = "tests/fixtures/few.json"
}

run "private_database" {
  command = plan
  variables {
    database = { network = "private" }
  }
  assert {
    condition     = !google_sql_database_instance.main.settings[0].ip_configuration[0].ipv4_enabled && local.settings.CLOUD_SQL_PRIVATE_IP == "true"
    error_message = "The database has no public address, and functions know."
  }
  assert {
    condition     = alltrue([for id, f in local.functions : local.needed[id].vpc == (contains(f.needs, "database") || id == "edge-router")])
    error_message = "Functions that use the database join its network, and no others but the router."
  }
}

run "redis" {
  command = plan
  variables {
    redis = { enabled = true, high_availability = true, memory_gb = 4 }
  }
  assert {
    condition     = google_redis_instance.main[0].auth_enabled && google_redis_instance.main[0].transit_encryption_mode == "SERVER_AUTHENTICATION" && google_redis_instance.main[0].tier == "STANDARD_HA"
    error_message = "Redis asks for a password and speaks TLS."
  }
  assert {
    condition     = contains(local.apis, "redis.googleapis.com") && contains(keys(google_secret_manager_secret.this), "redis-url")
    error_message = "Its address is a secret."
  }
  assert {
    condition     = !contains(output.secrets_to_fill, "redis-url")
    error_message = "Nobody has to fill it in."
  }
  assert {
    condition     = alltrue([for id, f in local.functions : try(local.needed[id].env.REDIS_URL, "") == (contains(f.needs, "limits") ? "redis-url" : "")]) && length([for f in local.functions : f if contains(f.needs, "limits")]) > 0
    error_message = "Functions that need limits know its address, and no others."
  }
  assert {
    condition     = alltrue([for id, f in local.functions : local.needed[id].vpc == (contains(f.needs, "limits") || id == "edge-router")])
    error_message = "They join its network."
  }
}

run "no_router" {
  command = plan
  variables {
    router = false
  }
  assert {
    condition     = output.api_url == null && output.function_urls == "https://{function}.api.aksio.app" && !contains(keys(module.function), "edge-router")
    error_message = "Functions are reached by their own addresses alone."
  }
  assert {
    condition     = google_monitoring_uptime_check_config.health.monitored_resource[0].labels.host == "health-check.api.aksio.app"
    error_message = "The domain itself has static files and no health."
  }
  assert {
    condition     = length(google_compute_network.main) == 0
    error_message = "Without the router nothing needs a network."
  }
}

run "own_dns" {
  command = plan
  variables {
    dns_zone = "aksio"
  }
  assert {
    condition     = toset([for record in google_dns_record_set.edge : "${record.name} ${record.type}"]) == toset(["api.aksio.app. A", "api.aksio.app. AAAA", "*.api.aksio.app. A", "*.api.aksio.app. AAAA", "_acme-challenge.api.aksio.app. CNAME"])
    error_message = "The zone gets the addresses and the proof for the certificate."
  }
  override_resource {
    target          = google_certificate_manager_dns_authorization.edge
    override_during = plan
    values = {
      dns_resource_record = [{ name = "_acme-challenge.api.aksio.app.", type = "CNAME", data = "1234.authorize.certificatemanager.goog." }]
    }
  }
}

run "without_a_model" {
  command = plan
  variables {
    absent_secrets = ["openai-api-key"]
  }
  assert {
    condition     = !contains(output.secrets_to_fill, "openai-api-key") && alltrue([for n in local.needed : !contains(keys(n.env), "OPENAI_API_KEY")])
    error_message = "An absent secret isn't asked for."
  }
  assert {
    condition     = alltrue([for grant in google_secret_manager_secret_iam_member.function : grant.secret_id != "openai-api-key"])
    error_message = "Nobody may read it."
  }
}

run "standby" {
  command = plan
  variables {
    standby = { region = "europe-west4", functions = true }
  }
  assert {
    condition     = google_sql_database_instance.standby[0].instance_type == "READ_REPLICA_INSTANCE" && google_sql_database_instance.standby[0].region == "europe-west4"
    error_message = "The second region has a replica."
  }
  assert {
    condition     = toset(google_sql_database_instance.standby[0].settings[0].database_flags) == toset(google_sql_database_instance.main.settings[0].database_flags)
    error_message = "The replica has the database's flags."
  }
  assert {
    condition = (
      google_sql_database_instance.standby[0].settings[0].insights_config == google_sql_database_instance.main.settings[0].insights_config &&
      google_sql_database_instance.standby[0].settings[0].disk_autoresize_limit == google_sql_database_instance.main.settings[0].disk_autoresize_limit &&
      google_sql_database_instance.standby[0].settings[0].user_labels == google_sql_database_instance.main.settings[0].user_labels &&
      google_sql_database_instance.standby[0].settings[0].tier == google_sql_database_instance.main.settings[0].tier &&
      google_sql_database_instance.standby[0].settings[0].connector_enforcement == google_sql_database_instance.main.settings[0].connector_enforcement &&
      google_sql_database_instance.standby[0].settings[0].ip_configuration[0].ssl_mode == google_sql_database_instance.main.settings[0].ip_configuration[0].ssl_mode &&
      google_sql_database_instance.standby[0].settings[0].ip_configuration[0].ipv4_enabled == google_sql_database_instance.main.settings[0].ip_configuration[0].ipv4_enabled
    )
    error_message = "The replica is as large, as closed and as labelled as the database, and says as little of statements."
  }
  assert {
    condition     = length(module.function) == 2 * length(local.functions) && module.function["europe-west4/courses-list"].min_instances == 0
    error_message = "The second region has all functions, asleep."
  }
  assert {
    condition     = google_compute_region_network_endpoint_group.functions["edge"].region == "europe-west1" && local.settings.CLOUD_SQL_INSTANCE == "aksio-test-1:europe-west1:aksio-prod-db"
    error_message = "The first region serves."
  }
}

run "failed_over" {
  command = plan
  variables {
    standby = { region = "europe-west4", functions = true, serving = true }
    storage = { backups_location = "EU" }
  }
  assert {
    condition     = google_sql_database_instance.standby[0].instance_type == "CLOUD_SQL_INSTANCE" && google_sql_database_instance.standby[0].settings[0].backup_configuration[0].point_in_time_recovery_enabled
    error_message = "The replica is promoted, and backed up from then on."
  }
  assert {
    condition = (
      google_sql_database_instance.standby[0].settings[0].backup_configuration[0].location == "eu" &&
      google_sql_database_instance.standby[0].settings[0].retain_backups_on_delete &&
      google_sql_database_instance.standby[0].settings[0].final_backup_config == google_sql_database_instance.main.settings[0].final_backup_config &&
      google_sql_database_instance.standby[0].settings[0].maintenance_window == google_sql_database_instance.main.settings[0].maintenance_window
    )
    error_message = "From then on it is kept and maintained as the database was."
  }
  assert {
    condition = (
      google_compute_region_network_endpoint_group.functions["edge"].region == "europe-west4" &&
      local.settings.CLOUD_SQL_INSTANCE == "aksio-test-1:europe-west4:aksio-prod-db-standby" &&
      alltrue([for job in google_cloud_scheduler_job.function : job.region == "europe-west4"]) &&
      strcontains(local.router_environment["europe-west4"].ROUTER_TARGET, "europe-west4")
    )
    error_message = "Calls, schedules and the database are the second region's."
  }
  assert {
    condition     = strcontains(google_monitoring_alert_policy.this["database-cpu"].conditions[0].condition_threshold[0].filter, ":aksio-prod-db-standby\"")
    error_message = "It is the database that serves which is watched."
  }
  assert {
    condition     = strcontains(local.on_scratch.expression, "('projects/aksio-test-1/instances/aksio-prod-db-drill-')") && strcontains(local.on_scratch.expression, "('projects/aksio-test-1/instances/${google_sql_database_instance.standby[0].name}-drill-')")
    error_message = "Drills may restore beside the database that serves now, and remove what was restored beside the one before."
  }
}

# As region-down.md has it when the first region is back: what was the standby is the
# database, and there is a new one.
run "new_standby" {
  command = plan
  variables {
    database = { name = "aksio-prod-db-standby", region = "europe-west4" }
    standby  = { name = "aksio-prod-db-20261126", region = "europe-west4", functions = true, serving = true }
  }
  assert {
    condition = (
      google_sql_database_instance.main.name == "aksio-prod-db-standby" && google_sql_database_instance.main.region == "europe-west4" &&
      google_sql_database_instance.standby[0].name == "aksio-prod-db-20261126" && google_sql_database_instance.standby[0].region == "europe-west1"
    )
    error_message = "The database is in the second region, and its replica in the first."
  }
  assert {
    condition     = google_sql_database_instance.standby[0].instance_type == "READ_REPLICA_INSTANCE" && google_sql_database_instance.standby[0].master_instance_name == "aksio-prod-db-standby"
    error_message = "The new standby follows the database that serves."
  }
  assert {
    condition     = local.settings.CLOUD_SQL_INSTANCE == "aksio-test-1:europe-west4:aksio-prod-db-standby" && alltrue([for user in google_sql_user.function : user.instance == "aksio-prod-db-standby"])
    error_message = "Nothing moves."
  }
}

run "failed_over_again" {
  command = plan
  variables {
    database = { name = "aksio-prod-db-standby", region = "europe-west4" }
    standby  = { name = "aksio-prod-db-20261126", region = "europe-west4", functions = true }
  }
  assert {
    condition     = google_sql_database_instance.standby[0].instance_type == "CLOUD_SQL_INSTANCE" && google_sql_database_instance.standby[0].settings[0].backup_configuration[0].point_in_time_recovery_enabled
    error_message = "The new standby is promoted, and backed up from then on."
  }
  assert {
    condition     = local.settings.CLOUD_SQL_INSTANCE == "aksio-test-1:europe-west1:aksio-prod-db-20261126" && alltrue([for job in google_cloud_scheduler_job.function : job.region == "europe-west1"])
    error_message = "The first region serves again."
  }
}

run "restored" {
  command = plan
  variables {
    database = { restored = "aksio-prod-db-20261126" }
  }
  assert {
    condition     = local.settings.CLOUD_SQL_INSTANCE == "aksio-test-1:europe-west1:aksio-prod-db-20261126"
    error_message = "A restored instance serves by a setting."
  }
  assert {
    condition     = strcontains(local.on_scratch.expression, "('projects/aksio-test-1/instances/aksio-prod-db-20261126-drill-')")
    error_message = "Drills may restore beside the restored instance."
  }
}

run "raised_quota" {
  command = plan
  variables {
    cpu_quota = 400
  }
  assert {
    condition     = local.max_instances == { for id, f in local.functions : id => f.max_instances }
    error_message = "With a larger quota functions have what they declare."
  }
}

run "dev" {
  command = plan
  variables {
    environment = "dev"
    domain_name = null
  }
  assert {
    condition     = !google_sql_database_instance.main.deletion_protection && alltrue([for bucket in google_storage_bucket.this : bucket.force_destroy])
    error_message = "dev may be destroyed."
  }
}
