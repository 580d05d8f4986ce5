# What differs between environments. environments/<environment>.tfvars sets it;
# project_id comes from TF_VAR_project_id.

variable "project_id" {
  description = "The Google Cloud project. One project holds one environment."
  type        = string
  default     = null

  validation {
    condition     = var.project_id != null
    error_message = "project_id is missing: set TF_VAR_project_id to the id of the environment's project (gcloud projects list shows it)."
  }
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", coalesce(var.project_id, "valid-id")))
    error_message = "project_id isn't a project's id: write the id, such as aksio-staging-1234, not its name or number."
  }
}

variable "environment" {
  description = "dev, staging or prod. It is part of the names of all resources, and dev's may be destroyed."
  type        = string
  default     = null

  validation {
    condition     = contains(["dev", "staging", "prod"], coalesce(var.environment, "missing"))
    error_message = "environment must be dev, staging or prod: pass -var-file=environments/staging.tfvars or environments/production.tfvars."
  }
}

variable "region" {
  description = "Where everything that has a region is. The cost model prices europe-west1."
  type        = string
  default     = "europe-west1"

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a Google Cloud region, such as europe-west1: a zone (europe-west1-b) or a multi-region (EU) is none."
  }
}

variable "declarations" {
  description = "The file with what the functions declare, for tests with others than there are."
  type        = string
  default     = "functions.json"
}

variable "bundles" {
  description = "The folder that `make bundle` writes: each function's source and bundles.json, which says which is whose."
  type        = string
  default     = "../build/bundles"
}

variable "rebuild" {
  description = "Another value, such as the day's date, builds all functions again from the bundles that they have: with what Google's builder has of Go by then, whose own library is compiled into each. Null leaves them as they are."
  type        = string
  default     = null
}

variable "domain_name" {
  description = "Where the API is, such as api.aksio.app; each function is at <function>.<domain>, static files are at static.<domain>. Null makes no load balancer: the API is then at the router's own address, which output api_url says."
  type        = string
  default     = null

  validation {
    condition     = var.domain_name == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", coalesce(var.domain_name, "a.aa")))
    error_message = "domain_name must be a bare domain in lower case, such as api.aksio.app: no scheme, no slash, no wildcard."
  }
}

variable "dns_zone" {
  description = "Name of the Cloud DNS zone, in this project, that domain_name belongs to. Null leaves the records to somebody else: output dns_records lists them."
  type        = string
  default     = null
}

variable "router" {
  description = "One base address for clients that know only one: a function that passes each call on to the function it is for."
  type        = bool
  default     = true

  validation {
    condition     = var.router || var.domain_name != null
    error_message = "Without the router and without domain_name nobody could reach anything: set one of them."
  }
}

variable "frontend_origins" {
  description = "Pages that may call the API and the buckets from a browser, such as https://aksio.app."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for origin in var.frontend_origins : can(regex("^https?://[a-z0-9.-]+(:[0-9]+)?$", origin))])
    error_message = "frontend_origins are scheme and host, such as https://aksio.app: no path, no final slash, and * is no origin."
  }
}

variable "rate_limits" {
  description = "Requests per minute from one address, before it is told 429. A whole class may share one address. The API has limits of its own by account."
  type = object({
    requests = optional(number, 3000)
    sign_in  = optional(number, 300)
  })
  default = {}
}

variable "scaling" {
  description = "Bounds on what the functions declare: at most this many instances each, and whether any are kept warm. Null leaves the declared number."
  type = object({
    max_instances = optional(number)
    keep_warm     = optional(bool, true)
  })
  default = {}

  validation {
    condition     = coalesce(var.scaling.max_instances, 1) >= 1
    error_message = "scaling.max_instances must be 1 or more, or left out."
  }
}

variable "cpu_quota" {
  description = "CPUs, with 2 GiB of memory each, that the region's quota lets the instances of one function take: Google refuses a function that could take more, so that fewer of it may start. A new project has 20. Ask for more at console.cloud.google.com/iam-admin/quotas (Cloud Run Admin API: CPU allocation and memory allocation per project and region), then write it here."
  type        = number
  default     = 20

  validation {
    condition     = var.cpu_quota >= 2
    error_message = "cpu_quota must be 2 or more: some functions have two CPUs."
  }
}

variable "database" {
  description = <<-EOT
    The database's instance.
    network is connector (a public address that only answers to certificates of Cloud SQL's
    connector: no network, no cost by the hour) or private (an address in our network, which
    functions then have to join: they start slower). From private there is no way back, and on
    the way to it nothing reaches the database until all functions are built again (TRAPS.md).
    max_connections raises what the tier lets in, at the price of memory.
    restored names an instance that was restored from the one that served, in its region, and
    serves in its place: see runbooks.
    name and region are those of an instance that has taken the first one's place for good,
    after a restore or a failover: see runbooks/region-down.md. Null is aksio-<environment>-db
    in var.region.
  EOT
  type = object({
    name              = optional(string)
    region            = optional(string)
    tier              = optional(string, "db-custom-2-7680")
    high_availability = optional(bool, false)
    disk_gb           = optional(number, 20)
    disk_limit_gb     = optional(number, 500)
    network           = optional(string, "connector")
    max_connections   = optional(number)
    backups           = optional(number, 7)
    restored          = optional(string)
  })
  default = {}

  validation {
    condition     = var.database.disk_limit_gb >= var.database.disk_gb
    error_message = "database.disk_limit_gb must be at least database.disk_gb: without a limit, nobody would be told before the disk costs too much."
  }
  validation {
    condition     = contains(["connector", "private"], var.database.network)
    error_message = "database.network must be connector or private."
  }
  validation {
    condition     = alltrue([for name in compact([var.database.restored, var.database.name]) : startswith(name, "aksio-${coalesce(var.environment, "missing")}-db")])
    error_message = "database.restored and database.name must begin with the first instance's name, such as aksio-prod-db-20261126: the functions' grants are for such."
  }
  validation {
    condition     = contains(compact([var.region, var.standby.region]), coalesce(var.database.region, var.region))
    error_message = "database.region must be region or standby.region: there is a network and are functions in no other."
  }
  validation {
    condition     = var.database.backups >= 7
    error_message = "database.backups must be 7 or more: fewer leave no good one when damage is seen after a week."
  }
}

