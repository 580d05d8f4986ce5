# A network only where something has a private address: the database, Redis, or the
# functions as the router sees them. Nothing in it bills by the hour.

locals {
  networked = local.private_database || var.redis.enabled || (local.load_balanced && local.router_on)
}

resource "google_compute_network" "main" {
  count = local.networked ? 1 : 0

  name                    = local.name
  auto_create_subnetworks = false
  depends_on              = [google_project_service.api]
}

# An instance of a function takes two addresses, in blocks of 16: a /20 is for 120
# functions that are awake at the same time.
resource "google_compute_subnetwork" "functions" {
  # checkov:skip=CKV_GCP_26: only functions are in it, and each call of one is logged by the function that is called

  for_each = local.networked ? local.regions : toset([])

  name          = "${local.name}-functions"
  region        = each.value
  network       = google_compute_network.main[0].id
  ip_cidr_range = each.value == var.region ? "10.0.0.0/20" : "10.0.16.0/20"

  # The way from the router to functions that only let in internal calls.
  private_ip_google_access = true
}

# Where Google puts what it runs for this network: Cloud SQL, Redis.
resource "google_compute_global_address" "services" {
  count = local.private_database || var.redis.enabled ? 1 : 0

  name          = "${local.name}-services"
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  address       = "10.128.0.0"
  prefix_length = 20
  network       = google_compute_network.main[0].id
}

resource "google_service_networking_connection" "main" {
  count = length(google_compute_global_address.services)

  network                 = google_compute_network.main[0].id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services[0].name]
  # It can't be removed while something uses it, and the network can't without it.
  deletion_policy = "ABANDON"
  # One that was left behind is taken up again.
  update_on_creation_fail = true
}

# Nothing calls into the network.
resource "google_compute_firewall" "nothing_enters" {
  count = local.networked ? 1 : 0

  name      = "${local.name}-nothing-enters"
  network   = google_compute_network.main[0].id
  direction = "INGRESS"
  priority  = 65534

  source_ranges = ["0.0.0.0/0"]
  deny {
    protocol = "all"
  }
}
