# The edge: a global load balancer before the functions, with certificates, Cloud
# Armor and a CDN for static files. It bills by the hour, so that an environment
# without domain_name has none.
#
#   <function>.<domain>  the function, by its name: a new one needs nothing here
#   static.<domain>      files of the static bucket
#   <domain>             the router
#
# A function's path is the same on each of its addresses. CORS is the functions' own
# business and nobody else's.

locals {
  edge = local.load_balanced ? toset(["edge"]) : toset([])

  edge_hosts = local.load_balanced ? {
    router    = [var.domain_name]
    static    = ["static.${var.domain_name}"]
    functions = ["*.${var.domain_name}"]
  } : {}
}

resource "google_compute_global_address" "edge" {
  for_each = local.load_balanced ? toset(["IPV4", "IPV6"]) : toset([])

  name       = "${local.name}-edge-${lower(each.value)}"
  ip_version = each.value
  depends_on = [google_project_service.api]
}

# --- What is behind it

resource "google_compute_region_network_endpoint_group" "functions" {
  for_each = local.edge

  # Another domain makes another group, before this one goes: it can't have the same name.
  name                  = "${local.name}-functions-${substr(sha256(var.domain_name), 0, 8)}"
  region                = local.serving_region
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    url_mask = "<service>.${var.domain_name}"
  }
  # After a failover nobody comes before the settings name the database that serves.
  depends_on = [google_secret_manager_secret_version.settings]
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_backend_service" "functions" {
  for_each = local.edge

  name                  = "${local.name}-functions"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.edge["edge"].id
  # Timeouts are the functions' own: for serverless backends none can be set here.

  backend {
    group = google_compute_region_network_endpoint_group.functions["edge"].id
  }

  log_config {
    enable      = true
    sample_rate = 0.1 # the functions log their failures anyway
  }
}

resource "google_compute_region_network_endpoint_group" "router" {
  for_each = local.router_on ? local.edge : toset([])

  name                  = "${local.name}-router"
  region                = local.serving_region
  network_endpoint_type = "SERVERLESS"
  cloud_run {
    service = module.function[local.serving[local.router]].name
  }
  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_backend_service" "router" {
  for_each = google_compute_region_network_endpoint_group.router

  name                  = "${local.name}-router"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.edge["edge"].id

  backend {
    group = each.value.id
  }

  log_config {
    enable      = true
    sample_rate = 0.1 # the functions log their failures anyway
  }

  lifecycle {
    # One that the map of addresses still leads to can't be removed: the map is changed first.
    create_before_destroy = true
  }
}

resource "google_compute_backend_bucket" "static" {
  for_each = local.edge

  name             = "${local.name}-static"
  bucket_name      = google_storage_bucket.this["static"].name
  enable_cdn       = true
  compression_mode = "AUTOMATIC"

  cdn_policy {
    cache_mode       = "CACHE_ALL_STATIC"
    default_ttl      = 3600
    client_ttl       = 3600
    max_ttl          = 86400
    negative_caching = true
    # Still good for a day while the bucket is away.
    serve_while_stale = 86400
  }

  custom_response_headers = [
    "Strict-Transport-Security: max-age=31536000; includeSubDomains",
    "X-Content-Type-Options: nosniff",
  ]
}

# --- What leads to it

resource "google_compute_url_map" "edge" {
  for_each = local.edge

  name = "${local.name}-edge"
  # A host that is none of ours gets a file that isn't there.
  default_service = google_compute_backend_bucket.static["edge"].id

  dynamic "host_rule" {
    for_each = { for name, hosts in local.edge_hosts : name => hosts if name != "router" || local.router_on }
    content {
      hosts        = host_rule.value
      path_matcher = host_rule.key
    }
  }

  path_matcher {
    name            = "functions"
    default_service = google_compute_backend_service.functions["edge"].id
  }
  path_matcher {
    name            = "static"
    default_service = google_compute_backend_bucket.static["edge"].id
  }
  dynamic "path_matcher" {
    for_each = google_compute_backend_service.router
    content {
      name            = "router"
      default_service = path_matcher.value.id
    }
  }
}

