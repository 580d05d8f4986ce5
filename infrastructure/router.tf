# One base address for clients that know only one: edge-router passes each call on
# to the function that its method and path belong to, which it knows from the
# declarations. It takes part in nothing else; functions do without it where a client
# knows their own addresses.

locals {
  router        = "edge-router"
  router_member = local.router_on ? "serviceAccount:${local.account[local.identity[local.router]]}" : null

  # The one base address of the API; null without the router. The router's own follows
  # from its name, so that functions can be told it before there is a router.
  api_url = !local.router_on ? null : local.load_balanced ? "https://${var.domain_name}" : "https://${local.router}-${local.project_number}.${local.serving_region}.run.app"

  # Of each region's router.
  router_environment = { for region in local.function_regions : region => {
    # A service's address follows from its name, so that a new function changes
    # nothing here.
    ROUTER_TARGET = "https://{function}-${local.project_number}.${region}.run.app"
    # Before the router is the load balancer, which adds the client's address and its
    # own, or else only the platform, which adds the client's.
    TRUSTED_PROXIES = local.load_balanced ? "2" : "1"
    # Where functions let in nobody but the router, it says who it is.
    ROUTER_IDENTITY = tostring(!local.load_balanced)
  } }
}