variable "database_people" {
  description = "E-mail addresses of people who may read and write rows, see what others' sessions do and end it, signing in as themselves. The runbooks need somebody."
  type        = set(string)
  default     = []
}

variable "storage" {
  description = "Where buckets are, which is region if null, and how long they keep what nobody wants any more, in days. A multi-region, such as EU, keeps what is there when the region is lost: location holds uploads, static files and the functions' bundles."
  type = object({
    location            = optional(string)
    backups_location    = optional(string)
    soft_delete_days    = optional(number, 7)
    noncurrent_days     = optional(number, 30)
    backups_days        = optional(number, 30)
    backups_locked_days = optional(number, 7)
  })
  default = {}

  validation {
    condition     = var.storage.soft_delete_days == 0 || var.storage.soft_delete_days >= 7 && var.storage.soft_delete_days <= 90
    error_message = "storage.soft_delete_days must be 0 or 7 to 90: Cloud Storage takes no other."
  }
  validation {
    condition     = var.storage.backups_locked_days < var.storage.backups_days
    error_message = "storage.backups_locked_days must be below storage.backups_days: a backup has to be free to go before it is removed."
  }
}

variable "redis" {
  description = "Memorystore for Redis, which counts how often who does what; bills by the hour."
  type = object({
    enabled           = optional(bool, false)
    memory_gb         = optional(number, 1)
    high_availability = optional(bool, false)
  })
  default = {}
}

variable "settings" {
  description = "Further settings of the functions, such as AI_MODEL; README.md of the repository lists them. They reach instances as they start, without a build."
  type        = map(string)
  default     = {}
}

variable "absent_secrets" {
  description = "Secrets that this environment does without; functions then do without what they are for. Without openai-api-key the built-in model answers."
  type        = set(string)
  default     = []

  validation {
    condition     = length(setintersection(var.absent_secrets, ["settings", "token-keys", "token-signing-key"])) == 0
    error_message = "Nothing works without settings, token-keys and token-signing-key: leave them out of absent_secrets."
  }
}

variable "standby" {
  description = "A second region, see runbooks/region-down.md: a replica of the database, and the functions too if asked for. serving makes it the one that serves, and its database the one that is written. name is the replica's, aksio-<environment>-db-standby if null."
  type = object({
    name      = optional(string)
    region    = optional(string)
    functions = optional(bool, false)
    serving   = optional(bool, false)
  })
  default = {}

  validation {
    condition     = var.standby.region != null || !var.standby.functions && !var.standby.serving
    error_message = "standby.functions and standby.serving need standby.region, such as europe-west4."
  }
  validation {
    condition     = startswith(coalesce(var.standby.name, "aksio-${coalesce(var.environment, "missing")}-db"), "aksio-${coalesce(var.environment, "missing")}-db")
    error_message = "standby.name must begin with the first instance's name, such as aksio-prod-db-20261126: the functions' grants are for such."
  }
  validation {
    condition     = var.standby.functions || !var.standby.serving
    error_message = "standby.serving needs standby.functions: a region without functions can't serve."
  }
  validation {
    condition     = var.standby.region != var.region
    error_message = "standby.region must be another than region."
  }
}

variable "registry_dry_run" {
  description = "Only log which images the registry's policies would delete."
  type        = bool
  default     = false
}

variable "github" {
  description = "The repository whose workflows plan and apply, and its owner's number (gh api /users/<owner> --jq .id). Null lets none in."
  type        = object({ repository = string, owner_id = string })
  default     = null

  validation {
    condition     = var.github == null || can(regex("^[A-Za-z0-9-]+/[A-Za-z0-9._-]+$", var.github.repository))
    error_message = "github.repository is owner/name, such as aksio/backend: no address, no .git."
  }
  validation {
    condition     = var.github == null || can(regex("^[0-9]+$", var.github.owner_id))
    error_message = "github.owner_id is a number: gh api /users/<owner> --jq .id says which."
  }
}

variable "alerting" {
  description = "Who is told of alerts, where the playbooks can be read, and from how many tokens of the model in an hour somebody should look."
  type = object({
    emails                = optional(list(string), [])
    repository_url        = optional(string, "https://github.com/aksio/backend")
    model_tokens_per_hour = optional(number, 20000000)
  })
  default = {}

  validation {
    condition     = alltrue([for email in var.alerting.emails : can(regex("^[^@ ]+@[^@ ]+\\.[^@ ]+$", email))])
    error_message = "alerting.emails are addresses, such as oncall@aksio.app."
  }
}

variable "budget" {
  description = "The billing account (gcloud billing accounts list) and what a month may cost in its currency. Null watches nothing; the account that applies then needs no right to billing."
  type        = object({ billing_account = string, amount = number })
  default     = null

  validation {
    condition     = var.budget == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget.billing_account is the account's id, such as 012345-6789AB-CDEF01."
  }
  validation {
    condition     = var.budget == null || length(var.alerting.emails) <= 5
    error_message = "A budget tells five addresses at most: write fewer into alerting.emails, such as a group's, or no budget."
  }
}
