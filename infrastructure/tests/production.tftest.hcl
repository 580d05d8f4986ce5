# Production as it is: run with -var-file=environments/production.tfvars.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id = "aksio-test-1"
}

run "production" {
  command = plan

  # --- Functions

  assert {
    condition     = length(module.function) == length(local.functions)
    error_message = "Every declared function is deployed, once."
  }
  assert {
    condition     = alltrue([for id, f in local.functions : module.function[id].min_instances == f.min_instances]) && module.function["edge-router"].min_instances > 0
    error_message = "As many instances are kept warm as are declared."
  }
  assert {
    condition     = alltrue([for id in keys(local.public) : module.function[id].ingress == "ALLOW_INTERNAL_AND_GCLB"])
    error_message = "People's functions are reached through the load balancer only, so that Cloud Armor can't be walked round."
  }
  assert {
    condition     = alltrue([for id in keys(merge(local.finalized, local.scheduled)) : module.function[id].ingress == "ALLOW_INTERNAL_ONLY"])
    error_message = "What events and schedules run is closed to the internet."
  }
  assert {
    condition     = alltrue([for id, f in local.functions : !contains(module.function[id].members, "allUsers") if f.access == "private"])
    error_message = "Nobody but named accounts may call a private function."
  }
  assert {
    condition     = alltrue([for id in keys(local.scheduled) : module.function[id].members == tolist(["serviceAccount:aksio-prod-schedule@aksio-test-1.iam.gserviceaccount.com"])])
    error_message = "The scheduler's account alone calls scheduled functions."
  }
  assert {
    condition     = alltrue([for id in keys(local.finalized) : module.function[id].members == tolist(["serviceAccount:aksio-prod-events@aksio-test-1.iam.gserviceaccount.com"])])
    error_message = "The events' account alone calls functions that wait for events."
  }
  assert {
    condition     = google_service_account_iam_member.pubsub_signs.role == "roles/iam.serviceAccountTokenCreator" && google_service_account_iam_member.pubsub_signs.member == local.pubsub_agent
    error_message = "Pub/Sub can't sign as the events' account: functions refuse every event."
  }
  assert {
    condition = alltrue([for id, job in google_cloud_scheduler_job.function :
      job.schedule == local.functions[id].schedule && job.time_zone == "Etc/UTC" && job.http_target[0].oidc_token[0].service_account_email == local.caller["schedule"]
    ]) && toset(keys(google_cloud_scheduler_job.function)) == toset(keys(local.scheduled))
    error_message = "Every schedule is kept, by an identified caller."
  }
  assert {
    condition = alltrue([for id, s in google_pubsub_subscription.finalized :
      s.ack_deadline_seconds > local.functions[id].timeout_seconds && length(s.dead_letter_policy) == 1 && s.expiration_policy[0].ttl == "" && s.push_config[0].oidc_token[0].service_account_email == local.caller["events"]
    ]) && toset(keys(google_pubsub_subscription.finalized)) == toset(keys(local.finalized))
    error_message = "An event waits until its function had its time, comes from an identified caller, and is put aside when it is refused for good."
  }

  # --- Quotas

  # A new project's quota: 20 CPUs and 40 GiB for the instances of one function.
  assert {
    condition     = alltrue([for id, f in local.functions : local.max_instances[id] * f.cpu <= 20 && local.max_instances[id] * f.memory_mib <= 40 * 1024]) && local.max_instances["process-document"] == 10
    error_message = "Google would refuse a function that may have more instances than the quota holds."
  }

  # --- Data

  assert {
    condition = (
      google_sql_database_instance.main.database_version == "POSTGRES_15" &&
      google_sql_database_instance.main.deletion_protection &&
      google_sql_database_instance.main.settings[0].deletion_protection_enabled &&
      google_sql_database_instance.main.settings[0].availability_type == "REGIONAL"
    )
    error_message = "The database is PostgreSQL 15, in two zones, and can't be deleted by mistake."
  }
  assert {
    condition     = google_sql_database_instance.main.settings[0].user_labels == tomap({ project = "aksio", environment = "prod", managed_by = "terraform" })
    error_message = "The provider's default labels don't reach the database, which costs most."
  }
  assert {
    condition = (
      google_sql_database_instance.main.settings[0].backup_configuration[0].enabled &&
      google_sql_database_instance.main.settings[0].backup_configuration[0].point_in_time_recovery_enabled &&
      google_sql_database_instance.main.settings[0].backup_configuration[0].transaction_log_retention_days == 7 &&
      google_sql_database_instance.main.settings[0].backup_configuration[0].backup_retention_settings[0].retained_backups == 14
    )
    error_message = "The database can be had back as it was at any moment of a week, and on any day of two."
  }
  assert {
    condition = (
      length(google_sql_database_instance.main.settings[0].ip_configuration[0].authorized_networks) == 0 &&
      google_sql_database_instance.main.settings[0].ip_configuration[0].ssl_mode == "TRUSTED_CLIENT_CERTIFICATE_REQUIRED" &&
      google_sql_database_instance.main.settings[0].connector_enforcement == "REQUIRED" &&
      contains([for flag in google_sql_database_instance.main.settings[0].database_flags : "${flag.name}=${flag.value}"], "cloudsql.iam_authentication=on")
    )
    error_message = "The database answers to the connector's certificates only, and knows users by IAM."
  }
  assert {
    condition = length(setsubtract(
      ["log_checkpoints=on", "log_connections=on", "log_disconnections=on", "log_lock_waits=on", "log_min_error_statement=error", "log_statement=ddl"],
      [for flag in google_sql_database_instance.main.settings[0].database_flags : "${flag.name}=${flag.value}"],
    )) == 0
    error_message = "The database logs who comes and goes, what waits and what changes the schema: .checkov.yaml relies on it."
  }
  assert {
    condition     = google_sql_database_instance.main.settings[0].insights_config[0].query_insights_enabled && !google_sql_database_instance.main.settings[0].insights_config[0].record_client_address
    error_message = "Statements are in no log: Query Insights shows which are slow, and not whose."
  }
  assert {
    condition     = [for user in google_sql_user.function : user.name if user.database_roles != null && length(coalesce(user.database_roles, [])) > 0] == [local.database_users[local.identity["run-migrations"]]]
    error_message = "Only run-migrations has a role of the database from here."
  }
  assert {
    condition     = alltrue([for bucket in google_storage_bucket.this : bucket.uniform_bucket_level_access && !bucket.force_destroy])
    error_message = "Access to a bucket is the same for all its objects, and none is emptied by Terraform."
  }
  assert {
    condition     = [for key, bucket in google_storage_bucket.this : key if bucket.public_access_prevention != "enforced"] == ["static"] && google_storage_bucket_iam_member.static_public.bucket == "aksio-test-1-static"
    error_message = "No bucket but the static one can be public."
  }
  assert {
    condition     = toset(keys(google_storage_bucket_iam_binding.no_viewers)) == toset(["backups", "bundles", "drills", "uploads"])
    error_message = "Who may view the project reads no student's files and no backups."
  }
  assert {
    condition     = alltrue([for bucket in google_storage_bucket.this : alltrue([for cors in bucket.cors : !contains(cors.origin, "*") && !contains(cors.method, "DELETE") && !contains(cors.method, "POST")])])
    error_message = "Pages of our own may read and, by signed URLs, put objects. No others may anything."
  }
  # The headers are those that shared/uploads signs: a browser sends none that isn't let in.
  assert {
    condition = (
      one(google_storage_bucket.this["uploads"].cors).origin == tolist(var.frontend_origins) && contains(one(google_storage_bucket.this["uploads"].cors).method, "PUT") &&
      length(setsubtract(["Content-Type", "X-Goog-Content-Length-Range", "X-Goog-If-Generation-Match"], one(google_storage_bucket.this["uploads"].cors).response_header)) == 0 &&
      one(google_storage_bucket.this["static"].cors).method == tolist(["GET", "HEAD"])
    )
    error_message = "Our pages couldn't upload, or could to where everybody reads."
  }
  assert {
    condition     = google_storage_bucket.this["uploads"].soft_delete_policy[0].retention_duration_seconds == 7 * 86400 && google_storage_bucket.this["static"].versioning[0].enabled
    error_message = "What is deleted or overwritten can be had back for a while: runbooks/lost-bucket.md promises it."
  }
  assert {
    condition     = google_storage_bucket.this["backups"].retention_policy[0].retention_period == "604800" && !google_storage_bucket.this["backups"].versioning[0].enabled && google_storage_bucket.this["backups"].soft_delete_policy[0].retention_duration_seconds == 30 * 86400 && google_storage_bucket.this["backups"].location == "EU"
    error_message = "A backup can't be removed for a week, by anybody, and outlives the region."
  }
  assert {
    condition     = alltrue([for key in ["bundles", "uploads", "static"] : google_storage_bucket.this[key].location == "EU"])
    error_message = "What a second region needs outlives the first."
  }
  assert {
    condition = { for key, bucket in google_storage_bucket.this : key => flatten([for rule in bucket.lifecycle_rule : [for c in rule.condition : join(" ", compact([
      one(rule.action).type, one(rule.action).storage_class, c.age, c.days_since_noncurrent_time == null ? null : "${c.with_state} ${c.days_since_noncurrent_time}"
      ]))]]) } == {
      uploads = ["AbortIncompleteMultipartUpload 7"]
      static  = ["AbortIncompleteMultipartUpload 7", "Delete ARCHIVED 30"]
      backups = ["AbortIncompleteMultipartUpload 7", "SetStorageClass NEARLINE 1", "Delete 30"]
      drills  = ["AbortIncompleteMultipartUpload 7", "Delete 7"]
      bundles = ["AbortIncompleteMultipartUpload 7"]
    }
    error_message = "Backups, drills' copies and replaced files expire, and nothing else does; parts of uploads that were never finished aren't paid for."
  }
  assert {
    condition     = google_firestore_database.main.delete_protection_state == "DELETE_PROTECTION_ENABLED" && google_firestore_database.main.point_in_time_recovery_enablement == "POINT_IN_TIME_RECOVERY_ENABLED" && length(google_firestore_backup_schedule.daily) == 1
    error_message = "Firestore is protected and backed up."
  }
  assert {
    condition     = toset([for field in google_firestore_field.expires : field.collection if length(field.ttl_config) == 1]) == toset(["progress", "progress_events"])
    error_message = "What shared/live writes expires."
  }
  assert {
    condition = (
      { for key, field in google_firestore_field.unsearched : key => field.field } == { progress = "event", progress_events = "data" } &&
      alltrue([for field in concat(values(google_firestore_field.unsearched), values(google_firestore_field.expires)) : [for config in field.index_config : length(config.indexes)] == [0]])
    )
    error_message = "Each event of a document's progress would pay for indexes that nobody searches."
  }
  assert {
    condition = !google_artifact_registry_repository.functions["europe-west1"].cleanup_policy_dry_run && {
      for policy in google_artifact_registry_repository.functions["europe-west1"].cleanup_policies : policy.id => join(" ", concat(
        [policy.action], [for newest in policy.most_recent_versions : newest.keep_count], flatten([for c in policy.condition : [c.tag_state, c.older_than]]),
      ))
    } == { keep-newest = "KEEP 5", delete-untagged = "DELETE UNTAGGED 604800s", delete-old = "DELETE ANY 5184000s" }
    error_message = "Old images are cleaned up, and the newest stay for a roll-back."
  }

  # --- What others are told

  assert {
    condition = (
      output.project_id == "aksio-test-1" &&
      output.registry_url == "europe-west1-docker.pkg.dev/aksio-test-1/aksio-prod-registry" &&
      output.service_accounts.callers.events == "aksio-prod-events@aksio-test-1.iam.gserviceaccount.com" &&
      length(output.service_accounts.functions) == length(local.identities)
    )
    error_message = "The project, the images' place and the accounts' addresses are outputs."
  }

  # --- The edge

  assert {
    condition     = output.api_url == "https://api.aksio.app" && local.settings.API_URL == output.api_url && output.function_urls == "https://{function}.api.aksio.app"
    error_message = "There is one address for all, and one for each."
  }
  assert {
    condition     = google_compute_region_network_endpoint_group.functions["edge"].cloud_run[0].url_mask == "<service>.api.aksio.app"
    error_message = "A function's address is made of its name: no route for each."
  }
  assert {
    condition     = alltrue([for rule in google_compute_global_forwarding_rule.https : rule.port_range == "443" && rule.load_balancing_scheme == "EXTERNAL_MANAGED"]) && google_compute_url_map.redirect["edge"].default_url_redirect[0].https_redirect
    error_message = "Plain HTTP is only redirected."
  }
  assert {
    condition     = google_compute_ssl_policy.edge["edge"].min_tls_version == "TLS_1_2"
    error_message = "TLS is not older than 1.2."
  }
  assert {
    condition     = toset(google_certificate_manager_certificate.edge["edge"].managed[0].domains) == toset(["api.aksio.app", "*.api.aksio.app"])
    error_message = "The certificate is for the domain and all functions below it."
  }
  assert {
    condition     = google_compute_backend_bucket.static["edge"].enable_cdn && google_compute_backend_bucket.static["edge"].bucket_name == "aksio-test-1-static"
    error_message = "Static files come from the CDN."
  }
  assert {
    # The platform looks at five parts of an expression at most.
    condition     = alltrue([for rule in google_compute_security_policy.edge["edge"].rule : alltrue([for match in rule.match : alltrue([for expr in match.expr : length(split("&&", expr.expression)) <= 5])])])
    error_message = "Expressions of Cloud Armor have at most five parts."
  }
  assert {
    condition = { for rule in google_compute_security_policy.edge["edge"].rule : "${rule.priority} ${rule.action}" => join(", ", flatten([for limit in rule.rate_limit_options : [
      "each ${limit.enforce_on_key} ${one(limit.rate_limit_threshold).count} in ${one(limit.rate_limit_threshold).interval_sec} s",
      "then ${limit.exceed_action}",
      [for ban in limit.ban_threshold : "${limit.ban_duration_sec} s without after ${ban.count} in ${ban.interval_sec} s"],
      ]])) if length(rule.rate_limit_options) > 0 } == {
      "100 rate_based_ban" = "each IP 300 in 60 s, then deny(429), 300 s without after 1500 in 300 s"
      "2000 throttle"      = "each IP 3000 in 60 s, then deny(429)"
    }
    error_message = "There are two rate limits: for signing in, and for everything. A whole class may share an address."
  }
  assert {
    condition = alltrue([for id in ["accounts-login", "accounts-register", "accounts-refresh-token"] : alltrue([
      for rule in google_compute_security_policy.edge["edge"].rule : can(regex(regex("matches\\('([^']+)'\\)", one(rule.match).expr[0].expression)[0], local.functions[id].path)) if rule.action == "rate_based_ban"
    ])])
    error_message = "Guessing passwords isn't limited at every address that takes them."
  }
  # What students write, upload and search for holds SQL, HTML and shell scripts.
  assert {
    condition = alltrue([for rule in google_compute_security_policy.edge["edge"].rule : alltrue(concat(
      [for method in ["POST", "PUT", "PATCH"] : strcontains(one(rule.match).expr[0].expression, "request.method != '${method}'")],
      [rule.preconfigured_waf_config[0].exclusion[0].request_query_param[0].value == "query"],
    )) if rule.action == "deny(403)"]) && length([for rule in google_compute_security_policy.edge["edge"].rule : rule if rule.action == "deny(403)"]) == length(local.waf_rules)
    error_message = "Preconfigured rules would turn away what students write."
  }

  # --- Secrets

  assert {
    condition     = { for service, config in google_project_iam_audit_config.reads : service => one(config.audit_log_config).log_type } == { "iam.googleapis.com" = "ADMIN_READ", "secretmanager.googleapis.com" = "DATA_READ" }
    error_message = "Who read a secret, or acted as an account, leaves no trace."
  }
  assert {
    condition     = one(google_project_iam_audit_config.reads["iam.googleapis.com"].audit_log_config).exempted_members == toset([for member in google_service_account_iam_member.function_signs : member.member])
    error_message = "Only those that sign addresses in their own name do it unrecorded."
  }
  assert {
    condition     = alltrue([for secret in google_secret_manager_secret.this : secret.deletion_protection])
    error_message = "No secret is deleted by mistake."
  }
  assert {
    condition     = output.secrets_to_fill == tolist(["openai-api-key", "token-keys", "token-signing-key"])
    error_message = "These secrets get their values from outside."
  }
}
