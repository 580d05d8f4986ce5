# What a change changes. The plans after the first are compared with what they may
# touch by scripts/terraform (examine.go), by the names of the runs.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id   = "aksio-test-1"
  environment  = "prod"
  domain_name  = "api.aksio.app"
  declarations = "tests/fixtures/few.json"
  standby      = { region = "europe-west4", functions = true }
  github       = { repository = "aksio/backend", owner_id = "1234" }
}

run "begin" {
  command = apply

  # --- Every way to a function leads through Cloud Armor

  assert {
    condition     = alltrue([for service in [google_compute_backend_service.functions["edge"], google_compute_backend_service.router["edge"]] : service.security_policy == google_compute_security_policy.edge["edge"].id])
    error_message = "Nothing would be turned away before it reaches a function."
  }
  assert {
    condition = (
      { for rule in google_compute_url_map.edge["edge"].host_rule : join(" ", rule.hosts) => rule.path_matcher } == { "api.aksio.app" = "router", "static.api.aksio.app" = "static", "*.api.aksio.app" = "functions" } &&
      { for matcher in google_compute_url_map.edge["edge"].path_matcher : matcher.name => matcher.default_service } == {
        router    = google_compute_backend_service.router["edge"].id
        static    = google_compute_backend_bucket.static["edge"].id
        functions = google_compute_backend_service.functions["edge"].id
      } &&
      google_compute_url_map.edge["edge"].default_service == google_compute_backend_bucket.static["edge"].id
    )
    error_message = "A host leads to another's backend."
  }
  assert {
    condition = (
      alltrue([for rule in google_compute_global_forwarding_rule.https : rule.target == google_compute_target_https_proxy.edge["edge"].id]) &&
      google_compute_target_https_proxy.edge["edge"].url_map == google_compute_url_map.edge["edge"].id &&
      alltrue([for rule in google_compute_global_forwarding_rule.redirect : rule.target == google_compute_target_http_proxy.redirect["edge"].id]) &&
      google_compute_target_http_proxy.redirect["edge"].url_map == google_compute_url_map.redirect["edge"].id
    )
    error_message = "The addresses lead elsewhere than to the map of hosts, or plain HTTP is answered."
  }

  # --- What events and schedules call: a wrong path is a 404, a wrong audience a 401

  assert {
    condition = alltrue([for id, job in google_cloud_scheduler_job.function :
      job.http_target[0].uri == "${module.function[id].uri}/internal/${id}/" && job.http_target[0].http_method == "POST" && job.http_target[0].oidc_token[0].audience == module.function[id].uri
    ])
    error_message = "A schedule calls what isn't there."
  }
  assert {
    condition = alltrue([for id, s in google_pubsub_subscription.finalized :
      s.push_config[0].push_endpoint == "${module.function[id].uri}/internal/${id}/" && s.push_config[0].oidc_token[0].audience == module.function[id].uri
    ])
    error_message = "Events go to what isn't there."
  }

  # --- Which jobs of GitHub's act as which account

  override_resource {
    target = google_service_account.github["deploy"]
    values = {
      name   = "projects/aksio-test-1/serviceAccounts/deploy@aksio-test-1.iam.gserviceaccount.com"
      member = "serviceAccount:deploy@aksio-test-1.iam.gserviceaccount.com"
    }
  }
  assert {
    condition = { for key, grant in google_service_account_iam_member.github : key => "${basename(grant.service_account_id)} by ${grant.member}" } == {
      plan   = "another@aksio-test-1.iam.gserviceaccount.com by principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/attribute.branch/aksio/backend@refs/heads/main"
      deploy = "deploy@aksio-test-1.iam.gserviceaccount.com by principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[0].name}/attribute.deploys/aksio/backend@refs/heads/main@production"
    }
    error_message = "Any job of the repository could deploy, or none."
  }
}

run "nothing" {
  command = plan
}

run "new_declarations" {
  command = plan
  variables {
    declarations = "tests/fixtures/more.json"
  }
}

run "new_setting" {
  command = plan
  variables {
    settings         = { AI_MODEL = "gpt-4o" }
    frontend_origins = ["https://other.aksio.app"]
  }
}

run "absent_secret" {
  command = plan
  variables {
    absent_secrets = ["openai-api-key"]
  }
}

# The bundles are as they were.
run "rebuild" {
  command = plan
  variables {
    rebuild = "2026-12-01"
  }
  assert {
    condition     = alltrue([for f in module.function : f.build_variables == tomap({ REBUILD = "2026-12-01" })])
    error_message = "Some functions would keep the Go that they were built with."
  }
}

# What scripts/cloud applies before it calls run-migrations: what serves stays as it is
# until the schema is up to date.
run "migration" {
  command = plan
  plan_options {
    target = [module.function["run-migrations"], module.function["europe-west1/run-migrations"]]
  }
  variables {
    declarations = "tests/fixtures/more.json"
    rebuild      = "2026-12-01"
  }
}

run "failover" {
  command = plan
  variables {
    standby = { region = "europe-west4", functions = true, serving = true }
  }
  assert {
    condition = alltrue(concat(
      [for id, job in google_cloud_scheduler_job.function : job.http_target[0].uri == "${module.function["europe-west4/${id}"].uri}/internal/${id}/"],
      [for id, s in google_pubsub_subscription.finalized : s.push_config[0].push_endpoint == "${module.function["europe-west4/${id}"].uri}/internal/${id}/"],
    ))
    error_message = "Events and schedules would call the region that is away."
  }
}

# The new group is there before the old one goes.
run "another_domain" {
  command = plan
  variables {
    domain_name = "api.other.app"
  }
  assert {
    condition     = google_compute_region_network_endpoint_group.functions["edge"].name == "aksio-prod-functions-${substr(sha256("api.other.app"), 0, 8)}"
    error_message = "Google would refuse a second group of the same name."
  }
}

run "another_environments_state" {
  command = plan
  variables {
    environment = "staging"
  }
  expect_failures = [terraform_data.checks]
}
