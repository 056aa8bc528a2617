variable "sites" {
  description = "What differs between the sites."
  type = map(object({
    agent  = string
    kernel = object({ url = string, sha256 = string })
    initrd = object({ url = string, sha256 = string })
    hosts = map(object({
      address            = string
      port               = optional(number, 443)
      fingerprint_sha256 = optional(string)
      labels             = optional(map(string), {})
    }))
  }))
}

variable "agent_tokens" {
  description = "The agents' tokens, by site."
  type        = map(string)
  sensitive   = true
  ephemeral   = true
}

variable "bmc_credentials" {
  description = "The BMCs' credentials, by site."
  type        = map(object({ username = string, password = string }))
  sensitive   = true
  ephemeral   = true
}
