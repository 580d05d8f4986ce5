# Redis, where traffic pays for it: var.redis.enabled. Functions that need limits count
# in it instead of PostgreSQL, which counts again while it is away.

resource "google_redis_instance" "main" {
  count = var.redis.enabled ? 1 : 0

  name           = "${local.name}-redis"
  region         = var.region
  redis_version  = "REDIS_7_0"
  tier           = var.redis.high_availability ? "STANDARD_HA" : "BASIC"
  memory_size_gb = var.redis.memory_gb

  authorized_network = google_compute_network.main[0].id
  connect_mode       = "PRIVATE_SERVICE_ACCESS"

  auth_enabled            = true
  transit_encryption_mode = "SERVER_AUTHENTICATION"

  # Counters: what is full forgets the oldest.
  redis_configs = {
    maxmemory-policy = "allkeys-lru"
  }

  maintenance_policy {
    weekly_maintenance_window {
      day = "SUNDAY"
      start_time {
        hours   = 3
        minutes = 0
        seconds = 0
        nanos   = 0
      }
    }
  }

  depends_on = [google_project_service.api, google_service_networking_connection.main]
}

# The address holds the password that Redis made. The provider keeps that in the
# state with the instance (TRAPS.md), so that it isn't more secret there than the
# state is.
resource "google_secret_manager_secret_version" "redis_url" {
  count = var.redis.enabled ? 1 : 0

  secret      = google_secret_manager_secret.this["redis-url"].id
  secret_data = "rediss://:${google_redis_instance.main[0].auth_string}@${google_redis_instance.main[0].host}:${google_redis_instance.main[0].port}"
  # Instances that start while it changes find one or the other.
  deletion_policy = "DISABLE"

  lifecycle {
    create_before_destroy = true
  }
}