resource "google_compute_target_https_proxy" "edge" {
  for_each = local.edge

  name            = "${local.name}-edge"
  url_map         = google_compute_url_map.edge["edge"].id
  certificate_map = "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.edge["edge"].id}"
  ssl_policy      = google_compute_ssl_policy.edge["edge"].id
  # Idle connections of clients are kept for so long; streams send something sooner.
  http_keep_alive_timeout_sec = 610
}

resource "google_compute_ssl_policy" "edge" {
  for_each = local.edge

  name            = "${local.name}-edge"
  profile         = "MODERN"
  min_tls_version = "TLS_1_2"
  depends_on      = [google_project_service.api]
}

resource "google_compute_global_forwarding_rule" "https" {
  for_each = google_compute_global_address.edge

  name                  = "${local.name}-https-${lower(each.key)}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = each.value.id
  port_range            = "443"
  target                = google_compute_target_https_proxy.edge["edge"].id
}

# Plain HTTP is told where to go, and nothing else.
resource "google_compute_url_map" "redirect" {
  for_each = local.edge

  name = "${local.name}-redirect"
  default_url_redirect {
    https_redirect         = true
    redirect_response_code = "PERMANENT_REDIRECT" # keeps the method
    strip_query            = false
  }
}

resource "google_compute_target_http_proxy" "redirect" {
  for_each = local.edge

  name    = "${local.name}-redirect"
  url_map = google_compute_url_map.redirect["edge"].id
}

resource "google_compute_global_forwarding_rule" "redirect" {
  for_each = google_compute_global_address.edge

  name                  = "${local.name}-http-${lower(each.key)}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  ip_address            = each.value.id
  port_range            = "80"
  target                = google_compute_target_http_proxy.redirect["edge"].id
}

# --- Certificates: one for the domain and all that is directly below it, which is
# proved by a record in the DNS.

resource "google_certificate_manager_dns_authorization" "edge" {
  for_each = local.edge

  name       = "${local.name}-edge"
  domain     = var.domain_name
  depends_on = [google_project_service.api]
}

resource "google_certificate_manager_certificate" "edge" {
  for_each = local.edge

  name = "${local.name}-edge"
  managed {
    domains            = [var.domain_name, "*.${var.domain_name}"]
    dns_authorizations = [google_certificate_manager_dns_authorization.edge["edge"].id]
  }
}

resource "google_certificate_manager_certificate_map" "edge" {
  for_each = local.edge

  name       = "${local.name}-edge"
  depends_on = [google_project_service.api]
}

resource "google_certificate_manager_certificate_map_entry" "edge" {
  for_each = local.load_balanced ? { domain = var.domain_name, functions = "*.${var.domain_name}" } : {}

  name         = "${local.name}-${each.key}"
  map          = google_certificate_manager_certificate_map.edge["edge"].name
  hostname     = each.value
  certificates = [google_certificate_manager_certificate.edge["edge"].id]
}

# --- DNS

locals {
  dns_records = !local.load_balanced ? {} : merge(
    { for pair in setproduct([var.domain_name, "*.${var.domain_name}"], ["A", "AAAA"]) : "${pair[0]} ${pair[1]}" => {
      name  = "${pair[0]}."
      type  = pair[1]
      value = google_compute_global_address.edge[pair[1] == "A" ? "IPV4" : "IPV6"].address
    } },
    { authorization = {
      name  = google_certificate_manager_dns_authorization.edge["edge"].dns_resource_record[0].name
      type  = google_certificate_manager_dns_authorization.edge["edge"].dns_resource_record[0].type
      value = google_certificate_manager_dns_authorization.edge["edge"].dns_resource_record[0].data
    } },
  )
}

resource "google_dns_record_set" "edge" {
  for_each = var.dns_zone == null ? {} : local.dns_records

  managed_zone = var.dns_zone
  name         = each.value.name
  type         = each.value.type
  ttl          = 300
  rrdatas      = [each.value.value]
}
