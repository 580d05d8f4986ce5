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
    absent_secrets   = []
  }
}

run "absent_secret" {
  command = plan
  variables {
    absent_secrets = ["openai-api-key"]
  }
}

run "failover" {
  command = plan
  variables {
    standby = { region = "europe-west4", functions = true, serving = true }
  }
}

run "another_environments_state" {
  command = plan
  variables {
    environment = "staging"
  }
  expect_failures = [terraform_data.checks]
}
