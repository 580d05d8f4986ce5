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
}

run "begin" {
  command = apply
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

run "failover" {
  command = plan
  variables {
    standby = { region = "europe-west4", functions = true, serving = true }
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
