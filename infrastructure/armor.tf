# Cloud Armor: what is turned away before it reaches a function. Every rule costs a
# dollar a month, and one that is wrong turns students away, so there are few.
#
# Preconfigured rules look at addresses and headers only, of calls that have no
# body: what students write and upload holds SQL, HTML and shell scripts, because they
# study them. Bodies are the functions' to check; they only ever bind values to
# statements. The question of a search is an address and excluded for the same reason.
# Answers, and thus streams, are never looked at.

locals {
  waf_rules = {
    "sqli-v33-stable"             = 1000
    "xss-v33-stable"              = 1010
    "lfi-v33-stable"              = 1020
    "rce-v33-stable"              = 1030
    "scannerdetection-v33-stable" = 1040
    "cve-canary"                  = 1050
  }
}

resource "google_compute_security_policy" "edge" {
  # checkov:skip=CKV_GCP_73: cve-canary is among waf_rules for calls without a body; a student may write about Log4j's hole in one, and nothing here runs Java

  for_each = local.edge

  name        = "${local.name}-edge"
  description = "Before all functions"
  type        = "CLOUD_ARMOR"

  advanced_options_config {
    json_parsing = "DISABLED"
    log_level    = "NORMAL"
  }

  adaptive_protection_config {
    layer_7_ddos_defense_config {
      enable = true
    }
  }

  # Guessing passwords: fewer calls, and who doesn't stop is away for a while.
  rule {
    priority    = 100
    description = "Sign-in: few attempts"
    action      = "rate_based_ban"
    match {
      expr {
        expression = "request.method == 'POST' && request.path.matches('^/api/v1/accounts/(login|register|token)')"
      }
    }
    rate_limit_options {
      conform_action   = "allow"
      exceed_action    = "deny(429)"
      enforce_on_key   = "IP"
      ban_duration_sec = 300
      rate_limit_threshold {
        count        = var.rate_limits.sign_in
        interval_sec = 60
      }
      ban_threshold {
        count        = var.rate_limits.sign_in * 5
        interval_sec = 300
      }
    }
  }

  dynamic "rule" {
    for_each = local.waf_rules
    content {
      priority    = rule.value
      description = "Known attacks: ${rule.key}"
      action      = "deny(403)"
      match {
        expr {
          expression = "request.method != 'POST' && request.method != 'PUT' && request.method != 'PATCH' && evaluatePreconfiguredWaf('${rule.key}', {'sensitivity': 1})"
        }
      }
      preconfigured_waf_config {
        exclusion {
          target_rule_set = rule.key
          request_query_param {
            operator = "EQUALS"
            value    = "query" # the one that holds what people write
          }
        }
      }
    }
  }

  rule {
    priority    = 2000
    description = "Everything else: not too much at once"
    action      = "throttle"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"
      rate_limit_threshold {
        count        = var.rate_limits.requests
        interval_sec = 60
      }
    }
  }

  rule {
    priority    = 2147483647
    description = "The last rule, which a policy must have"
    action      = "allow"
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }

  depends_on = [google_project_service.api]
}
