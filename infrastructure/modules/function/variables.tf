variable "id" {
  description = "The function's id, which is its name, its service's and its entry point's."
  type        = string
}

variable "region" {
  description = "Where it runs."
  type        = string
}

variable "project_id" {
  description = "The project of its secrets."
  type        = string
}

variable "runtime" {
  description = "Go's version, such as go126."
  type        = string
}

variable "declaration" {
  description = "What functions.json says of it."
  type = object({
    access          = string
    trigger         = string
    memory_mib      = number
    cpu             = number
    concurrency     = number
    timeout_seconds = number
  })
}

variable "bundle" {
  description = "The source's place."
  type        = object({ bucket = string, object = string })
}

variable "rebuild" {
  description = "Another value builds it again; null leaves it as it is."
  type        = string
}

variable "service_account" {
  description = "Address of the account that it runs as."
  type        = string
}

variable "build_account" {
  description = "Full name of the account that it is built as."
  type        = string
}

variable "repository" {
  description = "Full name of the repository for its images."
  type        = string
}

variable "max_instances" {
  description = "As many as may run at the same time."
  type        = number
}

variable "min_instances" {
  description = "How many are kept warm."
  type        = number
}

variable "settings" {
  description = "Settings that are its own, which are in its environment. A change builds it again."
  type        = map(string)
}

variable "secrets" {
  description = "Setting => secret. The newest version's value is in the environment of each instance that starts."
  type        = map(string)
}

variable "ingress" {
  description = "From where calls may come."
  type        = string
}

variable "invokers" {
  description = "Who may call, by a name for each."
  type        = map(string)
}

variable "network" {
  description = "Network that it joins, and whether everything it sends goes through it; null for none."
  type        = object({ name = string, subnetwork = string, everything = bool })
  default     = null
}
