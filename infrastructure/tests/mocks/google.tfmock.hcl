# What Google answers, where its form matters. Everything else is made up.

mock_data "google_project" {
  defaults = {
    number = "123456789012"
    labels = {}
  }
}

mock_data "google_storage_project_service_account" {
  defaults = {
    member = "serviceAccount:service-123456789012@gs-project-accounts.iam.gserviceaccount.com"
  }
}

mock_resource "google_service_account" {
  defaults = {
    name   = "projects/aksio-test-1/serviceAccounts/another@aksio-test-1.iam.gserviceaccount.com"
    member = "serviceAccount:another@aksio-test-1.iam.gserviceaccount.com"
  }
}

mock_resource "google_sql_database_instance" {
  defaults = {
    service_account_email_address = "p123456789012-abcdef@gcp-sa-cloud-sql.iam.gserviceaccount.com"
  }
}

mock_resource "google_certificate_manager_dns_authorization" {
  defaults = {
    dns_resource_record = [{
      name = "_acme-challenge.api.aksio.app."
      type = "CNAME"
      data = "1234.authorize.certificatemanager.goog."
    }]
  }
}
