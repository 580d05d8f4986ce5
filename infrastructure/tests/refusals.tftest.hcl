# What is refused, before anything is made.

mock_provider "google" {
  source = "./tests/mocks"
}

variables {
  project_id   = "aksio-test-1"
  environment  = "prod"
  domain_name  = "api.aksio.app"
  declarations = "tests/fixtures/few.json"
}

run "no_project" {
  command = plan
  variables {
    project_id = null
  }
  expect_failures = [var.project_id]
}

run "projects_number" {
  command = plan
  variables {
    project_id = "123456789012"
  }
  expect_failures = [var.project_id]
}

run "no_environment" {
  command = plan
  variables {
    environment = null
  }
  expect_failures = [var.environment]
}

run "another_environment" {
  command = plan
  variables {
    environment = "production"
  }
  expect_failures = [var.environment]
}

run "zone_for_region" {
  command = plan
  variables {
    region = "europe-west1-b"
  }
  expect_failures = [var.region]
}

run "address_for_domain" {
  command = plan
  variables {
    domain_name = "https://api.aksio.app"
  }
  expect_failures = [var.domain_name]
}

run "no_way_in" {
  command = plan
  variables {
    domain_name = null
    router      = false
  }
  expect_failures = [var.router]
}

run "any_origin" {
  command = plan
  variables {
    frontend_origins = ["*"]
  }
  expect_failures = [var.frontend_origins]
}

run "projects_label" {
  command = plan
  override_data {
    target = data.google_project.this
    values = { labels = { environment = "staging" } }
  }
  expect_failures = [terraform_data.checks]
}

run "unbuilt_bundle" {
  command = plan
  variables {
    bundles = "tests/fixtures"
  }
  expect_failures = [google_storage_bucket_object.bundle]
}

run "too_many_connections" {
  command = plan
  variables {
    database = { tier = "db-custom-1-3840", max_connections = 20 }
  }
  expect_failures = [google_sql_database_instance.main]
}

run "unknown_tier" {
  command = plan
  variables {
    database = { tier = "db-perf-optimized-N-2", max_connections = 400 }
  }
  expect_failures = [google_sql_database_instance.main]
}

run "setting_of_our_own" {
  command = plan
  variables {
    settings = { DATABASE_NAME = "other" }
  }
  expect_failures = [google_secret_manager_secret_version.settings]
}

# The sum of all connections counts on the pools' size.
run "larger_pools" {
  command = plan
  variables {
    settings = { DATABASE_POOL = "10" }
  }
  expect_failures = [google_secret_manager_secret_version.settings]
}

run "indispensable_secret" {
  command = plan
  variables {
    absent_secrets = ["token-keys"]
  }
  expect_failures = [var.absent_secrets]
}

run "soft_delete_of_a_day" {
  command = plan
  variables {
    storage = { soft_delete_days = 1 }
  }
  expect_failures = [var.storage]
}

run "standby_in_the_same_region" {
  command = plan
  variables {
    standby = { region = "europe-west1" }
  }
  expect_failures = [var.standby]
}

run "standby_without_functions_serves" {
  command = plan
  variables {
    standby = { region = "europe-west4", serving = true }
  }
  expect_failures = [var.standby]
}

run "database_elsewhere" {
  command = plan
  variables {
    database = { region = "europe-west4" }
  }
  expect_failures = [var.database]
}

run "unknown_need" {
  command = plan
  variables {
    declarations = "tests/fixtures/unknown-need.json"
  }
  expect_failures = [terraform_data.checks]
}

run "endless_event" {
  command = plan
  variables {
    declarations = "tests/fixtures/endless-event.json"
  }
  expect_failures = [terraform_data.checks]
}

run "many_sets_of_needs" {
  command = plan
  variables {
    declarations = "tests/fixtures/many-needs.json"
  }
  expect_failures = [google_service_account.function, terraform_data.checks]
}
